#include "coordinator/group/classic_group.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "coordinator/group/consumer_protocol.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

// Each name once: a client that lists a protocol twice has one vote for it.
std::set<ByteView> protocol_names(const MemberProtocols& protocols) {
  std::set<ByteView> names;
  for (const MemberProtocol& protocol : protocols) names.insert(protocol.name);
  return names;
}

}  // namespace

ByteView group_state_name(GroupState state) {
  switch (state) {
    case GroupState::kEmpty: return "Empty";
    case GroupState::kPreparingRebalance: return "PreparingRebalance";
    case GroupState::kCompletingRebalance: return "CompletingRebalance";
    case GroupState::kStable: return "Stable";
  }
  return "Dead";
}

ByteView ClassicMember::metadata(ByteView protocol) const {
  for (const MemberProtocol& candidate : protocols) {
    if (candidate.name == protocol) return candidate.metadata;
  }
  return {};
}

ClassicGroup::ClassicGroup(Bytes id, const GroupMetadataValue& value)
    : Group(std::move(id)),
      state_(value.members.empty() ? GroupState::kEmpty : GroupState::kStable),
      generation_(value.generation),
      protocol_name_(value.protocol),
      leader_(value.leader),
      state_timestamp_ms_(value.current_state_timestamp) {
  if (!value.protocol_type.empty()) protocol_type_ = value.protocol_type;
  for (const GroupMetadataValue::MemberMetadata& stored : value.members) {
    ClassicMember member{.id = stored.member_id,
                         .instance_id = stored.group_instance_id,
                         .client_id = stored.client_id,
                         .client_host = stored.client_host,
                         .rebalance_timeout_ms =
                             stored.rebalance_timeout == -1 ? stored.session_timeout : stored.rebalance_timeout,
                         .session_timeout_ms = stored.session_timeout,
                         .protocols = {{value.protocol.value_or(""), stored.subscription}},
                         .assignment = stored.assignment};
    if (find_member(member.id) != nullptr) continue;
    if (member.instance_id && find_static(*member.instance_id) != nullptr) continue;
    add_member(std::move(member), value.protocol_type);
  }
  // A leader that is not a member can only come from a damaged record.
  if (leader_ && find_member(*leader_) == nullptr) leader_.reset();
  if (!leader_ && !members_.empty()) leader_ = members_.begin()->first;
  compute_subscriptions();
}

ClassicMember* ClassicGroup::find_member(ByteView member_id) {
  const auto at = members_.find(member_id);
  return at == members_.end() ? nullptr : &at->second;
}

const Bytes* ClassicGroup::find_static(ByteView instance_id) const {
  const auto at = static_members_.find(instance_id);
  return at == static_members_.end() ? nullptr : &at->second;
}

ErrorCode ClassicGroup::validate_member(ByteView member_id, std::optional<ByteView> instance_id) const {
  if (instance_id) {
    const Bytes* existing = find_static(*instance_id);
    if (existing == nullptr) return ErrorCode::kUnknownMemberId;
    if (*existing != member_id) return ErrorCode::kFencedInstanceId;
  }
  return members_.find(member_id) == members_.end() ? ErrorCode::kUnknownMemberId : ErrorCode::kNone;
}

ClassicMember& ClassicGroup::add_member(ClassicMember member, ByteView protocol_type) {
  CHECK(!member.awaiting_join && !member.awaiting_sync);
  pending_members_.erase(member.id);
  if (members_.empty()) protocol_type_ = protocol_type;
  if (member.instance_id) {
    const bool added = static_members_.emplace(*member.instance_id, member.id).second;
    CHECK(added, "instance {} twice in group {}", *member.instance_id, id());
  }
  if (!leader_) leader_ = member.id;
  count_protocols(member, 1);
  Bytes member_id = member.id;
  const auto [at, added] = members_.emplace(std::move(member_id), std::move(member));
  CHECK(added, "member {} twice in group {}", at->first, id());
  return at->second;
}

