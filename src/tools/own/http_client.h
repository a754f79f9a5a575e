// A GET over HTTP to the broker's listener (milena.http.listeners), for commands that use it instead of Kafka's
// protocol. Blocks its caller.
#pragma once

#include <functional>
#include <string>

#include "tools/transport.h"

namespace milena::tools {

// The default address of the broker's HTTP listener.
inline constexpr char kUsualHttpHost[] = "127.0.0.1";
inline constexpr uint16_t kUsualHttpPort = 9644;

// `http` if given; otherwise the host of the first of `servers` (empty: this machine) and the default port.
Result<BrokerAddress> http_address(const std::string& http, const std::string& servers);

struct HttpAnswer {
  int status = 0;
  std::string head;  // its lines, each with its line end
  std::string body;

  // The first header of that name, case-insensitive; empty without one.
  std::string header(ByteView name) const;
};

// The whole response. If nothing listens, the error has advice.
Result<HttpAnswer> http_get(const BrokerAddress& address, const std::string& target, int64_t timeout_ms);
// A streamed response: `take` gets the body in parts, as they come, and returns false to end it. Any status but success
// is an error, with its text.
Status http_follow(const BrokerAddress& address, const std::string& target,
                   const std::function<bool(ByteView part)>& take);
// Encodes text for a query.
std::string percent_encoded(ByteView text);

// Reads a response that comes in parts; public for tests.
class HttpAnswerReader {
 public:
  // Adds bytes; appends their part of the body to `body`. An error: not HTTP.
  Status feed(ByteView bytes, std::string& body);
  bool has_head() const { return has_head_; }
  // The body is complete; one without a length ends with the connection.
  bool ended() const { return ended_; }
  bool ends_with_connection() const { return has_head_ && !chunked_ && left_ < 0; }
  const HttpAnswer& answer() const { return answer_; }

 private:
  Status read_head();
  Status take_body(std::string& body);
  Status take_chunk(std::string& body, bool& more);

  HttpAnswer answer_;
  std::string unread_;
  bool has_head_ = false;
  bool ended_ = false;
  bool chunked_ = false;
  bool in_chunk_ = false;
  int64_t left_ = -1;  // of the body or of the chunk; -1: unknown
};

}  // namespace milena::tools
