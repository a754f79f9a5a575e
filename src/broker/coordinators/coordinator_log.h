// The log of a coordinator: reads its records at load, and writes records in batches. Plain functions and a value, on
// the shard that owns the partition. Nothing here interprets the records.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "coordinator/group/group_types.h"
#include "log/partition_log.h"
#include "protocol/records/record_batch_builder.h"

namespace milena::broker {

class Partition;
class ReplicaManager;
class ShardContext;

// Kafka's max.message.bytes: the largest batch that its own coordinators and consumers expect.
inline constexpr size_t kLargeCoordinatorBatch_bytes = 1 << 20;
// Records of one decision are gathered with others up to this size; larger ones are appended alone.
inline constexpr size_t kSmallDecision_bytes = 64 << 10;

// The contents of a coordinator's log.
struct CoordinatorLogVisitor {
  // The producer id is -1 outside of transactions.
  std::function<void(ByteView key, std::optional<ByteView> value, int64_t offset, int64_t producer_id)> record;
  std::function<void(int64_t producer_id, bool committed)> marker;
};

// Visits the whole batches of a read, from next_offset on, and moves next_offset behind them. Returns false if there
// was none.
Result<bool> visit_coordinator_batches(ByteView bytes, int64_t& next_offset, const CoordinatorLogVisitor& visitor);

inline std::optional<ByteView> value_of(const coordinator::CoordinatorRecord& record) {
  return record.value ? std::optional<ByteView>(*record.value) : std::nullopt;
}

// The size of the records in a batch, at most.
size_t size_in_batch(const std::vector<coordinator::CoordinatorRecord>& records);

// Appends the records as one batch, so that they are atomic. A record larger than the topic's max.message.bytes fails
// the whole append. Only decisions that can be arbitrarily large (tombstones of many groups, or of a deleted topic's
// offsets) are split into several batches; they are still one append.
log::AppendOutcome append_coordinator_records(ShardContext& shard, ReplicaManager& replicas, Partition& partition,
                                              const std::vector<coordinator::CoordinatorRecord>& records,
                                              const BatchOptions& options, const log::AppendChecks& checks);

// Records of several decisions, gathered for one batch.
class GatheredRecords {
 public:
  bool empty() const { return builder_ == nullptr; }
  size_t size_bytes() const { return builder_ == nullptr ? 0 : builder_->uncompressed_size(); }
  int32_t record_count() const { return builder_ == nullptr ? 0 : builder_->record_count(); }
  // The options of the first record are used.
  void add(const coordinator::CoordinatorRecord& record, int64_t timestamp_ms, const BatchOptions& options);
  // Empties it, even if the append fails.
  log::AppendOutcome append_to(Partition& partition);

 private:
  std::unique_ptr<RecordBatchBuilder> builder_;
};

}  // namespace milena::broker
