#include "net/outgoing.h"

#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <vector>

#include "net/event_loop.h"
#include "net/frame_reader.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/tls_stream.h"
#include "net/write_queue.h"

namespace milena::net {
namespace {

// Responses may be as large as a fetch of several large batches; the peer is a member of the cluster.
constexpr uint32_t kMaxAnswer_bytes = 1u << 30;
constexpr size_t kReadAtOnce_bytes = 4 << 20;
constexpr uint64_t kWriteAtOnce_bytes = 8 << 20;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::vector<Address> look_up(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  std::vector<Address> addresses;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return addresses;
  for (addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
  }
  ::freeaddrinfo(found);
  return addresses;
}

// Kept alive by its OutgoingLink, and by its waits.
class OutgoingSocket final : public StreamWatcher, public std::enable_shared_from_this<OutgoingSocket> {
 public:
  OutgoingSocket(EventLoop& loop, broker::LinkWatcher& watcher, std::shared_ptr<TlsContextSource> tls,
                 const std::string& host)
      : loop_(loop), watcher_(&watcher), tls_(std::move(tls)), host_(host), reader_(kMaxAnswer_bytes) {}

  void start(uint16_t port) {
    auto found = std::make_shared<std::vector<Address>>();
    loop_.run_blocking([found, host = host_, port] { *found = look_up(host, port); },
                       [self = shared_from_this(), found] {
                         if (self->watcher_ == nullptr) return;
                         self->addresses_ = std::move(*found);
                         if (self->addresses_.empty()) {
                           return self->lose("cannot resolve the host " + self->host_);
                         }
                         self->try_next();
                       });
  }

  void send(Payload request) {
    writes_.push(std::move(request));
    if (std::exchange(flush_asked_, true)) return;
    loop_.at_end_of_turn([self = shared_from_this()] {
      self->flush_asked_ = false;
      if (self->watcher_ != nullptr && !self->writing_waits_) self->flush();
    });
  }

  void close() {
    watcher_ = nullptr;
    close_stream();
  }

  void on_readable() override {
    if (watcher_ == nullptr) return;
    if (!opened_) return open();
    read_more();
  }

  void on_writable() override {
    if (watcher_ == nullptr) return;
    if (!connected_) return finish_connect();
    if (!opened_) return open();
    writing_waits_ = false;
    flush();
  }

 private:
  void try_next() {
    std::string why = "no address";
    while (next_address_ < addresses_.size()) {
      const Address& address = addresses_[next_address_++];
      int descriptor = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (descriptor < 0) {
        why = std::strerror(errno);
        continue;
      }
      int on = 1;
      ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 &&
          errno != EINPROGRESS) {
        why = std::strerror(errno);
        ::close(descriptor);
        continue;
      }
      descriptor_ = descriptor;
      stream_ = tls_ == nullptr ? make_plain_stream(loop_, descriptor)
                                : make_tls_stream(loop_, descriptor, tls_, host_);
      return stream_->wait_writable(shared_from_this());
    }
    lose(why);
  }

