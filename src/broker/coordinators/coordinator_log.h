// The log below a coordinator: its records read back at load, and records written in batches. Plain functions and a
// value, on the shard that owns the partition; what is read or written means nothing here.
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

// Kafka's max.message.bytes: what its own coordinators and consumers are prepared to read.
inline constexpr size_t kLargeCoordinatorBatch_bytes = 1 << 20;
// Records of one decision that are gathered with others; what is larger goes by itself.
inline constexpr size_t kSmallDecision_bytes = 64 << 10;

// What is in a coordinator's log.
struct CoordinatorLogVisitor {
  // The producer id is -1 outside of transactions.
  std::function<void(ByteView key, std::optional<ByteView> value, int64_t offset, int64_t producer_id)> record;
  std::function<void(int64_t producer_id, bool committed)> marker;
};

// Visits the whole batches of a read, from next_offset on, which moves behind them. False if there was none.
Result<bool> visit_coordinator_batches(ByteView bytes, int64_t& next_offset, const CoordinatorLogVisitor& visitor);

inline std::optional<ByteView> value_of(const coordinator::CoordinatorRecord& record) {
  return record.value ? std::optional<ByteView>(*record.value) : std::nullopt;
}

// What the records take in a batch, at most.
size_t size_in_batch(const std::vector<coordinator::CoordinatorRecord>& records);

// Appends the records as one batch, so that what belongs together is there or not. A record that is larger than the
// topic's max.message.bytes is refused, and all with it. Only what is larger than any one decision needs to be (the
// tombstones of many groups, of a deleted topic's offsets) is cut into several: they are one append all the same.
log::AppendOutcome append_coordinator_records(ShardContext& shard, ReplicaManager& replicas, Partition& partition,
                                              const std::vector<coordinator::CoordinatorRecord>& records,
                                              const BatchOptions& options, const log::AppendChecks& checks);

// Records of several decisions on their way into one batch.
class GatheredRecords {
 public:
  bool empty() const { return builder_ == nullptr; }
  size_t size_bytes() const { return builder_ == nullptr ? 0 : builder_->uncompressed_size(); }
  int32_t record_count() const { return builder_ == nullptr ? 0 : builder_->record_count(); }
  // The options count with the first one.
  void add(const coordinator::CoordinatorRecord& record, int64_t timestamp_ms, const BatchOptions& options);
  // They are taken out, whatever comes of it.
  log::AppendOutcome append_to(Partition& partition);

 private:
  std::unique_ptr<RecordBatchBuilder> builder_;
};

}  // namespace milena::broker
