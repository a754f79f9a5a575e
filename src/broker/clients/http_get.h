// One GET over HTTP or HTTPS, blocking: for a worker, which fetches an issuer's keys with it. No redirects, no proxies.
#pragma once

#include "base/bytes.h"
#include "base/executor.h"
#include "base/result.h"

namespace milena::broker {

struct HttpUrl {
  bool tls = false;
  Bytes host;  // without brackets
  Bytes port;
  Bytes path;  // with the query
};

Result<HttpUrl> parse_http_url(ByteView text);

// The body of an answer with status 200, of at most a megabyte. `trust_file`: certificates in PEM, empty for those that
// the system trusts.
Result<Bytes> http_get(const HttpUrl& url, const Bytes& trust_file, const Clock& clock, int64_t timeout_ms);

}  // namespace milena::broker
