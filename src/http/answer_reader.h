// HttpAnswerReader: reads one HTTP/1.1 answer from bytes as they come, and knows where it ends: after its length, after
// the last chunk, or with the connection. No sockets. The syntax is libhttp_parser's; here is the limit of the header,
// and whoever reads bounds the body.
#pragma once

#include <memory>

#include "base/result.h"
#include "http/field_collector.h"
#include "http/message.h"

struct http_parser;

namespace milena::http {

struct HttpAnswer {
  int status = 0;
  HttpFields headers;
  Bytes body;

  // The first of that name, in any case of its letters; empty without one.
  Bytes header(ByteView name) const;
};

class HttpAnswerReader {
 public:
  HttpAnswerReader();
  ~HttpAnswerReader();
  HttpAnswerReader(const HttpAnswerReader&) = delete;
  HttpAnswerReader& operator=(const HttpAnswerReader&) = delete;

  // Takes bytes, and appends the part of the body in them to `body`. Returns an error where they are no HTTP. Bytes
  // behind the end are ignored.
  Status feed(ByteView bytes, Bytes& body);
  // No bytes follow. An error is an answer that was cut off.
  Status end();
  bool has_head() const { return has_head_; }
  bool ended() const { return ended_; }
  // Without its body.
  const HttpAnswer& answer() const { return answer_; }

 private:
  struct Callbacks;

  const std::unique_ptr<http_parser> parser_;
  FieldCollector fields_;
  HttpAnswer answer_;
  Bytes* body_ = nullptr;  // while bytes are taken
  bool has_head_ = false;
  bool ended_ = false;
};

}  // namespace milena::http
