// GroupRuntime: hosts the group coordinators (coordinator/group/group_shard.h) of the __consumer_offsets partitions
// that this shard owns. coordinator_runtime.h has the common part; this adds the part of groups.
#pragma once

#include "broker/coordinators/coordinator_runtime.h"
#include "broker/coordinators/pattern_book.h"
#include "coordinator/group/group_shard.h"
#include "metadata/internal_topics.h"

namespace milena::broker {

class GroupRuntime;

struct GroupKind {
  using State = coordinator::GroupShard;
  using Effects = milena::coordinator::Effects;
  using Answer = milena::coordinator::Answer;
  using Response = coordinator::GroupResponse;
  static constexpr ByteView kTopic = metadata::kConsumerOffsetsTopic;
  // How long an answer waits for the replicas.
  static constexpr ByteView kAppendTimeoutSetting = "offsets.commit.timeout.ms";
  static CoordinatorRuntime<GroupKind>& runtime_of(Shard& shard);
};

extern template class CoordinatorRuntime<GroupKind>;

class GroupRuntime final : public CoordinatorRuntime<GroupKind> {
 public:
  explicit GroupRuntime(Shard& shard);

  // The shard's image changed: closes the coordinators of removed partitions, and deletes the offsets of deleted
  // topics.
  void on_metadata(const metadata::ImageDelta& delta);
  // Called before the end of a transaction is appended to a partition of __consumer_offsets of this shard.
  void before_marker(int32_t partition) { flush_partition(partition); }
  // Called after it was appended.
  void on_marker(int32_t partition, int64_t producer_id, bool committed);

 private:
  // Settings were altered, or brokers were added or removed.
  void configure();
  std::unique_ptr<coordinator::GroupShard> make_state(const TopicPartitionId& id) override;
  void shape_append(const Effects& effects, BatchOptions& options, log::AppendChecks& checks) const override;
  int32_t append_linger_ms() const override { return append_linger_ms_; }
  bool may_gather(const Effects& effects) const override { return !effects.transaction; }

  PatternBook patterns_;
  coordinator::GroupConfig config_;
  const int32_t append_linger_ms_;
  const Codec compression_;
};

}  // namespace milena::broker
