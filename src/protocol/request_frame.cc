#include "protocol/request_frame.h"

#include "protocol/request_header.h"

namespace milena {

Payload request_frame(ApiKey key, int16_t version, int32_t correlation_id, ByteView client_id, const void* message,
                      void (*write)(const void*, Writer&, int16_t)) {
  Writer writer;
  writer.write_int32(0);  // the size, known at the end
  RequestHeader header;
  header.api_key = static_cast<int16_t>(key);
  header.api_version = version;
  header.correlation_id = correlation_id;
  header.client_id = client_id;
  header.write(writer);
  write(message, writer, version);
  writer.overwrite_int32(0, static_cast<int32_t>(writer.size() - 4));
  return writer.take();
}

}  // namespace milena
