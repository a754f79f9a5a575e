// ClientTelemetry: the metrics that clients push (KIP-714): which clients are subscribed to which metrics, when each
// may push, and the last values, for pages that show them.
//
// One per shard. A client instance lives on the shard that its id hashes to, wherever its connections are. Bounded:
// when there are too many instances, the least recently used is dropped, and each instance has a limited number of
// values. Pure except for the ids that it makes: the caller gives the time, and decompresses and decodes the bytes
// (api/72). Source: Kafka's ClientMetricsManager, ClientMetricsInstance.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "config/client_metrics_config.h"
#include "metadata/image.h"
#include "protocol/error_code.h"

namespace milena::broker {

// The client, in strings of its own, so that it can go to another shard.
struct TelemetryClientInfo {
  Bytes client_id;
  Bytes software_name;
  Bytes software_version;
  Bytes source_address;
  uint16_t source_port = 0;
  uint64_t connection_id = 0;
};

struct TelemetryCounts {
  uint64_t pushes = 0;
  uint64_t bytes = 0;  // decompressed
  uint64_t metrics = 0;
  uint64_t points = 0;
  uint64_t errors = 0;
  uint64_t throttled = 0;
  uint64_t unknown_subscriptions = 0;
};

// The contents of one push.
struct TelemetryPush {
  uint64_t bytes = 0;
  uint64_t metrics = 0;
  uint64_t points = 0;
  std::map<Bytes, double> values;  // at most kMaxTelemetryValues
};
inline constexpr size_t kMaxTelemetryValues = 256;
inline constexpr size_t kMaxTelemetryName_bytes = 255;

class ClientTelemetry {
 public:
  // `share`: the number of shards among which the instances are divided.
  explicit ClientTelemetry(size_t share);

  // A subscription changed.
  void on_config(const metadata::MetadataImage& image, const metadata::ConfigResource& resource);

  // Without subscriptions no client pushes anything, and the telemetry APIs need not be offered.
  bool any() const { return !subscriptions_.empty(); }

  struct Subscription {
    ErrorCode error = ErrorCode::kNone;
    int32_t id = 0;
    int32_t interval_ms = config::kDefaultPushInterval_ms;
    std::vector<Bytes> metrics;
  };
  Subscription subscribe(const Uuid& instance_id, const TelemetryClientInfo& client, int64_t now_ms);

  struct PushRequest {
    int32_t subscription_id = 0;
    bool terminating = false;
    int8_t compression = 0;
    size_t bytes = 0;      // as sent
    size_t max_bytes = 0;  // telemetry.max.bytes
  };
  // kNone: the push may be decoded; finish_push() follows if it was not empty.
  ErrorCode begin_push(const Uuid& instance_id, const TelemetryClientInfo& client, const PushRequest& request,
                       int64_t now_ms);
  void finish_push(const Uuid& instance_id, ErrorCode error, TelemetryPush push);

  // The connection is gone. An instance that last used it is forgotten, and may ask again at once.
  void forget(const Uuid& instance_id, uint64_t connection_id);

  const TelemetryCounts& counts() const { return counts_; }
  size_t instance_count() const { return instances_.size(); }
  // The last values of an instance; null if it is not known.
  const std::map<Bytes, double>* values(const Uuid& instance_id) const;

 private:
  struct Instance {
    Uuid id;
    TelemetryClientInfo client;
    Subscription subscription;
    uint64_t version = 0;
    int64_t last_get_ms = 0;
    int64_t last_push_ms = 0;
    int64_t expires_ms = 0;
    bool terminating = false;
    ErrorCode last_error = ErrorCode::kNone;
    std::map<Bytes, double> values;
  };

  Instance& instance(const Uuid& id, const TelemetryClientInfo& client, int64_t now_ms);
  void evaluate(Instance& instance) const;
  void drop_old(int64_t now_ms);
  ErrorCode check_push(Instance& instance, const PushRequest& request, int64_t now_ms);

  size_t max_instances_;
  std::map<Bytes, config::ClientMetricsSubscription> subscriptions_;
  uint64_t version_ = 0;
  std::list<Instance> by_use_;  // the most recently used first
  std::unordered_map<Uuid, std::list<Instance>::iterator> instances_;
  TelemetryCounts counts_;
};

}  // namespace milena::broker
