#include "tools/seed/declared.h"

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "base/log.h"
#include "tools/seed/apply_seed.h"
#include "tools/seed/declared_topics.h"

namespace milena::tools {
namespace {

// The convention of images that run scripts there at their first start.
constexpr const char* kImageDirectory = "/docker-entrypoint-initdb.d";

// In the order of their names.
std::vector<std::string> files_of_image() {
  std::vector<std::string> paths;
  if (!posix_file_system().exists(kImageDirectory)) return paths;
  Result<std::vector<std::string>> names = posix_file_system().list(kImageDirectory);
  if (!names.ok()) {
    log_warn("{} cannot be read and is ignored: {}", kImageDirectory, names.error().message);
    return paths;
  }
  for (const std::string& name : *names) {
    if (name.ends_with(".yaml") || name.ends_with(".yml")) {
      paths.push_back(std::string(kImageDirectory) + "/" + name);
    } else {
      log_warn("{}/{} is ignored: expected a seed file, name.yaml", kImageDirectory, name);
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

Result<Declared> read_declared(const config::Settings& settings, bool environment) {
  Declared declared;
  std::vector<std::string> paths = settings.get_list("milena.seed.file");
  if (environment) {
    for (std::string& path : files_of_image()) paths.push_back(std::move(path));
    const char* text = std::getenv("KAFKA_CREATE_TOPICS");
    auto topics = parse_declared_topics(text == nullptr ? "" : text);
    RETURN_IF_ERROR(topics);
    declared.topics = topics.take();
  }
  for (const std::string& path : paths) {
    Result<Seed> seed = read_seed(path);
    RETURN_IF_ERROR(seed);
    declared.seeds.emplace_back("Seed file " + path, seed.take());
  }
  if (!declared.empty() && !settings.has_role("broker")) {
    return make_error(ErrorKind::kInvalid, "{}: expected process.roles with broker, to create its resources",
                      declared.seeds.empty() ? "KAFKA_CREATE_TOPICS" : declared.seeds.front().first);
  }
  return declared;
}

Status make_declared(const Declared& declared, const config::Settings& settings, FrameExchange exchange) {
  if (declared.empty()) return ok_status();
  ClusterOptions options;
  options.servers = "localhost:1";  // not connected to
  options.transport = transport_over(std::move(exchange));
  auto cluster = Cluster::open(options);
  RETURN_IF_ERROR(cluster);
  const std::string directory = settings.get_list("log.dirs").front();
  for (const auto& [name, seed] : declared.seeds) {
    if (is_seed_applied(directory, seed)) {
      log_info("{}: already applied", name);
      continue;
    }
    const Status applied = apply_seed(**cluster, seed);
    if (!applied.ok()) return make_error(applied.error().kind, "{}: {}", name, applied.error().message);
    RETURN_IF_ERROR(note_seed_applied(directory, seed));
    log_info("{}: applied", name);
  }
  return create_declared_topics(**cluster, declared.topics);
}

}  // namespace milena::tools
