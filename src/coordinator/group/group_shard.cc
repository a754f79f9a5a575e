// GroupShard: applying records, loading, timers, failures, and dispatching of requests.
#include "coordinator/group/group_shard.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "coordinator/group/foreign_group.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

// Once per process: a directory of Kafka's may have a million of them.
void log_foreign_record(int16_t type) {
  static thread_local std::set<int16_t> told;
  if (told.insert(type).second) log_info("Records of type {} in __consumer_offsets are ignored", type);
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

namespace {

const metadata::MetadataImage& empty_image() {
  static const metadata::MetadataImage nothing;
  return nothing;
}

}  // namespace

GroupShard::GroupShard(GroupConfig config, IdSource new_id)
    : space_{.config = std::move(config), .new_id = std::move(new_id), .groups = {}, .deadlines = {},
             .image = &empty_image()},
      classic_(space_),
      consumer_(space_, classic_),
      offsets_(space_) {}

void GroupShard::set_metadata(const metadata::MetadataImage& image, int64_t version) {
  space_.image = &image;
  consumer_.metadata_set(version);
}

void GroupShard::metadata_changed(const metadata::ImageDelta& delta, int64_t version) {
  consumer_.metadata_changed(delta, version);
}

GroupMachine* GroupShard::machine_of(const Group* group) {
  if (group == nullptr) return nullptr;
  switch (group->type()) {
    case GroupType::kClassic: return &classic_;
    case GroupType::kConsumer: return &consumer_;
    case GroupType::kShare:
    case GroupType::kStreams: return nullptr;
  }
  return nullptr;
}

GroupMachine& GroupShard::machine_for_classic(ByteView group_id) {
  GroupMachine* machine = machine_of(space_.groups.find(group_id));
  return machine == nullptr ? classic_ : *machine;
}

// The timers of consumer groups come last.
GroupMachine& GroupShard::machine_of(const TimerName& name) {
  if (name.kind >= TimerKind::kConsumerSession) return consumer_;
  return classic_;
}

GroupShard::Turn GroupShard::begin(Now now) {
  CHECK(!loading_, "input before the partition is loaded");
  CHECK(!space_.closed, "input after the partition is closed");
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

Effects GroupShard::append_failed(Effects failed, ErrorCode error, Now now) {
  CHECK(unapplied_ == failed.records.size() && unapplied_ > 0, "{} and {}", unapplied_, failed.records.size());
  unapplied_ = 0;
  then_ = nullptr;
  offsets_.postpone_expiry(now);
  Turn turn = begin(now);
  turn.effects.answers = std::move(failed.answers);
  const ErrorCode told = group_error_of_append(error);
  log_warn("Coordinator records could not be appended: error {}, answered as {}", static_cast<int>(error),
           static_cast<int>(told));
  if (auto undo = std::exchange(undo_, nullptr)) undo(told, turn);
  // Undo writes no records: a rebalance that it starts waits for members.
  CHECK(turn.effects.records.empty());
  return finish(std::move(turn));
}

void GroupShard::apply(ByteView key, std::optional<ByteView> value, int64_t record_offset, int64_t producer_id) {
  CHECK(!space_.closed);
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
          log_foreign_record(record.type);
          apply_foreign(space_.groups, record);
        } else if constexpr (std::is_same_v<Record, GroupRecord>) {
          classic_.apply(record.key.group, record.value, loading_);
        } else if constexpr (std::is_same_v<Record, OffsetRecord>) {
          apply_offset(record, record_offset, producer_id);
        } else {
          consumer_.apply(record);
        }
      },
      *parsed);
}

void GroupShard::apply_offset(const OffsetRecord& committed, int64_t record_offset, int64_t producer_id) {
  const OffsetCommitKey& at = committed.key;
  // Offsets without a group create a simple group: empty, without a protocol.
  if (committed.value && space_.groups.find(at.group) == nullptr) {
    space_.groups.put(std::make_unique<ClassicGroup>(at.group, committed.value->commit_timestamp));
  }
  const bool known = MILENA_GROUP_BUG(kFirstOffsetWins) && loading_ && committed.value &&
                     offsets().find(at.group, at.topic, at.partition) != nullptr;
  if (!known) offsets_.apply(committed, record_offset, producer_id);
}

Effects GroupShard::loaded(Now now) {
  CHECK(loading_);
  loading_ = false;
  Turn turn = begin(now);
  offsets_.start_expiry(now);
  for (const auto& [id, group] : space_.groups.all()) {
    if (GroupMachine* machine = machine_of(group.get())) machine->loaded(turn, *group);
  }
  return finish(std::move(turn));
}

Effects GroupShard::close(ErrorCode error) {
  Turn turn{.now = {}, .effects = {}, .undo = {}, .then = {}};
  space_.closed = true;
  classic_.close(turn, error);
  return std::move(turn.effects);
}

std::optional<int64_t> GroupShard::next_deadline_ms() const {
  if (loading_ || space_.closed) return std::nullopt;
  std::optional<int64_t> next = space_.deadlines.next_ms();
  if (!space_.groups.empty() || !offsets().empty()) next = std::min(next.value_or(kNever), offsets_.next_expiry_ms());
  return next;
}

