// The parts of GroupShard that every input uses: applying records, loading, time, failure.
#include "coordinator/group/group_shard.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/saturating.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena {
namespace {

// Once a process: a directory of Kafka's may hold a million of them.
void log_foreign_record(int16_t type) {
  static thread_local std::set<int16_t> told;
  if (told.insert(type).second) log_info("Records of type {} in __consumer_offsets are left alone", type);
}

}  // namespace

ErrorCode group_error_of_append(ErrorCode error) {
  switch (error) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kRequestTimedOut: return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError: return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidFetchSize: return ErrorCode::kUnknownServerError;
    default: return error;
  }
}

void turn_into_error(GroupResponse& response, ErrorCode error) {
  struct Visitor {
    ErrorCode error;
    void operator()(JoinGroupResponse& r) const { r = {}; r.error_code = error; }
    void operator()(SyncGroupResponse& r) const { r = {}; r.error_code = error; }
    void operator()(HeartbeatResponse& r) const { r.error_code = error; }
    void operator()(LeaveGroupResponse& r) const { r = {}; r.error_code = error; }
    void operator()(DescribeGroupsResponse& r) const {
      for (auto& group : r.groups) {
        Bytes id = std::move(group.group_id);
        group = {};
        group.group_id = std::move(id);
        group.error_code = error;
      }
    }
    void operator()(ListGroupsResponse& r) const { r = {}; r.error_code = error; }
    void operator()(DeleteGroupsResponse& r) const { for (auto& result : r.results) result.error_code = error; }
    void operator()(OffsetCommitResponse& r) const {
      for (auto& topic : r.topics) for (auto& partition : topic.partitions) partition.error_code = error;
    }
    void operator()(TxnOffsetCommitResponse& r) const {
      for (auto& topic : r.topics) for (auto& partition : topic.partitions) partition.error_code = error;
    }
    void operator()(OffsetFetchGroupResponse& r) const { r.topics.clear(); r.error_code = error; }
    void operator()(OffsetDeleteResponse& r) const { r = {}; r.error_code = error; }
    void operator()(ConsumerGroupHeartbeatResponse& r) const { r = {}; r.error_code = error; }
    void operator()(ConsumerGroupDescribeResponse& r) const {
      for (auto& group : r.groups) {
        Bytes id = std::move(group.group_id);
        group = {};
        group.group_id = std::move(id);
        group.error_code = error;
      }
    }
  };
  std::visit(Visitor{error}, response);
}

GroupShard::GroupShard(GroupConfig config, IdSource new_id) : config_(std::move(config)), new_id_(std::move(new_id)) {
  static const MetadataImage nothing;
  image_ = &nothing;
}

void GroupShard::set_metadata(const MetadataImage& image, int64_t version) {
  image_ = &image;
  image_version_ = version;
  image_version_with_new_topics_ = version;
  ++topics_version_;
  topic_hashes_.clear();
}

void GroupShard::metadata_changed(const ImageDelta& delta, int64_t version) {
  image_version_ = version;
  if (!delta.topics_created.empty()) image_version_with_new_topics_ = version;
  if (delta.topics_created.empty() && delta.topics_deleted.empty() && delta.partitions.empty() &&
      delta.brokers.empty()) {
    return;
  }
  ++topics_version_;
  if (!delta.brokers.empty()) return topic_hashes_.clear();  // racks are in all of them
  const auto forget = [this](ByteView name) {
    const auto at = topic_hashes_.find(name);
    if (at != topic_hashes_.end()) topic_hashes_.erase(at);
  };
  for (const auto& topic : delta.topics_created) forget(topic.name);
  for (const auto& topic : delta.topics_deleted) forget(topic.name);
  for (const auto& change : delta.partitions) {
    if (const TopicImage* topic = image_->find_topic(change.key.topic_id)) forget(topic->name);
  }
}

GroupShard::Turn GroupShard::begin(Now now) {
  CHECK(!loading_, "input before the partition is loaded");
  CHECK(!closed_, "input after the partition is closed");
  CHECK(unapplied_ == 0, "{} records neither applied nor failed", unapplied_);
  return {.now = now, .effects = {}, .undo = {}, .then = {}};
}

Effects GroupShard::finish(Turn turn) {
  unapplied_ = turn.effects.records.size();
  undo_ = unapplied_ > 0 ? std::move(turn.undo) : nullptr;
  then_ = nullptr;
  if (unapplied_ > 0) {
    then_ = std::move(turn.then);
    then_now_ = turn.now;
  } else if (turn.then) {
    std::exchange(turn.then, nullptr)(turn);
  }
  return std::move(turn.effects);
}

