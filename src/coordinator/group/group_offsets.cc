// GroupOffsets: OffsetCommit, OffsetFetch, OffsetDelete, and the end of offsets with their topic or group. Versions:
// Commit 1 generation, member and (only there) timestamp, 2-4 retention, 9 GROUP_ID_NOT_FOUND, 10 topic ids; Fetch 7
// RequireStable, 10 topic ids.
#include <utility>

#include "base/log.h"
#include "coordinator/group/group_offsets.h"
#include "coordinator/group/group_records.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena::coordinator {
namespace {

constexpr int16_t kFirstCommitVersionWithGroupNotFound = 9;

// Clients may send any time; overflows wrap, as in Java.
int64_t wrapping_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// Whether the topic was deleted and created again: old offsets do not belong to the new one.
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

}  // namespace

void GroupOffsets::apply(const OffsetRecord& committed, int64_t record_offset, int64_t producer_id) {
  const OffsetCommitKey& at = committed.key;
  if (!committed.value) return store_.remove(at.group, at.topic, at.partition);
  CommittedOffset offset = offset_from_record(*committed.value, record_offset);
  if (producer_id < 0) {
    store_.put(at.group, at.topic, at.partition, std::move(offset));
  } else {
    store_.put_pending(producer_id, at.group, at.topic, at.partition, std::move(offset));
  }
}

CommitContext GroupOffsets::commit_context(const Caller& caller) const {
  return {caller.api_version, space_.config.offset_metadata_max_bytes, space_.image};
}

ErrorCode GroupOffsets::validate_commit(const Caller& caller, const OffsetCommitRequest& request) const {
  const Group* group = space_.groups.find(request.group_id);
  if (group != nullptr) return group->validate_commit(commit_context(caller), request);
  if (request.generation_id_or_member_epoch < 0) return ErrorCode::kNone;  // the record will create a simple group
  return caller.api_version >= kFirstCommitVersionWithGroupNotFound ? ErrorCode::kGroupIdNotFound
                                                                    : ErrorCode::kIllegalGeneration;
}

void GroupOffsets::commit(Turn& turn, const Caller& caller, const OffsetCommitRequest& request, ErrorCode error) {
  const CommitContext context = commit_context(caller);
  OffsetCommitResponse response;
  response.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    OffsetCommitResponse::OffsetCommitResponseTopic& answered = response.topics.emplace_back();
    answered.name = topic.name;
    answered.topic_id = topic.topic_id;
    answered.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      ErrorCode of_partition = error;
      if (error == ErrorCode::kNone && context.is_too_long(partition.committed_metadata)) {
        of_partition = ErrorCode::kOffsetMetadataTooLarge;
      }
      answered.partitions.push_back({.partition_index = partition.partition_index, .error_code = of_partition});
      if (of_partition != ErrorCode::kNone) continue;
      turn.write(make_offset_record(request.group_id, topic.name, partition.partition_index,
                                    committed_offset(request, topic, partition, turn.now.wall_ms)));
    }
  }
  turn.answer(caller.token, std::move(response));
  if (!MILENA_GROUP_BUG(kFailedCommitIsTold)) turn.undo_with_error(caller.token);
}

OffsetFetchResponse::OffsetFetchResponsePartitions GroupOffsets::fetched(ByteView group_id, ByteView topic,
                                                                         const Uuid& topic_id, int32_t partition,
                                                                         const CommittedOffset* offset,
                                                                         bool require_stable) const {
  OffsetFetchResponse::OffsetFetchResponsePartitions answer;
  answer.partition_index = partition;
  answer.committed_offset = -1;
  if (require_stable && store_.has_pending(group_id, topic, partition)) {
    answer.error_code = ErrorCode::kUnstableOffsetCommit;
  } else if (offset != nullptr && !of_another_topic(offset->topic_id, topic_id)) {
    answer.committed_offset = offset->offset;
    answer.committed_leader_epoch = offset->leader_epoch;
    answer.metadata = offset->metadata;
  }
  return answer;
}

