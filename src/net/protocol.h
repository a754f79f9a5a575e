// Protocol: the protocol of a listener. For each connection it creates the stream (plain, TLS) and the reader that cuts
// its bytes into requests (Kafka's frames, HTTP). Connection is the same for all of them.
//
// A Protocol belongs to its listener and is shared by the shards. It does not change for existing connections.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/result.h"
#include "broker/clients/session.h"
#include "net/stream.h"

namespace milena::net {

class EventLoop;

struct ConnectionLimits {
  uint32_t request_max_bytes = 100 * 1024 * 1024;  // socket.request.max.bytes
  int64_t max_idle_ms = 600'000;                   // connections.max.idle.ms; negative: never
  uint32_t stranger_max_bytes = 524'288;           // sasl.server.max.receive.size: of a request before authentication
  // For connections of unauthenticated clients, on listeners with TLS or SASL.
  size_t max_strangers = 2000;                     // milena.unauthenticated.connections.max, of one shard
  int64_t authentication_ms = 30'000;              // milena.authentication.timeout.ms
};

// Cuts one connection's bytes into requests. No sockets; owned by a Connection.
class RequestReader {
 public:
  virtual ~RequestReader() = default;
  // The buffers for the next bytes: the rest of the current request, then the scratch buffer. Returns how many of the
  // two parts are used.
  virtual int prepare(iovec parts[2], char* scratch, size_t scratch_bytes) = 0;
  // The limits for unauthenticated clients no longer apply.
  virtual void authenticated() {}
  // The least number of further bytes for the current request.
  virtual size_t missing_bytes() const { return 1; }
  // `count` bytes were read into the buffers of the last prepare(). Complete requests are added to `requests`. After an
  // error the stream cannot be read further.
  virtual Status commit(size_t count, const char* scratch, std::deque<broker::Frame>& requests) = 0;
};

class Protocol {
 public:
  virtual ~Protocol() = default;
  // Takes ownership of the descriptor. On the loop's thread.
  virtual std::unique_ptr<Stream> make_stream(EventLoop& loop, int descriptor) const = 0;
  virtual std::unique_ptr<RequestReader> make_reader(const ConnectionLimits& limits) const = 0;
};

// Kafka's frames over plain TCP.
std::shared_ptr<const Protocol> kafka_protocol();

}  // namespace milena::net
