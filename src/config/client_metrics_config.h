// Configs of client metrics subscriptions (resource type CLIENT_METRICS, KIP-714): the table, validation, and parsed
// subscriptions. The name of the resource is the subscription's. Pure. Source: Kafka's ClientMetricsConfigs,
// ClientMetricsManager.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/uuid.h"
#include "config/described_config.h"

namespace re2 {
class RE2;
}

namespace milena::config {

std::span<const ConfigDef> client_metrics_config_defs();
const ConfigDef* find_client_metrics_config(ByteView name);

std::optional<ConfigError> validate_client_metrics_configs(ByteView subscription, const ConfigMap& own);
std::vector<DescribedConfig> describe_client_metrics_configs(const ConfigMap& own);

// The client that asks. The views need only live for the call they are passed to.
struct TelemetryClient {
  Uuid instance_id;
  ByteView client_id;
  ByteView software_name;
  ByteView software_version;
  ByteView source_address;
  uint16_t source_port = 0;
};

// One subscription, its patterns compiled. Immutable and shared.
class ClientMetricsSubscription {
 public:
  // Invalid configs in `own` count as not set; a bad pattern matches no client.
  explicit ClientMetricsSubscription(const ConfigMap& own);

  bool matches(const TelemetryClient& client) const;
  // Prefixes of metric names; "*" asks for all.
  const std::vector<Bytes>& metrics() const { return metrics_; }
  int32_t interval_ms() const { return interval_ms_; }

 private:
  struct Pattern {
    Bytes what;
    std::shared_ptr<const re2::RE2> text;
  };
  std::vector<Bytes> metrics_;
  int32_t interval_ms_;
  std::vector<Pattern> patterns_;
  bool broken_ = false;
};

inline constexpr int32_t kDefaultPushInterval_ms = 300'000;

}  // namespace milena::config