void ClassicGroup::remove_member(ByteView member_id) {
  const auto at = members_.find(member_id);
  if (at != members_.end()) {
    count_protocols(at->second, -1);
    set_awaiting_join(at->second, std::nullopt);
    if (at->second.instance_id) static_members_.erase(*at->second.instance_id);
    const bool was_leader = is_leader(member_id);
    const auto in_sync = pending_sync_.find(member_id);
    if (in_sync != pending_sync_.end()) pending_sync_.erase(in_sync);
    members_.erase(at);
    if (was_leader) {
      leader_.reset();
      if (!members_.empty()) leader_ = members_.begin()->first;
    }
    return;
  }
  const auto pending = pending_members_.find(member_id);
  if (pending != pending_members_.end()) pending_members_.erase(pending);
}

ClassicMember& ClassicGroup::replace_static_member(const Bytes& instance_id, const Bytes& old_id, const Bytes& new_id) {
  auto node = members_.extract(old_id);
  CHECK(!node.empty(), "no member {} in group {}", old_id, id());
  CHECK(!node.mapped().awaiting_join && !node.mapped().awaiting_sync);
  node.key() = new_id;
  node.mapped().id = new_id;
  node.mapped().is_new = false;
  node.mapped().session = Timer{};
  ClassicMember& member = members_.insert(std::move(node)).position->second;
  if (is_leader(old_id)) leader_ = new_id;
  if (pending_sync_.erase(old_id) > 0) pending_sync_.insert(new_id);
  static_members_[instance_id] = new_id;
  return member;
}

void ClassicGroup::update_member(ClassicMember& member, MemberProtocols protocols, int32_t rebalance_timeout_ms,
                                 int32_t session_timeout_ms) {
  count_protocols(member, -1);
  member.protocols = std::move(protocols);
  count_protocols(member, 1);
  member.rebalance_timeout_ms = rebalance_timeout_ms;
  member.session_timeout_ms = session_timeout_ms;
}

void ClassicGroup::set_awaiting_join(ClassicMember& member, std::optional<AnswerToken> token) {
  awaiting_join_count_ +=
      static_cast<int32_t>(token.has_value()) - static_cast<int32_t>(member.awaiting_join.has_value());
  member.awaiting_join = token;
}

bool ClassicGroup::all_members_joined() const {
  if (MILENA_GROUP_BUG(kNobodyIsWaitedFor) && awaiting_join_count_ > 0) return true;
  return static_cast<int32_t>(members_.size()) == awaiting_join_count_ && pending_members_.empty();
}

int32_t ClassicGroup::rebalance_timeout_ms() const {
  int32_t longest = 0;
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout_ms);
  return longest;
}

bool ClassicGroup::supports_protocols(ByteView protocol_type, const MemberProtocols& protocols) const {
  if (is(GroupState::kEmpty)) return !protocol_type.empty() && !protocols.empty();
  if (!protocol_type_ || *protocol_type_ != protocol_type) return false;
  return std::any_of(protocols.begin(), protocols.end(), [this](const MemberProtocol& protocol) {
    const auto at = protocol_counts_.find(protocol.name);
    const int32_t count = at == protocol_counts_.end() ? 0 : at->second;
    return count == static_cast<int32_t>(members_.size());
  });
}

