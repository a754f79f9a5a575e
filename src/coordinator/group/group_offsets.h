// GroupOffsets: the committed offsets of groups: OffsetCommit, TxnOffsetCommit, OffsetFetch and OffsetDelete, and the
// removal of offsets by age, with their topic, with their group. The group has the rules for a commit (group.h).
// (Kafka: org.apache.kafka.coordinator.group.OffsetMetadataManager.)
#pragma once

#include <cstdint>
#include <span>

#include "coordinator/group/group_machine.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/offset_store.h"

namespace milena::coordinator {

class GroupOffsets {
 public:
  using Turn = GroupTurn;

  explicit GroupOffsets(GroupSpace& space) : space_(space) {}

  const OffsetStore& store() const { return store_; }
  void apply(const OffsetRecord& committed, int64_t record_offset, int64_t producer_id);
  void apply_marker(int64_t producer_id, bool committed) { store_.end_transaction(producer_id, committed); }

  // The rules of the group, or of a name without a group.
  ErrorCode validate_commit(const Caller& caller, const OffsetCommitRequest& request) const;
  // If `error` is not kNone, every partition gets it.
  void commit(Turn& turn, const Caller& caller, const OffsetCommitRequest& request, ErrorCode error);
  void commit_in_transaction(Turn& turn, const Caller& caller, const TxnOffsetCommitRequest& request);
  void fetch(Turn& turn, const Caller& caller, const OffsetFetchGroup& request, bool require_stable) const;
  void remove(Turn& turn, const Caller& caller, const OffsetDeleteRequest& request);
  void topics_deleted(Turn& turn, std::span<const DeletedTopic> topics) const;
  // For all offsets of a group, including pending ones.
  void write_tombstones(Turn& turn, ByteView group_id) const;

  // --- offset_expiry.cc

  // kNever before the first call of postpone_expiry.
  int64_t next_expiry_ms() const { return next_expiry_ms_; }
  void start_expiry(Now now);
  // Delays the next try to expire offsets.
  void postpone_expiry(Now now);
  // Removes expired offsets, and groups without anything left.
  void expire(Turn& turn);

 private:
  CommitContext commit_context(const Caller& caller) const;
  // False if the response became full.
  bool fetch_named(const Caller& caller, const OffsetFetchGroup& request, bool require_stable,
                   OffsetFetchGroupResponse& response) const;
  void fetch_all(const Caller& caller, const OffsetFetchGroup& request, bool require_stable,
                 OffsetFetchGroupResponse& response) const;
  OffsetFetchResponse::OffsetFetchResponsePartitions fetched(ByteView group_id, ByteView topic, const Uuid& topic_id,
                                                             int32_t partition, const CommittedOffset* offset,
                                                             bool require_stable) const;
  // Writes the tombstones of expired offsets. True if the group has no offsets after this.
  bool expire_offsets(Turn& turn, const Group& group) const;

  GroupSpace& space_;
  OffsetStore store_;
  int64_t next_expiry_ms_ = kNever;
};

}  // namespace milena::coordinator
