// ClientQuotas: what clients are allowed a second, held against what they do (Kafka's ClientQuotaManager,
// ClientRequestQuotaManager, ControllerMutationQuotaManager and the ip part of ConnectionQuotas).
//
// One per shard. Which quota holds for a client is looked up in the shard's image; the meters of a quota live on the
// shard that its name hashes to, so that all connections of a client share them wherever they are. Who is over the
// bound is told so in the answer (throttle_time_ms), and its connection is not served until that time is over.
//
// Without quotas everything here is one comparison. Deliberately not here: replication quotas.
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

  // The image changed its quotas.
  void on_metadata();

  bool any() const { return any_; }
  bool has(QuotaKind kind) const { return any_ && has_[static_cast<size_t>(kind)]; }
  // What holds for the client; nullopt: nothing.
  std::optional<metadata::ClientQuota> find(QuotaKind kind, ByteView user, ByteView client_id) const;

  // Notes the amount against the client's quota of that kind; `done` learns on this shard, at once where the meter is
  // here, how long the client is to be left alone. With `only_if_allowed` an amount that is too much is not noted.
  void charge(QuotaKind kind, ByteView user, ByteView client_id, double amount, bool only_if_allowed,
              std::function<void(int64_t throttle_ms)> done);

  // The most that one answer to the client may carry: what its quota gives in a whole period.
  std::optional<uint64_t> fetch_limit_bytes(ByteView user, ByteView client_id) const;

  // On the controller's shard. The quota of one request; `throttle_ms` gets how long to leave the client alone. Strict
  // quotas refuse what comes while the bucket is empty, the others (old versions) only throttle.
  metadata::MutationQuota mutation_quota(ByteView user, ByteView client_id, bool strict,
                                         std::shared_ptr<int64_t> throttle_ms);

  // On the shard that accepts connections. How long a new connection from that address is to be held and then closed;
  // 0: welcome.
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
  // By kind, user and client id; those of addresses by ip.
  std::unordered_map<Bytes, Meter> meters_;
  size_t sweep_at_ = 1000;
};

}  // namespace milena::broker
