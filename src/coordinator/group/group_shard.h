// GroupShard: the group coordinator of one partition of __consumer_offsets, as a pure state machine: no clock, no I/O,
// no thread, no lock. The broker hosts one per partition it leads (broker/group_runtime); tests and the simulator drive
// it directly. (Kafka: org.apache.kafka.coordinator.group.GroupCoordinatorShard.)
//
// The shard keeps one table of groups (group_table.h) and gives each input to the machine of the group's kind:
// ClassicGroups, ConsumerGroups (KIP-848). Offsets are the same for all kinds (GroupOffsets). A new kind of group is a
// Group and a GroupMachine, and a line in machine_of.
//
// Every input gives Effects: records to append, answers to send. The contract with the runtime:
//   1. append the records as one batch; 2. apply each; 3. send the answers when the high watermark covers what was
//   appended until now (reads included); or, if the append failed, 2. give the Effects to append_failed and send what
//   it returns.
// Between an input that asked for records and 2. there is no other input (CHECKed).
//
// Hard state (the offsets; which groups exist, with what last generation) changes in apply alone, live and at load
// alike. Soft state (who waits in a join, when a session ends) changes with the inputs and dies with the shard; a group
// counts as Stable only once the record of its assignment is applied. A shard whose partition is lost is closed and
// dropped.
//
// The cluster's metadata is looked at through a pointer to the image of the thread the shard lives on; metadata_changed
// tells that it is another one.
//
// Not here: authorization, topic ids of offsets (a request names its topics; ids are carried along), share and streams
// groups, of which only the names are kept (foreign_group.h).
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

  // The server's settings have changed. They count from the next time that they are asked for.
  void configure(GroupConfig config) { space_.config = std::move(config); }

  // --- the metadata; an empty image until it is set

  // Where nobody else looks patterns up, they are tried on the image.
  void set_pattern_matcher(PatternMatcher matcher) { consumer_.set_pattern_matcher(std::move(matcher)); }
  // Members see all topics without one.
  void set_topic_filter(TopicFilter filter) { consumer_.set_topic_filter(std::move(filter)); }
  // `version` grows with every change: the offset of the image's last record.
  void set_metadata(const metadata::MetadataImage& image, int64_t version);
  // The image has changed so; it has that version now.
  void metadata_changed(const metadata::ImageDelta& delta, int64_t version);

  // --- the log

  // One record, in the order of the log. `producer_id` is -1 outside of transactions. A record that cannot be read
  // changes nothing, and is logged.
  void apply(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id = -1);
  // The end of a producer's transaction: a control batch of the log.
  void apply_marker(int64_t producer_id, bool committed) { offsets_.apply_marker(producer_id, committed); }
  // All records up to the log end are applied; inputs come from now on, and sessions run.
  Effects loaded(Now now);
  // The batch could not be appended, for this reason (the partition's own). Takes what the input had returned; gives
  // back the answers to send and takes back what must not be believed.
  Effects append_failed(Effects failed, ErrorCode error, Now now);
  // The partition is led by somebody else now: what is parked is answered, nothing is accepted any more.
  Effects close(ErrorCode error);

  // --- time

  // When tick wants to be called; may be early. nullopt: no timer runs.
  std::optional<int64_t> next_deadline_ms() const;
  Effects tick(Now now);

  // --- requests; each is answered once, at once or later

  Effects join_group(const Caller& caller, const JoinGroupRequest& request, Now now);
  Effects sync_group(const Caller& caller, const SyncGroupRequest& request, Now now);
  Effects heartbeat(const Caller& caller, const HeartbeatRequest& request, Now now);
  Effects leave_group(const Caller& caller, const LeaveGroupRequest& request, Now now);
  // These three answer for this partition's groups alone; the handler puts the parts together.
  Effects describe_groups(const Caller& caller, std::span<const ByteView> groups);
  Effects list_groups(const Caller& caller, const ListGroupsRequest& request);
  Effects delete_groups(const Caller& caller, std::span<const ByteView> groups, Now now);
  Effects commit_offsets(const Caller& caller, const OffsetCommitRequest& request, Now now);
  // The offsets count when the producer's transaction commits (txn_offset_commit.cc).
  Effects commit_offsets_in_transaction(const Caller& caller, const TxnOffsetCommitRequest& request, Now now);
  // One group of an OffsetFetch, topics null for all. Answers carry names and ids.
  Effects fetch_offsets(const Caller& caller, const OffsetFetchGroup& request, bool require_stable, Now now);
  Effects delete_offsets(const Caller& caller, const OffsetDeleteRequest& request, Now now);
  // Consumer groups (KIP-848). The classic requests above serve their classic members, too.
  Effects consumer_group_heartbeat(const Caller& caller, const ConsumerGroupHeartbeatRequest& request, Now now);
  // For this partition's groups alone.
  Effects describe_consumer_groups(const Caller& caller, std::span<const ByteView> groups);

  // The client (not we) closed a connection over which members of this group may have spoken. Those whose last request
  // came over it are given up after the grace of the settings, unless they ask for something before; static members,
  // who come back in their own time, keep their session.
  Effects connection_closed(ByteView group_id, uint64_t connection_id, Now now);

  // Topics are gone from the cluster: their offsets go, too.
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
  // For a request with the classic protocol. Names without a group, or of one that is not served, are refused there.
  GroupMachine& machine_for_classic(ByteView group_id);
  GroupMachine& machine_of(const TimerName& name);

  // disconnect.cc
  SpeakingMember find_speaking(ByteView group_id, ByteView member_id);
  // A request of this member, whatever comes of it: it is alive, and this is its connection. Strangers are passed over.
  void heard_from(Turn& turn, const Caller& caller, ByteView group_id, ByteView member_id);
  // The same of a heartbeat of the classic protocol: how often they come is learned from them.
  void heard_heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request);
  // The same, of a request over another's connection.
  void heard_of(Turn& turn, ByteView group_id, ByteView member_id);

  GroupSpace space_;
  ClassicGroups classic_;
  ConsumerGroups consumer_;
  GroupOffsets offsets_;
  bool loading_ = true;
  // Records of the last input that are not applied yet, and how to take it back.
  size_t unapplied_ = 0;
  std::function<void(ErrorCode, Turn&)> undo_;
  std::function<void(Turn&)> then_;
  Now then_now_;
};

// A partition's append error in the words a group's client understands (Kafka:
// appendGroupMetadataErrorToResponseError).
ErrorCode group_error_of_append(ErrorCode error);

}  // namespace milena::coordinator
