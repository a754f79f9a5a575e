// HttpRequest and HttpResponse: what was asked over HTTP and what is answered, as values. No sockets, no parsing.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/payload.h"

namespace milena::http {

using HttpFields = std::vector<std::pair<Bytes, Bytes>>;

struct HttpRequest {
  Bytes method;
  Bytes path;        // decoded, without the query: "/metrics"
  HttpFields query;  // decoded, in their order
  HttpFields headers;
  Bytes body;  // without the marks of chunks
  // The client wants to go on with the connection.
  bool keep_alive = false;

  // The first of that name, in any case of its letters.
  std::optional<ByteView> header(ByteView name) const;
  std::optional<ByteView> query_value(ByteView name) const;
};

struct HttpResponse {
  int status = 200;
  Bytes content_type = "text/plain; charset=utf-8";
  HttpFields headers;
  Payload body;

  static HttpResponse text(int status, Bytes line);
};

ByteView http_reason(int status);

// The bytes for the socket. To HEAD the body is left out, and its length is told.
Payload write_http_response(HttpResponse response, bool with_body, bool keep_alive);

// "%2F" and the like; nullopt where it is not well-formed. In a query a plus stands for a space.
std::optional<Bytes> decode_percent(ByteView text, bool plus_is_space);
// Path and query of a request's target. False where it is not well-formed.
bool read_http_target(ByteView target, HttpRequest& request);

}  // namespace milena::http
