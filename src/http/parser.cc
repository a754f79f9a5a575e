#include "http/parser.h"

#include <http_parser.h>

namespace milena::http {

// Callbacks of libhttp_parser; each returns 0 to go on.
struct HttpParser::Callbacks {
  static HttpParser& of(http_parser* parser) { return *static_cast<HttpParser*>(parser->data); }

  static int url(http_parser* parser, const char* at, size_t size) {
    HttpParser& self = of(parser);
    if (!self.fields_.count(size)) return self.refuse(414, "the target is too long");
    self.target_.append(at, size);
    return 0;
  }

  static int name(http_parser* parser, const char* at, size_t size) {
    HttpParser& self = of(parser);
    return self.fields_.add_name(self.request_.headers, at, size) ? 0 : self.refuse_header();
  }

  static int value(http_parser* parser, const char* at, size_t size) {
    HttpParser& self = of(parser);
    return self.fields_.add_value(self.request_.headers, at, size) ? 0 : self.refuse_header();
  }

  static int headers_complete(http_parser* parser) { return of(parser).on_headers_complete(); }

  static int body(http_parser* parser, const char* at, size_t size) {
    HttpParser& self = of(parser);
    if (self.request_.body.size() + size > self.limits_.body_bytes) return self.refuse(413, "the body is too large");
    self.request_.body.append(at, size);
    return 0;
  }

  static int complete(http_parser* parser) {
    HttpParser& self = of(parser);
    if (self.state_ == State::kMore) self.state_ = State::kComplete;
    // The following bytes are another request: they are left to the next parser.
    http_parser_pause(parser, 1);
    return 0;
  }

  static const http_parser_settings& table() {
    static const http_parser_settings settings = [] {
      http_parser_settings made;
      http_parser_settings_init(&made);
      made.on_url = url;
      made.on_header_field = name;
      made.on_header_value = value;
      made.on_headers_complete = headers_complete;
      made.on_body = body;
      made.on_message_complete = complete;
      return made;
    }();
    return settings;
  }
};

HttpParser::HttpParser(const HttpLimits& limits)
    : limits_(limits),
      parser_(std::make_unique<http_parser>()),
      fields_(limits.header_bytes, limits.headers) {
  http_parser_init(parser_.get(), HTTP_REQUEST);
  parser_->data = this;
}

HttpParser::~HttpParser() = default;

size_t HttpParser::feed(ByteView bytes) {
  if (state_ != State::kMore || bytes.empty()) return 0;
  const size_t taken = http_parser_execute(parser_.get(), &Callbacks::table(), bytes.data(), bytes.size());
  if (state_ == State::kMore && HTTP_PARSER_ERRNO(parser_) != HPE_OK) {
    const bool large = HTTP_PARSER_ERRNO(parser_) == HPE_HEADER_OVERFLOW;
    large ? refuse_header() : refuse(400, http_errno_description(HTTP_PARSER_ERRNO(parser_)));
  }
  return taken;
}

HttpResponse HttpParser::refusal() const {
  return HttpResponse::text(refused_status_, refused_why_);
}

int HttpParser::refuse(int status, const char* why) {
  state_ = State::kRefused;
  refused_status_ = status;
  refused_why_ = why;
  return -1;
}

int HttpParser::refuse_header() {
  return refuse(431, "the header is too large");
}

int HttpParser::on_headers_complete() {
  request_.method = http_method_str(static_cast<http_method>(parser_->method));
  request_.keep_alive = http_should_keep_alive(parser_.get()) != 0;
  if (parser_->http_major != 1) return refuse(505, "HTTP/1.1 is spoken here");
  if (!read_http_target(target_, request_)) return refuse(400, "the target is not a path");
  constexpr uint64_t kUnknown = UINT64_MAX;
  if (parser_->content_length != kUnknown && parser_->content_length > limits_.body_bytes) {
    return refuse(413, "the body is too large");
  }
  return 0;
}

}  // namespace milena::http
