// HTTP as a listener's protocol: cuts the bytes of a connection into requests. A request is handed over as it stands on
// the wire; what is none, or too large, as far as it was read, so that the session answers why. Nothing is read behind
// it.
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
  std::unique_ptr<http::HttpParser> parser_;  // of the request under way; none while nothing of one has come
  Bytes bytes_;                         // of it, until it is whole
  bool ended_ = false;
};

// HTTP/1.1 over plain TCP.
std::shared_ptr<const Protocol> http_protocol();

}  // namespace milena::net