Bytes ClassicGroup::select_protocol() const {
  CHECK(!members_.empty(), "group {}", id());
  std::map<ByteView, int32_t> votes;
  for (const auto& [id, member] : members_) {
    for (const MemberProtocol& protocol : member.protocols) {
      const auto count = protocol_counts_.find(protocol.name);
      if (count == protocol_counts_.end() || count->second != static_cast<int32_t>(members_.size())) continue;
      ++votes[protocol.name];
      break;
    }
  }
  const auto most = std::max_element(votes.begin(), votes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  // Members may join only with a protocol that all support, but one may change its protocols when it rejoins.
  return most == votes.end() ? Bytes() : Bytes(most->first);
}

bool ClassicGroup::is_subscribed_to(ByteView topic) const {
  if (!subscribed_topics_) return uses_consumer_protocol();
  return subscribed_topics_->find(topic) != subscribed_topics_->end();
}

void ClassicGroup::begin_rebalance(int64_t wall_ms) {
  pending_sync_.clear();
  transition_to(GroupState::kPreparingRebalance, wall_ms);
}

void ClassicGroup::reset_assignments() {
  for (auto& [id, member] : members_) {
    if (!member.assignment.empty()) member.former_assignment = std::exchange(member.assignment, {});
  }
}

bool ClassicGroup::elect_joined_leader() {
  if (!leader_) return false;
  if (find_member(*leader_)->awaiting_join) return true;
  for (const auto& [id, member] : members_) {
    if (!member.awaiting_join) continue;
    log_info("Group {}: leader {} did not rejoin in time, {} leads now", this->id(), *leader_, id);
    leader_ = id;
    return true;
  }
  return false;
}

void ClassicGroup::begin_generation(int64_t wall_ms) {
  if (!MILENA_GROUP_BUG(kGenerationStays)) generation_ = generation_ == INT32_MAX ? 0 : generation_ + 1;
  pending_sync_.clear();
  if (members_.empty()) {
    protocol_name_.reset();
    transition_to(GroupState::kEmpty, wall_ms);
  } else {
    protocol_name_ = select_protocol();
    transition_to(GroupState::kCompletingRebalance, wall_ms);
  }
  compute_subscriptions();
}

GroupMetadataValue ClassicGroup::to_record(const std::map<ByteView, ByteView>& assignments,
                                           int64_t state_timestamp_ms) const {
  GroupMetadataValue value;
  value.protocol_type = protocol_type_.value_or("");
  value.generation = generation_;
  value.protocol = protocol_name_;
  value.leader = leader_;
  value.current_state_timestamp = state_timestamp_ms;
  value.members.reserve(members_.size());
  for (const auto& [id, member] : members_) {
    GroupMetadataValue::MemberMetadata& stored = value.members.emplace_back();
    stored.member_id = id;
    stored.group_instance_id = member.instance_id;
    stored.client_id = member.client_id;
    stored.client_host = member.client_host;
    stored.rebalance_timeout = member.rebalance_timeout_ms;
    stored.session_timeout = member.session_timeout_ms;
    stored.subscription = member.metadata(protocol_name_.value_or(""));
    const auto assigned = assignments.find(id);
    if (assigned != assignments.end()) stored.assignment = assigned->second;
  }
  return value;
}

GroupMetadataValue ClassicGroup::to_record() const {
  std::map<ByteView, ByteView> assignments;
  for (const auto& [id, member] : members_) assignments.emplace(id, member.assignment);
  return to_record(assignments, state_timestamp_ms_);
}

void ClassicGroup::on_record(const GroupMetadataValue& value) {
  if (!is(GroupState::kCompletingRebalance) || value.generation != generation_ || value.members.empty()) return;
  for (const GroupMetadataValue::MemberMetadata& stored : value.members) {
    ClassicMember* member = find_member(stored.member_id);
    if (member == nullptr) continue;
    member->assignment = stored.assignment;
    member->former_assignment.clear();
  }
  transition_to(GroupState::kStable, value.current_state_timestamp);
}

void ClassicGroup::transition_to(GroupState state, int64_t wall_ms) {
  const bool allowed = state == GroupState::kPreparingRebalance    ? state_ != GroupState::kPreparingRebalance
                       : state == GroupState::kCompletingRebalance ? state_ == GroupState::kPreparingRebalance
                       : state == GroupState::kStable              ? state_ == GroupState::kCompletingRebalance
                                                                   : state_ == GroupState::kPreparingRebalance;
  CHECK(allowed, "group {} from {} to {}", id(), group_state_name(state_), group_state_name(state));
  previous_state_ = state_;
  state_ = state;
  state_timestamp_ms_ = wall_ms;
}

void ClassicGroup::count_protocols(const ClassicMember& member, int32_t step) {
  for (ByteView name : protocol_names(member.protocols)) {
    auto at = protocol_counts_.find(name);
    if (at == protocol_counts_.end()) at = protocol_counts_.emplace(name, 0).first;
    at->second += step;
    if (at->second == 0) protocol_counts_.erase(at);
  }
}

void ClassicGroup::compute_subscriptions() {
  subscribed_topics_.reset();
  if (!uses_consumer_protocol()) return;
  std::set<Bytes, std::less<>> topics;
  for (const auto& [id, member] : members_) {
    const bool readable = protocol_name_ && read_subscribed_topics(member.metadata(*protocol_name_), topics);
    if (!readable) return;
  }
  subscribed_topics_ = std::move(topics);
}

void ClassicGroup::write_tombstones(std::vector<CoordinatorRecord>& records) const {
  records.push_back(make_group_tombstone(id()));
}

}  // namespace milena::coordinator
