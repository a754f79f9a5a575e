#include "broker/clients/client_telemetry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crc32c.h"
#include "protocol/compression/compression.h"

namespace milena::broker {
namespace {

constexpr size_t kMaxInstances = 16'384;
constexpr int64_t kMinLife_ms = 60'000;
constexpr ByteView kAllMetrics = "*";

// The id differs for different metrics or intervals, and for each client.
int32_t subscription_id(const std::vector<Bytes>& metrics, int32_t interval_ms, const Uuid& instance_id) {
  uint32_t crc = crc32c(fmt::format("[{}]{}", fmt::join(metrics, ", "), interval_ms));
  uint64_t folded = instance_id.hi ^ instance_id.lo;
  return static_cast<int32_t>(crc ^ static_cast<uint32_t>(folded >> 32) ^ static_cast<uint32_t>(folded));
}

}  // namespace

ClientTelemetry::ClientTelemetry(size_t share) : max_instances_((kMaxInstances + share - 1) / share) {}

void ClientTelemetry::on_config(const metadata::MetadataImage& image, const metadata::ConfigResource& resource) {
  const config::ConfigMap& configs = image.configs(metadata::ResourceType::kClientMetrics, resource.name);
  subscriptions_.erase(resource.name);
  if (!configs.empty()) subscriptions_.emplace(resource.name, config::ClientMetricsSubscription(configs));
  version_++;
}

void ClientTelemetry::evaluate(Instance& instance) const {
  const TelemetryClientInfo& client = instance.client;
  config::TelemetryClient asking{instance.id,           client.client_id,
                                 client.software_name,  client.software_version,
                                 client.source_address, client.source_port};
  std::set<Bytes> metrics;
  int32_t interval_ms = config::kDefaultPushInterval_ms;
  for (const auto& [name, subscription] : subscriptions_) {
    if (!subscription.matches(asking)) continue;
    metrics.insert(subscription.metrics().begin(), subscription.metrics().end());
    interval_ms = std::min(interval_ms, subscription.interval_ms());
  }
  if (metrics.contains(Bytes(kAllMetrics))) metrics = {Bytes(kAllMetrics)};
  instance.subscription.metrics.assign(metrics.begin(), metrics.end());
  instance.subscription.interval_ms = interval_ms;
  instance.subscription.id = subscription_id(instance.subscription.metrics, interval_ms, instance.id);
  instance.version = version_;
}

ClientTelemetry::Instance& ClientTelemetry::instance(const Uuid& id, const TelemetryClientInfo& client,
                                                     int64_t now_ms) {
  drop_old(now_ms);
  auto found = instances_.find(id);
  if (found == instances_.end()) {
    by_use_.emplace_front();
    by_use_.front().id = id;
    by_use_.front().client = client;
    found = instances_.emplace(id, by_use_.begin()).first;
    evaluate(by_use_.front());
  } else {
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    if (found->second->version != version_) {
      // Its old state was for the old subscriptions: it may ask at once.
      Instance fresh;
      fresh.id = id;
      fresh.client = found->second->client;
      fresh.values = std::move(found->second->values);
      *found->second = std::move(fresh);
      evaluate(*found->second);
    }
  }
  Instance& known = *found->second;
  known.client.connection_id = client.connection_id;
  known.expires_ms = now_ms + std::max<int64_t>(kMinLife_ms, int64_t{3} * known.subscription.interval_ms);
  return known;
}

void ClientTelemetry::drop_old(int64_t now_ms) {
  while (!by_use_.empty() && (by_use_.size() >= max_instances_ || by_use_.back().expires_ms < now_ms)) {
    // All are in use: drops the one that was silent for longest.
    instances_.erase(by_use_.back().id);
    by_use_.pop_back();
  }
}

ClientTelemetry::Subscription ClientTelemetry::subscribe(const Uuid& instance_id, const TelemetryClientInfo& client,
                                                         int64_t now_ms) {
  Instance& known = instance(instance_id, client, now_ms);
  bool due = now_ms - std::max(known.last_get_ms, known.last_push_ms) >= known.subscription.interval_ms;
  if (due) known.last_get_ms = now_ms;
  bool may_ask_anew = known.last_error == ErrorCode::kUnknownSubscriptionId ||
                      known.last_error == ErrorCode::kUnsupportedCompressionType;
  if (!due && !may_ask_anew) {
    counts_.throttled++;
    Subscription refused;
    refused.error = ErrorCode::kThrottlingQuotaExceeded;
    return refused;
  }
  known.last_error = ErrorCode::kNone;
  return known.subscription;
}

ErrorCode ClientTelemetry::check_push(Instance& known, const PushRequest& request, int64_t now_ms) {
  if (known.terminating) return ErrorCode::kInvalidRequest;
  // The client chooses the time of the first push after a subscription, to spread the pushes.
  bool due = known.last_get_ms > known.last_push_ms || now_ms - known.last_push_ms >= known.subscription.interval_ms;
  if (due) known.last_push_ms = now_ms;
  if (!due && !request.terminating) {
    counts_.throttled++;
    return ErrorCode::kThrottlingQuotaExceeded;
  }
  if (request.subscription_id != known.subscription.id) {
    counts_.unknown_subscriptions++;
    return ErrorCode::kUnknownSubscriptionId;
  }
  if (request.compression < 0 || request.compression > kMaxCodec) return ErrorCode::kUnsupportedCompressionType;
  if (request.bytes > request.max_bytes) return ErrorCode::kTelemetryTooLarge;
  return ErrorCode::kNone;
}

ErrorCode ClientTelemetry::begin_push(const Uuid& instance_id, const TelemetryClientInfo& client,
                                      const PushRequest& request, int64_t now_ms) {
  Instance& known = instance(instance_id, client, now_ms);
  known.last_error = check_push(known, request, now_ms);
  known.terminating = request.terminating;
  return known.last_error;
}

void ClientTelemetry::finish_push(const Uuid& instance_id, ErrorCode error, TelemetryPush push) {
  counts_.pushes++;
  if (error != ErrorCode::kNone) {
    counts_.errors++;
  } else {
    counts_.bytes += push.bytes;
    counts_.metrics += push.metrics;
    counts_.points += push.points;
  }
  auto found = instances_.find(instance_id);
  if (found == instances_.end()) return;
  found->second->last_error = error;
  if (error == ErrorCode::kNone) found->second->values = std::move(push.values);
}

void ClientTelemetry::forget(const Uuid& instance_id, uint64_t connection_id) {
  auto found = instances_.find(instance_id);
  if (found == instances_.end() || found->second->client.connection_id != connection_id) return;
  by_use_.erase(found->second);
  instances_.erase(found);
}

const std::map<Bytes, double>* ClientTelemetry::values(const Uuid& instance_id) const {
  auto found = instances_.find(instance_id);
  return found == instances_.end() ? nullptr : &found->second->values;
}

}  // namespace milena::broker