void GroupShard::undo_with_error(Turn& turn, AnswerToken token) {
  turn.undo = [token](ErrorCode error, Turn& failed) {
    for (Answer& answer : failed.effects.answers) {
      if (answer.token == token) turn_into_error(answer.response, error);
    }
  };
}

void GroupShard::also_undo_with_error(Turn& turn, AnswerToken token) {
  std::function<void(ErrorCode, Turn&)> others = std::move(turn.undo);
  undo_with_error(turn, token);
  if (!others) return;
  turn.undo = [others = std::move(others), own = std::move(turn.undo)](ErrorCode error, Turn& failed) {
    others(error, failed);
    own(error, failed);
  };
}

Effects GroupShard::append_failed(Effects failed, ErrorCode error, Now now) {
  CHECK(unapplied_ == failed.records.size() && unapplied_ > 0, "{} and {}", unapplied_, failed.records.size());
  unapplied_ = 0;
  then_ = nullptr;
  // What is expired is not tried again at once.
  next_expiry_ms_ = std::max(next_expiry_ms_, add_saturating(now.steady_ms, config_.offsets_retention_check_ms));
  Turn turn = begin(now);
  turn.effects.answers = std::move(failed.answers);
  const ErrorCode told = group_error_of_append(error);
  log_warn("Coordinator records could not be appended: error {}, answered as {}", static_cast<int>(error),
           static_cast<int>(told));
  if (auto undo = std::exchange(undo_, nullptr)) undo(told, turn);
  // Undoing writes nothing: a rebalance that it starts has members to wait for.
  CHECK(turn.effects.records.empty());
  return finish(std::move(turn));
}

void GroupShard::apply(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id) {
  CHECK(!closed_);
  apply_record(key, value, record_offset, producer_id);
  if (unapplied_ == 0 || --unapplied_ > 0) return;
  undo_ = nullptr;
  if (!then_) return;
  Turn turn{.now = then_now_, .effects = {}, .undo = {}, .then = {}};
  std::exchange(then_, nullptr)(turn);
  CHECK(turn.effects.records.empty() && turn.effects.answers.empty());
}

void GroupShard::apply_record(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id) {
  Result<ParsedRecord> parsed = parse_coordinator_record(key, value);
  if (!parsed.ok()) {
    log_error("At offset {} of __consumer_offsets: {}", record_offset, parsed.error().message);
    return;
  }
  std::visit(
      [&](const auto& record) {
        using Record = std::decay_t<decltype(record)>;
        if constexpr (std::is_same_v<Record, OtherRecord>) {
          apply_foreign(record);
        } else if constexpr (std::is_same_v<Record, GroupRecord>) {
          apply_group(record.key.group, record.value);
        } else if constexpr (std::is_same_v<Record, OffsetRecord>) {
          apply_offset(record, record_offset, producer_id);
        } else {
          apply_consumer(record);
        }
      },
      *parsed);
}

void GroupShard::apply_foreign(const OtherRecord& record) {
  log_foreign_record(record.type);
  // Offsets that come before it in the log have made a simple group of that name.
  if (foreign_.apply(record)) groups_.erase(record.group_id);
}

void GroupShard::apply_offset(const OffsetRecord& committed, int64_t record_offset, int64_t producer_id) {
  const OffsetCommitKey& at = committed.key;
  if (!committed.value) return offsets_.remove(at.group, at.topic, at.partition);
  // Offsets without a group make a simple group: empty, of no protocol.
  if (group(at.group) == nullptr && consumer_group(at.group) == nullptr && foreign_.find(at.group) == nullptr) {
    create_group(at.group, committed.value->commit_timestamp);
  }
  const bool known =
      MILENA_GROUP_BUG(kFirstOffsetWins) && loading_ && offsets_.find(at.group, at.topic, at.partition) != nullptr;
  if (known) return;
  CommittedOffset offset = offset_from_record(*committed.value, record_offset);
  if (producer_id < 0) {
    offsets_.put(at.group, at.topic, at.partition, std::move(offset));
  } else {
    offsets_.put_pending(producer_id, at.group, at.topic, at.partition, std::move(offset));
  }
}

void GroupShard::apply_group(const Bytes& group_id, const std::optional<GroupMetadataValue>& value) {
  if (!value) {
    groups_.erase(group_id);
    return;
  }
  consumer_groups_.erase(group_id);
  foreign_.forget(group_id);
  ClassicGroup* known = group(group_id);
  if (known != nullptr && !loading_) return known->on_record(*value);
  groups_[group_id] = std::make_unique<ClassicGroup>(group_id, *value);
}

