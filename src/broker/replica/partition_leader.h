// PartitionLeader: the state that the leader of a partition with several replicas keeps of its followers: their
// offsets, the in-sync set, and the change of that set that the controller is asked for. Pure; a part of Partition,
// which has none if it is the only replica.
//
// A change that adds a replica counts for the high watermark before the controller has made it (the maximal set); a
// change that removes one counts only afterwards. So the high watermark is never ahead of any set from which a later
// leader is chosen. Source: Kafka's Partition.scala (maximalIsr, maybeIncrementLeaderHW, maybeExpandIsr,
// maybeShrinkIsr), Replica.scala.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "metadata/image.h"
#include "protocol/error_code.h"
#include "protocol/messages/alter_partition.h"

namespace milena::broker {

class PartitionLeader {
 public:
  // A new leader epoch begins. Followers in sync get the usual time for their first fetch.
  PartitionLeader(int32_t self, const metadata::PartitionImage& image, int64_t now_ms);

  // The log ended there when this node began to lead.
  void set_epoch_start(int64_t offset) { epoch_start_ = offset; }
  int64_t epoch_start() const { return epoch_start_; }
  // Applies newer metadata of the same leader epoch.
  void update(const metadata::PartitionImage& image, int64_t now_ms);

  bool is_replica(int32_t broker_id) const { return followers_.contains(broker_id); }
  // Whether it is in the set that the controller has agreed to.
  bool is_in_sync(int32_t broker_id) const;
  // A follower fetched from `offset`, when this log ended at `log_end`. Returns false if it is none of the replicas.
  bool note_fetch(int32_t broker_id, int64_t broker_epoch, int64_t offset, int64_t log_end, int64_t now_ms);

  // The follower's log begins there.
  void note_log_start(int32_t broker_id, int64_t offset);
  // The lowest log start offset of all replicas on live brokers, `log_start` being this one's; -1 if one has not
  // reported its own.
  int64_t low_watermark(const metadata::MetadataImage& image, int64_t log_start) const;
  // The most advanced of the followers in sync in the rack that have the offset; -1 if there is none.
  int32_t in_sync_at_rack(const metadata::MetadataImage& image, ByteView rack, int64_t offset) const;

  // The greatest offset below which every replica that counts has everything; `log_end` is this replica's.
  int64_t settled_end(const metadata::MetadataImage& image, int64_t log_end, int64_t now_ms, int64_t max_lag_ms) const;
  // Of the set that the controller has agreed to.
  size_t in_sync_count() const { return in_sync_.size(); }
  size_t replica_count() const { return followers_.size() + 1; }

  // The set that the controller should agree to, if it differs; its answer is then awaited. A replica is added only
  // after a fetch since the last call, so that a dead one is not added again and again. A replica is removed only with
  // `may_shrink`, which is set at intervals.
  std::optional<AlterPartitionRequest::PartitionData> propose(const metadata::MetadataImage& image,
                                                              int64_t high_watermark, int64_t log_end, int64_t now_ms,
                                                              int64_t max_lag_ms, bool may_shrink = true);
  bool change_under_way() const { return proposed_.has_value(); }
  // The controller's answer. Returns true if the request must be sent again.
  bool on_answer(ErrorCode error, const std::vector<int32_t>& in_sync, int32_t leader_epoch, int32_t partition_epoch);

  // For tests: a replica that is in sync up to `log_end`.
  void pretend(int32_t broker_id, int64_t log_end);
  void pretend_gone(int32_t broker_id);

 private:
  struct Follower {
    int64_t log_end = -1;
    int64_t log_start = -1;
    int64_t broker_epoch = -1;
    int64_t caught_up_ms = 0;
    int64_t fetch_ms = 0;
    int64_t leader_end_at_fetch = -1;
    bool has_fetched = false;  // since the last propose() in which it could have joined
  };

  bool counts_as_in_sync(int32_t id) const;
  static bool may_join(const metadata::MetadataImage& image, int32_t id, const Follower& follower);
  static bool caught_up(const Follower& follower, int64_t log_end, int64_t now_ms, int64_t max_lag_ms);
  void take_replicas(const metadata::PartitionImage& image, int64_t now_ms);

  const int32_t self_;
  int32_t leader_epoch_;
  int32_t partition_epoch_ = -1;
  int8_t recovery_state_ = 0;
  int64_t epoch_start_ = -1;
  std::map<int32_t, Follower> followers_;
  std::vector<int32_t> in_sync_;
  std::optional<std::vector<int32_t>> proposed_;
};

}  // namespace milena::broker
