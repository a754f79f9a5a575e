// The decompressed records of a batch, seen through a window: what RecordIterator and the produce validation read
// compressed batches with. It grows only when somebody asks for more at once than it holds.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/compression/compression.h"

namespace milena {

class RecordWindow {
 public:
  explicit RecordWindow(std::unique_ptr<DecompressStream> stream) : stream_(std::move(stream)) {}

  // Makes `size` bytes available, or as many as there are left in the stream. Views given out before are gone.
  Status fill(size_t size);
  ByteView available() const { return ByteView(buffer_.get() + begin_, end_ - begin_); }
  // Of what is available.
  void consume(size_t size) { begin_ += size; }
  // Passes over bytes without holding them; false when the stream ends before.
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
