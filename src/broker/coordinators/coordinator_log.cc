#include "broker/coordinators/coordinator_log.h"

#include <algorithm>
#include <utility>

#include "broker/replica/partition.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_iterator.h"

namespace milena::broker {
namespace {

size_t largest_batch(ShardContext& shard, ReplicaManager& replicas, const Partition& partition) {
  const metadata::TopicImage* topic = shard.image().find_topic(partition.id().topic_id);
  return topic == nullptr ? SIZE_MAX
                          : static_cast<size_t>(std::max(replicas.topic_config(*topic)->max_message_bytes, 0));
}

size_t size_in_batch(const coordinator::CoordinatorRecord& record) {
  return RecordBatchBuilder::max_record_size(record.key.size(), record.value ? record.value->size() : 0);
}

}  // namespace

Result<bool> visit_coordinator_batches(ByteView bytes, int64_t& next_offset, const CoordinatorLogVisitor& visitor) {
  BatchIterator batches(bytes);
  bool any = false;
  while (batches.next()) {
    any = true;
    const RecordBatchView& batch = batches.batch();
    const BatchHeader& header = batch.header();
    const int64_t from = next_offset;
    next_offset = header.next_offset();
    const int64_t producer_id = header.is_transactional() ? header.producer_id : -1;
    RecordIterator records(batch);
    while (records.next()) {
      const RecordView& record = records.record();
      if (record.offset < from) continue;
      if (header.is_control()) {
        const auto marker = parse_end_transaction_marker(record);
        if (marker) visitor.marker(header.producer_id, marker->committed);
      } else if (record.key) {
        visitor.record(*record.key, record.value, record.offset, producer_id);
      }
    }
    if (!records.status().ok()) return records.status().error();
  }
  return any;
}

size_t size_in_batch(const std::vector<coordinator::CoordinatorRecord>& records) {
  size_t size = 0;
  for (const coordinator::CoordinatorRecord& record : records) size += size_in_batch(record);
  return size;
}

log::AppendOutcome append_coordinator_records(ShardContext& shard, ReplicaManager& replicas, Partition& partition,
                                              const std::vector<coordinator::CoordinatorRecord>& records,
                                              const BatchOptions& options, const log::AppendChecks& checks) {
  const int64_t timestamp_ms = shard.now_ms();
  // Small records do not need a look at the topic's settings.
  const bool small = size_in_batch(records) <= kSmallDecision_bytes;
  const size_t largest = small ? SIZE_MAX : largest_batch(shard, replicas, partition);
  const size_t full = std::min(kLargeCoordinatorBatch_bytes, largest);
  Bytes batches;
  size_t next = 0;
  while (next < records.size()) {
    RecordBatchBuilder batch(options);
    const size_t first = next;
    for (; next < records.size(); ++next) {
      const coordinator::CoordinatorRecord& record = records[next];
      if (next > first && batch.uncompressed_size() + size_in_batch(record) > full) break;
      batch.append(record.key, value_of(record), timestamp_ms);
    }
    const Bytes built = batch.build();
    // A single record is not split: the members of a group may have sent more than the topic allows.
    if (next - first == 1 && built.size() > largest) return log::AppendOutcome{.error = ErrorCode::kMessageTooLarge};
    batches += built;
  }
  return partition.append_as_leader(Payload(std::move(batches)), checks);
}

void GatheredRecords::add(const coordinator::CoordinatorRecord& record, int64_t timestamp_ms,
                          const BatchOptions& options) {
  if (builder_ == nullptr) builder_ = std::make_unique<RecordBatchBuilder>(options);
  builder_->append(record.key, value_of(record), timestamp_ms);
}

log::AppendOutcome GatheredRecords::append_to(Partition& partition) {
  Bytes batch = std::exchange(builder_, nullptr)->build();
  return partition.append_as_leader(Payload(std::move(batch)), log::AppendOrigin::kCoordinator);
}

}  // namespace milena::broker
