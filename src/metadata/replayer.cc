#include "metadata/replayer.h"

#include <iterator>
#include <utility>

#include "metadata/record_codec.h"
#include "protocol/records/record_batch.h"
#include "protocol/records/record_iterator.h"

namespace milena::metadata {

Status MetadataTransactions::add(MetadataRecords batch, MetadataRecords& ready) {
  for (MetadataRecord& record : batch) {
    if (std::holds_alternative<BeginTransactionRecord>(record)) {
      if (open_) return make_error(ErrorKind::kCorrupt, "metadata log: a transaction begins inside another");
      open_ = true;
    } else if (std::holds_alternative<EndTransactionRecord>(record)) {
      if (!open_)
        return make_error(ErrorKind::kCorrupt, "metadata log: a transaction ends that did not begin");
      std::move(held_.begin(), held_.end(), std::back_inserter(ready));
      held_.clear();
      open_ = false;
    } else if (std::holds_alternative<AbortTransactionRecord>(record)) {
      if (!open_)
        return make_error(ErrorKind::kCorrupt, "metadata log: a transaction is aborted that did not begin");
      held_.clear();
      open_ = false;
    } else {
      (open_ ? held_ : ready).push_back(std::move(record));
    }
  }
  return ok_status();
}

Status MetadataReplayer::replay(MetadataRecords batch, int64_t last_offset, int32_t epoch,
                                ImageDelta& delta) {
  MetadataRecords ready;
  RETURN_IF_ERROR(transactions_.add(std::move(batch), ready));
  for (const MetadataRecord& record : ready) RETURN_IF_ERROR(image_.apply(record, delta));
  skip_to(last_offset, epoch);
  return ok_status();
}

void MetadataReplayer::skip_to(int64_t last_offset, int32_t epoch) {
  last_offset_ = last_offset;
  last_epoch_ = epoch;
}

Result<MetadataRecords> decode_metadata_batch(const RecordBatchView& batch) {
  MetadataRecords records;
  RecordIterator it(batch);
  while (it.next()) {
    if (!it.record().value) {
      return make_error(ErrorKind::kCorrupt, "metadata log: record {} has no value", it.record().offset);
    }
    Result<MetadataRecord> record = decode_metadata_record(*it.record().value);
    if (!record.ok()) {
      return make_error(record.error().kind, "metadata log, offset {}: {}", it.record().offset,
                        record.error().message);
    }
    records.push_back(record.take());
  }
  RETURN_IF_ERROR(it.status());
  return records;
}

}  // namespace milena::metadata
