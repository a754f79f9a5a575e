// milena configs: configs of topics, brokers, groups, loggers and client metrics.
#include <fmt/format.h>

#include <algorithm>

#include "tools/admin.h"
#include "tools/kafka/config_entities.h"
#include "tools/output.h"
#include "tools/own/own.h"

namespace milena::tools {
namespace {

struct ConfigsCommand : OwnCommand {
  std::string kind, name;
  std::vector<std::string> changes;
  bool all = false;

  ConfigsCommand()
      : OwnCommand("configs", "Shows and changes configs.", "KIND [NAME] [--all]\nKIND NAME KEY=VALUE... KEY-...") {
    options.word("kind", kind, "topic, broker, logger, group or client-metrics.");
    options.word("name", name, "Resource name; for broker, without it, the defaults of all brokers.");
    options.words("change", changes, "KEY=VALUE sets a config; KEY- resets it to the default.");
    options.flag("-a,--all", all, "Shows configs that were not set, too.");
    add_common();
    options.example("milena configs topic orders");
    options.example("milena configs topic orders retention.ms=86400000 cleanup.policy-");
    options.example("milena configs broker 1 --all");
  }

  Status work(Cluster& cluster);
};

Status ConfigsCommand::work(Cluster& cluster) {
  if (!kind.empty() && kind.back() != 's') kind += 's';
  if (kind == "loggers") kind = "broker-loggers";
  std::optional<ConfigKind> resource = ConfigEntity{kind, name}.resource();
  if (!resource) return usage_error("configs {}: expected topic, broker, logger, group or client-metrics", kind);
  if (name.find('=') != std::string::npos) {
    changes.insert(changes.begin(), name);
    name.clear();
  }
  if (name.empty() && *resource != ConfigKind::kBroker) return usage_error("configs {}: expected a name", kind);
  std::map<std::string, std::string> set;
  std::vector<std::string> remove;
  for (const std::string& change : changes) {
    if (change.find('=') == std::string::npos && change.ends_with("-")) {
      remove.push_back(change.substr(0, change.size() - 1));
    } else {
      Status added = add_properties({change}, set);
      if (!added.ok()) return usage_error("{}: expected KEY=VALUE or KEY-", change);
    }
  }
  if (!changes.empty()) return alter_configs(cluster, *resource, name, set, remove);
  auto found = describe_configs(cluster, *resource, name);
  RETURN_IF_ERROR(found);
  Table table({"CONFIG", "VALUE$", "FROM"});
  for (const ConfigEntry& entry : *found) {
    bool own = entry.config_source != kDefaultSource && entry.config_source != kStaticSource;
    if (!own && !all) continue;
    const char* from = own ? "set" : entry.config_source == kStaticSource ? "settings" : "default";
    table.row({entry.name, entry.is_sensitive ? "(hidden)" : entry.value.value_or("-"), from});
  }
  table.print(json);
  return ok_status();
}

}  // namespace

int run_configs(ToolWords words) {
  ConfigsCommand configs;
  return configs.run(words, [&](Cluster& cluster) { return configs.work(cluster); });
}

}  // namespace milena::tools
