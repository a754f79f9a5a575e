// A whole request frame: size, header and message.
#pragma once

#include "base/payload.h"
#include "protocol/api_key.h"
#include "protocol/writer.h"

namespace milena {

// `write` writes the message in that version.
Payload request_frame(ApiKey key, int16_t version, int32_t correlation_id, ByteView client_id, const void* message,
                      void (*write)(const void*, Writer&, int16_t));

template <class Request>
Payload request_frame(const Request& request, int16_t version, int32_t correlation_id, ByteView client_id) {
  return request_frame(Request::kApiKey, version, correlation_id, client_id, &request,
                       [](const void* bare, Writer& writer, int16_t version_of_it) {
                         static_cast<const Request*>(bare)->write(writer, version_of_it);
                       });
}

}  // namespace milena
