#include "tools/own/http_client.h"

#include <fmt/format.h>

#include "http/answer_reader.h"

namespace milena::tools {
namespace {

constexpr size_t kLargestBody = 256 << 20;

Error no_http(const BrokerAddress& address, const std::string& why) {
  return make_error(ErrorKind::kIo,
                    "cannot connect to the broker's HTTP server at {}: {}. Its address is milena.http.listeners "
                    "(127.0.0.1:9644 by default, for clients on its own machine); set another one with --http "
                    "HOST:PORT",
                    address.text(), why);
}

}  // namespace

Result<BrokerAddress> http_address(const std::string& http, const std::string& servers) {
  if (!http.empty()) return parse_broker_address(http);
  if (servers.empty()) return BrokerAddress{kUsualHttpHost, kUsualHttpPort};
  auto server = parse_broker_address(servers);
  if (server.ok()) server->port = kUsualHttpPort;
  return server;
}

Result<std::vector<BrokerAddress>> http_addresses(const std::string& http, const std::string& servers) {
  std::vector<BrokerAddress> addresses = {{kUsualHttpHost, kUsualHttpPort}};
  if (!http.empty() || !servers.empty()) {
    auto given = parse_broker_addresses(http.empty() ? servers : http);
    if (!given.ok()) return given.error();
    addresses = given.take();
  }
  std::vector<BrokerAddress> each;
  for (BrokerAddress& one : addresses) {
    if (http.empty()) one.port = kUsualHttpPort;
    const bool known =
        std::any_of(each.begin(), each.end(), [&](const auto& other) { return other.text() == one.text(); });
    if (!known) each.push_back(one);
  }
  return each;
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

namespace {

Result<std::unique_ptr<BrokerTransport>> ask(const BrokerAddress& address, const std::string& target,
                                             Deadline deadline) {
  auto connected = connect_plain(address, deadline);
  if (!connected.ok()) return no_http(address, connected.error().message);
  Status sent =
      (*connected)
          ->send(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", target, address.text()),
                 deadline);
  if (!sent.ok()) return no_http(address, sent.error().message);
  return connected;
}

}  // namespace

Result<http::HttpAnswer> http_get(const BrokerAddress& address, const std::string& target, int64_t timeout_ms) {
  const Deadline deadline = deadline_in(timeout_ms);
  auto connected = ask(address, target, deadline);
  if (!connected.ok()) return connected.error();
  http::HttpAnswerReader reader;
  std::string body;
  char buffer[16 * 1024];
  while (!reader.ended()) {
    Result<size_t> got = (*connected)->receive_some(buffer, sizeof buffer, deadline);
    if (!got.ok() && reader.end().ok()) break;
    if (!got.ok()) return no_http(address, got.error().message);
    Status read = reader.feed(ByteView(buffer, *got), body);
    if (!read.ok()) return no_http(address, read.error().message);
    if (body.size() > kLargestBody) return no_http(address, "the answer is too large");
  }
  http::HttpAnswer answer = reader.answer();
  answer.body = std::move(body);
  return answer;
}

Status http_follow(const BrokerAddress& address, const std::string& target,
                   const std::function<bool(ByteView part)>& take) {
  auto connected = ask(address, target, deadline_in(10'000));
  if (!connected.ok()) return connected.error();
  http::HttpAnswerReader reader;
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
