// GroupShard: the group coordinator of one partition of __consumer_offsets, as a pure state machine: no clock, no I/O,
// no thread, no lock. The broker hosts one per partition it leads (broker/group_runtime); tests and the simulator drive
// it directly. (Kafka: org.apache.kafka.coordinator.group.GroupCoordinatorShard.)
//
// The shard has one table of groups (group_table.h) and passes each input to the machine of the group's kind:
// ClassicGroups, ConsumerGroups (KIP-848). Offsets are the same for all kinds (GroupOffsets). A new kind of group is a
// Group and a GroupMachine, and a line in machine_of.
//
// Every input returns Effects: records to append, responses to send. The contract with the runtime: append the records
// as one batch (1), apply each (2), and send the responses (of reads, too) when the high watermark covers all records
// appended so far (3). If the append failed: pass the Effects to append_failed instead of (2), and send the responses
// that it returns. There is no other input between one with records and (2) (CHECKed).
//
// Hard state (the offsets; the groups with their last generation) changes only in apply, both live and at load. Soft
// state (waiting joins, session deadlines) changes with the inputs and is lost with the shard; a group is Stable only
// once the record of its assignment is applied. When the partition moves away its shard is closed and dropped.
//
// The cluster's metadata is read through a pointer to the image of the shard's thread; metadata_changed is called after
// each change.
//
// Not here: authorization, topic ids of offsets (requests have names; ids are passed through), share and streams
// groups, except for their names (foreign_group.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "coordinator/group/classic_groups.h"
#include "coordinator/group/consumer_groups.h"
#include "coordinator/group/group_offsets.h"

namespace milena::coordinator {

// Removes unknown and repeated names from the filters: each shard compares each of its groups with the rest. The listed
// groups stay the same.
void shorten_group_filters(ListGroupsRequest& request);

class GroupShard {
 public:
  GroupShard(GroupConfig config, IdSource new_id);

  // The server's settings have changed. They apply from their next use.
  void configure(GroupConfig config) { space_.config = std::move(config); }

  // --- the metadata; an empty image until it is set

  // Without a matcher, patterns are resolved on the image.
  void set_pattern_matcher(PatternMatcher matcher) { consumer_.set_pattern_matcher(std::move(matcher)); }
  // Without a filter members see all topics.
  void set_topic_filter(TopicFilter filter) { consumer_.set_topic_filter(std::move(filter)); }
  // `version` increases with every change: the offset of the image's last record.
  void set_metadata(const metadata::MetadataImage& image, int64_t version);
  // The image has changed by `delta`, to `version`.
  void metadata_changed(const metadata::ImageDelta& delta, int64_t version);

  // --- the log

  // One record, in the order of the log. `producer_id` is -1 outside of transactions. An unreadable record changes
  // nothing, and is logged.
  void apply(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id = -1);
  // The end of a producer's transaction: a control batch of the log.
  void apply_marker(int64_t producer_id, bool committed) { offsets_.apply_marker(producer_id, committed); }
  // All records up to the log end are applied; inputs may follow, and sessions start.
  Effects loaded(Now now);
  // The batch could not be appended; `error` is the partition's. Takes the input's Effects, undoes its changes, and
  // returns the responses to send.
  Effects append_failed(Effects failed, ErrorCode error, Now now);
  // Another broker leads the partition now: answers waiting requests; no further inputs.
  Effects close(ErrorCode error);

  // --- time

  // When to call tick; may be early. nullopt: no timer runs.
  std::optional<int64_t> next_deadline_ms() const;
  Effects tick(Now now);

  // --- requests; each is answered once, at once or later

  Effects join_group(const Caller& caller, const JoinGroupRequest& request, Now now);
  Effects sync_group(const Caller& caller, const SyncGroupRequest& request, Now now);
  Effects heartbeat(const Caller& caller, const HeartbeatRequest& request, Now now);
  Effects leave_group(const Caller& caller, const LeaveGroupRequest& request, Now now);
  // These three cover only this partition's groups; the handler merges the parts.
  Effects describe_groups(const Caller& caller, std::span<const ByteView> groups);
  Effects list_groups(const Caller& caller, const ListGroupsRequest& request);
  Effects delete_groups(const Caller& caller, std::span<const ByteView> groups, Now now);
  Effects commit_offsets(const Caller& caller, const OffsetCommitRequest& request, Now now);
  // The offsets are pending until the producer's transaction commits (txn_offset_commit.cc).
  Effects commit_offsets_in_transaction(const Caller& caller, const TxnOffsetCommitRequest& request, Now now);
  // One group of an OffsetFetch, topics null for all. Responses have names and ids.
  Effects fetch_offsets(const Caller& caller, const OffsetFetchGroup& request, bool require_stable, Now now);
  Effects delete_offsets(const Caller& caller, const OffsetDeleteRequest& request, Now now);
  // Consumer groups (KIP-848). The classic requests above serve their classic members, too.
  Effects consumer_group_heartbeat(const Caller& caller, const ConsumerGroupHeartbeatRequest& request, Now now);
  // Only for this partition's groups.
  Effects describe_consumer_groups(const Caller& caller, std::span<const ByteView> groups);

  // The client (not the broker) closed a connection that members of this group may have used. Members whose last
  // request came over it are removed after the grace of the settings, unless they send a request before; static
  // members, which may come back later, keep their session.
  Effects connection_closed(ByteView group_id, uint64_t connection_id, Now now);

  // Topics were deleted from the cluster: removes their offsets.
  Effects topics_deleted(std::span<const DeletedTopic> topics);

  // --- for tests and metrics

  const GroupTable& groups() const { return space_.groups; }
  // Null if the group is of another kind, too.
  const ClassicGroup* find_group(ByteView group_id) const { return space_.groups.find<ClassicGroup>(group_id); }
  const ConsumerGroup* find_consumer_group(ByteView group_id) const {
    return space_.groups.find<ConsumerGroup>(group_id);
  }
  const OffsetStore& offsets() const { return offsets_.store(); }

 private:
  using Turn = GroupTurn;

  Turn begin(Now now);
  Effects finish(Turn turn);
  void apply_record(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id);
  void apply_offset(const OffsetRecord& committed, int64_t record_offset, int64_t producer_id);

  // The machine of the group's kind; null if there is no group, or none serves it.
  GroupMachine* machine_of(const Group* group);
  // For a request with the classic protocol. It refuses names of groups that do not exist or are not served.
  GroupMachine& machine_for_classic(ByteView group_id);
  GroupMachine& machine_of(const TimerName& name);

  // disconnect.cc
  SpeakingMember find_speaking(ByteView group_id, ByteView member_id);
  // A request of this member, whatever its result: it is alive, and this is its connection. Ignores unknown members.
  void heard_from(Turn& turn, const Caller& caller, ByteView group_id, ByteView member_id);
  // The same for a heartbeat of the classic protocol: also measures the interval of heartbeats.
  void heard_heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request);
  // The same, for a request over another client's connection.
  void heard_of(Turn& turn, ByteView group_id, ByteView member_id);

  GroupSpace space_;
  ClassicGroups classic_;
  ConsumerGroups consumer_;
  GroupOffsets offsets_;
  bool loading_ = true;
  // Records of the last input that are not applied yet, and how to undo it.
  size_t unapplied_ = 0;
  std::function<void(ErrorCode, Turn&)> undo_;
  std::function<void(Turn&)> then_;
  Now then_now_;
};

// A partition's append error as an error for the group's clients (Kafka: appendGroupMetadataErrorToResponseError).
ErrorCode group_error_of_append(ErrorCode error);

}  // namespace milena::coordinator
