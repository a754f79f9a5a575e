// HTTP as a listener's protocol: cuts the bytes of a connection into requests. A request is passed on with its bytes;
// of an invalid or too large one those read so far, so that the session responds with the reason. Nothing is read
// behind it.
#pragma once

#include <memory>

#include "http/parser.h"
#include "net/protocol.h"

namespace milena::net {

class HttpReader final : public RequestReader {
 public:
  explicit HttpReader(const http::HttpLimits& limits) : limits_(limits) { begin(); }

  int prepare(iovec parts[2], char* scratch, size_t scratch_bytes) override;
  Status commit(size_t count, const char* scratch, std::deque<broker::Frame>& requests) override;

 private:
  void begin();

  const http::HttpLimits limits_;
  std::unique_ptr<http::HttpParser> parser_;  // of the current request; null before its first byte
  Bytes bytes_;                         // of the request, until it is complete
  bool ended_ = false;
};

// HTTP/1.1 over plain TCP.
std::shared_ptr<const Protocol> http_protocol();

}  // namespace milena::net
