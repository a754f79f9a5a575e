// PartitionLeader: what the leader of a partition with several replicas knows of its followers: how far they are, who
// is in sync, and which change of that set the controller is asked for. Pure; a part of Partition, which has none where
// it is the only replica.
//
// A change counts for the high watermark before the controller has made it, if it adds a replica (the maximal set), and
// only afterwards if it takes one away: so the high watermark is never ahead of any set that a later leader is chosen
// from. Source: Kafka's Partition.scala (maximalIsr, maybeIncrementLeaderHW, maybeExpandIsr, maybeShrinkIsr),
// Replica.scala.
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
  // A new leader epoch begins. Followers in sync have as long as any other to show themselves.
  PartitionLeader(int32_t self, const metadata::PartitionImage& image, int64_t now_ms);

  // The log ended there when this node began to lead.
  void set_epoch_start(int64_t offset) { epoch_start_ = offset; }
  int64_t epoch_start() const { return epoch_start_; }
  // The metadata says something newer of the same leader epoch.
  void update(const metadata::PartitionImage& image, int64_t now_ms);

  bool is_replica(int32_t broker_id) const { return followers_.contains(broker_id); }
  // In the set that the controller has agreed to.
  bool is_in_sync(int32_t broker_id) const;
  // A follower's fetch from `offset`, when our log ended at `log_end`. False: it is none of the replicas.
  bool note_fetch(int32_t broker_id, int64_t broker_epoch, int64_t offset, int64_t log_end, int64_t now_ms);

  // The follower's log begins there.
  void note_log_start(int32_t broker_id, int64_t offset);
  // The lowest log start offset of all replicas whose brokers live, `log_start` being ours; -1: one has not shown its
  // own.
  int64_t low_watermark(const metadata::MetadataImage& image, int64_t log_start) const;
  // Of the followers in sync in the rack that hold the offset, the one that is furthest; -1: there is none.
  int32_t in_sync_at_rack(const metadata::MetadataImage& image, ByteView rack, int64_t offset) const;

  // The greatest offset below which every replica that counts has everything; `log_end` is our own share of it.
  int64_t settled_end(const metadata::MetadataImage& image, int64_t log_end, int64_t now_ms, int64_t max_lag_ms) const;
  // Of the set that the controller has agreed to.
  size_t in_sync_count() const { return in_sync_.size(); }
  size_t replica_count() const { return followers_.size() + 1; }

  // The set that the controller should agree to, if it is another; it is then waited for. A replica comes into it only
  // with a fetch, one that is gone would come back for ever; and leaves it only with `may_shrink`, now and then.
  std::optional<AlterPartitionRequest::PartitionData> propose(const metadata::MetadataImage& image,
                                                              int64_t high_watermark, int64_t log_end, int64_t now_ms,
                                                              int64_t max_lag_ms, bool may_shrink = true);
  bool change_under_way() const { return proposed_.has_value(); }
  // The controller's answer. True: it is to be asked again.
  bool on_answer(ErrorCode error, const std::vector<int32_t>& in_sync, int32_t leader_epoch, int32_t partition_epoch);

  // For tests: a replica that is in sync, and has so much.
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
    bool has_fetched = false;  // since the set was considered last
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
