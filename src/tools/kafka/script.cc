#include "tools/kafka/script.h"

#include "base/ascii.h"

#include <fmt/format.h>

#include <algorithm>

namespace milena::tools {

void KafkaScript::add_common() {
  options.text("--bootstrap-server", cluster.servers, "host:port,...", "Brokers to ask first.");
  options.text("--command-config", cluster.config_file, "file", "Properties of Kafka's Java clients.");
}

std::optional<int> KafkaScript::renamed(const char* warning, const char* old_name, std::vector<std::string>& old_values,
                                        const char* new_name, std::vector<std::string>& new_values) const {
  if (old_values.empty()) return std::nullopt;
  if (!new_values.empty()) {
    return options.mistake(fmt::format("Options --{} and --{} cannot be specified together.", new_name, old_name));
  }
  fmt::print(fmt::runtime(warning), old_name, new_name);
  new_values = old_values;
  return std::nullopt;
}

std::vector<std::string> split(const std::string& text, char separator, size_t most) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end =
        most != 0 && pieces.size() + 1 == most ? text.size() : std::min(text.find(separator, begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

std::string trimmed(const std::string& text) {
  return std::string(trim_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }));
}

}  // namespace milena::tools
