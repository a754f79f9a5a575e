#include "net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio.hpp>
#include <cerrno>

#include "net/event_loop.h"

namespace milena::net {
namespace {

// Fits into the processor's cache, and arrives in an instant.
constexpr size_t kMaxExpected = 128 * 1024;

IoResult failure(IoResult::Kind wants) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {wants};
  return {IoResult::kFailed, 0, errno};
}

IoResult moved(ssize_t count) { return {IoResult::kMoved, static_cast<size_t>(count)}; }

class PlainStream final : public Stream {
 public:
  PlainStream(EventLoop& loop, int descriptor) : socket_(loop.io(), descriptor) {
    asio::error_code ignored;
    socket_.native_non_blocking(true, ignored);
  }

  IoResult read(std::span<iovec> parts) override {
    while (true) {
      ssize_t count = ::readv(socket_.native_handle(), parts.data(), static_cast<int>(parts.size()));
      if (count > 0) return moved(count);
      if (count == 0) return {IoResult::kEnd};
      if (errno != EINTR) return failure(IoResult::kWantsRead);
    }
  }

  IoResult write(std::span<const iovec> parts, bool more) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    while (true) {
      ssize_t count = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
      if (count >= 0) return moved(count);
      if (errno != EINTR) return failure(IoResult::kWantsWrite);
    }
  }

  IoResult send_file(int descriptor, uint64_t position, uint64_t size) override {
    off_t offset = static_cast<off_t>(position);
    while (true) {
      ssize_t count = ::sendfile(socket_.native_handle(), descriptor, &offset, std::min<uint64_t>(size, 1 << 30));
      if (count > 0) return moved(count);
      if (count == 0) return {IoResult::kEnd};
      if (errno != EINTR) return failure(IoResult::kWantsWrite);
    }
  }

  void set_cork(bool on) override {
    int value = on ? 1 : 0;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_CORK, &value, sizeof value);
  }

  // A peer with small writes would wake the loop for each of them. The kernel makes room for the requested bytes, and
  // wakes earlier if it has none.
  void expect(size_t bytes) override {
    const int wanted = static_cast<int>(std::clamp<size_t>(bytes, 1, kMaxExpected));
    if (wanted == expected_) return;
    if (::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted) == 0) expected_ = wanted;
  }

  void wait_readable(std::shared_ptr<StreamWatcher> watcher) override {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [watcher = std::move(watcher)](const asio::error_code& error) {
                         if (!error) watcher->on_readable();
                       });
  }

  void wait_writable(std::shared_ptr<StreamWatcher> watcher) override {
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [watcher = std::move(watcher)](const asio::error_code& error) {
                         if (!error) watcher->on_writable();
                       });
  }

  void close() override {
    asio::error_code ignored;
    socket_.close(ignored);
  }

 private:
  // Only waits use Asio; so any descriptor works, and reads and writes choose their system calls.
  asio::posix::stream_descriptor socket_;
  int expected_ = 1;  // SO_RCVLOWAT
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(EventLoop& loop, int descriptor) {
  return std::make_unique<PlainStream>(loop, descriptor);
}

}  // namespace milena::net
