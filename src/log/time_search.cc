#include "log/time_search.h"

#include "protocol/records/record_iterator.h"

namespace milena::log {

Result<std::optional<TimestampAndOffset>> TimeSearch::run() {
  while (true) {
    Result<bool> more = batches_.next();
    RETURN_IF_ERROR(more);
    if (!*more) return std::optional<TimestampAndOffset>();
    const BatchHeader& header = batches_.header();
    if (header.max_timestamp < timestamp_ || header.last_offset() < starting_offset_) continue;
    Result<RecordBatchView> view = batches_.batch();
    RETURN_IF_ERROR(view);
    RecordIterator records(*view, RecordIterator::Content::kSkip);
    while (records.next()) {
      const RecordView& record = records.record();
      if (record.timestamp < timestamp_ || record.offset < starting_offset_) continue;
      return std::optional(TimestampAndOffset{record.timestamp, record.offset, header.partition_leader_epoch});
    }
    RETURN_IF_ERROR(records.status());
  }
}

}  // namespace milena::log
