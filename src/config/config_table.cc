#include <algorithm>
#include <vector>

#include "config/config_def.h"

namespace milena::config {
namespace {

std::vector<ConfigDef> make_table() {
  std::vector<ConfigDef> all;
  for (auto rows : {config_rows_node(), config_rows_network(), config_rows_log(), config_rows_groups(),
                    config_rows_security(), config_rows_operations()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  std::sort(all.begin(), all.end(), [](const ConfigDef& a, const ConfigDef& b) { return ByteView(a.name) < b.name; });
  for (size_t i = 1; i < all.size(); i++) {
    CHECK(ByteView(all[i - 1].name) != all[i].name, "two rows for {}", all[i].name);
  }
  return all;
}

const std::vector<ConfigDef>& table() {
  static const std::vector<ConfigDef> kTable = make_table();
  return kTable;
}

}  // namespace

size_t edit_distance(ByteView a, ByteView b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) row[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1] ? 1 : 0)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::span<const ConfigDef> broker_configs() { return table(); }

const ConfigDef* find_broker_config(ByteView name) {
  const auto& all = table();
  auto place = std::lower_bound(all.begin(), all.end(), name,
                                [](const ConfigDef& def, ByteView wanted) { return ByteView(def.name) < wanted; });
  return place != all.end() && place->name == name ? &*place : nullptr;
}

size_t config_index(const ConfigDef& def) { return static_cast<size_t>(&def - table().data()); }

const RemovedConfig* find_removed_config(ByteView name) {
  static constexpr RemovedConfig kRemoved[] = {
      {"zookeeper.connect", "ZooKeeper was removed; the metadata is in the data directory"},
      {"zookeeper.session.timeout.ms", "ZooKeeper was removed"},
      {"zookeeper.connection.timeout.ms", "ZooKeeper was removed"},
      {"zookeeper.set.acl", "ZooKeeper was removed"},
      {"zookeeper.max.in.flight.requests", "ZooKeeper was removed"},
      {"broker.id.generation.enable", "set node.id"},
      {"reserved.broker.max.id", "set node.id"},
      {"port", "set listeners"},
      {"host.name", "set listeners"},
      {"advertised.port", "set advertised.listeners"},
      {"advertised.host.name", "set advertised.listeners"},
      {"control.plane.listener.name", "requests of the controller need no separate listener"},
      {"inter.broker.protocol.version", "metadata.version replaces it"},
      {"log.message.format.version", "records are always kept in the newest format"},
      {"log.message.downconversion.enable", "old clients are always served"},
      {"log.message.timestamp.difference.max.ms",
       "set log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms"},
      {"leader.imbalance.per.broker.percentage", "it was removed with ZooKeeper"},
      {"offsets.commit.required.acks", "offsets are always committed with acks=all"},
      {"delegation.token.master.key", "set delegation.token.secret.key"},
      {"password.encoder.secret", "it was removed with ZooKeeper"},
      {"group.coordinator.new.enable", "the new group coordinator is the only one"},
  };
  for (const RemovedConfig& removed : kRemoved) {
    if (removed.name == name) return &removed;
  }
  return nullptr;
}

std::string nearest_config_name(ByteView name) {
  // People use the topic's name for the broker's default: retention.ms for log.retention.ms.
  Bytes with_prefix = "log." + Bytes(name);
  if (find_broker_config(with_prefix)) return with_prefix;
  std::string best;
  size_t best_distance = std::max<size_t>(2, name.size() / 4) + 1;
  for (const ConfigDef& def : table()) {
    size_t distance = edit_distance(name, def.name);
    if (distance < best_distance) {
      best_distance = distance;
      best = def.name;
    }
  }
  return best;
}

const char* config_type_name(ConfigType type) {
  switch (type) {
    case ConfigType::kBoolean: return "boolean";
    case ConfigType::kString: return "string";
    case ConfigType::kInt: return "int";
    case ConfigType::kShort: return "short";
    case ConfigType::kLong: return "long";
    case ConfigType::kDouble: return "double";
    case ConfigType::kList: return "list";
    case ConfigType::kClass: return "class";
    case ConfigType::kPassword: return "password";
  }
  return "";
}

const char* config_scope_name(ConfigScope scope) {
  switch (scope) {
    case ConfigScope::kReadOnly: return "read-only";
    case ConfigScope::kPerBroker: return "per-broker";
    case ConfigScope::kClusterWide: return "cluster-wide";
  }
  return "";
}

}  // namespace milena::config
