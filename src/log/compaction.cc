#include "log/compaction.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "log/planted_storage_bugs.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_iterator.h"

namespace milena::log {
namespace {

// The header of a batch without records, which keeps its offsets and its producer's sequence in the log.
void append_empty_batch(const BatchHeader& of, Bytes& out) {
  BatchHeader header = of;
  header.batch_length = static_cast<int32_t>(kBatchHeaderSize - kBatchLogOverhead);
  header.attributes =
      static_cast<int16_t>(of.attributes & (kBatchLogAppendTimeBit | kBatchTransactionalBit | kBatchControlBit));
  header.base_timestamp = header.max_timestamp;
  header.record_count = 0;
  size_t at = out.size();
  out.resize(at + kBatchHeaderSize);
  header.write(out.data() + at);
  seal_batch(out.data() + at, kBatchHeaderSize);
}

BatchOptions options_like(const BatchHeader& header, std::optional<int64_t> delete_horizon_ms) {
  return {.base_offset = header.base_offset,
          .partition_leader_epoch = header.partition_leader_epoch,
          .compression = header.compression(),
          .timestamp_type = header.timestamp_type(),
          .log_append_time_ms = header.max_timestamp,
          .producer_id = header.producer_id,
          .producer_epoch = header.producer_epoch,
          .base_sequence = header.base_sequence,
          .transactional = header.is_transactional(),
          .control = header.is_control(),
          .delete_horizon_ms = delete_horizon_ms};
}

}  // namespace

// --- transactions

TransactionSieve::TransactionSieve(std::vector<AbortedTransaction> aborted) : aborted_(std::move(aborted)) {
  std::sort(aborted_.begin(), aborted_.end(),
            [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
}

void TransactionSieve::begin_up_to(int64_t offset) {
  for (; next_ < aborted_.size() && aborted_[next_].first_offset <= offset; ++next_) {
    ongoing_aborted_.insert_or_assign(aborted_[next_].producer_id, Ongoing{aborted_[next_]});
  }
}

// The aborted transaction that contains the offset. It ends with its marker, or at the marker's known offset: the
// marker is not seen if the stretch begins behind it.
TransactionSieve::Ongoing* TransactionSieve::find_aborted(int64_t producer_id, int64_t offset) {
  auto found = ongoing_aborted_.find(producer_id);
  if (found == ongoing_aborted_.end()) return nullptr;
  const bool holds = offset <= found->second.transaction.last_offset || MILENA_STORAGE_BUG(kMarkerBeforeRoundUnseen);
  if (holds) return &found->second;
  ongoing_aborted_.erase(found);
  return nullptr;
}

Result<bool> TransactionSieve::can_go(const RecordBatchView& batch) {
  const BatchHeader& header = batch.header();
  begin_up_to(header.last_offset());
  if (header.is_control()) return marker_can_go(batch);
  if (!header.is_transactional()) return false;
  Ongoing* aborted = find_aborted(header.producer_id, header.base_offset);
  if (aborted == nullptr) {
    ongoing_committed_.insert(header.producer_id);
    return false;
  }
  aborted->seen = true;
  return true;
}

Result<bool> TransactionSieve::marker_can_go(const RecordBatchView& batch) {
  const int64_t producer_id = batch.header().producer_id;
  if (batch.header().record_count == 0) return true;  // cleaned before, kept for its producer
  Result<ControlRecordType> type = control_batch_type(batch);
  RETURN_IF_ERROR(type);
  if (*type == ControlRecordType::kCommit) return ongoing_committed_.erase(producer_id) == 0;
  if (*type != ControlRecordType::kAbort) return false;
  auto aborted = ongoing_aborted_.extract(producer_id);
  if (aborted.empty() || !aborted.mapped().seen) return true;
  kept_.push_back(aborted.mapped().transaction);
  return false;
}

// --- first pass

Result<bool> KeyCollector::add(const RecordBatchView& batch) {
  const BatchHeader& header = batch.header();
  Result<bool> useless = sieve_.can_go(batch);
  RETURN_IF_ERROR(useless);
  if (!header.is_control() && !*useless && header.last_offset() >= from_) {
    RecordIterator records(batch);
    while (records.next()) {
      const RecordView& record = records.record();
      if (!record.key || record.offset < from_) continue;
      if (map_.full() && !map_.contains(*record.key)) return false;
      map_.put(*record.key, record.offset);
    }
    RETURN_IF_ERROR(records.status());
  }
  if (header.last_offset() >= from_) map_.set_latest_offset(header.last_offset());
  return true;
}

// --- second pass

bool BatchCleaner::is_last_of_producer(const BatchHeader& header) const {
  if (!header.has_producer_id()) return false;
  auto last = rules_.last_of_producers.find(header.producer_id);
  if (last == rules_.last_of_producers.end()) return false;
  if (last->second.data_offset) return header.last_offset() == *last->second.data_offset;
  return header.is_control() && header.producer_epoch == last->second.epoch;
}

Result<BatchCleaner::Verdict> BatchCleaner::judge(const RecordBatchView& batch) {
  const BatchHeader& header = batch.header();
  Result<bool> can_go = sieve_.can_go(batch);
  RETURN_IF_ERROR(can_go);
  Verdict verdict;
  verdict.all_records_go = *can_go;
  verdict.empty_marker = *can_go && header.is_control();
  if (header.is_control()) {
    // A reader may not have reached the marker yet: it is removed as late as a tombstone.
    std::optional<int64_t> horizon_ms = header.delete_horizon_ms();
    verdict.all_records_go = *can_go && horizon_ms && *horizon_ms <= rules_.now_ms;
  }
  verdict.header_stays = is_last_of_producer(header) || header.next_offset() == rules_.end_offset;
  return verdict;
}

bool BatchCleaner::record_stays(const BatchHeader& header, int64_t offset, std::optional<ByteView> key,
                                bool has_value) const {
  if (offset > map_.latest_offset()) return true;
  if (!key || offset < map_.get(*key)) return false;
  std::optional<int64_t> horizon_ms = header.delete_horizon_ms();
  return has_value || !horizon_ms || rules_.now_ms < *horizon_ms;
}

Status BatchCleaner::add(const RecordBatchView& batch, Bytes& out) {
  if (!batch.crc_ok()) return make_error(ErrorKind::kCorrupt, "the batch at offset {} has a wrong checksum",
                                         batch.header().base_offset);
  Result<Verdict> verdict = judge(batch);
  RETURN_IF_ERROR(verdict);
  if (!verdict->all_records_go) return filter(batch, *verdict, out);
  if (verdict->header_stays) append_empty_batch(batch.header(), out);
  return ok_status();
}

Status BatchCleaner::filter(const RecordBatchView& batch, const Verdict& verdict, Bytes& out) {
  const BatchHeader& header = batch.header();
  bool tombstones = false;
  int32_t kept = 0;
  {
    int64_t next_offset = header.base_offset;
    RecordIterator records(batch);
    while (records.next()) {
      const RecordView& record = records.record();
      // The deltas are a client's.
      if (record.offset < next_offset || record.offset > header.last_offset()) {
        return make_error(ErrorKind::kCorrupt, "the offsets of the batch at {} are out of order", header.base_offset);
      }
      next_offset = record.offset + 1;
      bool stays = header.is_control() || record_stays(header, record.offset, record.key, record.value.has_value());
      kept += stays ? 1 : 0;
      tombstones |= stays && !header.is_control() && !record.value;
    }
    RETURN_IF_ERROR(records.status());
  }
  if (kept == 0) {
    if (verdict.header_stays) append_empty_batch(header, out);
    return ok_status();
  }
  // Kept for ever if the horizon would overflow.
  const bool has_an_end = rules_.delete_retention_ms <= std::numeric_limits<int64_t>::max() - rules_.now_ms;
  bool sets_horizon = (tombstones || verdict.empty_marker) && !header.has_delete_horizon() && has_an_end;
  if (kept == header.record_count && !sets_horizon) {
    out += batch.bytes();
    return ok_status();
  }
  std::optional<int64_t> horizon_ms = header.delete_horizon_ms();
  if (sets_horizon) horizon_ms = rules_.now_ms + rules_.delete_retention_ms;
  RecordBatchBuilder builder(options_like(header, horizon_ms));
  RecordIterator records(batch);
  while (records.next()) {
    const RecordView& record = records.record();
    if (!header.is_control() && !record_stays(header, record.offset, record.key, record.value.has_value())) continue;
    builder.append_at(record.offset, record.key, record.value, record.timestamp, record.headers);
  }
  builder.set_last_offset(header.last_offset());
  out += builder.build();
  return ok_status();
}

}  // namespace milena::log
