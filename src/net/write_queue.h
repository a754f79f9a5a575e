// WriteQueue: a connection's unsent responses, as chunks. Memory is gathered into few writes, file slices are sent with
// sendfile; small ones are read, just before they are written. Owned by a Connection.
#pragma once

#include <deque>

#include "base/payload.h"
#include "net/stream.h"

namespace milena::net {

class WriteQueue {
 public:
  enum Outcome { kEmpty, kBlocked, kPaused, kFailed };

  void push(Payload payload);
  uint64_t unsent_bytes() const { return unsent_bytes_; }
  bool empty() const { return unsent_bytes_ == 0; }

  // Writes what the stream takes, at most about `budget` bytes (kPaused: call again in a later turn).
  Outcome flush(Stream& stream, uint64_t budget);
  // After kBlocked: the stream waits to be readable, not writable.
  bool wants_read() const { return wants_read_; }
  // After kFailed: errno, or 0 if failure_text() has the reason.
  int error() const { return error_; }
  const std::string& failure_text() const { return failure_text_; }
  // Bytes written over the queue's life.
  uint64_t written_bytes() const { return written_bytes_; }

 private:
  IoResult write_memory(Stream& stream);
  IoResult write_file(Stream& stream);
  bool load_file_part();
  void load_small_slices();
  void drop_written(uint64_t count);

  std::deque<Chunk> chunks_;
  uint64_t front_done_ = 0;  // of the first chunk
  uint64_t unsent_bytes_ = 0;
  uint64_t written_bytes_ = 0;
  size_t file_slices_ = 0;
  bool wants_read_ = false;
  int error_ = 0;
  std::string failure_text_;
};

}  // namespace milena::net
