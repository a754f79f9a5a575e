#include "tools/kafka/config_entities.h"

#include <algorithm>
#include <set>

namespace milena::tools {
namespace {

struct Kind {
  const char* type;
  const char* option;
  const char* value;
  const char* help;
  const char* defaults_option;  // null: it has no defaults of its own
};
constexpr Kind kKinds[] = {
    {"topics", "--topic", "topic", "Configs of a topic.", nullptr},
    {"clients", "--client", "client id", "Quotas of a client id.", "--client-defaults"},
    {"users", "--user", "user", "Quotas of a user.", "--user-defaults"},
    {"brokers", "--broker", "broker id", "Configs of a broker.", "--broker-defaults"},
    {"broker-loggers", "--broker-logger", "broker id", "Log levels of a broker.", nullptr},
    {"ips", "--ip", "address", "Quotas of an address.", "--ip-defaults"},
    {"client-metrics", "--client-metrics", "name", "A subscription to clients' metrics.", nullptr},
    {"groups", "--group", "group", "Configs of a group.", nullptr},
};

}  // namespace

void EntityOptions::add_to(Options& options) {
  for (const Kind& kind : kKinds) {
    options.text(kind.option, named[kind.type], kind.value, kind.help);
    if (kind.defaults_option == nullptr) continue;
    options.flag(kind.defaults_option, defaults[kind.type], "The default for all.");
  }
  options.texts("--entity-type", types, "type",
                "topics, clients, users, brokers, broker-loggers, ips, client-metrics or groups.");
  options.texts("--entity-name", names, "name", "The entity's name.");
  options.flag("--entity-default", entity_default, "The default for all of that type.");
}

std::optional<ConfigKind> ConfigEntity::resource() const {
  if (type == "topics") return ConfigKind::kTopic;
  if (type == "brokers") return ConfigKind::kBroker;
  if (type == "broker-loggers") return ConfigKind::kBrokerLogger;
  if (type == "client-metrics") return ConfigKind::kClientMetrics;
  if (type == "groups") return ConfigKind::kGroup;
  return std::nullopt;
}

bool is_quota_entity(const std::string& type) {
  return type == "users" || type == "clients" || type == "ips";
}

Result<std::vector<ConfigEntity>> EntityOptions::entities() const {
  std::vector<ConfigEntity> found;
  for (const std::string& type : types) {
    bool known = std::any_of(std::begin(kKinds), std::end(kKinds), [&](const Kind& kind) { return type == kind.type; });
    if (!known) {
      return make_error(
          ErrorKind::kInvalid,
          "Invalid entity type {}, the entity type must be one of topics, clients, users, brokers, ips, "
          "client-metrics, groups, broker-loggers with a --bootstrap-server or --bootstrap-controller argument",
          type);
    }
    found.push_back({type, std::nullopt});
  }
  if (names.size() + (entity_default ? 1 : 0) > found.size() && !found.empty()) {
    return make_error(ErrorKind::kInvalid, "More entity names specified than entity types");
  }
  for (size_t i = 0; i < names.size() && i < found.size(); i++) found[i].name = names[i];
  if (entity_default && names.size() < found.size()) found[names.size()].name = "";
  bool by_flag = false;
  for (const Kind& kind : kKinds) {
    const auto& name = named.at(kind.type);
    bool is_default = kind.defaults_option != nullptr && defaults.at(kind.type);
    if (!name && !is_default) continue;
    by_flag = true;
    found.push_back({kind.type, name ? *name : ""});
  }
  if (by_flag && (!types.empty() || !names.empty() || entity_default)) {
    return make_error(ErrorKind::kInvalid,
                      "--entity-{{type,name,default}} should not be used in conjunction with "
                      "specific entity flags");
  }
  if (found.empty()) return make_error(ErrorKind::kInvalid, "At least one entity type must be specified");
  std::set<std::string> kinds;
  for (const ConfigEntity& entity : found) {
    if (!kinds.insert(entity.type).second) {
      return make_error(ErrorKind::kInvalid, "Duplicate entity type(s) specified: {}", entity.type);
    }
  }
  if (found.size() > 1 && kinds != std::set<std::string>{"users", "clients"}) {
    return make_error(ErrorKind::kInvalid, "Only 'users' and 'clients' entity types may be specified together");
  }
  return found;
}

}  // namespace milena::tools
