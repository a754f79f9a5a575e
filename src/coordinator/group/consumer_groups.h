// ConsumerGroups: the behaviour of consumer groups (KIP-848): heartbeats, assignments by the server, reconciliation,
// and members with the classic protocol. Converts classic groups to consumer groups, and back. (Kafka: the
// consumerGroup methods of org.apache.kafka.coordinator.group.GroupMetadataManager.)
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "coordinator/assignor/assignor.h"
#include "coordinator/group/classic_groups.h"
#include "coordinator/group/consumer_group.h"
#include "coordinator/group/current_assignment.h"
#include "coordinator/group/group_machine.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/topic_regex.h"

namespace milena::coordinator {

// Whether a member may see a topic: only such topics match its pattern.
using TopicFilter = std::function<bool(const Caller& caller, ByteView topic)>;

class ConsumerGroups : public GroupMachine {
 public:
  ConsumerGroups(GroupSpace& space, ClassicGroups& classic) : GroupMachine(space), classic_(classic) {}

  // See GroupShard.
  void set_pattern_matcher(PatternMatcher matcher) { pattern_matcher_ = std::move(matcher); }
  void set_topic_filter(TopicFilter filter) { topic_filter_ = std::move(filter); }
  void metadata_set(int64_t version);
  void metadata_changed(const metadata::ImageDelta& delta, int64_t version);

  void heartbeat(Turn& turn, const Caller& caller, const ConsumerGroupHeartbeatRequest& request);
  void describe(Turn& turn, const Caller& caller, std::span<const ByteView> groups) const;

  // classic_in_consumer.cc: members with the classic protocol
  void join(Turn& turn, const Caller& caller, const JoinGroupRequest& request) override;
  void sync(Turn& turn, const Caller& caller, const SyncGroupRequest& request) override;
  void heartbeat(Turn& turn, const Caller& caller, const HeartbeatRequest& request) override;
  void leave(Turn& turn, const Caller& caller, const LeaveGroupRequest& request) override;

  SpeakingMember find_speaking(Group& group, ByteView member_id) override;
  void heard_of(Turn& turn, Group& group, ByteView member_id) override;
  void committed(Turn&, Group&, ByteView) override {}
  void give_up_members_of(Group& group, uint64_t connection_id, Now now) override;
  void loaded(Turn& turn, Group& group) override;
  Timer* find_timer(const TimerName& name) override;
  void fire(Turn& turn, const TimerName& name) override;

  ConsumerGroup* find(ByteView group_id) const { return space_.groups.find<ConsumerGroup>(group_id); }

  // --- consumer_apply.cc

  void apply(const GroupEpochRecord& record);
  void apply(const SubscriptionMetadataRecord& record);
  void apply(const MemberRecord& record);
  void apply(const AssignmentEpochRecord& record);
  void apply(const TargetRecord& record);
  void apply(const CurrentAssignmentRecord& record);
  void apply(const RegexRecord& record);

 private:
  struct Step;

  // For a record of the group.
  ConsumerGroup& make_group(const Bytes& group_id);

  // consumer_heartbeat.cc
  MaybeRefusal beat(Turn& turn, const Caller& caller, const ConsumerGroupHeartbeatRequest& request);
  MaybeRefusal find_or_make_group(Step& step, ByteView group_id, bool joins);
  MaybeRefusal find_member(Step& step, const ConsumerGroupHeartbeatRequest& request, const Bytes& member_id);
  void replace_static_member(Step& step, const ConsumerMember& old_member, const Bytes& new_id);
  bool is_full(const ConsumerGroup& group, ByteView member_id) const;

  // consumer_step.cc: shared by heartbeats and joins of classic members
  void write_member(Step& step);
  void update_group_epoch(Step& step);
  void update_target(Step& step);
  void compute_target(Step& step);
  std::shared_ptr<const std::vector<Uuid>> existing_topics(const TopicNames& names, AssignableGroup& assignable) const;
  MaybeRefusal reconcile_member(Step& step, const OwnedPartitions& owned);
  // Sets the member's timers when the records are applied. A member that was newly asked to revoke partitions has the
  // full time for it.
  void watch_member(Turn& turn, const Bytes& group_id, const Bytes& member_id, int64_t session_timeout_ms,
                    bool reconciled = false);
  int64_t topics_hash(const SubscriptionCounts& subscriptions);

  // consumer_regex.cc
  MaybeRefusal update_regexes(const Caller& caller, Step& step);
  void resolve_regexes(const Caller& caller, Step& step, const std::set<Bytes, std::less<>>& regexes);
  std::optional<PatternMatches> match_pattern(const Bytes& pattern) const;

  // consumer_settings.cc
  int32_t effective(ByteView group_id, ByteView name, const GroupSetting& setting) const;
  int32_t consumer_session_timeout_ms(ByteView group_id) const;
  // The member's own timeout, if it uses the classic protocol.
  int32_t session_timeout_of(const ConsumerGroup& group, const ConsumerMember& member) const;
  int32_t consumer_heartbeat_interval_ms(ByteView group_id) const;
  int32_t consumer_assignment_interval_ms(ByteView group_id) const;

  // consumer_leave.cc
  MaybeRefusal leave(Turn& turn, const Caller& caller, const ConsumerGroupHeartbeatRequest& request);
  void fence_members(Turn& turn, ConsumerGroup& group, const std::set<Bytes, std::less<>>& member_ids);

  // consumer_migration.cc
  MaybeRefusal upgrade_group(Step& step, ClassicGroup& group);
  bool may_downgrade(const ConsumerGroup& group, size_t remaining) const;
  void downgrade_group(Turn& turn, const ConsumerGroup& group, const std::set<Bytes, std::less<>>& leaving,
                       const ConsumerMember* joining, const Bytes& replaced, ByteView rebalance_why);

  // classic_in_consumer.cc
  MaybeRefusal join_as_classic(Turn& turn, const Caller& caller, const JoinGroupRequest& request,
                               ConsumerGroup& group);
  ErrorCode heartbeat_of_classic(Turn& turn, const HeartbeatRequest& request, ConsumerGroup& group);
  void expect_rejoin(Turn& turn, ConsumerGroup& group, const ConsumerMember& member);

  // disconnect.cc
  void take_over(ConsumerGroup& group, const MemberConnections& connections);

  ClassicGroups& classic_;
  PatternMatcher pattern_matcher_;
  TopicFilter topic_filter_;
  int64_t image_version_ = -1;
  int64_t image_version_with_new_topics_ = -1;
  // Increases when the input of a topic's hash changes.
  int64_t topics_version_ = 0;
  std::map<Bytes, int64_t, std::less<>> topic_hashes_;
};

MemberConnections connections_of(const ClassicGroup& group);
MemberConnections connections_of(const ConsumerGroup& group);

}  // namespace milena::coordinator
