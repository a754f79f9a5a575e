// The part of a log that compaction keeps: batches in, batches out. Pure; compaction_job.h does the files.
//
// Two passes over the same stretch. The first (KeyCollector) notes the last offset of every key in its dirty part. The
// second (BatchCleaner) goes over all of it and leaves out
//   - records whose key occurs again later, and records without a key;
//   - records without a value (tombstones) once readers had delete.retention.ms to see them: the first round that keeps
//     one writes the time from which it may go, the delete horizon, into its batch;
//   - data of aborted transactions, and, after the same delay, the markers of transactions without remaining records. A
// batch that loses all its records stays as an empty header if it has its producer's last sequence, or is the last of
// the stretch. Offsets, sequences and leader epochs never change. Source: Kafka's Cleaner, CleanedTransactionMetadata,
// MemoryRecords.filterTo.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "log/format/aborted_transaction.h"
#include "log/offset_map.h"
#include "protocol/records/record_batch.h"

namespace milena::log {

// Tracks the aborted transactions of the stretch, batch by batch in the order of the log.
class TransactionSieve {
 public:
  // All aborted transactions that touch the stretch, in any order; duplicates are allowed.
  explicit TransactionSieve(std::vector<AbortedTransaction> aborted);

  // Whether the batch can be dropped: data of an aborted transaction, or the marker of a transaction without data.
  Result<bool> can_go(const RecordBatchView& batch);
  // The aborted transactions whose marker was seen since the last call, and that still have data.
  std::vector<AbortedTransaction> take_kept() { return std::exchange(kept_, {}); }

 private:
  struct Ongoing {
    AbortedTransaction transaction;
    bool seen = false;  // data of it
  };
  void begin_up_to(int64_t offset);
  Ongoing* find_aborted(int64_t producer_id, int64_t offset);
  Result<bool> marker_can_go(const RecordBatchView& batch);

  std::vector<AbortedTransaction> aborted_;  // by first offset
  size_t next_ = 0;
  std::unordered_map<int64_t, Ongoing> ongoing_aborted_;  // by producer
  std::unordered_set<int64_t> ongoing_committed_;
  std::vector<AbortedTransaction> kept_;
};

// The first pass.
class KeyCollector {
 public:
  // Records below `from` are clean already.
  KeyCollector(OffsetMap& map, int64_t from, std::vector<AbortedTransaction> aborted)
      : map_(map), from_(from), sieve_(std::move(aborted)) {}

  // False if the map is full: the rest of the batch, and all later ones, are left for another round.
  Result<bool> add(const RecordBatchView& batch);

 private:
  OffsetMap& map_;
  const int64_t from_;
  TransactionSieve sieve_;
};

struct CompactionRules {
  // The last write of a producer that the log still knows.
  struct LastOfProducer {
    std::optional<int64_t> data_offset;  // nullopt: nothing since its epoch was raised by a marker
    int16_t epoch = -1;
  };

  int64_t now_ms = 0;
  int64_t delete_retention_ms = 0;
  // The stretch ends here: its last batch stays, at least its header.
  int64_t end_offset = 0;
  std::unordered_map<int64_t, LastOfProducer> last_of_producers;
};

// The second pass.
class BatchCleaner {
 public:
  // `map` and `rules` must outlive this.
  BatchCleaner(const OffsetMap& map, const CompactionRules& rules, std::vector<AbortedTransaction> aborted)
      : map_(map), rules_(rules), sieve_(std::move(aborted)) {}

  // Appends the cleaned batch to `out`: one batch or nothing.
  Status add(const RecordBatchView& batch, Bytes& out);
  // The entries of the transaction index for the batches written since the last call.
  std::vector<AbortedTransaction> take_kept_aborted() { return sieve_.take_kept(); }

 private:
  struct Verdict {
    bool all_records_go = false;
    bool header_stays = false;
    bool empty_marker = false;
  };
  Result<Verdict> judge(const RecordBatchView& batch);
  bool is_last_of_producer(const BatchHeader& header) const;
  bool record_stays(const BatchHeader& header, int64_t offset, std::optional<ByteView> key, bool has_value) const;
  Status filter(const RecordBatchView& batch, const Verdict& verdict, Bytes& out);

  const OffsetMap& map_;
  const CompactionRules& rules_;
  TransactionSieve sieve_;
};

}  // namespace milena::log
