// GroupShard: OffsetCommit, OffsetFetch, OffsetDelete, and the end of offsets: by age, with their topic, with their
// group. Versions: Commit 1 generation, member and (only there) timestamp, 2-4 retention, 9 GROUP_ID_NOT_FOUND, 10
// topic ids; Fetch 7 RequireStable, 10 topic ids.
#include <utility>

#include "base/log.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/group_shard.h"
#include "coordinator/group/java_string.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena {
namespace {

constexpr int16_t kFirstCommitVersionWithGroupNotFound = 9;
constexpr int16_t kFirstCommitVersionWithMemberEpoch = 9;
// The tombstones of one check, so that they fit into a batch; the next check follows at once.
constexpr size_t kMostExpiredAtOnce = 2'000;

// Clients name any time they like; what goes beyond the end of time wraps, as in Java.
int64_t wrapping_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrapping_difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// A topic that was deleted and made again: its old offsets are not the new one's.
bool of_another_topic(const Uuid& stored, const Uuid& asked) {
  return !stored.is_zero() && !asked.is_zero() && stored != asked;
}

size_t size_of(const OffsetFetchResponse::OffsetFetchResponsePartitions& partition) {
  return sizeof(partition) + partition.metadata.value_or("").size();
}

CommittedOffset committed_offset(const OffsetCommitRequest& request,
                                 const OffsetCommitRequest::OffsetCommitRequestTopic& topic,
                                 const OffsetCommitRequest::OffsetCommitRequestPartition& partition, int64_t wall_ms) {
  CommittedOffset offset;
  offset.offset = partition.committed_offset;
  offset.leader_epoch = partition.committed_leader_epoch;
  offset.metadata = partition.committed_metadata.value_or("");
  offset.commit_timestamp_ms = partition.commit_timestamp == -1 ? wall_ms : partition.commit_timestamp;
  if (request.retention_time_ms != -1) {
    offset.expire_timestamp_ms = wrapping_sum(wall_ms, request.retention_time_ms);
  }
  offset.topic_id = topic.topic_id;
  return offset;
}

// A member may commit in its generation while the group is stable or about to rebalance; an empty group takes offsets
// from anybody who claims no generation (simple consumers, administrators).
ErrorCode validate_committer(const ClassicGroup& group, const OffsetCommitRequest& request) {
  const int32_t generation = request.generation_id_or_member_epoch;
  if (generation < 0 && group.is(GroupState::kEmpty)) return ErrorCode::kNone;
  if (generation < 0 && request.member_id.empty() && !request.group_instance_id) return ErrorCode::kUnknownMemberId;
  const ErrorCode error = group.validate_member(request.member_id, request.group_instance_id);
  if (error != ErrorCode::kNone) return error;
  const bool current = generation == group.generation() || MILENA_GROUP_BUG(kOldGenerationCommits);
  if (!current) return ErrorCode::kIllegalGeneration;
  return group.is(GroupState::kCompletingRebalance) ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone;
}

}  // namespace

// Members of consumer groups commit in their epoch. One that has not heard of its newest yet may still commit for what
// was its own already then (KIP-1251).
ErrorCode GroupShard::validate_commit_of_consumer(const Caller& caller, const OffsetCommitRequest& request,
                                                  const ConsumerGroup& group) const {
  const int32_t epoch = request.generation_id_or_member_epoch;
  if (epoch < 0 && group.is_empty()) return ErrorCode::kNone;
  const ConsumerMember* member = group.find_member(request.member_id);
  if (member == nullptr) return ErrorCode::kUnknownMemberId;
  const bool classic = member->uses_classic_protocol();
  if (!classic && caller.api_version < kFirstCommitVersionWithMemberEpoch) return ErrorCode::kUnsupportedVersion;
  if (epoch == member->epoch) return ErrorCode::kNone;
  const ErrorCode stale = classic ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch;
  if (MILENA_GROUP_BUG(kOldGenerationCommits)) return ErrorCode::kNone;
  if (epoch > member->epoch) return stale;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      if (is_metadata_too_long(partition.committed_metadata)) continue;
      const EpochAssignment& held = contains(member->assigned, topic.topic_id, partition.partition_index)
                                        ? member->assigned
                                        : member->pending_revocation;
      if (!contains(held, topic.topic_id, partition.partition_index)) return stale;
      if (epoch < held.at(topic.topic_id).at(partition.partition_index)) return stale;
    }
  }
  return ErrorCode::kNone;
}

