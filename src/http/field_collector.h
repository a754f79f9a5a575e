// FieldCollector: header fields, put together from the parts that libhttp_parser hands out, within limits. Internal to
// src/http.
#pragma once

#include <cstddef>

#include "http/message.h"

namespace milena::http {

class FieldCollector {
 public:
  FieldCollector(size_t most_bytes, size_t most_fields) : most_bytes_(most_bytes), most_fields_(most_fields) {}

  // Counts other bytes of the header, too. False: the header is too large.
  bool count(size_t bytes) {
    bytes_ += bytes;
    return bytes_ <= most_bytes_;
  }
  // A part of a name, or of the value that follows it. False: the header is too large.
  bool add_name(HttpFields& fields, const char* at, size_t size);
  bool add_value(HttpFields& fields, const char* at, size_t size);

 private:
  const size_t most_bytes_, most_fields_;
  size_t bytes_ = 0;
  bool value_began_ = false;
};

}  // namespace milena::http
