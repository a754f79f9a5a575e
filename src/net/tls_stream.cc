#include "net/tls_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/event_loop.h"

namespace milena::net {
namespace {

// Bytes of a handshake read at a time. A client's flight is smaller, unless its certificates are huge.
constexpr size_t kHandshakeRead = 16 * 1024;
// Most bytes that one read() takes from the socket, data or not: others wait.
constexpr size_t kMaxRead = 512 * 1024;
constexpr size_t kTlsRecord = 16 * 1024;
// Four records: bytes that a slow client does not take are read from the file again.
constexpr size_t kFileRead = 64 * 1024;
static_assert(kFileRead <= EventLoop::kScratchBytes);

class TlsStream final : public Stream {
 public:
  TlsStream(EventLoop& loop, int descriptor, std::shared_ptr<TlsContextSource> contexts, std::string server_host)
      : loop_(loop),
        socket_(make_plain_stream(loop, descriptor)),
        engine_(std::make_shared<TlsEngine>(std::move(contexts), std::move(server_host))) {}

  IoResult handshake(Task resume) override;
  std::shared_ptr<const security::TlsPeer> peer() const override { return engine_->peer(); }
  std::string failure_text() const override { return works_ ? std::string() : engine_->failure_text(); }

  IoResult read(std::span<iovec> parts) override { return engine_->read(parts, kMaxRead); }
  IoResult write(std::span<const iovec> parts, bool more) override;
  IoResult send_file(int descriptor, uint64_t position, uint64_t size) override;
  void set_cork(bool on) override { socket_->set_cork(on); }

  // Subtracts the part of a record that has been read already.
  void expect(size_t bytes) override {
    socket_->expect(bytes > SSL3_RT_MAX_PACKET_SIZE ? bytes - SSL3_RT_MAX_PACKET_SIZE : 1);
  }
  void wait_readable(std::shared_ptr<StreamWatcher> watcher) override;
  void wait_writable(std::shared_ptr<StreamWatcher> watcher) override { socket_->wait_writable(std::move(watcher)); }
  void close() override;

 private:
  IoResult send_handshake();
  IoResult read_handshake();
  void start_step(Task resume);

  EventLoop& loop_;
  const std::unique_ptr<Stream> socket_;
  const std::shared_ptr<TlsEngine> engine_;
  // Expires with the stream, and at its close.
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  bool works_ = false;  // another thread has the engine
};

IoResult TlsStream::handshake(Task resume) {
  if (works_) return {IoResult::kWorks};
  // An alert is sent before its failure is reported.
  if (IoResult sent = send_handshake(); sent.kind != IoResult::kMoved) return sent;
  if (engine_->state() == TlsEngine::State::kFailed) return {IoResult::kFailed};
  if (engine_->state() == TlsEngine::State::kOpen) {
    engine_->attach(*socket_);
    return {IoResult::kMoved};
  }
  if (!engine_->has_to_begin()) {
    if (IoResult got = read_handshake(); got.kind != IoResult::kMoved) return got;
  }
  start_step(std::move(resume));
  return {IoResult::kWorks};
}

IoResult TlsStream::send_handshake() {
  Bytes& out = engine_->outgoing();
  while (!out.empty()) {
    iovec part{out.data(), out.size()};
    const IoResult result = socket_->write(std::span<const iovec>(&part, 1), false);
    if (result.kind != IoResult::kMoved) return result;
    out.erase(0, result.bytes);
  }
  out = Bytes();
  return {IoResult::kMoved};
}

IoResult TlsStream::read_handshake() {
  iovec part{loop_.scratch(), kHandshakeRead};
  const IoResult result = socket_->read(std::span<iovec>(&part, 1));
  if (result.kind == IoResult::kMoved) engine_->give(ByteView(loop_.scratch(), result.bytes));
  return result;
}

void TlsStream::start_step(Task resume) {
  works_ = true;
  loop_.run_computation([engine = engine_] { engine->step(); },
                        [this, alive = std::weak_ptr<char>(alive_), resume = std::move(resume)] {
                          if (alive.expired()) return;
                          works_ = false;
                          resume();
                        });
}

// Small parts share a record. A blocked record is built again from the same bytes: the parts begin as before.
IoResult TlsStream::write(std::span<const iovec> parts, bool more) {
  size_t total = 0;
  char gathered[kTlsRecord];
  for (size_t i = 0; i < parts.size();) {
    ByteView bytes(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    size_t next = i + 1;
    if (bytes.size() < kTlsRecord && next < parts.size()) {
      size_t size = 0;
      for (next = i; next < parts.size() && size + parts[next].iov_len <= kTlsRecord; next++) {
        std::memcpy(gathered + size, parts[next].iov_base, parts[next].iov_len);
        size += parts[next].iov_len;
      }
      bytes = ByteView(gathered, size);
    }
    const IoResult result = engine_->write(bytes, more || next < parts.size());
    if (result.kind != IoResult::kMoved) return total == 0 ? result : IoResult{IoResult::kMoved, total};
    total += result.bytes;
    if (result.bytes < bytes.size()) break;
    i = next;
  }
  return {IoResult::kMoved, total};
}

IoResult TlsStream::send_file(int descriptor, uint64_t position, uint64_t size) {
  uint64_t total = 0;
  while (total < size) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(size - total, kFileRead));
    const ssize_t got = ::pread(descriptor, loop_.scratch(), wanted, static_cast<off_t>(position + total));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const IoResult stopped = got == 0 ? IoResult{IoResult::kEnd} : IoResult{IoResult::kFailed, 0, errno};
      return total == 0 ? stopped : IoResult{IoResult::kMoved, total};
    }
    const ByteView bytes(loop_.scratch(), static_cast<size_t>(got));
    const IoResult result = engine_->write(bytes, total + bytes.size() < size);
    if (result.kind != IoResult::kMoved) return total == 0 ? result : IoResult{IoResult::kMoved, total};
    total += result.bytes;
    if (result.bytes < bytes.size()) break;
  }
  return {IoResult::kMoved, total};
}

// Bytes that were already read from the socket do not make it readable again.
void TlsStream::wait_readable(std::shared_ptr<StreamWatcher> watcher) {
  const bool open = !works_ && engine_->state() != TlsEngine::State::kHandshake;
  if (!open || !engine_->has_more()) return socket_->wait_readable(std::move(watcher));
  loop_.post([alive = std::weak_ptr<char>(alive_), watcher = std::move(watcher)] {
    if (!alive.expired()) watcher->on_readable();
  });
}

void TlsStream::close() {
  alive_.reset();
  if (!works_) engine_->say_goodbye();
  socket_->close();
}

}  // namespace

std::unique_ptr<Stream> make_tls_stream(EventLoop& loop, int descriptor, std::shared_ptr<TlsContextSource> contexts,
                                        std::string server_host) {
  return std::make_unique<TlsStream>(loop, descriptor, std::move(contexts), std::move(server_host));
}

}  // namespace milena::net
