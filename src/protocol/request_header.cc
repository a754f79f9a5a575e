#include "protocol/request_header.h"

#include "protocol/reader.h"
#include "protocol/writer.h"

namespace milena {

void RequestHeader::read(Reader& r) {
  r.set_flexible(false);  // the client id keeps its two-byte length even in header version 2
  api_key = r.read_int16();
  api_version = r.read_int16();
  correlation_id = r.read_int32();
  r.read_nullable_string(client_id);
  const ApiInfo* info = find_api(api_key);
  // Future versions of ApiVersions are read too: they get a response.
  const bool known = info && (info->has(api_version) || info->key == ApiKey::kApiVersions);
  if (known && info->flexible(api_version)) {
    r.set_flexible(true);
    r.skip_tags();
  }
}

void RequestHeader::write(Writer& w) const {
  w.set_flexible(false);
  w.write_int16(api_key);
  w.write_int16(api_version);
  w.write_int32(correlation_id);
  w.write_nullable_string(client_id);
  w.set_flexible(request_header_version(static_cast<ApiKey>(api_key), api_version) == 2);
  w.write_no_tags();
}

void ResponseHeader::read(Reader& r, ApiKey key, int16_t version) {
  correlation_id = r.read_int32();
  r.set_flexible(response_header_version(key, version) == 1);
  r.skip_tags();
}

void ResponseHeader::write(Writer& w, ApiKey key, int16_t version) const {
  w.write_int32(correlation_id);
  w.set_flexible(response_header_version(key, version) == 1);
  w.write_no_tags();
}

}  // namespace milena
