#include "config/broker_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "config/config_listeners.h"
#include "config/config_values.h"

namespace milena::config {
namespace {

using Synonym = DescribedConfig::Synonym;

// "listener.name.<listener>.<name>": the setting of one listener. Empty for other names.
ByteView name_without_listener(ByteView name) {
  constexpr ByteView kPrefix = "listener.name.";
  if (!name.starts_with(kPrefix)) return {};
  const size_t dot = name.find('.', kPrefix.size());
  return dot == ByteView::npos ? ByteView() : name.substr(dot + 1);
}

// Settings with the same meaning in other units, highest precedence first (Kafka's brokerConfigSynonyms).
std::vector<ByteView> family_of(ByteView name) {
  static const std::vector<std::vector<ByteView>> kFamilies{
      {"log.roll.ms", "log.roll.hours"},
      {"log.roll.jitter.ms", "log.roll.jitter.hours"},
      {"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
  };
  for (const auto& family : kFamilies) {
    if (std::find(family.begin(), family.end(), name) != family.end()) return family;
  }
  if (name == "log.flush.interval.ms") return {name, "log.flush.scheduler.interval.ms"};
  if (const ByteView base = name_without_listener(name); !base.empty()) return {name, base};
  return {name};
}

// An unknown setting may be secret.
bool is_sensitive(ByteView name) {
  const ConfigDef* def = find_broker_config(name);
  if (def == nullptr) {
    const ByteView base = name_without_listener(name);
    // As in Kafka, where listener.name.x.sasl.plain.sasl.jaas.config is a setting of the mechanism.
    def = base.empty() ? nullptr : find_broker_config(base);
  }
  return def == nullptr || def->type == ConfigType::kPassword;
}

const ConfigDef* row_of(ByteView name) {
  if (const ConfigDef* def = find_broker_config(name)) return def;
  const ByteView base = name_without_listener(name);
  return base.empty() ? nullptr : find_broker_config(base);
}

DescribedConfig described(ByteView name, std::vector<Synonym> synonyms) {
  DescribedConfig one;
  one.def = row_of(name);
  one.name = name;
  one.sensitive = is_sensitive(name);
  const ConfigDef* own = find_broker_config(name);
  one.read_only = own == nullptr || own->scope == ConfigScope::kReadOnly;
  const auto first =
      std::find_if(synonyms.begin(), synonyms.end(), [&](const Synonym& each) { return each.name == name; });
  synonyms.erase(synonyms.begin(), first);
  one.synonyms = std::move(synonyms);
  if (one.sensitive) {
    for (Synonym& synonym : one.synonyms) synonym.value.reset();
  }
  take_source_of_first_synonym(one);
  return one;
}

void add_altered(const ConfigMap& altered, ByteView name, ConfigSource source, std::vector<Synonym>& out) {
  if (const auto found = altered.find(name); found != altered.end())
    out.push_back({Bytes(name), found->second, source});
}

// In Kafka these are not settings of a broker, but dynamic configs: none of them has a default
// (QuotaConfig.brokerQuotaConfigs).
bool is_dynamic_only(ByteView name) {
  return name == "leader.replication.throttled.rate" || name == "follower.replication.throttled.rate" ||
         name == "replica.alter.log.dirs.io.max.bytes.per.second";
}

DescribedConfig describe(const BrokerLayers& layers, const Settings& effective, ByteView name) {
  std::vector<Synonym> all;
  const std::vector<ByteView> family = family_of(name);
  for (const ByteView each : family) add_altered(layers.for_this, each, ConfigSource::kDynamicBroker, all);
  for (const ByteView each : family) add_altered(layers.for_all, each, ConfigSource::kDynamicDefaultBroker, all);
  for (const ByteView each : family) {
    if (auto set = layers.start.explicit_text(each)) {
      all.push_back({Bytes(each), std::move(*set), ConfigSource::kStaticBroker});
    }
  }
  for (const ByteView each : family) {
    const ConfigDef* def = find_broker_config(each);
    if (def != nullptr && def->default_value != nullptr && !is_dynamic_only(each)) {
      all.push_back({Bytes(each), def->default_value, ConfigSource::kDefault});
    }
  }
  DescribedConfig one = described(name, std::move(all));
  if (one.sensitive) return one;
  if (const ConfigDef* def = find_broker_config(name)) {
    if (const auto& text = effective.text(name)) one.value = canonical_config_value(*def, *text);
  } else if (!one.synonyms.empty()) {
    one.value = one.synonyms.front().value;
  }
  return one;
}

// --- validation

using Names = std::vector<ByteView>;

std::optional<ConfigError> refuse_names(const Names& names, ByteView why) {
  if (names.empty()) return std::nullopt;
  return ConfigError{fmt::format("{}: [{}]", why, fmt::join(names, ", ")), ErrorCode::kInvalidRequest};
}

// Key stores are reloaded on a change, but only those of a listener.
bool needs_listener(ByteView name) {
  return name.starts_with("ssl.keystore.") || name.starts_with("ssl.truststore.") || name == "ssl.key.password" ||
         name == "ssl.engine.factory.class";
}

bool is_per_broker(ByteView name) {
  if (const ConfigDef* def = find_broker_config(name)) return def->scope == ConfigScope::kPerBroker;
  const ByteView base = name_without_listener(name);
  if (base.empty()) return false;
  return base != "max.connections" && base != "max.connection.creation.rate" && base != "num.network.threads";
}

template <class Predicate>
Names names_that(const ConfigMap& configs, Predicate predicate) {
  Names names;
  for (const auto& [name, value] : configs) {
    if (predicate(ByteView(name))) names.push_back(name);
  }
  return names;
}

std::optional<ConfigError> check_values(const ConfigMap& configs) {
  for (const auto& [name, value] : configs) {
    const ConfigDef* def = row_of(name);
    if (def == nullptr) continue;
    if (auto complaint = config_complaint(*def, value))
      return ConfigError{std::move(*complaint), ErrorCode::kInvalidRequest};
    // No Java classes exist here, except the names of built-in parts.
    const bool classes = def->type == ConfigType::kClass || name == "metric.reporters";
    if (classes && !trim_blanks(value).empty() && trim_blanks(value) != default_text(*def)) {
      return ConfigError{fmt::format("Invalid value {} for configuration {}: Class {} could not be found.",
                                     trim_blanks(value), name, trim_blanks(value)), ErrorCode::kInvalidRequest};
    }
  }
  return std::nullopt;
}

// The size of a thread pool may at most be halved or doubled at a time.
constexpr std::array kThreadCounts{
    ByteView("num.io.threads"), ByteView("num.network.threads"), ByteView("num.replica.fetchers"),
    ByteView("num.recovery.threads.per.data.dir"), ByteView("background.threads")};

Bytes thread_complaint(const Settings& before, const Settings& after) {
  for (const ByteView name : kThreadCounts) {
    const int32_t old_count = before.get_int(name), count = after.get_int(name);
    const Bytes what =
        fmt::format("Dynamic thread count update validation failed for {}={}, value should ", name, count);
    if (count < old_count / 2) return what + fmt::format("be at least half the current value {}", old_count);
    if (count > old_count * 2) return what + fmt::format("not be greater than double the current value {}", old_count);
  }
  const int32_t cleaners = before.get_int("log.cleaner.threads"), wanted = after.get_int("log.cleaner.threads");
  if (wanted < cleaners / 2) {
    return fmt::format("Log cleaner threads cannot be reduced to less than half the current value {}", cleaners);
  }
  if (wanted > cleaners * 2) {
    return fmt::format("Log cleaner threads cannot be increased to more than double the current value {}", cleaners);
  }
  return {};
}

// 0 is allowed only in the file.
Bytes connection_rate_complaint(const Settings& after) {
  const int32_t rate = after.get_int("max.connection.creation.rate");
  return rate > 0 ? Bytes() : fmt::format("Invalid max.connection.creation.rate {}", rate);
}

// Local retention must be within the total, if both are set.
Bytes local_retention_complaint(const Settings& after) {
  const auto check = [&](ByteView local, ByteView whole, int64_t limit) -> Bytes {
    const int64_t value = after.get_long(local);
    if (value == -2 || limit == -1) return {};
    const bool more = value == -1 || value > limit;
    if (!more) return {};
    return fmt::format("Invalid value {} for configuration {}: Value must not be more than {} property value: {}",
                       value, local, whole, limit);
  };
  int64_t retention_ms = after.get_long("log.retention.hours") * 3'600'000;
  if (!after.is_null("log.retention.minutes")) retention_ms = after.get_long("log.retention.minutes") * 60'000;
  if (!after.is_null("log.retention.ms")) retention_ms = after.get_long("log.retention.ms");
  if (retention_ms < 0) retention_ms = -1;
  Bytes complaint = check("log.local.retention.ms", "log.retention.ms", retention_ms);
  if (complaint.empty()) {
    complaint = check("log.local.retention.bytes", "log.retention.bytes", after.get_long("log.retention.bytes"));
  }
  return complaint;
}

// In Kafka, complaints of the parts being reconfigured reach the client inside the text of another exception.
Bytes reconfiguration_complaint(const Bytes& complaint) {
  if (complaint.empty()) return complaint;
  return fmt::format(
      "Invalid value org.apache.kafka.common.config.ConfigException: {} for configuration Invalid dynamic "
      "configuration",
      complaint);
}

Bytes connection_complaint(const Settings& after) {
  const Bytes& overrides = after.get_string("max.connections.per.ip.overrides");
  if (after.get_int("max.connections.per.ip") == 0 && overrides.empty()) {
    return "requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides "
           "property is set.";
  }
  for (const ByteView item : split_list(overrides)) {
    const size_t colon = item.rfind(':');
    const auto limit = colon == ByteView::npos ? std::nullopt : parse_integer(item.substr(colon + 1));
    if (!limit || *limit < 0 || *limit > INT32_MAX) {
      return fmt::format(
          "Error parsing configuration property 'max.connections.per.ip.overrides': {} is not address:number", item);
    }
  }
  return {};
}

Bytes group_interval_complaint(const Settings& after) {
  for (const char* kind : {"consumer", "share", "streams"}) {
    const Bytes name = fmt::format("group.{}.assignment.interval.ms", kind);
    for (const bool least : {true, false}) {
      const Bytes limit = fmt::format("group.{}.{}.assignment.interval.ms", kind, least ? "min" : "max");
      const int32_t value = after.get_int(name), bound = after.get_int(limit);
      if (least ? value < bound : value > bound) {
        return fmt::format("{} must be {} than or equal to {}", name, least ? "greater" : "less", limit);
      }
    }
  }
  return {};
}

Bytes log_complaint(const Settings& after) {
  if (!after.is_null("log.retention.ms") && after.get_long("log.retention.ms") == 0) {
    return "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1";
  }
  if (!after.is_null("log.roll.ms") && after.get_long("log.roll.ms") < 1) {
    return "requirement failed: log.roll.ms must be greater than or equal to 1";
  }
  const int64_t threads = std::max(after.get_int("log.cleaner.threads"), 1);
  if (after.get_long("log.cleaner.dedupe.buffer.size") / threads <= 1024 * 1024) {
    return "requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.";
  }
  const std::vector<Bytes> directories = after.get_list("log.dirs");
  Names missing;
  const std::vector<Bytes> cordoned = after.get_list("cordoned.log.dirs");
  for (const Bytes& directory : cordoned) {
    if (directory == "*" && cordoned.size() == 1) continue;
    if (std::find(directories.begin(), directories.end(), directory) == directories.end()) missing.push_back(directory);
  }
  if (missing.empty()) return {};
  return fmt::format(
      "requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing "
      "entries : {}",
      fmt::join(missing, ", "));
}

bool contains_listener(const std::vector<ListenerEndpoint>& endpoints, const std::string& name) {
  return std::any_of(endpoints.begin(), endpoints.end(),
                     [&](const ListenerEndpoint& each) { return each.listener_name == name; });
}

// Listeners may be added or removed while the broker runs (Kafka's DynamicListenerConfig). Advertised listeners, the
// controller's and the inter-broker listener are set at start and have to stay.
Bytes listener_complaint(const Settings& before, const Settings& after) {
  const auto same = [&](ByteView name) { return before.text(name) == after.text(name); };
  if (same("listeners") && same("listener.security.protocol.map")) return {};
  const auto refuse = [&](ByteView why) {
    return fmt::format("The listeners cannot be '[{}]': {}", fmt::join(after.get_list("listeners"), ", "), why);
  };
  const auto listeners = broker_listeners(after);
  if (!listeners.ok()) return refuse(listeners.error().message);
  if (const auto advertised = advertised_listeners(after); !advertised.ok()) return refuse(advertised.error().message);
  const auto of_controller = controller_listeners(after);
  if (!of_controller.ok()) return refuse(of_controller.error().message);
  if (of_controller->empty() && !after.get_list("controller.listener.names").empty() && after.is_set("process.roles")) {
    return refuse("none of controller.listener.names is among the listeners of this KRaft controller");
  }
  if (const auto& between = after.text("inter.broker.listener.name")) {
    if (!contains_listener(*listeners, ascii_upper(trim_blanks(*between)))) {
      return refuse("inter.broker.listener.name is not among them");
    }
  }
  return {};
}

}  // namespace

std::optional<int32_t> parse_broker_id(ByteView name) {
  if (name.empty() || name != trim_blanks(name)) return std::nullopt;
  const auto id = parse_integer_of(ConfigType::kInt, name);
  return id ? std::optional(static_cast<int32_t>(*id)) : std::nullopt;
}

const ConfigDef* find_alterable_broker_config(ByteView name) { return row_of(name); }

std::vector<DescribedConfig> describe_broker_configs(const BrokerLayers& layers) {
  const Settings effective = layers.start.with_altered(layers.for_all, layers.for_this);
  std::set<ByteView> names;
  for (const ConfigDef& def : broker_configs()) {
    if ((def.marks & kConfigInternal) == 0 || effective.is_set(def.name)) names.insert(def.name);
  }
  for (const auto& [name, value] : layers.start.others()) names.insert(name);
  for (const ConfigMap* altered : {&layers.for_all, &layers.for_this}) {
    for (const auto& [name, value] : *altered) names.insert(name);
  }
  std::vector<DescribedConfig> all;
  for (const ByteView name : names) all.push_back(describe(layers, effective, name));
  return all;
}

DescribedConfig describe_broker_config(const BrokerLayers& layers, ByteView name) {
  return describe(layers, layers.start.with_altered(layers.for_all, layers.for_this), name);
}

std::vector<DescribedConfig> describe_cluster_defaults(const ConfigMap& for_all) {
  std::vector<DescribedConfig> all;
  for (const auto& [name, value] : for_all) {
    DescribedConfig& one =
        all.emplace_back(described(name, {{name, value, ConfigSource::kDynamicDefaultBroker}}));
    if (one.sensitive) continue;
    const ConfigDef* def = find_broker_config(name);
    one.value = def != nullptr ? canonical_config_value(*def, value) : value;
  }
  return all;
}

std::optional<ConfigError> validate_broker_config_values(const ConfigMap& after, bool for_one_broker) {
  const auto read_only = [](ByteView name) {
    const ConfigDef* def = find_broker_config(name);
    return def != nullptr && def->scope == ConfigScope::kReadOnly;
  };
  if (auto error = refuse_names(names_that(after, read_only), "Cannot update these configs dynamically")) return error;
  if (auto error =
          refuse_names(names_that(after, needs_listener),
                       "These security configs can be dynamically updated only per-listener using the listener "
                       "prefix")) {
    return error;
  }
  if (auto error = check_values(after)) return error;
  if (for_one_broker) return std::nullopt;
  return refuse_names(names_that(after, is_per_broker),
                      "Cannot update these configs at default cluster level, broker id must be specified");
}

std::optional<ConfigError> validate_broker_configs(const ConfigMap& after, bool for_this_broker,
                                                   const BrokerLayers& layers) {
  if (auto error = validate_broker_config_values(after, for_this_broker)) return error;
  const Settings before = layers.start.with_altered(layers.for_all, layers.for_this);
  const Settings then = for_this_broker ? layers.start.with_altered(layers.for_all, after)
                                        : layers.start.with_altered(after, layers.for_this);
  for (Bytes complaint :
       {log_complaint(then), connection_complaint(then), group_interval_complaint(then),
        reconfiguration_complaint(thread_complaint(before, then)),
        reconfiguration_complaint(connection_rate_complaint(then)),
        reconfiguration_complaint(local_retention_complaint(then)), listener_complaint(before, then)}) {
    if (!complaint.empty()) return ConfigError{std::move(complaint), ErrorCode::kInvalidRequest};
  }
  return std::nullopt;
}

}  // namespace milena::config
