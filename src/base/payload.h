// Payload: a byte string as a chain of chunks, so that record bytes go from the page cache or from a frame to the
// socket without a copy through a message object. A value: movable, copyable (chunks share what they point to).
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"

namespace milena {

// Part of a file, sent with sendfile. The file stays open as long as the slice lives, even if it is deleted meanwhile.
struct FileSlice {
  std::shared_ptr<const File> file;
  uint64_t position = 0;
  uint64_t size = 0;
};

// Part of a shared buffer (a received frame, a cache).
struct SharedBytes {
  std::shared_ptr<const void> owner;
  ByteView view;
};

using Chunk = std::variant<Bytes, SharedBytes, FileSlice>;

uint64_t chunk_size(const Chunk& chunk);

class Payload {
 public:
  Payload() = default;
  explicit Payload(Bytes bytes) { append(std::move(bytes)); }

  // Empty pieces add no chunk.
  void append(Bytes bytes);
  void append(SharedBytes bytes);
  void append(FileSlice slice);
  void append(Payload other);

  uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::vector<Chunk>& chunks() const { return chunks_; }
  std::vector<Chunk> take_chunks() && { size_ = 0; return std::move(chunks_); }

  // The whole payload in one piece; reads the file slices. For tests, conversions and small responses.
  Result<Bytes> flatten() const;

 private:
  std::vector<Chunk> chunks_;
  uint64_t size_ = 0;
};

}  // namespace milena
