// SegmentCheck: reads the files of one segment in a partition's directory, and writes nothing. Damage does not end it:
// it looks for the next whole batch.
//
// Single use, for one segment after the other with one PartitionWalk. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "log/batch_scanner.h"
#include "log/check/findings.h"

namespace milena::log {

// State carried from segment to segment.
struct PartitionWalk {
  FileSystem* files = nullptr;
  std::string directory;
  bool clean_shutdown = false;
  int64_t recovery_point = 0;  // 0 if not known
  int64_t next_offset = -1;    // least offset of the next batch; -1 before the first
  int32_t latest_epoch = -1;
  std::map<int64_t, int64_t> open_transactions;  // first offset seen, by producer
  PartitionFindings* out = nullptr;
  const std::function<void(uint64_t bytes)>* on_read = nullptr;  // may be null
};

class SegmentCheck {
 public:
  // `end_offset`: the next segment's base offset, INT64_MAX for the last one.
  SegmentCheck(PartitionWalk& walk, int64_t base_offset, int64_t end_offset);
  ~SegmentCheck();

  // Errors are of the disk.
  Status run();

 private:
  struct Index;

  Status read_batches();
  Status read_on(uint64_t& at, std::optional<BatchScanner>& batches);
  Result<bool> good_batch(BatchScanner& batches);
  Status note_batch(BatchScanner& batches);
  Status note_marker(BatchScanner& batches);
  Result<uint64_t> next_good(uint64_t from);
  Status note_damage(uint64_t from, uint64_t to, const std::string& why);
  Result<bool> only_zeros(uint64_t from) const;
  Status open_index(Index& index, const char* suffix, size_t entry_size);
  void check_position(Index& index, const BatchHeader& batch, uint64_t position);
  void end_index(Index& index);
  void add_wrong_index(const Index& index);
  bool is_read_again() const;
  Status check_time_index();
  Status check_txn_index();
  void add(Finding::Kind kind, const std::string& where, std::string what, std::optional<Mend> mend = {});
  std::string name_of(const char* suffix) const;

  PartitionWalk& walk_;
  const int64_t base_offset_;
  const int64_t end_offset_;
  std::shared_ptr<File> log_;
  uint64_t size_ = 0;
  int64_t next_offset_;
  int64_t max_timestamp_ = -1;
  std::vector<Stretch> damage_;
  std::map<int64_t, int64_t> aborts_;  // producers, by the marker's offset; of transactions whose records were seen
  std::unique_ptr<Index> offsets_;
};

}  // namespace milena::log