void GroupOffsets::fetch(Turn& turn, const Caller& caller, const OffsetFetchGroup& request,
                         bool require_stable) const {
  OffsetFetchGroupResponse response;
  response.group_id = request.group_id;
  const Group* group = space_.groups.find(request.group_id);
  if (group != nullptr) response.error_code = group->validate_fetch(request);
  if (response.error_code != ErrorCode::kNone) return turn.answer(caller.token, std::move(response));
  if (is_answer_full(caller) || (request.topics && !fetch_named(caller, request, require_stable, response))) {
    response.topics.clear();
    response.error_code = ErrorCode::kUnknownServerError;
  } else if (!request.topics) {
    fetch_all(caller, request, require_stable, response);
  }
  turn.answer(caller.token, std::move(response));
}

bool GroupOffsets::fetch_named(const Caller& caller, const OffsetFetchGroup& request, bool require_stable,
                               OffsetFetchGroupResponse& response) const {
  for (const auto& topic : *request.topics) {
    OffsetFetchResponse::OffsetFetchResponseTopics& answered = response.topics.emplace_back();
    answered.name = topic.name;
    answered.topic_id = topic.topic_id;
    answered.partitions.reserve(topic.partition_indexes.size());
    for (int32_t partition : topic.partition_indexes) {
      answered.partitions.push_back(fetched(request.group_id, topic.name, topic.topic_id, partition,
                                            store_.find(request.group_id, topic.name, partition), require_stable));
      fill_answer(caller, request.group_id, size_of(answered.partitions.back()));
      if (is_answer_full(caller)) return false;
    }
  }
  return true;
}

// All offsets of the group, once: only later groups may be refused for lack of room.
void GroupOffsets::fetch_all(const Caller& caller, const OffsetFetchGroup& request, bool require_stable,
                             OffsetFetchGroupResponse& response) const {
  const OffsetStore::Topics* stored = store_.find_group(request.group_id);
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

void GroupOffsets::remove(Turn& turn, const Caller& caller, const OffsetDeleteRequest& request) {
  OffsetDeleteResponse response;
  const Group* group = space_.groups.find(request.group_id);
  if (request.group_id.empty()) {
    response.error_code = ErrorCode::kInvalidGroupId;
  } else if (group == nullptr) {
    response.error_code = ErrorCode::kGroupIdNotFound;
  } else {
    response.error_code = group->validate_offset_delete();
  }
  if (response.error_code != ErrorCode::kNone) return turn.answer(caller.token, std::move(response));
  for (const auto& topic : request.topics) {
    const bool subscribed = group->is_subscribed_to(topic.name);
    const ErrorCode error = subscribed ? ErrorCode::kGroupSubscribedToTopic : ErrorCode::kNone;
    OffsetDeleteResponse::OffsetDeleteResponseTopic& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const auto& partition : topic.partitions) {
      const int32_t index = partition.partition_index;
      answered.partitions.push_back({.partition_index = index, .error_code = error});
      const bool there = store_.find(request.group_id, topic.name, index) != nullptr ||
                         store_.has_pending(request.group_id, topic.name, index);
      if (error == ErrorCode::kNone && there) turn.write(make_offset_tombstone(request.group_id, topic.name, index));
    }
  }
  turn.answer(caller.token, std::move(response));
  turn.undo_with_error(caller.token);
}

void GroupOffsets::topics_deleted(Turn& turn, std::span<const DeletedTopic> topics) const {
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
  sweep(store_.groups());
  for (const auto& [producer_id, groups] : store_.pending()) sweep(groups);
}

void GroupOffsets::write_tombstones(Turn& turn, ByteView group_id) const {
  const auto sweep = [&](const OffsetStore::Groups& groups, bool pending) {
    const auto at = groups.find(group_id);
    if (at == groups.end()) return;
    for (const auto& [topic, partitions] : at->second) {
      for (const auto& [partition, offset] : partitions) {
        // One tombstone is enough for both.
        if (pending && store_.find(group_id, topic, partition) != nullptr) continue;
        turn.write(make_offset_tombstone(group_id, topic, partition));
      }
    }
  };
  sweep(store_.groups(), false);
  for (const auto& [producer_id, groups] : store_.pending()) sweep(groups, true);
}

}  // namespace milena::coordinator
