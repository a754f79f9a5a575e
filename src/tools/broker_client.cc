#include "tools/broker_client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/config_values.h"

namespace milena {
namespace {

// No answer that these commands ask for is larger.
constexpr int32_t kMostAnswerBytes = 64 << 20;

}  // namespace

std::string BrokerAddress::text() const { return fmt::format("{}:{}", host, port); }

Result<BrokerAddress> parse_broker_address(const std::string& text) {
  std::string first = text.substr(0, text.find(','));
  size_t colon = first.rfind(':');
  int64_t port = colon == std::string::npos ? 0 : parse_integer(ByteView(first).substr(colon + 1)).value_or(0);
  std::string host = first.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || port < 1 || port > UINT16_MAX) {
    return make_error(ErrorKind::kInvalid, "{}: expected host:port", text);
  }
  return BrokerAddress{host, static_cast<uint16_t>(port)};
}

Result<std::unique_ptr<BrokerClient>> BrokerClient::connect(const BrokerAddress& address, int64_t timeout_ms) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int code = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (code != 0) return make_error(ErrorKind::kInvalid, "{}: {}", address.text(), ::gai_strerror(code));
  Deadline deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  std::unique_ptr<BrokerClient> client(new BrokerClient(address, deadline));
  Status opened = make_error(ErrorKind::kInvalid, "{} has no address", address.text());
  for (addrinfo* one = found; one != nullptr && !opened.ok(); one = one->ai_next) opened = client->open(*one);
  ::freeaddrinfo(found);
  if (!opened.ok()) return opened.error();
  return client;
}

BrokerClient::~BrokerClient() {
  if (socket_ >= 0) ::close(socket_);
}

Error BrokerClient::failed(int code) const {
  return make_error(ErrorKind::kIo, "{}: {}", address_.text(), std::strerror(code));
}

Error BrokerClient::unreadable(ApiKey key, size_t bytes) const {
  return make_error(ErrorKind::kCorrupt, "{} answers {} with {} bytes that cannot be read", address_.text(),
                    api_name(key), bytes);
}

Status BrokerClient::open(const addrinfo& address) {
  if (socket_ >= 0) ::close(socket_);
  socket_ = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return failed(errno);
  if (::connect(socket_, address.ai_addr, address.ai_addrlen) == 0) return ok_status();
  if (errno != EINPROGRESS) return failed(errno);
  RETURN_IF_ERROR(wait(POLLOUT));
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) return failed(code);
  return ok_status();
}

Status BrokerClient::wait(int16_t events) {
  auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
  pollfd poll{socket_, events, 0};
  if (left <= 0 || ::poll(&poll, 1, static_cast<int>(left)) == 0) {
    return make_error(ErrorKind::kIo, "{} does not answer in time", address_.text());
  }
  return ok_status();
}

Status BrokerClient::send_all(ByteView bytes) {
  while (!bytes.empty()) {
    RETURN_IF_ERROR(wait(POLLOUT));
    ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return failed(errno);
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return ok_status();
}

Status BrokerClient::receive_all(char* to, size_t count) {
  while (count > 0) {
    RETURN_IF_ERROR(wait(POLLIN));
    ssize_t received = ::recv(socket_, to, count, 0);
    if (received == 0) return make_error(ErrorKind::kIo, "{} closed the connection", address_.text());
    if (received < 0 && errno != EAGAIN) return failed(errno);
    if (received < 0) continue;
    to += received;
    count -= static_cast<size_t>(received);
  }
  return ok_status();
}

Writer BrokerClient::start_request(ApiKey key, int16_t version) {
  Writer writer;
  writer.write_int32(0);
  RequestHeader header;
  header.api_key = static_cast<int16_t>(key);
  header.api_version = version;
  header.correlation_id = ++correlation_id_;
  header.client_id = "milena";
  header.write(writer);
  return writer;
}

Result<Bytes> BrokerClient::exchange(Writer request) {
  request.overwrite_int32(0, static_cast<int32_t>(request.size() - 4));
  Result<Bytes> bytes = request.take().flatten();
  if (!bytes.ok()) return bytes.error();
  RETURN_IF_ERROR(send_all(*bytes));
  char prefix[4];
  RETURN_IF_ERROR(receive_all(prefix, sizeof prefix));
  int32_t size = load_big_endian<int32_t>(prefix);
  if (size < 4 || size > kMostAnswerBytes) {
    return make_error(ErrorKind::kCorrupt, "{} answers with {} bytes, as no broker of Kafka's protocol does",
                      address_.text(), size);
  }
  Bytes answer(static_cast<size_t>(size), '\0');
  RETURN_IF_ERROR(receive_all(answer.data(), answer.size()));
  return answer;
}

}  // namespace milena
