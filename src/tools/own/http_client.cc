#include "tools/own/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace milena::tools {
namespace {

// A head has some lines; whatever sends more is no broker.
constexpr size_t kLongestHead = 64 * 1024;
constexpr int64_t kLargestBody = 256 << 20;
constexpr size_t kLongestChunkLine = 64;

Error no_http(const BrokerAddress& address, const std::string& why) {
  return make_error(ErrorKind::kIo,
                    "cannot connect to the broker's HTTP server at {}: {}. Its address is milena.http.listeners "
                    "(127.0.0.1:9644 by default, for clients on its own machine); set another one with --http "
                    "HOST:PORT",
                    address.text(), why);
}

std::optional<int64_t> parse_size(ByteView text, int base) {
  int64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size, base);
  if (error != std::errc() || end != text.data() + text.size() || size < 0 || size > kLargestBody) return std::nullopt;
  return size;
}

Error bad_answer() { return make_error(ErrorKind::kCorrupt, "this is not a broker's HTTP server"); }

}  // namespace

Result<BrokerAddress> http_address(const std::string& http, const std::string& servers) {
  if (!http.empty()) return parse_broker_address(http);
  if (servers.empty()) return BrokerAddress{kUsualHttpHost, kUsualHttpPort};
  auto server = parse_broker_address(servers);
  if (server.ok()) server->port = kUsualHttpPort;
  return server;
}

std::string HttpAnswer::header(ByteView name) const {
  size_t at = 0;
  while (at < head.size()) {
    const size_t end = std::min(head.find("\r\n", at), head.size());
    const ByteView line = ByteView(head).substr(at, end - at);
    const size_t colon = line.find(':');
    if (colon != ByteView::npos && ascii_lower(line.substr(0, colon)) == ascii_lower(name)) {
      const size_t begin = std::min(line.find_first_not_of(' ', colon + 1), line.size());
      return std::string(line.substr(begin));
    }
    at = end + 2;
  }
  return "";
}

std::string percent_encoded(ByteView text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return encoded;
}

Status HttpAnswerReader::feed(ByteView bytes, std::string& body) {
  unread_ += bytes;
  if (!has_head_) RETURN_IF_ERROR(read_head());
  return has_head_ ? take_body(body) : ok_status();
}

Status HttpAnswerReader::read_head() {
  const size_t end = unread_.find("\r\n\r\n");
  if (end == std::string::npos) return unread_.size() > kLongestHead ? Status(bad_answer()) : ok_status();
  answer_.head = unread_.substr(0, end + 2);
  unread_.erase(0, end + 4);
  // "HTTP/1.1 200 OK"
  const auto status = answer_.head.size() < 12 || !answer_.head.starts_with("HTTP/1.")
                          ? std::nullopt
                          : parse_size(ByteView(answer_.head).substr(9, 3), 10);
  if (!status) return bad_answer();
  answer_.status = static_cast<int>(*status);
  has_head_ = true;
  chunked_ = ascii_lower(answer_.header("Transfer-Encoding")) == "chunked";
  if (const std::string length = answer_.header("Content-Length"); !chunked_ && !length.empty()) {
    const auto size = parse_size(length, 10);
    if (!size) return bad_answer();
    left_ = *size;
  }
  return ok_status();
}

Status HttpAnswerReader::take_body(std::string& body) {
  if (!chunked_) {
    const size_t part = left_ < 0 ? unread_.size() : std::min(unread_.size(), static_cast<size_t>(left_));
    body.append(unread_, 0, part);
    unread_.erase(0, part);
    if (left_ >= 0) left_ -= static_cast<int64_t>(part);
    ended_ = left_ == 0;
    return ok_status();
  }
  bool more = true;
  while (more && !ended_) RETURN_IF_ERROR(take_chunk(body, more));
  return ok_status();
}

// Its size in hexadecimal on a line, its bytes, the end of a line. One without bytes is the last.
Status HttpAnswerReader::take_chunk(std::string& body, bool& more) {
  if (in_chunk_) {
    const size_t part = std::min(unread_.size(), static_cast<size_t>(left_));
    body.append(unread_, 0, part);
    unread_.erase(0, part);
    left_ -= static_cast<int64_t>(part);
    more = left_ == 0 && unread_.size() >= 2;
    if (!more) return ok_status();
    if (!unread_.starts_with("\r\n")) return bad_answer();
    unread_.erase(0, 2);
    in_chunk_ = false;
    return ok_status();
  }
  const size_t end = unread_.find("\r\n");
  more = end != std::string::npos;
  if (!more) return unread_.size() > kLongestChunkLine ? Status(bad_answer()) : ok_status();
  const auto size = parse_size(ByteView(unread_).substr(0, end), 16);
  if (!size) return bad_answer();
  unread_.erase(0, end + 2);
  left_ = *size;
  in_chunk_ = true;
  ended_ = left_ == 0;
  return ok_status();
}

namespace {

Result<std::unique_ptr<BrokerTransport>> ask(const BrokerAddress& address, const std::string& target,
                                             Deadline deadline) {
  auto connected = connect_plain(address, deadline);
  if (!connected.ok()) return no_http(address, connected.error().message);
  Status sent = (*connected)->send(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", target,
                                               address.text()),
                                   deadline);
  if (!sent.ok()) return no_http(address, sent.error().message);
  return connected;
}

}  // namespace

Result<HttpAnswer> http_get(const BrokerAddress& address, const std::string& target, int64_t timeout_ms) {
  const Deadline deadline = deadline_in(timeout_ms);
  auto connected = ask(address, target, deadline);
  if (!connected.ok()) return connected.error();
  HttpAnswerReader reader;
  std::string body;
  char buffer[16 * 1024];
  while (!reader.ended()) {
    Result<size_t> got = (*connected)->receive_some(buffer, sizeof buffer, deadline);
    if (!got.ok() && reader.ends_with_connection()) break;
    if (!got.ok()) return no_http(address, got.error().message);
    Status read = reader.feed(ByteView(buffer, *got), body);
    if (!read.ok()) return no_http(address, read.error().message);
    if (body.size() > static_cast<size_t>(kLargestBody)) return no_http(address, "the answer is too large");
  }
  HttpAnswer answer = reader.answer();
  answer.body = std::move(body);
  return answer;
}

Status http_follow(const BrokerAddress& address, const std::string& target,
                   const std::function<bool(ByteView part)>& take) {
  auto connected = ask(address, target, deadline_in(10'000));
  if (!connected.ok()) return connected.error();
  HttpAnswerReader reader;
  char buffer[16 * 1024];
  std::string refusal;
  while (!reader.ended()) {
    constexpr int64_t kHour_ms = 3'600'000;
    Result<size_t> got = (*connected)->receive_some(buffer, sizeof buffer, deadline_in(kHour_ms * 24 * 365));
    if (stop_requested()) return ok_status();
    if (!got.ok()) return make_error(ErrorKind::kIo, "the broker ended the connection: {}", got.error().message);
    std::string body;
    RETURN_IF_ERROR(reader.feed(ByteView(buffer, *got), body));
    if (!reader.has_head()) continue;
    if (reader.answer().status != 200) {
      refusal += body;
    } else if (!body.empty() && !take(body)) {
      return ok_status();
    }
  }
  if (reader.answer().status == 200) return ok_status();
  while (refusal.ends_with('\n')) refusal.pop_back();
  return make_error(ErrorKind::kIo, "{}", refusal);
}

}  // namespace milena::tools
