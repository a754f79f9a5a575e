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
static_assert(TlsEngine::kBufferBytes <= EventLoop::kStreamScratchBytes);

// Parts in memory. Small ones share a record.
class Parts final : public TlsSource {
 public:
  explicit Parts(std::span<const iovec> parts) : parts_(parts) {}

  IoResult get(uint64_t offset, size_t most, ByteView& bytes) override {
    size_t i = 0;
    for (; offset >= parts_[i].iov_len; i++) offset -= parts_[i].iov_len;
    bytes = part(i).substr(offset, most);
    most = std::min(most, kTlsRecord);
    if (bytes.size() >= most) return {IoResult::kMoved, bytes.size()};
    size_t size = bytes.copy(gathered_, most);
    while (size < most && ++i < parts_.size()) size += part(i).copy(gathered_ + size, most - size);
    bytes = ByteView(gathered_, size);
    return {IoResult::kMoved, size};
  }

 private:
  ByteView part(size_t i) const { return {static_cast<const char*>(parts_[i].iov_base), parts_[i].iov_len}; }

  const std::span<const iovec> parts_;
  char gathered_[kTlsRecord];
};

class FilePart final : public TlsSource {
 public:
  // Reads through `scratch`.
  FilePart(int descriptor, uint64_t position, std::span<char> scratch)
      : descriptor_(descriptor), position_(position), scratch_(scratch) {}

  IoResult get(uint64_t offset, size_t most, ByteView& bytes) override {
    const size_t wanted = std::min(most, scratch_.size());
    for (;;) {
      const ssize_t got = ::pread(descriptor_, scratch_.data(), wanted, static_cast<off_t>(position_ + offset));
      if (got < 0 && errno == EINTR) continue;
      if (got == 0) return {IoResult::kEnd};
      if (got < 0) return {IoResult::kFailed, 0, errno};
      bytes = ByteView(scratch_.data(), static_cast<size_t>(got));
      return {IoResult::kMoved, bytes.size()};
    }
  }

 private:
  const int descriptor_;
  const uint64_t position_;
  const std::span<char> scratch_;
};

class TlsStream final : public Stream {
 public:
  TlsStream(EventLoop& loop, int descriptor, std::shared_ptr<TlsContextSource> contexts, std::string server_host)
      : loop_(loop),
        socket_(make_plain_stream(loop, descriptor)),
        engine_(std::make_shared<TlsEngine>(std::move(contexts), std::move(server_host))) {}

  IoResult handshake(Task resume) override;
  std::shared_ptr<const security::TlsPeer> peer() const override { return engine_->peer(); }
  std::string failure_text() const override { return works_ ? std::string() : engine_->failure_text(); }

  IoResult read(std::span<iovec> parts) override { return engine_->read(parts, kMaxRead, buffer()); }
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
  std::span<char> buffer() { return {loop_.stream_scratch(), TlsEngine::kBufferBytes}; }

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
  Bytes().swap(out);  // an assignment would keep the memory
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

IoResult TlsStream::write(std::span<const iovec> parts, bool more) {
  uint64_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  Parts source(parts);
  return engine_->write(source, size, more, buffer());
}

IoResult TlsStream::send_file(int descriptor, uint64_t position, uint64_t size) {
  FilePart source(descriptor, position, {loop_.scratch(), EventLoop::kScratchBytes});
  return engine_->write(source, size, false, buffer());
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