Effects GroupShard::loaded(Now now) {
  CHECK(loading_);
  loading_ = false;
  Turn turn = begin(now);
  next_expiry_ms_ = add_saturating(now.steady_ms, config_.offsets_retention_check_ms);
  for (auto& [id, group] : groups_) {
    if (MILENA_GROUP_BUG(kLoadedMembersLiveForever)) break;
    for (auto& [member_id, member] : group->members()) touch_session(turn, *group, member);
    if (static_cast<int64_t>(group->members().size()) > config_.max_size) {
      prepare_rebalance(turn, *group, "it is loaded with more members than group.max.size");
    }
  }
  for (auto& [id, group] : consumer_groups_) {
    for (const auto& [member_id, member] : group->members()) {
      watch_consumer_member(turn, id, member_id, consumer_session_timeout_ms(id));
    }
  }
  return finish(std::move(turn));
}

Effects GroupShard::close(ErrorCode error) {
  Turn turn{.now = {}, .effects = {}, .undo = {}, .then = {}};
  closed_ = true;
  for (auto& [id, group] : groups_) {
    for (auto& [member_id, member] : group->members()) {
      JoinGroupResponse response;
      response.member_id = member_id;
      response.error_code = error;
      answer_join(turn, *group, member, std::move(response));
    }
    answer_syncs(turn, *group, error);
  }
  return std::move(turn.effects);
}

std::optional<int64_t> GroupShard::next_deadline_ms() const {
  if (loading_ || closed_) return std::nullopt;
  std::optional<int64_t> next = deadlines_.next_ms();
  if (!groups_.empty() || !consumer_groups_.empty() || !offsets_.empty())
    next = std::min(next.value_or(kNever), next_expiry_ms_);
  return next;
}

Effects GroupShard::tick(Now now) {
  Turn turn = begin(now);
  const auto find = [this](const TimerName& name) { return find_timer(name); };
  while (std::optional<TimerName> name = deadlines_.pop_due(now.steady_ms, find)) {
    fire(turn, *name);
    // Who is fenced next depends on who is fenced now: that must be applied first. The deadlines ask for another tick.
    if (name->kind >= TimerKind::kConsumerSession && !turn.effects.records.empty()) break;
  }
  if (now.steady_ms >= next_expiry_ms_) {
    next_expiry_ms_ = add_saturating(now.steady_ms, config_.offsets_retention_check_ms);
    expire_groups(turn);
  }
  return finish(std::move(turn));
}

Timer* GroupShard::find_timer(const TimerName& name) {
  if (name.kind >= TimerKind::kConsumerSession) {
    ConsumerGroup* modern = consumer_group(name.group_id);
    ConsumerGroup::Timers* timers = modern == nullptr ? nullptr : modern->find_timers(name.member_id);
    if (timers == nullptr) return nullptr;
    switch (name.kind) {
      case TimerKind::kConsumerRebalance: return &timers->rebalance;
      case TimerKind::kConsumerJoin: return &timers->join;
      case TimerKind::kConsumerSync: return &timers->sync;
      default: return &timers->session;
    }
  }
  ClassicGroup* owner = group(name.group_id);
  if (owner == nullptr) return nullptr;
  if (name.kind == TimerKind::kJoin) return &owner->join_timer;
  if (name.kind == TimerKind::kSync) return &owner->sync_timer;
  if (ClassicMember* member = owner->find_member(name.member_id)) return &member->session;
  const auto pending = owner->pending_members().find(name.member_id);
  return pending == owner->pending_members().end() ? nullptr : &pending->second;
}

void GroupShard::fire(Turn& turn, const TimerName& name) {
  if (name.kind >= TimerKind::kConsumerSession) return expire_consumer(turn, *consumer_group(name.group_id), name);
  ClassicGroup& owner = *group(name.group_id);
  switch (name.kind) {
    case TimerKind::kSession: return expire_session(turn, owner, name.member_id);
    case TimerKind::kSync: return expire_pending_sync(turn, owner);
    case TimerKind::kJoin:
      return owner.initial_delay ? continue_initial_rebalance(turn, owner) : complete_join(turn, owner);
    default: return;
  }
}

ClassicGroup* GroupShard::group(ByteView group_id) {
  const auto at = groups_.find(group_id);
  return at == groups_.end() ? nullptr : at->second.get();
}

const ClassicGroup* GroupShard::find_group(ByteView group_id) const {
  const auto at = groups_.find(group_id);
  return at == groups_.end() ? nullptr : at->second.get();
}

ClassicGroup& GroupShard::create_group(ByteView group_id, int64_t wall_ms) {
  return *groups_.emplace(group_id, std::make_unique<ClassicGroup>(Bytes(group_id), wall_ms)).first->second;
}

}  // namespace milena
