// BrokerTransport: the bytes between a command and a broker. Plain TCP is here; another BrokerTransportMaker creates a
// transport with TLS on top of it (tls_transport.h). Blocks its caller.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::tools {

struct BrokerAddress {
  std::string host;
  uint16_t port = 0;
  std::string text() const;
};

// "host:port", "[::1]:9092"; of a list, the first.
Result<BrokerAddress> parse_broker_address(const std::string& text);
// All of "a:1,b:2".
Result<std::vector<BrokerAddress>> parse_broker_addresses(const std::string& text);

using Deadline = std::chrono::steady_clock::time_point;

inline Deadline deadline_in(int64_t milliseconds) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
}

inline int64_t milliseconds_until(Deadline deadline) {
  return std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
}

class BrokerTransport {
 public:
  virtual ~BrokerTransport() = default;

  // Sends all bytes, or fails.
  virtual Status send(ByteView bytes, Deadline deadline) = 0;
  // Returns the bytes that are there; waits for at least one.
  virtual Result<size_t> receive_some(char* to, size_t most, Deadline deadline) = 0;
  Status receive(char* to, size_t count, Deadline deadline);
  // When the first of the broker's certificates expires, in seconds since 1970; nullopt without any.
  virtual std::optional<int64_t> certificates_end_s() const { return std::nullopt; }
};

using BrokerTransportMaker = std::function<Result<std::unique_ptr<BrokerTransport>>(const BrokerAddress&, Deadline)>;

// Exchanges whole requests and responses, with their sizes, instead of a socket.
using FrameExchange = std::function<Result<Bytes>(ByteView request, Deadline deadline)>;
// The same exchange for every address.
BrokerTransportMaker transport_over(FrameExchange exchange);

Result<std::unique_ptr<BrokerTransport>> connect_plain(const BrokerAddress& address, Deadline deadline);

// After SIGINT or SIGTERM, waiting ends with an error, so that a command can clean up and end.
void stop_on_signals();
bool stop_requested();

}  // namespace milena::tools
