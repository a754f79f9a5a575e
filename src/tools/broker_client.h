// BrokerClient: one connection to a broker for the small commands of the binary: asks, and waits for the answer. Blocks
// its caller; not for the broker itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "protocol/reader.h"
#include "protocol/request_header.h"
#include "protocol/writer.h"

struct addrinfo;

namespace milena {

struct BrokerAddress {
  std::string host;
  uint16_t port = 0;
  std::string text() const;
};

// "host:port", "[::1]:9092"; of a list, the first.
Result<BrokerAddress> parse_broker_address(const std::string& text);

class BrokerClient {
 public:
  // Everything together, connecting and all answers, has this time.
  static Result<std::unique_ptr<BrokerClient>> connect(const BrokerAddress& address, int64_t timeout_ms);
  ~BrokerClient();
  BrokerClient(const BrokerClient&) = delete;
  BrokerClient& operator=(const BrokerClient&) = delete;

  // The answer to one request. What it points to is copied, so it may be kept.
  template <class Response, class Request>
  Result<Response> ask(const Request& request, int16_t version) {
    Writer writer = start_request(Request::kApiKey, version);
    request.write(writer, version);
    Result<Bytes> answer = exchange(std::move(writer));
    if (!answer.ok()) return answer.error();
    Reader reader(*answer);
    ResponseHeader header;
    header.read(reader, Request::kApiKey, version);
    Response response;
    response.read(reader, version);
    if (!reader.ok()) return unreadable(Request::kApiKey, answer->size());
    return response;
  }

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  BrokerClient(BrokerAddress address, Deadline deadline) : address_(std::move(address)), deadline_(deadline) {}

  Status open(const ::addrinfo& address);
  Writer start_request(ApiKey key, int16_t version);
  // The answer without its size.
  Result<Bytes> exchange(Writer request);
  Status send_all(ByteView bytes);
  Status receive_all(char* to, size_t count);
  Status wait(int16_t events);
  Error failed(int code) const;
  Error unreadable(ApiKey key, size_t bytes) const;

  const BrokerAddress address_;
  const Deadline deadline_;
  int socket_ = -1;
  int32_t correlation_id_ = 0;
};

}  // namespace milena
