// HttpRequest and HttpResponse, as values. No sockets, no parsing.
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
  Bytes body;  // without chunk headers
  // The client keeps the connection open.
  bool keep_alive = false;

  // The first header of that name, case-insensitive.
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

// The bytes for the socket. The response to HEAD has the body's length, but no body.
Payload write_http_response(HttpResponse response, bool with_body, bool keep_alive);

// Decodes "%2F" and the like; nullopt if malformed. In a query a plus is a space.
std::optional<Bytes> decode_percent(ByteView text, bool plus_is_space);
// Parses path and query of a request's target. False if malformed.
bool read_http_target(ByteView target, HttpRequest& request);

}  // namespace milena::http
