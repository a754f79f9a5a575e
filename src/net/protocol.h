// Protocol: what a listener speaks. It makes, for each connection, the stream that its bytes travel through (plain,
// TLS) and the reader that cuts them into requests (Kafka's frames, HTTP). Connection is the same for all of them.
//
// A Protocol belongs to its listener, is shared by the shards and does not change.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/result.h"
#include "broker/clients/session.h"
#include "net/stream.h"

namespace milena {

class EventLoop;

struct ConnectionLimits {
  uint32_t request_max_bytes = 100 * 1024 * 1024;  // socket.request.max.bytes
  int64_t max_idle_ms = 600'000;                   // connections.max.idle.ms; negative: never
};

// Cuts one connection's bytes into requests. No sockets; owned by a Connection.
class RequestReader {
 public:
  virtual ~RequestReader() = default;
  // Where the next bytes shall go: the rest of the request that is under way, then the scratch buffer. Returns how many
  // of the two parts are used.
  virtual int prepare(iovec parts[2], char* scratch, size_t scratch_bytes) = 0;
  // `count` bytes were read into what the last prepare() gave. Whole requests are added to `requests`. After an error
  // the stream cannot be read on.
  virtual Status commit(size_t count, const char* scratch, std::deque<Frame>& requests) = 0;
};

class Protocol {
 public:
  virtual ~Protocol() = default;
  // Takes the descriptor over. On the loop's thread.
  virtual std::unique_ptr<Stream> make_stream(EventLoop& loop, int descriptor) const = 0;
  virtual std::unique_ptr<RequestReader> make_reader(const ConnectionLimits& limits) const = 0;
};

// Kafka's frames over plain TCP.
std::shared_ptr<const Protocol> kafka_protocol();

}  // namespace milena