  void finish_connect() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error == 0) {
      connected_ = true;
      sockaddr_storage local{};
      socklen_t local_size = sizeof local;
      ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&local), &local_size);
      stop_pacing_within_host(descriptor_, local, addresses_[next_address_ - 1].storage);
      return open();
    }
    close_stream();
    stream_.reset();
    if (next_address_ < addresses_.size()) return try_next();
    lose(std::strerror(error));
  }

  // TLS's handshake, if there is one.
  void open() {
    const IoResult result = stream_->handshake([weak = weak_from_this()] {
      if (auto self = weak.lock(); self && self->watcher_ != nullptr) self->open();
    });
    switch (result.kind) {
      case IoResult::kWorks: return;
      case IoResult::kWantsRead: return stream_->wait_readable(shared_from_this());
      case IoResult::kWantsWrite: return stream_->wait_writable(shared_from_this());
      case IoResult::kEnd: return lose("closed by the other side before the TLS handshake was complete");
      case IoResult::kFailed: return refuse(failure_of(result.error));
      case IoResult::kMoved: break;
    }
    opened_ = true;
    stream_->wait_readable(shared_from_this());
    watcher_->on_connected();
  }

  std::string failure_of(int error) const {
    const std::string text = stream_->failure_text();
    return text.empty() ? std::strerror(error) : "TLS: " + text;
  }

  void read_more() {
    auto self = shared_from_this();  // the callee may release us
    size_t budget = kReadAtOnce_bytes;
    while (watcher_ != nullptr) {
      iovec parts[2];
      int count = reader_.prepare(parts, loop_.scratch(), EventLoop::kScratchBytes);
      IoResult result = stream_->read(std::span<iovec>(parts, static_cast<size_t>(count)));
      if (result.would_block()) {
        stream_->expect(reader_.missing_bytes());
        return stream_->wait_readable(shared_from_this());
      }
      if (result.kind == IoResult::kEnd) return lose("closed by the other side");
      if (result.kind == IoResult::kFailed) return lose(failure_of(result.error));
      std::deque<broker::Frame> frames;
      Status read = reader_.commit(result.bytes, loop_.scratch(), frames);
      for (broker::Frame& frame : frames) {
        if (watcher_ == nullptr) return;
        watcher_->on_frame(std::move(frame));
      }
      if (!read.ok()) return lose(read.error().message);
      if (result.bytes >= budget) return loop_.postpone([self] { self->on_readable(); });
      budget -= result.bytes;
    }
  }

  void flush() {
    switch (writes_.flush(*stream_, kWriteAtOnce_bytes)) {
      case WriteQueue::kEmpty: return;
      case WriteQueue::kPaused:
      case WriteQueue::kBlocked:
        writing_waits_ = true;
        return stream_->wait_writable(shared_from_this());
      case WriteQueue::kFailed: return lose(failure_of(writes_.error()));
    }
  }

  void lose(const std::string& why) { end(&broker::LinkWatcher::on_lost, why); }
  void refuse(const std::string& why) { end(&broker::LinkWatcher::on_refused, why); }
  // Calls the watcher last: it may destroy the link.
  void end(void (broker::LinkWatcher::*tell)(const std::string&), const std::string& why) {
    broker::LinkWatcher* watcher = std::exchange(watcher_, nullptr);
    if (watcher == nullptr) return;
    auto self = shared_from_this();
    close_stream();
    (watcher->*tell)(why);
  }

  // The requests that the kernel still has are sent again over another connection, or no longer wanted. If the link
  // was cut, it would deliver them when the link is back: the marker of a transaction that has ended since.
  void close_stream() {
    if (stream_ == nullptr) return;
    int unsent = 0;
    if (::ioctl(descriptor_, SIOCOUTQ, &unsent) == 0 && unsent > 0) {
      const linger at_once{1, 0};
      ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    stream_->close();
    descriptor_ = -1;
  }

  EventLoop& loop_;
  broker::LinkWatcher* watcher_;  // null when it is over
  const std::shared_ptr<TlsContextSource> tls_;
  const std::string host_;
  std::vector<Address> addresses_;
  size_t next_address_ = 0;
  int descriptor_ = -1;
  std::unique_ptr<Stream> stream_;
  FrameReader reader_;
  WriteQueue writes_;
  bool connected_ = false;
  bool opened_ = false;  // connected, and TLS's handshake is over
  bool flush_asked_ = false;
  bool writing_waits_ = false;
};

class OutgoingLink final : public broker::Link {
 public:
  explicit OutgoingLink(std::shared_ptr<OutgoingSocket> socket) : socket_(std::move(socket)) {}
  ~OutgoingLink() override { socket_->close(); }
  void send(Payload request) override { socket_->send(std::move(request)); }

 private:
  std::shared_ptr<OutgoingSocket> socket_;
};

}  // namespace

void OutgoingNetwork::take_stores(const security::TlsSettings& wanted) {
  if (tls_ == nullptr) return;
  const bool first = !taken_;
  const bool others = !first && *taken_ != wanted;
  taken_ = wanted;
  if (others) TlsContexts::replace_in_background(tls_, loops_.loop(0), wanted, "The connections to other nodes");
}

std::unique_ptr<broker::Link> OutgoingNetwork::connect(size_t shard, const std::string& host, uint16_t port,
                                                       broker::LinkWatcher& watcher) {
  auto socket = std::make_shared<OutgoingSocket>(loops_.loop(static_cast<int>(shard)), watcher, tls_, host);
  socket->start(port);
  return std::make_unique<OutgoingLink>(std::move(socket));
}

}  // namespace milena::net