bool GroupShard::is_metadata_too_long(std::optional<ByteView> metadata) const {
  const size_t length = utf16_length(metadata.value_or(""));
  return static_cast<int64_t>(length) > config_.offset_metadata_max_bytes;
}

ErrorCode GroupShard::validate_commit_to_foreign(const ForeignGroups::Group& group, bool of_member) {
  if (group.kind == ForeignGroups::Kind::kShare) return ErrorCode::kGroupIdNotFound;
  return of_member || !group.members.empty() ? ErrorCode::kUnknownMemberId : ErrorCode::kNone;
}

ErrorCode GroupShard::validate_commit(Turn& turn, const Caller& caller, const OffsetCommitRequest& request) {
  if (const ConsumerGroup* modern = find_consumer_group(request.group_id)) {
    return validate_commit_of_consumer(caller, request, *modern);
  }
  if (const ForeignGroups::Group* other = foreign_.find(request.group_id)) {
    return validate_commit_to_foreign(*other, request.generation_id_or_member_epoch >= 0);
  }
  ClassicGroup* known = group(request.group_id);
  if (known == nullptr) {
    if (request.generation_id_or_member_epoch < 0) return ErrorCode::kNone;  // the record will make a simple group
    return caller.api_version >= kFirstCommitVersionWithGroupNotFound ? ErrorCode::kGroupIdNotFound
                                                                      : ErrorCode::kIllegalGeneration;
  }
  const ErrorCode error = validate_committer(*known, request);
  if (error != ErrorCode::kNone) return error;
  // Who commits is alive.
  if (ClassicMember* member = known->find_member(request.member_id)) touch_session(turn, *known, *member);
  return ErrorCode::kNone;
}

Effects GroupShard::commit_offsets(const Caller& caller, const OffsetCommitRequest& request, Now now) {
  Turn turn = begin(now);
  heard_from(turn, caller, request.group_id, request.member_id);
  const ErrorCode error = validate_commit(turn, caller, request);
  OffsetCommitResponse response;
  response.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    OffsetCommitResponse::OffsetCommitResponseTopic& answered = response.topics.emplace_back();
    answered.name = topic.name;
    answered.topic_id = topic.topic_id;
    answered.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      ErrorCode of_partition = error;
      if (error == ErrorCode::kNone && is_metadata_too_long(partition.committed_metadata)) {
        of_partition = ErrorCode::kOffsetMetadataTooLarge;
      }
      answered.partitions.push_back({.partition_index = partition.partition_index, .error_code = of_partition});
      if (of_partition != ErrorCode::kNone) continue;
      turn.write(make_offset_record(request.group_id, topic.name, partition.partition_index,
                                    committed_offset(request, topic, partition, now.wall_ms)));
    }
  }
  turn.answer(caller.token, std::move(response));
  if (!MILENA_GROUP_BUG(kFailedCommitIsTold)) undo_with_error(turn, caller.token);
  return finish(std::move(turn));
}

OffsetFetchResponse::OffsetFetchResponsePartitions GroupShard::fetched(ByteView group_id, ByteView topic,
                                                                       const Uuid& topic_id, int32_t partition,
                                                                       const CommittedOffset* offset,
                                                                       bool require_stable) const {
  OffsetFetchResponse::OffsetFetchResponsePartitions answer;
  answer.partition_index = partition;
  answer.committed_offset = -1;
  if (require_stable && offsets_.has_pending(group_id, topic, partition)) {
    answer.error_code = ErrorCode::kUnstableOffsetCommit;
  } else if (offset != nullptr && !of_another_topic(offset->topic_id, topic_id)) {
    answer.committed_offset = offset->offset;
    answer.committed_leader_epoch = offset->leader_epoch;
    answer.metadata = offset->metadata;
  }
  return answer;
}

// Who says that it is a member of a consumer group must be one, in its present epoch (since version 9).
ErrorCode GroupShard::validate_fetch(const OffsetFetchGroup& request) const {
  if (const ForeignGroups::Group* other = foreign_.find(request.group_id)) {
    if (other->kind == ForeignGroups::Kind::kShare) return ErrorCode::kGroupIdNotFound;
    return request.member_id && request.member_epoch >= 0 ? ErrorCode::kUnknownMemberId : ErrorCode::kNone;
  }
  const ConsumerGroup* modern = find_consumer_group(request.group_id);
  if (modern == nullptr || (!request.member_id && request.member_epoch < 0)) return ErrorCode::kNone;
  const ConsumerMember* member = modern->find_member(request.member_id.value_or(""));
  if (member == nullptr) return ErrorCode::kUnknownMemberId;
  if (member->epoch == request.member_epoch) return ErrorCode::kNone;
  return member->uses_classic_protocol() ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch;
}

