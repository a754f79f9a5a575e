// Shared by the replacements for Kafka's scripts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/cluster.h"
#include "tools/options.h"

namespace milena::tools {

struct KafkaScript {
  Options options;
  ClusterOptions cluster;

  KafkaScript(std::string name, std::string summary, std::string usage)
      : options(Options::Style::kKafka, std::move(name), std::move(summary), std::move(usage)) {}
  // --bootstrap-server, --command-config, --help, --version.
  void add_common();
  // Values of an option's old name are taken for the new one, with a warning (of the two names). The exit code if both
  // were given.
  std::optional<int> renamed(const char* warning, const char* old_name, std::vector<std::string>& old_values,
                             const char* new_name, std::vector<std::string>& new_values) const;
};

// Splits at each `separator`, into at most `most` pieces if that is not 0.
std::vector<std::string> split(const std::string& text, char separator, size_t most = 0);
std::string trimmed(const std::string& text);

}  // namespace milena::tools
