#include "broker/clients/client_quotas.h"

#include <algorithm>
#include <memory>

#include "broker/shard.h"

namespace milena::broker {
namespace {

// The most meters to keep. Clients choose their ids; a dropped meter only forgives usage.
constexpr size_t kMaxMeters = 100'000;

ByteView key_of(QuotaKind kind) {
  switch (kind) {
    case QuotaKind::kProduce: return metadata::kProducerByteRate;
    case QuotaKind::kFetch: return metadata::kConsumerByteRate;
    case QuotaKind::kRequest: return metadata::kRequestPercentage;
    case QuotaKind::kMutation: return metadata::kControllerMutationRate;
  }
  return {};
}

// The user's length is part of the name, so that no two entities have the same name.
Bytes meter_name(QuotaKind kind, const metadata::ClientQuota& quota) {
  return fmt::format("{}:{}:{}{}", static_cast<int>(kind), quota.user.size(), quota.user, quota.client_id);
}

}  // namespace

ClientQuotas::ClientQuotas(Shard& shard)
    : shard_(shard),
      windows_(shard.settings().get_int("quota.window.num")),
      window_ms_(int64_t{1000} * shard.settings().get_int("quota.window.size.seconds")),
      mutation_burst_s_(static_cast<double>(shard.settings().get_int("controller.quota.window.num")) *
                        shard.settings().get_int("controller.quota.window.size.seconds")) {}

void ClientQuotas::on_metadata() {
  has_ = {};
  has_ip_ = false;
  for (const auto& [entity, values] : shard_.image().client_quotas()) {
    for (const auto& [key, value] : values) {
      for (size_t kind = 0; kind < has_.size(); kind++) has_[kind] |= key == key_of(static_cast<QuotaKind>(kind));
      has_ip_ |= key == metadata::kConnectionCreationRate;
    }
  }
  any_ = std::any_of(has_.begin(), has_.end(), [](bool has) { return has; });
}

std::optional<metadata::ClientQuota> ClientQuotas::find(QuotaKind kind, ByteView user, ByteView client_id) const {
  if (!has(kind)) return std::nullopt;
  return metadata::find_client_quota(shard_.image().client_quotas(), key_of(kind), user, client_id);
}

ClientQuotas::Meter& ClientQuotas::meter(QuotaKind kind, const metadata::ClientQuota& quota) {
  Bytes name = meter_name(kind, quota);
  auto found = meters_.find(name);
  if (found != meters_.end()) return found->second;
  if (meters_.size() >= sweep_at_) sweep();
  Meter fresh{RateMeter(windows_, window_ms_), TokenBucket(mutation_burst_s_)};
  return meters_.emplace(std::move(name), std::move(fresh)).first->second;
}

// Removes the meters of silent clients, which have no effect any more. Buckets of mutations are few, and refill by
// themselves.
void ClientQuotas::sweep() {
  int64_t now_ms = shard_.steady_ms();
  std::erase_if(meters_, [now_ms](const auto& entry) { return entry.second.rate.is_idle(now_ms); });
  if (meters_.size() >= kMaxMeters) meters_.clear();
  sweep_at_ = std::max<size_t>(1000, meters_.size() * 2);
}

int64_t ClientQuotas::charge_here(QuotaKind kind, const metadata::ClientQuota& quota, double amount,
                                  bool only_if_allowed) {
  int64_t now_ms = shard_.steady_ms();
  RateMeter& rate = meter(kind, quota).rate;
  rate.record(amount, now_ms);
  int64_t throttle_ms = rate.throttle_ms(quota.bound, now_ms);
  if (throttle_ms > 0 && only_if_allowed) rate.record(-amount, now_ms);
  // Kafka throttles nobody for longer than a window because of request time.
  return kind == QuotaKind::kRequest ? std::min(throttle_ms, window_ms_) : throttle_ms;
}

void ClientQuotas::charge(QuotaKind kind, ByteView user, ByteView client_id, double amount, bool only_if_allowed,
                          std::function<void(int64_t)> done) {
  std::optional<metadata::ClientQuota> quota = find(kind, user, client_id);
  if (!quota) return done(0);
  size_t home = std::hash<Bytes>()(meter_name(kind, *quota));
  shard_.router().at_hashed(
      shard_, home,
      [from = &shard_, kind, quota = std::move(*quota), amount, only_if_allowed, done = std::move(done)](Shard& owner) {
        int64_t throttle_ms = owner.quotas().charge_here(kind, quota, amount, only_if_allowed);
        owner.router().run_on(owner, *from, [done, throttle_ms] { done(throttle_ms); });
      });
}

std::optional<uint64_t> ClientQuotas::fetch_limit_bytes(ByteView user, ByteView client_id) const {
  std::optional<metadata::ClientQuota> quota = find(QuotaKind::kFetch, user, client_id);
  if (!quota) return std::nullopt;
  double limit = quota->bound * (windows_ - 1) * static_cast<double>(window_ms_) / 1000;
  return limit >= INT32_MAX ? INT32_MAX : static_cast<uint64_t>(limit);
}

metadata::MutationQuota ClientQuotas::mutation_quota(ByteView user, ByteView client_id, bool strict,
                                                     std::shared_ptr<int64_t> throttle_ms) {
  std::optional<metadata::ClientQuota> quota = find(QuotaKind::kMutation, user, client_id);
  if (!quota) return {};
  return [this, quota = std::move(*quota), strict, throttle_ms = std::move(throttle_ms)](size_t partitions) {
    int64_t now_ms = shard_.steady_ms();
    TokenBucket& tokens = meter(QuotaKind::kMutation, quota).tokens;
    if (strict) {
      *throttle_ms = tokens.throttle_ms(quota.bound, now_ms);
      if (*throttle_ms > 0) return false;
    }
    tokens.spend(static_cast<double>(partitions), quota.bound, now_ms);
    if (!strict) *throttle_ms = tokens.throttle_ms(quota.bound, now_ms);
    return true;
  };
}

int64_t ClientQuotas::connection_refusal_ms(ByteView ip) {
  if (!has_ip_) return 0;
  std::optional<double> bound = metadata::find_ip_quota(shard_.image().client_quotas(), ip);
  if (!bound) return 0;
  int64_t now_ms = shard_.steady_ms();
  Bytes name = "ip:" + Bytes(ip);
  if (meters_.size() >= sweep_at_) sweep();
  auto found = meters_.try_emplace(std::move(name), Meter{RateMeter(windows_, window_ms_), TokenBucket(0)}).first;
  RateMeter& rate = found->second.rate;
  rate.record(1, now_ms);
  int64_t throttle_ms = rate.throttle_ms(*bound, now_ms);
  if (throttle_ms > 0) rate.record(-1, now_ms);
  return throttle_ms;
}

}  // namespace milena::broker
