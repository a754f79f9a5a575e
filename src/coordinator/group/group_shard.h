// GroupShard: the group coordinator of one partition of __consumer_offsets, as a pure state machine: no clock, no I/O,
// no thread, no lock. The broker hosts one per partition it leads (broker/group_runtime); tests and the simulator drive
// it directly. Its rules are those of Kafka's GroupMetadataManager and OffsetMetadataManager. A group is either classic
// or a consumer group (KIP-848); the two maps never hold one id both, but between an input that turns one into the
// other and the application of its records.
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
// groups, of which only the names are kept (foreign_groups.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "coordinator/assignor/assignor.h"
#include "coordinator/deadlines.h"
#include "coordinator/group/classic_group.h"
#include "coordinator/group/consumer_group.h"
#include "coordinator/group/current_assignment.h"
#include "coordinator/group/foreign_groups.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/group_types.h"
#include "coordinator/group/offset_store.h"
#include "coordinator/group/topic_regex.h"
#include "metadata/image.h"

namespace milena {

class GroupShard {
 public:
  GroupShard(GroupConfig config, IdSource new_id);

  // The server's settings have changed. They count from the next time that they are asked for.
  void configure(GroupConfig config) { config_ = std::move(config); }

  // --- the metadata; an empty image until it is set

  // Where nobody else looks patterns up, they are tried on the image.
  void set_pattern_matcher(PatternMatcher matcher) { pattern_matcher_ = std::move(matcher); }
  // Which topics a member may see: those that its pattern stands for are among them. Everything without one.
  using TopicFilter = std::function<bool(const Caller& caller, ByteView topic)>;
  void set_topic_filter(TopicFilter filter) { topic_filter_ = std::move(filter); }
  // `version` grows with every change: the offset of the image's last record.
  void set_metadata(const MetadataImage& image, int64_t version);
  // The image has changed so; it has that version now.
  void metadata_changed(const ImageDelta& delta, int64_t version);

  // --- the log

  // One record, in the order of the log. `producer_id` is -1 outside of transactions. A record that cannot be read
  // changes nothing, and is logged.
  void apply(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id = -1);
  // The end of a producer's transaction: a control batch of the log.
  void apply_marker(int64_t producer_id, bool committed) { offsets_.end_transaction(producer_id, committed); }
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

  const ClassicGroup* find_group(ByteView group_id) const;
  const std::map<Bytes, std::unique_ptr<ClassicGroup>, std::less<>>& groups() const { return groups_; }
  const ConsumerGroup* find_consumer_group(ByteView group_id) const;
  const std::map<Bytes, std::unique_ptr<ConsumerGroup>, std::less<>>& consumer_groups() const {
    return consumer_groups_;
  }
  const OffsetStore& offsets() const { return offsets_; }

 private:
  // One input being handled.
  struct Turn {
    Now now;
    Effects effects;
    // What to do if the records cannot be appended; without it the answers stand as they are.
    std::function<void(ErrorCode, Turn&)> undo;
    // What to do when the records are applied: changes of soft state that need what the records make. Gives no effects.
    std::function<void(Turn&)> then;

    template <class Response>
    void answer(AnswerToken token, Response response) {
      effects.answers.push_back({token, std::move(response)});
    }
    void write(CoordinatorRecord record) { effects.records.push_back(std::move(record)); }
    // Nothing of what was decided until now shall happen.
    void drop() {
      effects = {};
      undo = nullptr;
      then = nullptr;
    }
  };

  struct ConsumerStep;

  Turn begin(Now now);
  Effects finish(Turn turn);
  void apply_record(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id);
  // On failure the caller's answer becomes the error.
  static void undo_with_error(Turn& turn, AnswerToken token);
  // The same, besides what is to be undone anyhow.
  static void also_undo_with_error(Turn& turn, AnswerToken token);

  ClassicGroup* group(ByteView group_id);
  ClassicGroup& create_group(ByteView group_id, int64_t wall_ms);
  void apply_foreign(const OtherRecord& record);
  void apply_group(const Bytes& group_id, const std::optional<GroupMetadataValue>& value);
  void apply_offset(const OffsetRecord& committed, int64_t record_offset, int64_t producer_id);
  Timer* find_timer(const TimerName& name);
  void fire(Turn& turn, const TimerName& name);