Effects GroupShard::tick(Now now) {
  Turn turn = begin(now);
  const auto find = [this](const TimerName& name) { return machine_of(name).find_timer(name); };
  while (std::optional<TimerName> name = space_.deadlines.pop_due(now.steady_ms, find)) {
    machine_of(*name).fire(turn, *name);
    // The next member to fence depends on the one fenced now, so these records must be applied first. The deadlines ask
    // for another tick.
    if (name->kind >= TimerKind::kConsumerSession && !turn.effects.records.empty()) break;
  }
  if (now.steady_ms >= offsets_.next_expiry_ms()) offsets_.expire(turn);
  return finish(std::move(turn));
}

// --- requests

Effects GroupShard::join_group(const Caller& caller, const JoinGroupRequest& request, Now now) {
  Turn turn = begin(now);
  heard_from(turn, caller, request.group_id, request.member_id);
  const GroupConfig& config = space_.config;
  const ConsumerGroup* consumer = find_consumer_group(request.group_id);
  if (request.group_id.empty()) {
    turn.answer(caller.token, join_error(ErrorCode::kInvalidGroupId, request.member_id));
  } else if (request.session_timeout_ms < config.min_session_timeout_ms ||
             request.session_timeout_ms > config.max_session_timeout_ms) {
    turn.answer(caller.token, join_error(ErrorCode::kInvalidSessionTimeout, request.member_id));
  } else if (consumer != nullptr && consumer->may_become_classic()) {
    classic_.join(turn, caller, request);
    if (MILENA_GROUP_BUG(kMigrationDropsOffsets)) offsets_.write_tombstones(turn, request.group_id);
  } else {
    machine_for_classic(request.group_id).join(turn, caller, request);
  }
  return finish(std::move(turn));
}

Effects GroupShard::sync_group(const Caller& caller, const SyncGroupRequest& request, Now now) {
  Turn turn = begin(now);
  heard_from(turn, caller, request.group_id, request.member_id);
  machine_for_classic(request.group_id).sync(turn, caller, request);
  return finish(std::move(turn));
}

Effects GroupShard::heartbeat(const Caller& caller, const HeartbeatRequest& request, Now now) {
  Turn turn = begin(now);
  heard_heartbeat(turn, caller, request);
  machine_for_classic(request.group_id).heartbeat(turn, caller, request);
  return finish(std::move(turn));
}

Effects GroupShard::leave_group(const Caller& caller, const LeaveGroupRequest& request, Now now) {
  Turn turn = begin(now);
  machine_for_classic(request.group_id).leave(turn, caller, request);
  return finish(std::move(turn));
}

Effects GroupShard::consumer_group_heartbeat(const Caller& caller, const ConsumerGroupHeartbeatRequest& request,
                                             Now now) {
  Turn turn = begin(now);
  heard_from(turn, caller, request.group_id, request.member_id);
  consumer_.heartbeat(turn, caller, request);
  return finish(std::move(turn));
}

Effects GroupShard::describe_consumer_groups(const Caller& caller, std::span<const ByteView> groups) {
  Turn turn = begin({});
  consumer_.describe(turn, caller, groups);
  return finish(std::move(turn));
}

Effects GroupShard::commit_offsets(const Caller& caller, const OffsetCommitRequest& request, Now now) {
  Turn turn = begin(now);
  heard_from(turn, caller, request.group_id, request.member_id);
  const ErrorCode error = offsets_.validate_commit(caller, request);
  Group* group = space_.groups.find(request.group_id);
  GroupMachine* machine = machine_of(group);
  if (error == ErrorCode::kNone && machine != nullptr) machine->committed(turn, *group, request.member_id);
  offsets_.commit(turn, caller, request, error);
  return finish(std::move(turn));
}

Effects GroupShard::commit_offsets_in_transaction(const Caller& caller, const TxnOffsetCommitRequest& request,
                                                  Now now) {
  Turn turn = begin(now);
  heard_of(turn, request.group_id, request.member_id);
  offsets_.commit_in_transaction(turn, caller, request);
  return finish(std::move(turn));
}

Effects GroupShard::fetch_offsets(const Caller& caller, const OffsetFetchGroup& request, bool require_stable, Now now) {
  Turn turn = begin(now);
  heard_of(turn, request.group_id, request.member_id.value_or(ByteView()));
  offsets_.fetch(turn, caller, request, require_stable);
  return finish(std::move(turn));
}

Effects GroupShard::delete_offsets(const Caller& caller, const OffsetDeleteRequest& request, Now now) {
  Turn turn = begin(now);
  offsets_.remove(turn, caller, request);
  return finish(std::move(turn));
}

Effects GroupShard::topics_deleted(std::span<const DeletedTopic> topics) {
  Turn turn = begin({});
  offsets_.topics_deleted(turn, topics);
  return finish(std::move(turn));
}

}  // namespace milena::coordinator
