// A window over the decompressed records of a batch. RecordIterator and the produce validation read compressed batches
// through it. It grows only if more bytes are needed at once than it holds.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/compression/compression.h"

namespace milena {

class RecordWindow {
 public:
  explicit RecordWindow(std::unique_ptr<DecompressStream> stream) : stream_(std::move(stream)) {}

  // Makes `size` bytes available, or all that are left in the stream. Invalidates earlier views.
  Status fill(size_t size);
  ByteView available() const { return ByteView(buffer_.get() + begin_, end_ - begin_); }
  // Consumes available bytes.
  void consume(size_t size) { begin_ += size; }
  // Skips bytes without holding them; false if the stream ends before.
  Result<bool> skip(size_t size);

 private:
  static constexpr size_t kInitialSize = 64 * 1024;

  Status read_more();

  std::unique_ptr<DecompressStream> stream_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool stream_ended_ = false;
};

}  // namespace milena
