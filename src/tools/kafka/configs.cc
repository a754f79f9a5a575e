// kafka-configs.sh: options, output and exit codes of Kafka's ConfigCommand. Quotas are in configs_quotas.cc.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "tools/admin.h"
#include "tools/commands.h"
#include "tools/group_admin.h"
#include "tools/kafka/config_entities.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

struct ConfigsScript {
  KafkaScript script{"kafka-configs.sh", "Describes and alters configs of topics, brokers, groups, and quotas.",
                     "--bootstrap-server <host:port> --describe|--alter --topic <topic> [options]"};
  bool alter = false, describe = false, all = false;
  std::optional<std::string> add_config, add_file, controllers;
  std::vector<std::string> delete_configs;
  EntityOptions entity_options;
  std::vector<ConfigEntity> entities;
  std::unique_ptr<Cluster> cluster;

  ConfigsScript();
  std::optional<int> check();
  Status take_configs(std::map<std::string, std::string>& set, std::vector<std::string>& remove) const;
  Status describe_entities();
  Result<std::vector<std::string>> names_to_describe(const ConfigEntity& entity);
  Result<bool> is_there(const ConfigEntity& entity);
  Status alter_entities();
};

ConfigsScript::ConfigsScript() {
  Options& options = script.options;
  options.flag("--describe", describe, "Lists the configs that were set.");
  options.flag("--alter", alter, "Changes configs.");
  options.flag("--all", all, "With --describe: configs that were not set, too.");
  options.text("--add-config", add_config, "k=v,k=[a,b]", "What to set.");
  options.text("--add-config-file", add_file, "file", "File with configs to set.");
  options.texts("--delete-config", delete_configs, "k,k", "Configs to reset to the default.");
  entity_options.add_to(options);
  options.text("--bootstrap-controller", controllers, "host:port", "The controller instead of a broker.");
  script.add_common();
}

std::optional<int> ConfigsScript::check() {
  const Options& options = script.options;
  if (alter + describe != 1) return options.mistake("Command must include exactly one action: --describe, --alter");
  auto fail = [](const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    return std::optional<int>(1);
  };
  if (controllers && script.cluster.servers.empty())
    script.cluster.servers = *controllers;
  else if (controllers)
    return fail("Only one of --bootstrap-server or --bootstrap-controller can be specified");
  if (script.cluster.servers.empty())
    return fail("Either --bootstrap-server or --bootstrap-controller must be specified.");
  auto found = entity_options.entities();
  if (!found.ok()) return fail(found.error().message);
  entities = found.take();
  if (!alter) return std::nullopt;
  if (add_config && add_file) return fail("Only one of --add-config or --add-config-file must be specified");
  if (!add_config && !add_file && delete_configs.empty()) {
    return fail("At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter");
  }
  for (const ConfigEntity& entity : entities) {
    bool may_be_default = is_quota_entity(entity.type) || entity.type == "brokers";
    if (entity.name && (may_be_default || !entity.name->empty())) continue;
    if (may_be_default) {
      return fail("An entity-name or default entity must be specified with --alter of users, clients, brokers or ips");
    }
    return fail(fmt::format("An entity name must be specified with --alter of {}", entity.type));
  }
  return std::nullopt;
}

// "k=v,k2=[a,b]": commas within brackets do not separate.
std::vector<std::string> split_outside_brackets(const std::string& text, char separator) {
  std::vector<std::string> pieces(1);
  int depth = 0;
  for (char c : text) {
    if (c == '[') depth++;
    if (c == ']') depth--;
    if (c == separator && depth <= 0)
      pieces.emplace_back();
    else
      pieces.back() += c;
  }
  return pieces;
}

Status ConfigsScript::take_configs(std::map<std::string, std::string>& set, std::vector<std::string>& remove) const {
  if (add_file) {
    auto read = read_properties(*add_file);
    RETURN_IF_ERROR(read);
    set = read.take();
  }
  if (add_config) {
    for (const std::string& pair : split_outside_brackets(*add_config, ',')) {
      const std::vector<std::string> both = split_outside_brackets(pair, '=');
      if (both.size() != 2) {
        return make_error(ErrorKind::kInvalid,
                          "requirement failed: Invalid entity config: all configs to be added must "
                          "be in the format \"key=val\" or  \"key=[val1,val2]\" to group values "
                          "which contain commas.");
      }
      std::string value = trimmed(both[1]);
      std::erase_if(value, [](char c) { return c == '[' || c == ']'; });
      set[trimmed(both[0])] = trimmed(value);
    }
  }
  for (const auto& [key, value] : set) {
    bool fine = std::all_of(key.begin(), key.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("$._-").find(c) != std::string_view::npos;
    });
    if (!fine) return make_error(ErrorKind::kInvalid, "Invalid character found for config key: {}", key);
  }
  for (const std::string& keys : delete_configs) {
    for (const std::string& key : split(keys, ',')) remove.push_back(trimmed(key));
  }
  return ok_status();
}

