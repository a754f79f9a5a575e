// DeleteRecords (key 21), versions 0-2: moves a partition's log start offset up; -1 means up to the high watermark.
#include "broker/api_entry.h"
#include "broker/call.h"
#include "broker/partition_lookup.h"
#include "broker/shard.h"
#include "protocol/messages/delete_records.h"

namespace milena {
namespace {

using DeleteRecordsCall = Call<DeleteRecordsRequest, DeleteRecordsResponse>;

struct DeleteItem {
  TopicPartitionId id;
  AnswerPlace place;
  int64_t offset = 0;
  ErrorCode error = ErrorCode::kNone;
  int64_t low_watermark = -1;
};

void delete_records(Shard& owner, DeleteItem& item) {
  Partition* partition = owner.find_partition(item.id);
  PartitionLog* log = nullptr;
  item.error = check_leader(partition, -1, log);
  if (item.error != ErrorCode::kNone) return;
  if (!log->config().cleanup_delete) {
    item.error = ErrorCode::kPolicyViolation;
    return;
  }
  auto deleted = log->delete_records_before(item.offset == -1 ? log->high_watermark() : item.offset);
  if (!deleted) {
    partition->take_offline(deleted.error());
    item.error = ErrorCode::kKafkaStorageError;
    return;
  }
  item.error = *deleted;
  if (item.error == ErrorCode::kNone) {
    item.low_watermark = log->log_start_offset();
    owner.note_append(*partition);  // the checkpoint of log start offsets is due
    partition->signal_progress();
  }
}

void handle_delete_records(std::shared_ptr<DeleteRecordsCall> call) {
  Shard& shard = call->shard();
  auto response = std::make_shared<DeleteRecordsResponse>();
  std::vector<DeleteItem> items;
  for (const auto& topic : call->request.topics) {
    auto& topic_out = response->topics.emplace_back();
    topic_out.name = Bytes(topic.name);
    const TopicImage* image = shard.image().find_topic(topic.name);
    for (const auto& p : topic.partitions) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition_index = p.partition_index;
      out.low_watermark = -1;
      if (image == nullptr || image->partition(p.partition_index) == nullptr) {
        out.error_code = ErrorCode::kUnknownTopicOrPartition;
      } else if (image->internal) {
        out.error_code = ErrorCode::kInvalidTopicException;
      } else {
        items.push_back(DeleteItem{{image->id, p.partition_index}, AnswerPlace::last_of(*response), p.offset});
      }
    }
  }
  shard.router().visit_each<DeleteItem>(
      shard, std::move(items), &delete_records, [call, response](std::vector<DeleteItem> done) {
        for (const DeleteItem& item : done) {
          auto& out = item.place.in(*response);
          out.error_code = item.error;
          out.low_watermark = item.low_watermark;
        }
        call->reply(*response);
      });
}

}  // namespace

ApiEntry delete_records_api() { return api_entry<DeleteRecordsCall, handle_delete_records>(); }

}  // namespace milena
