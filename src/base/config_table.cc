#include <algorithm>
#include <limits>
#include <vector>

#include "base/config_def.h"
#include "base/config_values.h"

namespace milena {
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

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  Bytes low_text;
  Bytes high_text;
  Bytes also;  // a value outside that is allowed too
};

// "[1,...]", "[1,...,9]", "[1,...,9] or -1"
Range parse_range(ByteView valid) {
  Range range;
  size_t end = valid.find(']');
  ByteView inside = valid.substr(1, end - 1);
  size_t dots = inside.find(",...");
  range.low_text = inside.substr(0, dots);
  range.low = parse_double(range.low_text).value();
  if (dots + 4 < inside.size()) {
    range.high_text = inside.substr(dots + 5);
    range.high = parse_double(range.high_text).value();
  }
  size_t alternative = valid.find(" or ", end);
  if (alternative != ByteView::npos) range.also = valid.substr(alternative + 4);
  return range;
}

bool any_case(ByteView valid) { return valid.ends_with(" any case"); }

std::vector<Bytes> parse_choices(ByteView valid) { return parse_list(valid.substr(1, valid.find('}') - 1)); }

bool is_choice(ByteView valid, ByteView text) {
  for (const Bytes& choice : parse_choices(valid)) {
    if (any_case(valid) ? equals_ignoring_case(choice, text) : choice == text) return true;
  }
  return false;
}

bool within(const ConfigDef& def, double number, ByteView text) {
  if (def.valid[0] != '[') return true;
  Range range = parse_range(def.valid);
  return (number >= range.low && number <= range.high) || (!range.also.empty() && range.also == text);
}

bool fits_type(ConfigType type, int64_t number) {
  if (type == ConfigType::kShort) return number >= INT16_MIN && number <= INT16_MAX;
  if (type == ConfigType::kInt) return number >= INT32_MIN && number <= INT32_MAX;
  return true;
}

bool is_acceptable(const ConfigDef& def, ByteView text) {
  text = trim_blanks(text);
  switch (def.type) {
    case ConfigType::kBoolean:
      return parse_boolean(text).has_value();
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong: {
      auto number = parse_integer(text);
      return number && fits_type(def.type, *number) && within(def, static_cast<double>(*number), text);
    }
    case ConfigType::kDouble: {
      auto number = parse_double(text);
      return number && within(def, *number, text);
    }
    case ConfigType::kList: {
      std::vector<Bytes> items = parse_list(text);
      if (ByteView(def.valid) == "non-empty" && items.empty()) return false;
      if (def.valid[0] != '{') return true;
      return std::all_of(items.begin(), items.end(), [&](const Bytes& item) { return is_choice(def.valid, item); });
    }
    default:
      if (ByteView(def.valid) == "non-empty") return !text.empty();
      return def.valid[0] != '{' || is_choice(def.valid, text);
  }
}

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

}  // namespace

std::span<const ConfigDef> broker_configs() { return table(); }

const ConfigDef* find_broker_config(ByteView name) {
  const auto& all = table();
  auto place = std::lower_bound(all.begin(), all.end(), name,
                                [](const ConfigDef& def, ByteView wanted) { return ByteView(def.name) < wanted; });
  return place != all.end() && place->name == name ? &*place : nullptr;
}

size_t config_index(const ConfigDef& def) { return static_cast<size_t>(&def - table().data()); }

std::string describe_expected(const ConfigDef& def) {
  ByteView valid = def.valid;
  std::string what;
  switch (def.type) {
    case ConfigType::kBoolean: return "true or false";
    case ConfigType::kInt: what = "an integer"; break;
    case ConfigType::kShort: what = "a small integer"; break;
    case ConfigType::kLong: what = "an integer"; break;
    case ConfigType::kDouble: what = "a number"; break;
    case ConfigType::kList: what = "a list separated by commas"; break;
    default: what = "a text"; break;
  }
  if (valid == "non-empty") return what + " that is not empty";
  if (valid.starts_with("{")) {
    return fmt::format("{}{}", def.type == ConfigType::kList ? "some of " : "one of ",
                       valid.substr(1, valid.find('}') - 1));
  }
  if (valid.starts_with("[")) {
    Range range = parse_range(valid);
    what += range.high_text.empty() ? " of at least " + range.low_text
                                    : " from " + range.low_text + " to " + range.high_text;
    if (!range.also.empty()) what += ", or " + range.also;
  }
  return what;
}

Status check_config_value(const ConfigDef& def, ByteView text) {
  if (is_acceptable(def, text)) return ok_status();
  return make_error(ErrorKind::kInvalid, "expected {}", describe_expected(def));
}

const RemovedConfig* find_removed_config(ByteView name) {
  static constexpr RemovedConfig kRemoved[] = {
      {"zookeeper.connect", "there is no ZooKeeper any more; the metadata lives in the data directory"},
      {"zookeeper.session.timeout.ms", "there is no ZooKeeper any more"},
      {"zookeeper.connection.timeout.ms", "there is no ZooKeeper any more"},
      {"zookeeper.set.acl", "there is no ZooKeeper any more"},
      {"zookeeper.max.in.flight.requests", "there is no ZooKeeper any more"},
      {"broker.id.generation.enable", "set node.id"},
      {"reserved.broker.max.id", "set node.id"},
      {"port", "set listeners"},
      {"host.name", "set listeners"},
      {"advertised.port", "set advertised.listeners"},
      {"advertised.host.name", "set advertised.listeners"},
      {"control.plane.listener.name", "requests of the controller need no listener of their own"},
      {"inter.broker.protocol.version", "metadata.version took its place"},
      {"log.message.format.version", "records are always kept in the newest format"},
      {"log.message.downconversion.enable", "old clients are always served"},
      {"log.message.timestamp.difference.max.ms",
       "set log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms"},
      {"leader.imbalance.per.broker.percentage", "it went with ZooKeeper"},
      {"offsets.commit.required.acks", "offsets are always committed with acks=all"},
      {"delegation.token.master.key", "set delegation.token.secret.key"},
      {"password.encoder.secret", "it went with ZooKeeper"},
      {"group.coordinator.new.enable", "the new group coordinator is the only one"},
  };
  for (const RemovedConfig& removed : kRemoved) {
    if (removed.name == name) return &removed;
  }
  return nullptr;
}

std::string nearest_config_name(ByteView name) {
  // People write the topic's name for the broker's default: retention.ms for log.retention.ms.
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

}  // namespace milena