Result<bool> ConfigsScript::is_there(const ConfigEntity& entity) {
  const std::string& name = *entity.name;
  std::vector<std::string> names;
  if (entity.type == "topics") {
    auto found = list_topics(*cluster);
    RETURN_IF_ERROR(found);
    names = found.take();
  } else if (entity.type == "brokers" || entity.type == "broker-loggers") {
    auto found = cluster->metadata({});
    RETURN_IF_ERROR(found);
    names.emplace_back();
    for (const auto& broker : found->brokers) names.push_back(std::to_string(broker.node_id));
  } else {
    auto found = list_config_resources(*cluster, *entity.resource());
    RETURN_IF_ERROR(found);
    names = found.take();
    if (entity.type == "groups") {
      auto groups = list_groups(*cluster);
      RETURN_IF_ERROR(groups);
      for (const GroupListing& group : *groups) names.push_back(group.name);
    }
  }
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<std::vector<std::string>> ConfigsScript::names_to_describe(const ConfigEntity& entity) {
  if (entity.name) return std::vector<std::string>{*entity.name};
  if (entity.type == "topics") return list_topics(*cluster);
  std::vector<std::string> names;
  if (entity.type == "brokers" || entity.type == "broker-loggers") {
    auto found = cluster->metadata({});
    RETURN_IF_ERROR(found);
    for (const auto& broker : found->brokers) names.push_back(std::to_string(broker.node_id));
    names.emplace_back();
    return names;
  }
  auto found = list_config_resources(*cluster, *entity.resource());
  if (!found.ok() || entity.type != "groups") return found;
  names = found.take();
  auto groups = list_groups(*cluster);
  RETURN_IF_ERROR(groups);
  for (const GroupListing& group : *groups) names.push_back(group.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

const char* source_name(int8_t source) {
  constexpr const char* kNames[] = {"UNKNOWN",
                                    "DYNAMIC_TOPIC_CONFIG",
                                    "DYNAMIC_BROKER_CONFIG",
                                    "DYNAMIC_DEFAULT_BROKER_CONFIG",
                                    "STATIC_BROKER_CONFIG",
                                    "DEFAULT_CONFIG",
                                    "DYNAMIC_BROKER_LOGGER_CONFIG",
                                    "DYNAMIC_CLIENT_METRICS_CONFIG",
                                    "DYNAMIC_GROUP_CONFIG"};
  return source >= 0 && static_cast<size_t>(source) < std::size(kNames) ? kNames[source] : "UNKNOWN";
}

int8_t dynamic_source(const std::string& type, const std::string& name) {
  if (type == "topics") return kTopicSource;
  if (type == "brokers") return name.empty() ? kDefaultBrokerSource : kBrokerSource;
  if (type == "client-metrics") return kClientMetricsSource;
  return type == "groups" ? kGroupSource : -1;  // for loggers all are shown
}

Status ConfigsScript::describe_entities() {
  const ConfigEntity& entity = entities.front();
  if (is_quota_entity(entity.type)) return describe_quotas(*cluster, entities);
  std::string singular = entity.type.substr(0, entity.type.size() - 1);
  if (!all && entity.name) {
    Result<bool> there = is_there(entity);
    RETURN_IF_ERROR(there);
    if (!*there) {
      fmt::print("The {} '{}' doesn't exist and doesn't have dynamic config.\n", singular, *entity.name);
      return ok_status();
    }
  }
  auto names = names_to_describe(entity);
  RETURN_IF_ERROR(names);
  for (const std::string& name : *names) {
    if (name.empty())
      fmt::print("Default configs for {} in the cluster are:\n", entity.type);
    else
      fmt::print("{} configs for {} {} are:\n", all ? "All" : "Dynamic", singular, name);
    auto found = describe_configs(*cluster, *entity.resource(), name);
    RETURN_IF_ERROR(found);
    int8_t wanted = all ? int8_t{-1} : dynamic_source(entity.type, name);
    for (const ConfigEntry& entry : *found) {
      if (wanted >= 0 && entry.config_source != wanted) continue;
      std::vector<std::string> synonyms;
      for (const auto& one : entry.synonyms) {
        synonyms.push_back(fmt::format("{}:{}={}", source_name(one.source), one.name, one.value.value_or("null")));
      }
      fmt::print("  {}={} sensitive={} synonyms={{{}}}\n", entry.name, entry.value.value_or("null"), entry.is_sensitive,
                 fmt::join(synonyms, ", "));
    }
  }
  return ok_status();
}

Status ConfigsScript::alter_entities() {
  std::map<std::string, std::string> set;
  std::vector<std::string> remove;
  RETURN_IF_ERROR(take_configs(set, remove));
  const ConfigEntity& entity = entities.front();
  if (is_quota_entity(entity.type) && names_scram(set, remove)) {
    RETURN_IF_ERROR(alter_passwords(*cluster, entities, set, remove));
  } else if (is_quota_entity(entity.type)) {
    RETURN_IF_ERROR(alter_quotas(*cluster, entities, set, remove));
  } else {
    RETURN_IF_ERROR(alter_configs(*cluster, *entity.resource(), *entity.name, set, remove));
  }
  if (entity.name->empty()) {
    fmt::print("Completed updating default config for {} in the cluster.\n", entity.type);
  } else {
    fmt::print("Completed updating config for {} {}.\n", entity.type.substr(0, entity.type.size() - 1), *entity.name);
  }
  return ok_status();
}

}  // namespace

int run_kafka_configs(ToolWords words) {
  ConfigsScript configs;
  if (auto code = configs.script.options.parse(words)) return *code;
  if (auto code = configs.check()) return *code;
  auto cluster = Cluster::open(configs.script.cluster);
  Status done = ok_status();
  if (cluster.ok()) {
    configs.cluster = cluster.take();
    done = configs.alter ? configs.alter_entities() : configs.describe_entities();
  } else {
    done = cluster.error();
  }
  if (done.ok()) return 0;
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return 1;
}

}  // namespace milena::tools
