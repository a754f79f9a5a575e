#include "net/frame_reader.h"

#include <algorithm>

namespace milena::net {
namespace {

constexpr size_t kFirstCapacity = 64 * 1024;
constexpr size_t kMaxTrusted = 8 * 1024 * 1024;
// After a big frame another one is likely: a small read gets its size, the rest goes to its own buffer.
constexpr size_t kBigFrame = 64 * 1024;
constexpr size_t kSmallLook = 4096;

// An invalid size may be the first bytes of a client with another protocol: a handshake record of TLS, or a method of
// HTTP.
Status refuse_other_protocol(ByteView start) {
  if (start.starts_with("\x16\x03")) {
    return make_error(ErrorKind::kCorrupt,
                      "the client speaks TLS, but this listener is PLAINTEXT; check the client's security.protocol");
  }
  for (ByteView method : {"GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "CONN", "PATC", "PRI "}) {
    if (start == method)
      return make_error(ErrorKind::kCorrupt, "the client speaks HTTP, but this listener expects Kafka's protocol");
  }
  return ok_status();
}

}  // namespace

int FrameReader::prepare(iovec parts[2], char* scratch, size_t scratch_bytes) {
  if (last_frame_bytes_ > kBigFrame) scratch_bytes = std::min(scratch_bytes, kSmallLook);
  if (!body_) {
    parts[0] = {scratch, scratch_bytes};
    return 1;
  }
  parts[0] = {body_.get() + have_, capacity_ - have_};
  parts[1] = {scratch, scratch_bytes};
  return 2;
}

Status FrameReader::commit(size_t count, const char* scratch, std::deque<broker::Frame>& frames) {
  if (body_) {
    size_t direct = std::min(count, capacity_ - have_);
    have_ += direct;
    count -= direct;
    if (have_ == claimed_) {
      finish_frame(frames);
    } else if (have_ == capacity_) {
      RETURN_IF_ERROR(make_room());
    }
  }
  return feed(ByteView(scratch, count), frames);
}

Status FrameReader::feed(ByteView bytes, std::deque<broker::Frame>& frames) {
  while (!bytes.empty()) {
    if (!body_) {
      size_t part = std::min(bytes.size(), sizeof size_ - size_have_);
      std::memcpy(size_ + size_have_, bytes.data(), part);
      size_have_ += part;
      bytes.remove_prefix(part);
      if (size_have_ < sizeof size_) break;
      size_have_ = 0;
      RETURN_IF_ERROR(check_size());
      if (bytes.size() >= claimed_) {
        // The usual small request: complete, one allocation.
        auto buffer = std::make_shared_for_overwrite<char[]>(claimed_);
        std::memcpy(buffer.get(), bytes.data(), claimed_);
        ByteView view(buffer.get(), claimed_);
        bytes.remove_prefix(claimed_);
        last_frame_bytes_ = claimed_;
        frames.push_back({std::move(buffer), view});
        continue;
      }
      RETURN_IF_ERROR(start_frame(bytes.size()));
    }
    size_t part = std::min(bytes.size(), capacity_ - have_);
    std::memcpy(body_.get() + have_, bytes.data(), part);
    have_ += part;
    bytes.remove_prefix(part);
    if (have_ == claimed_) {
      finish_frame(frames);
    } else if (have_ == capacity_) {
      RETURN_IF_ERROR(make_room());
    }
  }
  return ok_status();
}

Status FrameReader::check_size() {
  int32_t size = load_big_endian<int32_t>(size_);
  const uint32_t most = stranger_ ? max_stranger_bytes_ : max_frame_bytes_;
  if (static_cast<uint32_t>(size) > most)
    RETURN_IF_ERROR(refuse_other_protocol(ByteView(size_, sizeof size_)));
  // Kafka closes on all of these: NetworkReceive refuses the first and the last, an empty request has no header.
  if (size < 0) return make_error(ErrorKind::kCorrupt, "request of size {}: expected a size above 0", size);
  if (size == 0) return make_error(ErrorKind::kCorrupt, "request of size 0: expected a request header");
  if (static_cast<uint32_t>(size) > most) {
    return make_error(ErrorKind::kCorrupt, "request of size {}: expected at most {} ({})", size, most,
                      most < max_frame_bytes_ ? "sasl.server.max.receive.size, before authentication"
                                              : "socket.request.max.bytes");
  }
  claimed_ = static_cast<size_t>(size);
  return ok_status();
}

Status FrameReader::start_frame(size_t at_hand) {
  have_ = 0;
  capacity_ = std::min(claimed_, std::max({kFirstCapacity, trusted_, at_hand}));
  body_.reset(static_cast<char*>(std::malloc(capacity_)));
  if (!body_) return make_error(ErrorKind::kIo, "not enough memory for a request of {} bytes", claimed_);
  return ok_status();
}

Status FrameReader::make_room() {
  size_t capacity = std::min(claimed_, capacity_ * 4);
  char* grown = static_cast<char*>(std::realloc(body_.get(), capacity));
  if (!grown) return make_error(ErrorKind::kIo, "not enough memory for a request of {} bytes", claimed_);
  (void)body_.release();  // realloc took it
  body_.reset(grown);
  capacity_ = capacity;
  return ok_status();
}

void FrameReader::finish_frame(std::deque<broker::Frame>& frames) {
  trusted_ = std::max(trusted_, std::min(claimed_, kMaxTrusted));
  last_frame_bytes_ = claimed_;
  ByteView bytes(body_.get(), claimed_);
  frames.push_back({std::shared_ptr<char[]>(std::move(body_)), bytes});
  body_ = nullptr;
  claimed_ = have_ = capacity_ = 0;
}

}  // namespace milena::net