  // join_group.cc
  void join_known_group(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group);
  bool accepts_joining(ClassicGroup& group, ByteView member_id) const;
  void join_new_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group);
  void join_existing_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group);
  void rejoin_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group,
                     ClassicMember& member);
  void add_member_then_rebalance(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group,
                                 const Bytes& member_id);
  void update_member_then_rebalance(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                    ClassicGroup& group, ClassicMember& member, ByteView why);
  // static_member.cc
  void replace_static_member(Turn& turn, const Caller& caller, const JoinGroupRequest& request, ClassicGroup& group,
                             const Bytes& old_id, const Bytes& new_id);
  void keep_generation_of_static_member(Turn& turn, const Caller& caller, ClassicGroup& group, ClassicMember& member,
                                        const ClassicMember& before, const Bytes& old_leader);

  // rebalance.cc
  void rebalance_or_complete_join(Turn& turn, ClassicGroup& group, ByteView why);
  void prepare_rebalance(Turn& turn, ClassicGroup& group, ByteView why);
  void maybe_complete_join(Turn& turn, ClassicGroup& group);
  void continue_initial_rebalance(Turn& turn, ClassicGroup& group);
  // Clients that start at the same moment come some milliseconds apart.
  bool waits_for_silence() const { return config_.initial_rebalance_delay_ms == 0 && config_.join_silence_ms > 0; }
  void complete_join(Turn& turn, ClassicGroup& group);
  void remove_member_then_rebalance(Turn& turn, ClassicGroup& group, ClassicMember& member, ByteView why);
  void expire_session(Turn& turn, ClassicGroup& group, const Bytes& member_id);
  void expire_pending_sync(Turn& turn, ClassicGroup& group);
  // Answers what the member waits for, and removes it.
  void drop_member(Turn& turn, ClassicGroup& group, ClassicMember& member);
  // The answer to a join that succeeded. The leader's gets the list of members, where it is to assign.
  static JoinGroupResponse joined(const ClassicGroup& group, ByteView member_id, ByteView leader, bool with_members);
  void answer_join(Turn& turn, ClassicGroup& group, ClassicMember& member, JoinGroupResponse response);
  void answer_syncs(Turn& turn, ClassicGroup& group, ErrorCode error);
  void touch_session(Turn& turn, ClassicGroup& group, ClassicMember& member, int64_t timeout_ms);
  void touch_session(Turn& turn, ClassicGroup& group, ClassicMember& member);

  // disconnect.cc
  // Null for strangers.
  struct SpeakingMember {
    MemberConnection* connection = nullptr;
    int64_t session_timeout_ms = 0;
  };
  SpeakingMember find_speaking(ByteView group_id, ByteView member_id);
  // A request of this member, whatever comes of it: it is alive, and this is its connection. Strangers are passed over.
  void heard_from(Turn& turn, const Caller& caller, ByteView group_id, ByteView member_id);
  // The same of a heartbeat of the classic protocol: how often they come is learned from them.
  void heard_heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request);
  // The same, of a request over another's connection.
  void heard_of(Turn& turn, ByteView group_id, ByteView member_id);
  int64_t gone_deadline_ms(const MemberConnection& connection, int64_t session_timeout_ms, Now now) const;
  void give_up_members_of(ConsumerGroup& group, uint64_t connection_id, Now now);
  void give_up_members_of(ClassicGroup& group, uint64_t connection_id, Now now);
  // For a group that becomes one of the other kind: who speaks over which connection, and whose clock runs.
  using MemberConnections = std::vector<std::pair<Bytes, MemberConnection>>;
  static MemberConnections connections_of(const ClassicGroup& group);
  static MemberConnections connections_of(const ConsumerGroup& group);
  void take_over(ClassicGroup& group, const MemberConnections& connections);
  void take_over(ConsumerGroup& group, const MemberConnections& connections);

  // sync_group.cc
  void sync_completing(Turn& turn, const Caller& caller, const SyncGroupRequest& request, ClassicGroup& group,
                       ClassicMember& member);
  void store_assignments(Turn& turn, const SyncGroupRequest& request, ClassicGroup& group);
  void received_sync(ClassicGroup& group, ByteView member_id);

  // heartbeat_leave.cc
  ErrorCode leave_one(Turn& turn, ClassicGroup& group, const LeaveGroupRequest::MemberIdentity& leaving);

  // group_offsets.cc
  // A commit of no member to an empty streams group, as an administrator's, is accepted.
  static ErrorCode validate_commit_to_foreign(const ForeignGroups::Group& group, bool of_member);
  ErrorCode validate_commit(Turn& turn, const Caller& caller, const OffsetCommitRequest& request);
  // txn_offset_commit.cc
  ErrorCode validate_transactional_commit(const TxnOffsetCommitRequest& request);
  ErrorCode validate_transactional_commit_of_consumer(const TxnOffsetCommitRequest& request,
                                                      const ConsumerGroup& group) const;
  ErrorCode validate_commit_of_consumer(const Caller& caller, const OffsetCommitRequest& request,
                                        const ConsumerGroup& group) const;
  bool is_metadata_too_long(std::optional<ByteView> metadata) const;
  ErrorCode validate_fetch(const OffsetFetchGroup& request) const;
  // False if the answer is full before its end.
  bool fetch_named(const Caller& caller, const OffsetFetchGroup& request, bool require_stable,
                   OffsetFetchGroupResponse& response) const;
  void fetch_all(const Caller& caller, const OffsetFetchGroup& request, bool require_stable,
                 OffsetFetchGroupResponse& response) const;
  OffsetFetchResponse::OffsetFetchResponsePartitions fetched(ByteView group_id, ByteView topic, const Uuid& topic_id,
                                                             int32_t partition, const CommittedOffset* offset,
                                                             bool require_stable) const;
  void write_offset_tombstones(Turn& turn, ByteView group_id) const;
  void write_group_tombstones(Turn& turn, ByteView group_id) const;
  // Writes the tombstones of offsets that have expired; `subscribed` ones do not, and the retention counts from
  // `since_ms` or, without, from the commit. True if nothing is left of the group's offsets after this.
  bool expire_offsets(Turn& turn, ByteView group_id, const std::function<bool(ByteView topic)>& subscribed,
                      std::optional<int64_t> since_ms) const;
  bool expire_offsets(Turn& turn, const ClassicGroup& group) const;
  void expire_groups(Turn& turn);

  // consumer_apply.cc
  ConsumerGroup* consumer_group(ByteView group_id);
  // For a record that tells something about it.
  ConsumerGroup& make_consumer_group(const Bytes& group_id);
  void apply_consumer(const GroupEpochRecord& record);
  void apply_consumer(const SubscriptionMetadataRecord& record);
  void apply_consumer(const MemberRecord& record);
  void apply_consumer(const AssignmentEpochRecord& record);
  void apply_consumer(const TargetRecord& record);
  void apply_consumer(const CurrentAssignmentRecord& record);
  void apply_consumer(const RegexRecord& record);

  // consumer_heartbeat.cc
  MaybeRefusal beat(Turn& turn, const Caller& caller, const ConsumerGroupHeartbeatRequest& request);
  MaybeRefusal find_or_make_consumer_group(ConsumerStep& step, ByteView group_id, bool joins);
  MaybeRefusal find_consumer_member(ConsumerStep& step, const ConsumerGroupHeartbeatRequest& request,
                                    const Bytes& member_id);
  void replace_static_consumer(ConsumerStep& step, const ConsumerMember& old_member, const Bytes& new_id);
  bool is_full(const ConsumerGroup& group, ByteView member_id) const;

  // consumer_step.cc: what a heartbeat and the join of a classic member have in common
  void update_consumer_member(ConsumerStep& step);
  void update_group_epoch(ConsumerStep& step);
  void update_target(ConsumerStep& step);
  void compute_target(ConsumerStep& step);
  std::shared_ptr<const std::vector<Uuid>> existing_topics(const TopicNames& names, AssignableGroup& assignable) const;
  MaybeRefusal reconcile_member(ConsumerStep& step, const OwnedPartitions& owned);
  // When the records are applied: the member's timers. Who was told anew what to give back has all its time for it.
  void watch_consumer_member(Turn& turn, const Bytes& group_id, const Bytes& member_id, int64_t session_timeout_ms,
                             bool reconciled = false);
  int64_t topics_hash(const SubscriptionCounts& subscriptions);

  // consumer_regex.cc
  MaybeRefusal update_regexes(const Caller& caller, ConsumerStep& step);
  void resolve_regexes(const Caller& caller, ConsumerStep& step, const std::set<Bytes, std::less<>>& regexes);
  std::optional<PatternMatches> match_pattern(const Bytes& pattern) const;

  // consumer_settings.cc
  int32_t effective(ByteView group_id, ByteView name, const GroupSetting& setting) const;
  int32_t consumer_session_timeout_ms(ByteView group_id) const;
  int32_t consumer_heartbeat_interval_ms(ByteView group_id) const;
  int32_t consumer_assignment_interval_ms(ByteView group_id) const;

  // consumer_leave.cc
  MaybeRefusal leave_consumer_group(Turn& turn, const Caller& caller, const ConsumerGroupHeartbeatRequest& request);
  void fence_consumers(Turn& turn, ConsumerGroup& group, const std::set<Bytes, std::less<>>& member_ids);
  void expire_consumer(Turn& turn, ConsumerGroup& group, const TimerName& name);
  static void write_consumer_group_tombstones(Turn& turn, const ConsumerGroup& group);

  // consumer_migration.cc
  MaybeRefusal upgrade_group(ConsumerStep& step, ClassicGroup& group);
  bool may_downgrade(const ConsumerGroup& group, size_t remaining) const;
  void downgrade_group(Turn& turn, const ConsumerGroup& group, const std::set<Bytes, std::less<>>& leaving,
                       const ConsumerMember* joining, const Bytes& replaced, ByteView rebalance_why);

  // classic_in_consumer.cc: members with the classic protocol in consumer groups
  MaybeRefusal join_consumer_group(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                                   ConsumerGroup& group);
  void sync_consumer_group(Turn& turn, const Caller& caller, const SyncGroupRequest& request, ConsumerGroup& group);
  ErrorCode heartbeat_consumer_group(Turn& turn, const HeartbeatRequest& request, ConsumerGroup& group);
  void leave_consumer_group(Turn& turn, const Caller& caller, const LeaveGroupRequest& request, ConsumerGroup& group);
  void expect_rejoin(Turn& turn, ConsumerGroup& group, const ConsumerMember& member);

  GroupConfig config_;
  const IdSource new_id_;
  PatternMatcher pattern_matcher_;
  TopicFilter topic_filter_;
  const MetadataImage* image_;
  int64_t image_version_ = -1;
  int64_t image_version_with_new_topics_ = -1;
  // Moves on when anything changes that hashes of topics are made of.
  int64_t topics_version_ = 0;
  std::map<Bytes, int64_t, std::less<>> topic_hashes_;
  std::map<Bytes, std::unique_ptr<ConsumerGroup>, std::less<>> consumer_groups_;
  std::map<Bytes, std::unique_ptr<ClassicGroup>, std::less<>> groups_;
  ForeignGroups foreign_;
  OffsetStore offsets_;
  Deadlines deadlines_;
  int64_t next_expiry_ms_ = kNever;
  bool loading_ = true;
  bool closed_ = false;
  // Records of the last input that are not applied yet, and how to take it back.
  size_t unapplied_ = 0;
  std::function<void(ErrorCode, Turn&)> undo_;
  std::function<void(Turn&)> then_;
  Now then_now_;
};

// A partition's append error in the words a group's client understands (Kafka:
// appendGroupMetadataErrorToResponseError).
ErrorCode group_error_of_append(ErrorCode error);

// The protocols of a join, kept beyond its frame.
MemberProtocols protocols_of(const JoinGroupRequest& request);
// Its rebalance timeout; in version 0 that is the session's.
int32_t rebalance_timeout_of(const Caller& caller, const JoinGroupRequest& request);

// Who leaves: in the old versions the sender itself.
std::vector<LeaveGroupRequest::MemberIdentity> leaving_members(const Caller& caller, const LeaveGroupRequest& request);
// Until version 2 the one member's error is the answer's.
LeaveGroupResponse leave_answer_in_version(LeaveGroupResponse response, int16_t version);

// Puts an error in place of what an answer says, as Kafka's error answer of that request looks.
void turn_into_error(GroupResponse& response, ErrorCode error);

}  // namespace milena
