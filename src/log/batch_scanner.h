// BatchScanner: walks over the batches of a segment's file by their headers, reading ahead through a small window.
// Single use, on any thread.
#pragma once

#include <cstdint>
#include <memory>

#include "base/file.h"
#include "base/result.h"
#include "protocol/records/record_batch.h"

namespace milena::log {

class BatchScanner {
 public:
  // From `position`, the start of a batch, up to `end`. A window larger than the batches pays off if all of them are
  // read, a small one if few are.
  BatchScanner(std::shared_ptr<const File> file, uint32_t position, uint32_t end, size_t window_bytes);

  // Moves on to the next batch; false at the end. kCorrupt if the bytes there are invalid or cut off. A message of
  // magic 0 or 1 counts as a batch (log_entry_header) if its checksum is right: a flipped byte must not turn a batch
  // into a message.
  Result<bool> next();

  // After next() found damage: moves on to the next batch of magic 2 whose checksum is right, with an offset not below
  // `least_offset`; false if there is none. Reads every byte.
  Result<bool> skip_damage(int64_t least_offset);

  // Of the current batch.
  const BatchHeader& header() const { return header_; }
  uint32_t position() const { return position_; }
  uint32_t size() const { return size_; }
  // Whether the checksum is right. Reads all bytes.
  Result<bool> crc_ok();
  // The whole batch, valid until the next call. The window grows to hold it.
  Result<ByteView> view();
  // The same as a batch of magic 2, converted if necessary.
  Result<RecordBatchView> batch();
  // A copy of the whole batch.
  Result<Bytes> bytes();

 private:
  Result<bool> find_in_window(uint32_t& at, int64_t least_offset, uint64_t& budget);
  // Makes at least `size` bytes from the position available in the window; they must be within the file.
  Result<ByteView> fetch(uint32_t position, size_t size);

  std::shared_ptr<const File> file_;
  const uint32_t end_;
  uint32_t position_;
  uint32_t size_ = 0;
  BatchHeader header_;
  Bytes window_;
  Bytes converted_;
  uint32_t window_position_ = 0;
  size_t window_size_ = 0;
};

}  // namespace milena::log
