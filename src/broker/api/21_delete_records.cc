// DeleteRecords (key 21), versions 0-2: moves a partition's log start offset up; -1 means up to the high watermark. If
// a partition is named more than once, the last offset counts, as in Kafka, which uses maps. The answer waits until the
// live followers have deleted the records, too: one of them may lead next.
#include <algorithm>
#include <map>

#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/replica/partition_lookup.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "protocol/messages/delete_records.h"

namespace milena::broker {
namespace {

using DeleteRecordsCall = Call<DeleteRecordsRequest, DeleteRecordsResponse>;

struct DeleteItem {
  TopicPartitionId id;
  AnswerPlace place;
  int64_t offset = 0;
  int64_t deadline_ms = 0;
  ErrorCode error = ErrorCode::kNone;
  int64_t low_watermark = -1;

  bool everywhere() const { return error != ErrorCode::kNone || low_watermark >= offset; }
};

void delete_records(Shard& owner, DeleteItem& item) {
  Partition* partition = owner.replicas().find_partition(item.id);
  item.error = check_leader(partition, -1);
  if (item.error != ErrorCode::kNone) return;
  ErrorCode refused = ErrorCode::kNone;
  item.error = partition->with_log_and_reserve([&](log::PartitionLog& log) -> Status {
    // With an empty cleanup.policy records are deleted only by this request.
    if (log.config().cleanup_compact && !log.config().cleanup_delete) {
      refused = ErrorCode::kPolicyViolation;
      return ok_status();
    }
    if (item.offset == -1) item.offset = log.high_watermark();
    auto deleted = whole_or_not([&] { return log.delete_records_before(item.offset); });
    RETURN_IF_ERROR(deleted);
    refused = *deleted;
    return ok_status();
  });
  if (item.error == ErrorCode::kNone) item.error = refused;
  if (item.error == ErrorCode::kNone) {
    owner.replicas().note_append(*partition);  // the checkpoint of log start offsets is due
    item.low_watermark = partition->low_watermark();
    partition->signal_progress();
  }
}

// Followers learn it from the fetches that were just answered.
void wait_for_followers(Shard& owner, const std::shared_ptr<std::vector<DeleteItem>>& part, Task done) {
  auto open = std::make_shared<size_t>(1);
  auto finish_one = [open, done = std::move(done)] {
    if (--*open == 0) done();
  };
  for (size_t i = 0; i < part->size(); i++) {
    DeleteItem& item = (*part)[i];
    if (item.everywhere()) continue;
    Partition* partition = owner.replicas().find_partition(item.id);
    item.error = check_leader(partition, -1);
    if (item.error != ErrorCode::kNone) continue;
    ++*open;
    partition->when_low_watermark_reaches(
        item.offset, item.deadline_ms, [&owner, part, i, finish_one](ErrorCode error) {
          DeleteItem& waited = (*part)[i];
          waited.error = error;
          Partition* now = owner.replicas().find_partition(waited.id);
          if (now != nullptr) waited.low_watermark = now->low_watermark();
          finish_one();
        });
  }
  finish_one();
}

void answer(DeleteRecordsCall& call, DeleteRecordsResponse& response, const std::vector<DeleteItem>& done) {
  for (const DeleteItem& item : done) {
    auto& out = item.place.in(response);
    out.error_code = item.error;
    const bool known = item.error == ErrorCode::kNone || item.error == ErrorCode::kRequestTimedOut;
    out.low_watermark = known ? item.low_watermark : -1;
  }
  call.reply(response);
}

void handle_delete_records(std::shared_ptr<DeleteRecordsCall> call) {
  Shard& shard = call->shard();
  std::map<ByteView, std::map<int32_t, int64_t>> offsets;
  for (const auto& topic : call->request.topics) {
    for (const auto& p : topic.partitions) offsets[topic.name].insert_or_assign(p.partition_index, p.offset);
  }
  auto response = std::make_shared<DeleteRecordsResponse>();
  std::vector<DeleteItem> items;
  const int64_t deadline_ms = shard.steady_ms() + std::max(call->request.timeout_ms, 0);
  for (const auto& [topic, partitions] : offsets) {
    auto& topic_out = response->topics.emplace_back();
    topic_out.name = Bytes(topic);
    const bool allowed = call->allows(security::kDeleteTopic, topic);
    const metadata::TopicImage* image = shard.image().find_topic(topic);
    for (const auto& [partition, offset] : partitions) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition_index = partition;
      out.low_watermark = -1;
      if (!allowed) {
        out.error_code = ErrorCode::kTopicAuthorizationFailed;
      } else if (image == nullptr || image->partition(partition) == nullptr) {
        out.error_code = ErrorCode::kUnknownTopicOrPartition;
      } else if (image->internal) {
        out.error_code = ErrorCode::kInvalidTopicException;
      } else {
        items.push_back(DeleteItem{{image->id, partition}, AnswerPlace::last_of(*response), offset, deadline_ms});
      }
    }
  }
  shard.router().visit_each<DeleteItem>(
      shard, std::move(items), &delete_records, [&shard, call, response](std::vector<DeleteItem> done) {
        if (std::ranges::all_of(done, &DeleteItem::everywhere)) return answer(*call, *response, done);
        shard.router().scatter<DeleteItem>(
            shard, std::move(done), &wait_for_followers,
            [call, response](std::vector<DeleteItem> waited) { answer(*call, *response, waited); });
      });
}

}  // namespace

ApiEntry delete_records_api() { return api_entry<DeleteRecordsCall, handle_delete_records>({security::kDeleteTopic}); }

}  // namespace milena::broker
