// The headers of requests and responses. Kafka: RequestHeader.json, ResponseHeader.json.
//
// Version 0 of the request header (without a client id) was only for ControlledShutdown and is not supported.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "protocol/api_key.h"

namespace milena {

class Reader;
class Writer;

// A view into its frame.
struct RequestHeader {
  int16_t api_key = 0;  // as it came; may be unknown
  int16_t api_version = 0;
  int32_t correlation_id = 0;
  std::optional<ByteView> client_id;

  // Key, version and correlation id come first in every header version, so that a response can be sent before the rest
  // is parsed. read() reads the whole header: its version follows from the key and version in it. An unknown key or a
  // version above ours is read as header version 1, whose fields begin every later one.
  void read(Reader& r);
  void write(Writer& w) const;
};

struct ResponseHeader {
  int32_t correlation_id = 0;

  void read(Reader& r, ApiKey key, int16_t version);
  void write(Writer& w, ApiKey key, int16_t version) const;
};

}  // namespace milena
