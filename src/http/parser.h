// HttpParser: reads one HTTP/1.1 request from bytes as they come. No sockets. libhttp_parser does the syntax; this
// class enforces the limits and keeps the parts of the request.
//
// Its result does not depend on how the bytes were cut into pieces: net/ finds the end of a request with one parser,
// and the handler parses it with another.
#pragma once

#include <cstdint>
#include <memory>

#include "http/field_collector.h"
#include "http/message.h"

struct http_parser;

namespace milena::http {

struct HttpLimits {
  size_t header_bytes = 16 * 1024;  // target, names and values
  size_t headers = 100;
  size_t body_bytes = 1024 * 1024;
  // Limit of a whole request on the wire; only this one counts chunk headers.
  size_t wire_bytes() const { return 8 * header_bytes + 2 * body_bytes; }
};

class HttpParser {
 public:
  enum class State {
    kMore,
    kComplete,
    kRefused,  // refusal() has the response; the rest of the connection cannot be parsed
  };

  explicit HttpParser(const HttpLimits& limits = {});
  ~HttpParser();
  HttpParser(const HttpParser&) = delete;
  HttpParser& operator=(const HttpParser&) = delete;

  // Consumes bytes up to the end of the request, and returns how many. No effect unless more are expected.
  size_t feed(ByteView bytes);
  State state() const { return state_; }
  // Call once, when complete.
  HttpRequest take_request() { return std::move(request_); }
  // The response to a refused request, or to an incomplete one, which is too large.
  HttpResponse refusal() const;

 private:
  struct Callbacks;

  int refuse(int status, const char* why);
  int refuse_header();
  int on_headers_complete();

  const HttpLimits limits_;
  const std::unique_ptr<http_parser> parser_;
  FieldCollector fields_;
  State state_ = State::kMore;
  HttpRequest request_;
  Bytes target_;
  int refused_status_ = 413;
  const char* refused_why_ = "the request is too large";
};

}  // namespace milena::http
