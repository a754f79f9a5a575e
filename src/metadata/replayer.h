// MetadataTransactions: holds back the records between BeginTransaction and EndTransaction, so that they are applied
// together or not at all (KIP-868, Kafka's MetadataBatchLoader). One per node, between the log and the images: the
// shards get its output. Order of calls = order of the log. One thread, no I/O.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "metadata/image.h"
#include "metadata/metadata_record.h"

namespace milena {
class RecordBatchView;
}  // namespace milena

namespace milena::metadata {

class MetadataTransactions {
 public:
  // Takes the records of one batch and appends to `ready` those that may be applied now, without the transaction's own
  // marks. An error: a transaction that begins inside another, or ends before it began.
  Status add(MetadataRecords batch, MetadataRecords& ready);

  // True at the end of a log that stops inside a transaction: its records are not applied, and the next controller
  // aborts it.
  bool open() const { return open_; }

 private:
  bool open_ = false;
  MetadataRecords held_;
};

// MetadataReplayer: an image together with its position in the log. A node loads its log or a snapshot with it.
class MetadataReplayer {
 public:
  // `base_offset` and `epoch` are those of the batch; `last_offset` may be beyond its last record. Batches come in
  // order. Control batches are not passed in, but skipped with skip_to().
  Status replay(MetadataRecords batch, int64_t last_offset, int32_t epoch, ImageDelta& delta);
  void skip_to(int64_t last_offset, int32_t epoch);

  const MetadataImage& image() const { return image_; }
  MetadataImage take_image() { return std::move(image_); }
  // Of the last batch seen; -1 before the first.
  int64_t last_offset() const { return last_offset_; }
  int32_t last_epoch() const { return last_epoch_; }
  bool in_transaction() const { return transactions_.open(); }

 private:
  MetadataImage image_;
  MetadataTransactions transactions_;
  int64_t last_offset_ = -1;
  int32_t last_epoch_ = -1;
};

// Decodes the values of a data batch (or a snapshot's batch) of the metadata log into records.
Result<MetadataRecords> decode_metadata_batch(const RecordBatchView& batch);

}  // namespace milena::metadata
