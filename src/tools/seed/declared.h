// Things declared in the settings and the environment, created before the broker is ready: the seed files of
// milena.seed.file, those of /docker-entrypoint-initdb.d, and the topics of KAFKA_CREATE_TOPICS.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "tools/seed/seed_file.h"

namespace milena::tools {

struct Declared {
  // By their names in messages: "Seed file PATH".
  std::vector<std::pair<std::string, Seed>> seeds;
  std::vector<NewTopic> topics;                     // of KAFKA_CREATE_TOPICS

  bool empty() const { return seeds.empty() && topics.empty(); }
};

// Reads the files, without a broker. `environment`: the image's conventions apply, too.
Result<Declared> read_declared(const config::Settings& settings, bool environment);
// Uses a connection with all permissions. Applied seeds are recorded in the first of log.dirs.
Status make_declared(const Declared& declared, const config::Settings& settings, FrameExchange exchange);

}  // namespace milena::tools
