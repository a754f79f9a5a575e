// ListOffsets (key 2), versions 0-11. Special timestamps: -1 latest, -2 earliest, -3 the offset of the greatest
// timestamp (from version 7), -4 earliest local (8), -5 latest tiered (9), -6 earliest pending upload (11). Version 0
// answers a list.
#include <algorithm>
#include <memory>
#include <set>

#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/replica/partition_lookup.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "protocol/compression/decompression_budget.h"
#include "protocol/messages/list_offsets.h"

namespace milena::broker {
namespace {

using ListOffsetsCall = Call<ListOffsetsRequest, ListOffsetsResponse>;

// The most bytes to decompress within a turn, for one partition.
constexpr size_t kMaxSearchedHere_bytes = 1 << 20;

constexpr int16_t kFirstVersionWithOffsetNotAvailable = 5;
// A client with this replica id may ask followers.
constexpr int32_t kDebuggingReplica = -2;

constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
constexpr int64_t kMaxTimestamp = -3;
constexpr int64_t kEarliestLocal = -4;
constexpr int64_t kLatestTiered = -5;
constexpr int64_t kEarliestPendingUpload = -6;

struct OffsetItem {
  TopicPartitionId id;
  AnswerPlace place;
  int64_t timestamp = 0;
  int32_t current_leader_epoch = -1;
  bool read_committed = false;
  bool consumer = true;
  // The leader is new, and does not know its followers' offsets yet.
  bool end_unknown = false;
  bool any_replica = false;
  ErrorCode error = ErrorCode::kNone;
  log::TimestampAndOffset found;
  int64_t log_start_offset = 0;
  int64_t end = 0;  // offsets from here on are invisible to the client
  // A search that decompresses more than a turn has time for, to run elsewhere, and its result.
  std::shared_ptr<log::TimeSearch> search;
  Result<std::optional<log::TimestampAndOffset>> searched = std::optional<log::TimestampAndOffset>();
};

// The lowest version that supports each special timestamp.
int16_t least_version_of(int64_t timestamp) {
  switch (timestamp) {
    case kMaxTimestamp: return 7;
    case kEarliestLocal: return 8;
    case kLatestTiered: return 9;
    case kEarliestPendingUpload: return 11;
    default: return 0;
  }
}

void take_found(OffsetItem& item, const std::optional<log::TimestampAndOffset>& found) {
  // Records that consumers cannot read yet are not found.
  if (found && found->offset < item.end) item.found = *found;
}

Status begin_search(log::PartitionLog& log, OffsetItem& item, int64_t from_offset) {
  auto search = item.timestamp == kMaxTimestamp ? log.search_max_timestamp()
                                                : log.search_by_timestamp(item.timestamp, from_offset);
  RETURN_IF_ERROR(search);
  if (*search) item.search = std::make_shared<log::TimeSearch>(std::move(**search));
  return ok_status();
}

Status find_offset(log::PartitionLog& log, int32_t leader_epoch, OffsetItem& item) {
  int64_t end = log.log_end_offset();
  if (item.consumer) {
    end = log.high_watermark();
    if (item.read_committed) {
      auto stable = log.last_stable_offset();
      RETURN_IF_ERROR(stable);
      end = *stable;
    }
  }
  item.log_start_offset = log.log_start_offset();
  switch (item.timestamp) {
    case kLatest:
      item.found = {-1, end, leader_epoch};
      return ok_status();
    case kEarliest:
    case kEarliestLocal: {
      auto epoch = log.epoch_of(log.log_start_offset());
      RETURN_IF_ERROR(epoch);
      item.found = {-1, log.log_start_offset(), epoch->value_or(leader_epoch)};
      return ok_status();
    }
    case kLatestTiered:
    case kEarliestPendingUpload:
      item.found = {-1, -1, -1};  // nothing is tiered
      return ok_status();
    default: break;
  }
  item.end = end;
  const DecompressionBudget budget(kMaxSearchedHere_bytes);
  auto found = item.timestamp == kMaxTimestamp ? log.find_max_timestamp() : log.find_by_timestamp(item.timestamp);
  if (budget.exceeded()) return begin_search(log, item, 0);
  RETURN_IF_ERROR(found);
  take_found(item, *found);
  return ok_status();
}

Partition* find_checked(Shard& owner, OffsetItem& item) {
  Partition* replica = owner.replicas().find_replica(item.id);
  item.error = item.any_replica ? check_replica(replica, item.current_leader_epoch)
                                : check_leader(replica, item.current_leader_epoch);
  return replica;
}

void look_up_offset(Shard& owner, OffsetItem& item) {
  Partition* partition = find_checked(owner, item);
  if (item.error != ErrorCode::kNone) return;
  item.end_unknown = item.consumer && partition->high_watermark_unknown();
  item.error =
      partition->with_log([&](log::PartitionLog& log) { return find_offset(log, partition->leader_epoch(), item); });
}

// Takes the result of a search. If it found nothing, the next one begins at its end.
void take_searched(Shard& owner, OffsetItem& item) {
  if (!item.search) return;
  const int64_t end = item.search->end_offset();
  item.search.reset();
  Partition* partition = find_checked(owner, item);
  if (item.error != ErrorCode::kNone) return;
  item.error = partition->with_log([&](log::PartitionLog& log) -> Status {
    if (!item.searched) return item.searched.error();
    take_found(item, *item.searched);
    if (*item.searched || item.timestamp == kMaxTimestamp) return ok_status();
    return begin_search(log, item, end);
  });
}

// Runs the pending searches elsewhere, one after the other, until none is left. A search without enough memory fails
// alone.
void search_elsewhere(Shard& owner, const std::shared_ptr<std::vector<OffsetItem>>& part, Task finished) {
  const bool any =
      std::any_of(part->begin(), part->end(), [](const OffsetItem& item) { return item.search != nullptr; });
  if (!any) return finished();
  owner.executor().run_computation(
      [part] {
        for (OffsetItem& item : *part) {
          if (!item.search || continue_or_drop([&] { item.searched = item.search->run(); })) continue;
          item.searched = make_error(ErrorKind::kExhausted, "not enough memory for a lookup by time");
        }
      },
      [&owner, part, finished = std::move(finished)] {
        for (OffsetItem& item : *part) take_searched(owner, item);
        search_elsewhere(owner, part, finished);
      });
}

// The version 0 form: offsets in descending order, beginning with the end if it was asked for.
std::vector<int64_t> old_style_offsets(const OffsetItem& item, int32_t most) {
  std::vector<int64_t> offsets;
  if (item.found.offset >= 0) offsets.push_back(item.found.offset);
  if (item.timestamp == kLatest && item.found.offset != item.log_start_offset) offsets.push_back(item.log_start_offset);
  if (offsets.size() > static_cast<size_t>(std::max(most, 0))) offsets.resize(static_cast<size_t>(std::max(most, 0)));
  return offsets;
}

// An end before an offset that consumers have seen from the previous leader is not returned.
ErrorCode error_of(const OffsetItem& item, int16_t version) {
  if (item.error != ErrorCode::kNone || !item.end_unknown) return item.error;
  const bool by_time = item.timestamp >= 0 || item.timestamp == kMaxTimestamp;
  if (item.timestamp != kLatest && !(by_time && item.found.offset < 0)) return item.error;
  return version >= kFirstVersionWithOffsetNotAvailable ? ErrorCode::kOffsetNotAvailable
                                                        : ErrorCode::kLeaderNotAvailable;
}

void answer_offsets(ListOffsetsCall& call, ListOffsetsResponse& response, const std::vector<OffsetItem>& items) {
  for (const OffsetItem& item : items) {
    auto& out = item.place.in(response);
    out.error_code = error_of(item, call.version());
    if (out.error_code != ErrorCode::kNone) continue;
    out.timestamp = item.found.timestamp;
    out.offset = item.found.offset;
    out.leader_epoch = item.found.leader_epoch;
    if (call.version() == 0) {
      out.old_style_offsets = old_style_offsets(item, item.place.in(call.request).max_num_offsets);
    }
  }
  call.reply(response);
}

void handle_list_offsets(std::shared_ptr<ListOffsetsCall> call) {
  const ListOffsetsRequest& request = call->request;
  Shard& shard = call->shard();
  auto response = std::make_shared<ListOffsetsResponse>();
  std::set<std::pair<ByteView, int32_t>> seen, twice;
  for (const auto& topic : request.topics) {
    for (const auto& p : topic.partitions) {
      if (!seen.emplace(topic.name, p.partition_index).second) twice.emplace(topic.name, p.partition_index);
    }
  }

  std::vector<OffsetItem> items;
  for (const auto& topic : request.topics) {
    auto& topic_out = response->topics.emplace_back();
    topic_out.name = Bytes(topic.name);
    const bool allowed = call->allows(security::kDescribeTopic, topic.name);
    const metadata::TopicImage* image = shard.image().find_topic(topic.name);
    for (const auto& p : topic.partitions) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition_index = p.partition_index;
      if (!allowed) {
        out.error_code = ErrorCode::kTopicAuthorizationFailed;
      } else if (twice.contains({topic.name, p.partition_index})) {
        out.error_code = ErrorCode::kInvalidRequest;
      } else if (p.timestamp < kEarliestPendingUpload || call->version() < least_version_of(p.timestamp)) {
        out.error_code = ErrorCode::kUnsupportedVersion;
      } else if (image == nullptr || image->partition(p.partition_index) == nullptr) {
        out.error_code = ErrorCode::kUnknownTopicOrPartition;
      } else {
        items.push_back(OffsetItem{.id = {image->id, p.partition_index},
                             .place = AnswerPlace::last_of(*response),
                             .timestamp = p.timestamp,
                             .current_leader_epoch = p.current_leader_epoch,
                             .read_committed = request.isolation_level == 1,
                             .consumer = request.replica_id == -1,
                             .any_replica = request.replica_id == kDebuggingReplica});
      }
    }
  }
  shard.router().visit_each<OffsetItem>(
      shard, std::move(items), &look_up_offset, [call, response](std::vector<OffsetItem> done) {
        const bool more =
            std::any_of(done.begin(), done.end(), [](const OffsetItem& item) { return item.search != nullptr; });
        if (!more) return answer_offsets(*call, *response, done);
        call->shard().router().scatter<OffsetItem>(call->shard(), std::move(done), search_elsewhere,
                                                   [call, response](std::vector<OffsetItem> searched) {
                                                     answer_offsets(*call, *response, searched);
                                                   });
      });
}

}  // namespace

ApiEntry list_offsets_api() { return api_entry<ListOffsetsCall, handle_list_offsets>({security::kDescribeTopic}); }

}  // namespace milena::broker
