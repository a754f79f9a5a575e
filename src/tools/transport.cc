#include "tools/transport.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "config/config_values.h"

namespace milena::tools {
namespace {

volatile sig_atomic_t stop_signal = 0;

class PlainTransport : public BrokerTransport {
 public:
  explicit PlainTransport(std::string peer) : peer_(std::move(peer)) {}
  ~PlainTransport() override {
    if (socket_ >= 0) ::close(socket_);
  }

  Status open(const addrinfo& address, Deadline deadline) {
    if (socket_ >= 0) ::close(socket_);
    socket_ = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return failed(errno);
    int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, address.ai_addr, address.ai_addrlen) == 0) return ok_status();
    if (errno != EINPROGRESS) return failed(errno);
    RETURN_IF_ERROR(wait(POLLOUT, deadline));
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0) return failed(code);
    return ok_status();
  }

  Status send(ByteView bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
        continue;
      }
      if (errno != EAGAIN && errno != EINTR) return failed(errno);
      RETURN_IF_ERROR(wait(POLLOUT, deadline));
    }
    return ok_status();
  }

  Result<size_t> receive_some(char* to, size_t most, Deadline deadline) override {
    for (;;) {
      ssize_t received = ::recv(socket_, to, most, 0);
      if (received == 0) return make_error(ErrorKind::kIo, "{} closed the connection", peer_);
      if (received > 0) return static_cast<size_t>(received);
      if (errno != EAGAIN && errno != EINTR) return failed(errno);
      RETURN_IF_ERROR(wait(POLLIN, deadline));
    }
  }

 private:
  Error failed(int code) const { return make_error(ErrorKind::kIo, "{}: {}", peer_, std::strerror(code)); }

  Status wait(int16_t events, Deadline deadline) {
    for (;;) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      if (left <= 0) return make_error(ErrorKind::kIo, "no response from {} in time", peer_);
      pollfd poll{socket_, events, 0};
      int ready = ::poll(&poll, 1, static_cast<int>(std::min<int64_t>(left, INT_MAX)));
      if (ready > 0) return ok_status();
      if (ready < 0 && errno != EINTR) return failed(errno);
      if (ready < 0 && stop_requested()) return make_error(ErrorKind::kIo, "interrupted");
    }
  }

  const std::string peer_;
  int socket_ = -1;
};

class FrameTransport : public BrokerTransport {
 public:
  explicit FrameTransport(FrameExchange exchange) : exchange_(std::move(exchange)) {}

  Status send(ByteView bytes, Deadline deadline) override {
    Result<Bytes> answer = exchange_(bytes, deadline);
    RETURN_IF_ERROR(answer);
    answer_ = answer.take();
    at_ = 0;
    return ok_status();
  }

  Result<size_t> receive_some(char* to, size_t most, Deadline) override {
    const size_t count = std::min(most, answer_.size() - at_);
    if (count == 0) return make_error(ErrorKind::kCorrupt, "the response ends after {} bytes", answer_.size());
    std::memcpy(to, answer_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  const FrameExchange exchange_;
  Bytes answer_;
  size_t at_ = 0;
};

}  // namespace

Status BrokerTransport::receive(char* to, size_t count, Deadline deadline) {
  while (count > 0) {
    Result<size_t> received = receive_some(to, count, deadline);
    RETURN_IF_ERROR(received);
    to += *received;
    count -= *received;
  }
  return ok_status();
}

std::string BrokerAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Result<BrokerAddress> parse_broker_address(const std::string& text) {
  std::string first = text.substr(0, text.find(','));
  // As in Kafka, the address may begin with the name of a listener's protocol.
  if (size_t scheme = first.find("://"); scheme != std::string::npos) first.erase(0, scheme + 3);
  size_t colon = first.rfind(':');
  int64_t port = colon == std::string::npos ? 0 : config::parse_integer(ByteView(first).substr(colon + 1)).value_or(0);
  std::string host = first.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || port < 1 || port > UINT16_MAX) {
    return make_error(ErrorKind::kInvalid, "{}: expected host:port", text);
  }
  return BrokerAddress{host, static_cast<uint16_t>(port)};
}

Result<std::vector<BrokerAddress>> parse_broker_addresses(const std::string& text) {
  std::vector<BrokerAddress> addresses;
  for (size_t begin = 0; begin <= text.size();) {
    size_t comma = std::min(text.find(',', begin), text.size());
    Result<BrokerAddress> address = parse_broker_address(text.substr(begin, comma - begin));
    RETURN_IF_ERROR(address);
    addresses.push_back(address.take());
    begin = comma + 1;
  }
  return addresses;
}

BrokerTransportMaker transport_over(FrameExchange exchange) {
  return [exchange = std::move(exchange)](const BrokerAddress&, Deadline) -> Result<std::unique_ptr<BrokerTransport>> {
    return std::unique_ptr<BrokerTransport>(std::make_unique<FrameTransport>(exchange));
  };
}

Result<std::unique_ptr<BrokerTransport>> connect_plain(const BrokerAddress& address, Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int code = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (code != 0) return make_error(ErrorKind::kInvalid, "{}: {}", address.text(), ::gai_strerror(code));
  auto transport = std::make_unique<PlainTransport>(address.text());
  Status opened = make_error(ErrorKind::kInvalid, "cannot resolve {}", address.text());
  for (addrinfo* one = found; one != nullptr && !opened.ok(); one = one->ai_next) {
    opened = transport->open(*one, deadline);
  }
  ::freeaddrinfo(found);
  RETURN_IF_ERROR(opened);
  return std::unique_ptr<BrokerTransport>(std::move(transport));
}

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int number) {
    if (stop_signal != 0) ::_exit(128 + number);
    stop_signal = number;
  };
  for (int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
}

bool stop_requested() {
  return stop_signal != 0;
}

}  // namespace milena::tools
