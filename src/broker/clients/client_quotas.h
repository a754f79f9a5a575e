// ClientQuotas: measures the clients' usage and throttles clients over their quota (Kafka's ClientQuotaManager,
// ClientRequestQuotaManager, ControllerMutationQuotaManager and the ip part of ConnectionQuotas).
//
// One per shard. The quota of a client is looked up in the shard's image. The meters of a quota live on the shard that
// its name hashes to, so that all connections of a client share them. A client over its quota gets throttle_time_ms in
// the answer, and its connection is not served until that time is over.
//
// Without quotas everything here is one comparison. Replication quotas are elsewhere.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <unordered_map>

#include "base/rate_meter.h"
#include "metadata/client_quotas.h"
#include "metadata/controller.h"

namespace milena::config {
class Settings;
}  // namespace milena::config

namespace milena::broker {

class Shard;

enum class QuotaKind : uint8_t { kProduce, kFetch, kRequest, kMutation };

class ClientQuotas {
 public:
  explicit ClientQuotas(Shard& shard);

  // The quotas in the image have changed.
  void on_metadata();

  bool any() const { return any_; }
  bool has(QuotaKind kind) const { return any_ && has_[static_cast<size_t>(kind)]; }
  // The quota of the client; nullopt if it has none.
  std::optional<metadata::ClientQuota> find(QuotaKind kind, ByteView user, ByteView client_id) const;

  // Charges the amount to the client's quota of that kind. `done` runs on this shard with the client's throttle time,
  // at once if the meter is on this shard. With `only_if_allowed`, an amount over the quota is not charged.
  void charge(QuotaKind kind, ByteView user, ByteView client_id, double amount, bool only_if_allowed,
              std::function<void(int64_t throttle_ms)> done);

  // The most bytes that one answer to the client may carry: its quota for a whole period.
  std::optional<uint64_t> fetch_limit_bytes(ByteView user, ByteView client_id) const;

  // On the controller's shard. The quota of one request; `throttle_ms` is set to the client's throttle time. A strict
  // quota refuses requests while the bucket is empty; the others (old versions) only throttle.
  metadata::MutationQuota mutation_quota(ByteView user, ByteView client_id, bool strict,
                                         std::shared_ptr<int64_t> throttle_ms);

  // On the shard that accepts connections. How long to hold a new connection from that address before closing it; 0
  // accepts it.
  int64_t connection_refusal_ms(ByteView ip);

 private:
  struct Meter {
    RateMeter rate;
    TokenBucket tokens;
  };
  Meter& meter(QuotaKind kind, const metadata::ClientQuota& quota);
  int64_t charge_here(QuotaKind kind, const metadata::ClientQuota& quota, double amount, bool only_if_allowed);
  void sweep();

  Shard& shard_;
  const int windows_;
  const int64_t window_ms_;
  const double mutation_burst_s_;
  bool any_ = false;
  std::array<bool, 4> has_{};
  bool has_ip_ = false;
  // By kind, user and client id; the meters of addresses by ip.
  std::unordered_map<Bytes, Meter> meters_;
  size_t sweep_at_ = 1000;
};

}  // namespace milena::broker
