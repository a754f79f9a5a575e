#include "http/answer_reader.h"

#include <http_parser.h>

#include "base/ascii.h"

namespace milena::http {
namespace {

// A head has some lines.
constexpr size_t kMaxHeader_bytes = 64 * 1024;
constexpr size_t kMaxHeaders = 200;

}  // namespace

Bytes HttpAnswer::header(ByteView name) const {
  for (const auto& [key, value] : headers) {
    if (equals_ignoring_case(key, name)) return value;
  }
  return "";
}

// The callbacks of libhttp_parser; each returns 0 to go on.
struct HttpAnswerReader::Callbacks {
  static HttpAnswerReader& of(http_parser* parser) { return *static_cast<HttpAnswerReader*>(parser->data); }

  static int name(http_parser* parser, const char* at, size_t size) {
    HttpAnswerReader& self = of(parser);
    return self.fields_.add_name(self.answer_.headers, at, size) ? 0 : -1;
  }

  static int value(http_parser* parser, const char* at, size_t size) {
    HttpAnswerReader& self = of(parser);
    // The trailer of a body in chunks comes here, too, and is bounded with the head.
    return self.fields_.add_value(self.answer_.headers, at, size) ? 0 : -1;
  }

  static int headers_complete(http_parser* parser) {
    HttpAnswerReader& self = of(parser);
    self.answer_.status = static_cast<int>(parser->status_code);
    self.has_head_ = true;
    return parser->http_major == 1 ? 0 : -1;
  }

  static int body(http_parser* parser, const char* at, size_t size) {
    of(parser).body_->append(at, size);
    return 0;
  }

  static int complete(http_parser* parser) {
    of(parser).ended_ = true;
    // More bytes would be another answer, which was not requested.
    http_parser_pause(parser, 1);
    return 0;
  }

  static const http_parser_settings& table() {
    static const http_parser_settings settings = [] {
      http_parser_settings made;
      http_parser_settings_init(&made);
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

HttpAnswerReader::HttpAnswerReader()
    : parser_(std::make_unique<http_parser>()), fields_(kMaxHeader_bytes, kMaxHeaders) {
  http_parser_init(parser_.get(), HTTP_RESPONSE);
  parser_->data = this;
}

HttpAnswerReader::~HttpAnswerReader() = default;

Status HttpAnswerReader::feed(ByteView bytes, Bytes& body) {
  if (ended_ || bytes.empty()) return ok_status();
  body_ = &body;
  http_parser_execute(parser_.get(), &Callbacks::table(), bytes.data(), bytes.size());
  body_ = nullptr;
  if (ended_ || HTTP_PARSER_ERRNO(parser_) == HPE_OK) return ok_status();
  return make_error(ErrorKind::kCorrupt, "it is no HTTP answer: {}",
                    http_errno_description(HTTP_PARSER_ERRNO(parser_)));
}

Status HttpAnswerReader::end() {
  if (!ended_) http_parser_execute(parser_.get(), &Callbacks::table(), nullptr, 0);
  if (ended_) return ok_status();
  return make_error(ErrorKind::kCorrupt, "{}", has_head_ ? "the answer is cut off" : "it is no HTTP answer");
}

}  // namespace milena::http