Effects GroupShard::fetch_offsets(const Caller& caller, const OffsetFetchGroup& request, bool require_stable, Now now) {
  Turn turn = begin(now);
  heard_of(turn, request.group_id, request.member_id.value_or(ByteView()));
  OffsetFetchGroupResponse response;
  response.group_id = request.group_id;
  response.error_code = validate_fetch(request);
  if (response.error_code != ErrorCode::kNone) {
    turn.answer(caller.token, std::move(response));
    return finish(std::move(turn));
  }
  if (is_answer_full(caller) || (request.topics && !fetch_named(caller, request, require_stable, response))) {
    response.topics.clear();
    response.error_code = ErrorCode::kUnknownServerError;
  } else if (!request.topics) {
    fetch_all(caller, request, require_stable, response);
  }
  turn.answer(caller.token, std::move(response));
  return finish(std::move(turn));
}

bool GroupShard::fetch_named(const Caller& caller, const OffsetFetchGroup& request, bool require_stable,
                             OffsetFetchGroupResponse& response) const {
  for (const auto& topic : *request.topics) {
    OffsetFetchResponse::OffsetFetchResponseTopics& answered = response.topics.emplace_back();
    answered.name = topic.name;
    answered.topic_id = topic.topic_id;
    answered.partitions.reserve(topic.partition_indexes.size());
    for (int32_t partition : topic.partition_indexes) {
      answered.partitions.push_back(fetched(request.group_id, topic.name, topic.topic_id, partition,
                                            offsets_.find(request.group_id, topic.name, partition), require_stable));
      fill_answer(caller, request.group_id, size_of(answered.partitions.back()));
      if (is_answer_full(caller)) return false;
    }
  }
  return true;
}

// It is all there is of this group, and it is said once: only what comes after it may be too much.
void GroupShard::fetch_all(const Caller& caller, const OffsetFetchGroup& request, bool require_stable,
                           OffsetFetchGroupResponse& response) const {
  const OffsetStore::Topics* stored = offsets_.find_group(request.group_id);
  if (stored == nullptr) return;
  for (const auto& [topic, partitions] : *stored) {
    OffsetFetchResponse::OffsetFetchResponseTopics& answered = response.topics.emplace_back();
    answered.name = topic;
    for (const auto& [partition, offset] : partitions) {
      answered.partitions.push_back(fetched(request.group_id, topic, Uuid(), partition, &offset, require_stable));
      fill_answer(caller, request.group_id, size_of(answered.partitions.back()));
    }
  }
}

Effects GroupShard::delete_offsets(const Caller& caller, const OffsetDeleteRequest& request, Now now) {
  Turn turn = begin(now);
  OffsetDeleteResponse response;
  const ClassicGroup* known = find_group(request.group_id);
  const ConsumerGroup* modern = find_consumer_group(request.group_id);
  if (request.group_id.empty()) {
    response.error_code = ErrorCode::kInvalidGroupId;
  } else if (known == nullptr && modern == nullptr) {
    response.error_code = ErrorCode::kGroupIdNotFound;
  } else if (known != nullptr && !known->is(GroupState::kEmpty) && !known->uses_consumer_protocol()) {
    response.error_code = ErrorCode::kNonEmptyGroup;
  } else {
    for (const auto& topic : request.topics) {
      const bool subscribed =
          known != nullptr ? known->is_subscribed_to(topic.name) : modern->is_subscribed_to(topic.name);
      const ErrorCode error = subscribed ? ErrorCode::kGroupSubscribedToTopic : ErrorCode::kNone;
      OffsetDeleteResponse::OffsetDeleteResponseTopic& answered = response.topics.emplace_back();
      answered.name = topic.name;
      for (const auto& partition : topic.partitions) {
        const int32_t index = partition.partition_index;
        answered.partitions.push_back({.partition_index = index, .error_code = error});
        const bool there = offsets_.find(request.group_id, topic.name, index) != nullptr ||
                           offsets_.has_pending(request.group_id, topic.name, index);
        if (error == ErrorCode::kNone && there) turn.write(make_offset_tombstone(request.group_id, topic.name, index));
      }
    }
  }
  turn.answer(caller.token, std::move(response));
  undo_with_error(turn, caller.token);
  return finish(std::move(turn));
}

