#include "config/settings_environment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "config/config_def.h"

namespace milena::config {
namespace {

constexpr ByteView kPrefix = "KAFKA_";
constexpr ByteView kBitnamiPrefix = "KAFKA_CFG_";

// Variables for the JVM and for Kafka's scripts, not for the broker.
bool concerns_the_jvm(ByteView name) {
  for (ByteView one : {"VERSION", "HOME", "DEBUG", "DEBUG_SUSPEND_FLAG", "JAVA_DEBUG_PORT", "JAVA_DEBUG_OPTS", "MODE",
                       "OPTS", "SCALA_VERSION", "CLASSPATH"}) {
    if (name == one) return true;
  }
  for (ByteView prefix : {"HEAP_", "JMX_", "JVM_", "GC_", "LOG4J_", "TOOLS_", "JAVA_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return name.ends_with("_OPTS");
}

// Declares something to do at start; not a setting.
bool is_declaration(ByteView name) { return name == "CREATE_TOPICS"; }

// KAFKA_PORT=tcp://10.0.0.1:9092, KAFKA_SERVICE_HOST=10.0.0.1 and the like.
bool is_of_kubernetes(ByteView name, ByteView value) {
  return value.starts_with("tcp://") || value.starts_with("udp://") || name.starts_with("SERVICE_HOST") ||
         name.starts_with("SERVICE_PORT") || name.starts_with("PORT_");
}

bool is_of_bitnami(ByteView variable) {
  return variable.starts_with(kBitnamiPrefix);
}

Bytes key_of_variable(ByteView name) {
  Bytes key;
  while (!name.empty()) {
    size_t underscores = 0;
    while (underscores < 3 && underscores < name.size() && name[underscores] == '_') underscores++;
    switch (underscores) {
      case 0:
        key += static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
        underscores = 1;
        break;
      case 1: key += '.'; break;
      case 2: key += '_'; break;
      default: key += '-'; break;
    }
    name.remove_prefix(underscores);
  }
  return key;
}

}  // namespace

std::vector<EnvironmentSetting> settings_from_environment(const char* const* environment) {
  std::vector<EnvironmentSetting> settings;
  for (; environment != nullptr && *environment != nullptr; environment++) {
    ByteView entry(*environment);
    size_t equals = entry.find('=');
    if (equals == ByteView::npos) continue;
    ByteView variable = entry.substr(0, equals), value = entry.substr(equals + 1);
    if ((variable == "CLUSTER_ID" || variable == "KAFKA_KRAFT_CLUSTER_ID") && !value.empty()) {
      settings.push_back({Bytes(variable), "milena.cluster.id", Bytes(value)});
      continue;
    }
    if (!variable.starts_with(kPrefix)) continue;
    ByteView name = variable.substr(is_of_bitnami(variable) ? kBitnamiPrefix.size() : kPrefix.size());
    if (name.empty() || is_declaration(name) || concerns_the_jvm(name) || is_of_kubernetes(name, value)) continue;
    settings.push_back({Bytes(variable), key_of_variable(name), Bytes(value)});
  }
  std::sort(settings.begin(), settings.end(), [](const auto& a, const auto& b) {
    bool first = is_of_bitnami(a.variable), second = is_of_bitnami(b.variable);
    return first != second ? first : a.variable < b.variable;
  });
  return settings;
}

std::string unused_environment_warning(const std::vector<EnvironmentSetting>& settings) {
  std::vector<Bytes> names;
  for (const EnvironmentSetting& setting : settings) {
    if (find_broker_config(setting.key) != nullptr) names.push_back(setting.variable);
  }
  if (names.empty()) return {};
  return fmt::format("the environment has {}, which {} ignored; start with --env if {} should count",
                     fmt::join(names, ", "), names.size() == 1 ? "is" : "are", names.size() == 1 ? "it" : "they");
}

}  // namespace milena::config
