#include "config/client_metrics_config.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "config/config_values.h"

namespace milena::config {
namespace {

constexpr int64_t kMinInterval_ms = 100, kMaxInterval_ms = 3'600'000;
// A pattern is matched at every telemetry request: its cost is bounded.
constexpr int64_t kPatternMemoryBytes = 1 << 20;

constexpr ConfigDef kClientMetricsDefs[]{
    {"interval.ms", ConfigType::kInt, "300000", "", ConfigScope::kClusterWide, kConfigHonoured,
     "How often the clients push their metrics, in milliseconds, from 100 to 3600000."},
    {"match", ConfigType::kList, "", "items", ConfigScope::kClusterWide, kConfigHonoured,
     "Clients of the subscription: property=pattern pairs; a client must match all of them in full. The properties are "
     "client_instance_id, client_id, client_software_name, client_software_version, client_source_address and "
     "client_source_port. Empty for all clients."},
    {"metrics", ConfigType::kList, "", "items", ConfigScope::kClusterWide, kConfigHonoured,
     "Prefixes of the names of metrics to push; * for all, empty for none."},
};

constexpr ByteView kProperties[]{"client_instance_id",      "client_id",             "client_software_name",
                                 "client_software_version", "client_source_address", "client_source_port"};

struct MatchEntry {
  ByteView property;
  ByteView pattern;
};

// Like Java's split("=") into two parts: an empty text behind the sign is no part.
std::optional<MatchEntry> parse_match(ByteView text) {
  const size_t sign = text.find('=');
  if (sign == ByteView::npos || text.find('=', sign + 1) != ByteView::npos || sign + 1 == text.size())
    return std::nullopt;
  MatchEntry entry{trim_blanks(text.substr(0, sign)), trim_blanks(text.substr(sign + 1))};
  if (std::find(std::begin(kProperties), std::end(kProperties), entry.property) == std::end(kProperties))
    return std::nullopt;
  return entry;
}

std::shared_ptr<const RE2> compile(ByteView pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryBytes);
  auto compiled = std::make_shared<const RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  return compiled->ok() ? compiled : nullptr;
}

Bytes property_of(const TelemetryClient& client, ByteView property) {
  if (property == "client_instance_id") return client.instance_id.to_string();
  if (property == "client_id") return Bytes(client.client_id);
  if (property == "client_software_name") return Bytes(client.software_name);
  if (property == "client_software_version") return Bytes(client.software_version);
  if (property == "client_source_address") return Bytes(client.source_address);
  return fmt::format("{}", client.source_port);
}

// The value of a config, or its default if it is not set or invalid.
ByteView own_or_default(const ConfigMap& own, ByteView name) {
  const ConfigDef& def = *find_client_metrics_config(name);
  const auto found = own.find(name);
  return found != own.end() && !config_complaint(def, found->second) ? ByteView(found->second) : default_text(def);
}

}  // namespace

std::span<const ConfigDef> client_metrics_config_defs() { return kClientMetricsDefs; }

const ConfigDef* find_client_metrics_config(ByteView name) {
  for (const ConfigDef& def : kClientMetricsDefs) {
    if (def.name == name) return &def;
  }
  return nullptr;
}

std::optional<ConfigError> validate_client_metrics_configs(ByteView subscription, const ConfigMap& own) {
  if (subscription.empty()) return ConfigError{"Subscription name can't be empty", ErrorCode::kInvalidRequest};
  for (const auto& [name, value] : own) {
    if (find_client_metrics_config(name) == nullptr) {
      return ConfigError{fmt::format("Unknown client metrics configuration: {}", name), ErrorCode::kInvalidRequest};
    }
  }
  for (const auto& [name, value] : own) {
    if (auto complaint = config_complaint(*find_client_metrics_config(name), value))
      return ConfigError{std::move(*complaint)};
  }
  if (const auto interval = own.find("interval.ms"); interval != own.end()) {
    const int64_t ms = parse_integer(interval->second).value_or(0);
    if (ms < kMinInterval_ms || ms > kMaxInterval_ms) {
      return ConfigError{
          fmt::format("Invalid value {} for interval.ms, interval must be between 100 and 3600000 (1 hour)", ms),
          ErrorCode::kInvalidRequest};
    }
  }
  if (const auto match = own.find("match"); match != own.end()) {
    for (const ByteView item : split_list(match->second)) {
      const auto entry = parse_match(item);
      if (!entry || compile(entry->pattern) == nullptr) {
        return ConfigError{fmt::format("Illegal client matching pattern: {}", item)};
      }
    }
  }
  return std::nullopt;
}

std::vector<DescribedConfig> describe_client_metrics_configs(const ConfigMap& own) {
  std::vector<DescribedConfig> all;
  for (const ConfigDef& def : kClientMetricsDefs) {
    DescribedConfig& one = all.emplace_back();
    one.def = &def;
    one.name = def.name;
    const auto found = own.find(def.name);
    one.value = canonical_config_value(def, found != own.end() ? ByteView(found->second) : default_text(def));
    if (found == own.end()) continue;
    one.synonyms.push_back({one.name, one.value, ConfigSource::kClientMetrics});
    one.source = ConfigSource::kClientMetrics;
  }
  return all;
}

ClientMetricsSubscription::ClientMetricsSubscription(const ConfigMap& own)
    : metrics_(parse_list(own_or_default(own, "metrics"))),
      interval_ms_(static_cast<int32_t>(
          std::clamp(parse_integer(own_or_default(own, "interval.ms")).value_or(kDefaultPushInterval_ms),
                     kMinInterval_ms, kMaxInterval_ms))) {
  for (const ByteView item : split_list(own_or_default(own, "match"))) {
    const auto entry = parse_match(item);
    auto pattern = entry ? compile(entry->pattern) : nullptr;
    if (pattern == nullptr) {
      broken_ = true;
      continue;
    }
    patterns_.push_back({Bytes(entry->property), std::move(pattern)});
  }
}

bool ClientMetricsSubscription::matches(const TelemetryClient& client) const {
  if (broken_) return false;
  return std::all_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    return RE2::FullMatch(property_of(client, pattern.what), *pattern.text);
  });
}

}  // namespace milena::config