Effects GroupShard::topics_deleted(std::span<const DeletedTopic> topics) {
  Turn turn = begin({});
  const auto sweep = [&](const OffsetStore::Groups& groups) {
    for (const auto& [group_id, stored] : groups) {
      for (const DeletedTopic& topic : topics) {
        const auto at = stored.find(topic.name);
        if (at == stored.end()) continue;
        for (const auto& [partition, offset] : at->second) {
          if (of_another_topic(offset.topic_id, topic.id)) continue;
          turn.write(make_offset_tombstone(group_id, topic.name, partition));
        }
      }
    }
  };
  sweep(offsets_.groups());
  for (const auto& [producer_id, groups] : offsets_.pending()) sweep(groups);
  return finish(std::move(turn));
}

void GroupShard::write_offset_tombstones(Turn& turn, ByteView group_id) const {
  const auto sweep = [&](const OffsetStore::Groups& groups, bool pending) {
    const auto at = groups.find(group_id);
    if (at == groups.end()) return;
    for (const auto& [topic, partitions] : at->second) {
      for (const auto& [partition, offset] : partitions) {
        // One tombstone is enough for both.
        if (pending && offsets_.find(group_id, topic, partition) != nullptr) continue;
        turn.write(make_offset_tombstone(group_id, topic, partition));
      }
    }
  };
  sweep(offsets_.groups(), false);
  for (const auto& [producer_id, groups] : offsets_.pending()) sweep(groups, true);
}

// Kafka's OffsetExpirationCondition: the retention counts from when the group became empty; for a simple group, for
// consumer groups, and for topics that a stable group of consumers has left, from the commit.
bool GroupShard::expire_offsets(Turn& turn, const ClassicGroup& group) const {
  const bool simple = !group.protocol_type();
  const bool empty = group.is(GroupState::kEmpty);
  const bool consumers = group.uses_consumer_protocol() && group.knows_subscriptions() && group.is(GroupState::kStable);
  if (offsets_.find_group(group.id()) != nullptr && !simple && !empty && !consumers) return false;
  std::optional<int64_t> since_ms;
  if (!simple && empty && group.state_timestamp_ms() != -1) since_ms = group.state_timestamp_ms();
  return expire_offsets(turn, group.id(), [&](ByteView topic) { return group.is_subscribed_to(topic); }, since_ms);
}

bool GroupShard::expire_offsets(Turn& turn, ByteView group_id, const std::function<bool(ByteView topic)>& subscribed,
                                std::optional<int64_t> since_ms) const {
  const OffsetStore::Topics* stored = offsets_.find_group(group_id);
  if (stored == nullptr) return !offsets_.has_pending(group_id);
  bool all_gone = true;
  for (const auto& [topic, partitions] : *stored) {
    const bool wanted = subscribed(topic);
    for (const auto& [partition, offset] : partitions) {
      if (turn.effects.records.size() >= kMostExpiredAtOnce) return false;
      const int64_t age_ms = wrapping_difference(turn.now.wall_ms, since_ms.value_or(offset.commit_timestamp_ms));
      const bool old = offset.expire_timestamp_ms != -1 ? turn.now.wall_ms >= offset.expire_timestamp_ms
                                                        : age_ms >= config_.offsets_retention_ms;
      if (old && !wanted && !offsets_.has_pending(group_id, topic, partition)) {
        turn.write(make_offset_tombstone(group_id, topic, partition));
      } else {
        all_gone = false;
      }
    }
  }
  return all_gone && !offsets_.has_pending(group_id);
}

void GroupShard::expire_groups(Turn& turn) {
  for (const auto& [id, group] : groups_) {
    if (turn.effects.records.size() >= kMostExpiredAtOnce) break;
    const bool nothing_left = expire_offsets(turn, *group);
    // Ids given out and not used yet keep it for the moment.
    if (!nothing_left || !group->is(GroupState::kEmpty) || !group->pending_members().empty()) continue;
    log_info("Group {}: empty and without offsets, removed", id);
    turn.write(make_group_tombstone(id));
  }
  for (const auto& [id, group] : consumer_groups_) {
    if (turn.effects.records.size() >= kMostExpiredAtOnce) break;
    const auto subscribed = [&](ByteView topic) { return group->is_subscribed_to(topic); };
    if (!expire_offsets(turn, id, subscribed, std::nullopt) || !group->is_empty()) continue;
    log_info("Group {}: empty and without offsets, removed", id);
    write_consumer_group_tombstones(turn, *group);
  }
  if (turn.effects.records.size() >= kMostExpiredAtOnce) next_expiry_ms_ = turn.now.steady_ms + 1;
}

}  // namespace milena
