// FrameReader: cuts a connection's byte stream into requests (a 4-byte big-endian size, then that many bytes). No
// sockets; the RequestReader of Kafka's protocol.
//
// Small frames are copied out of the loop's scratch buffer, big ones are read straight into their own buffer. A frame's
// buffer grows with the bytes received, so a false size costs nothing; a connection that has sent a whole big frame
// gets a buffer of that size at once the next time.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>

#include "net/protocol.h"

namespace milena::net {

class FrameReader final : public RequestReader {
 public:
  // `max_frame_bytes` is socket.request.max.bytes. Until authenticated() a smaller limit may apply.
  explicit FrameReader(uint32_t max_frame_bytes, uint32_t max_stranger_bytes = UINT32_MAX)
      : max_frame_bytes_(max_frame_bytes), max_stranger_bytes_(std::min(max_frame_bytes, max_stranger_bytes)) {}

  void authenticated() override { stranger_ = false; }

  int prepare(iovec parts[2], char* scratch, size_t scratch_bytes) override;
  Status commit(size_t count, const char* scratch, std::deque<broker::Frame>& frames) override;

  size_t missing_bytes() const override { return body_ ? claimed_ - have_ : 1; }

  // Bytes of a frame that has not arrived in full.
  size_t partial_bytes() const { return body_ ? have_ : size_have_; }

 private:
  struct Free {
    void operator()(char* block) const { std::free(block); }
  };

  Status feed(ByteView bytes, std::deque<broker::Frame>& frames);
  Status check_size();
  Status start_frame(size_t at_hand);
  Status make_room();
  void finish_frame(std::deque<broker::Frame>& frames);

  const uint32_t max_frame_bytes_;
  const uint32_t max_stranger_bytes_;
  bool stranger_ = true;
  char size_[4];
  size_t size_have_ = 0;
  // The current frame, if its size is known and it is larger than the bytes of one read.
  std::unique_ptr<char[], Free> body_;
  size_t claimed_ = 0;
  size_t have_ = 0;
  size_t capacity_ = 0;
  // Largest whole frame of this connection, within limits, and the size of its last one.
  size_t trusted_ = 0;
  size_t last_frame_bytes_ = 0;
};

}  // namespace milena::net
