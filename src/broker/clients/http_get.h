// One blocking GET over HTTP or HTTPS, for a worker that fetches an issuer's keys. No redirects, no proxies.
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

// Returns the body of an answer with status 200, of at most a megabyte. `trust_file` has certificates in PEM; empty
// uses those that the system trusts.
Result<Bytes> http_get(const HttpUrl& url, const Bytes& trust_file, const Clock& clock, int64_t timeout_ms);

}  // namespace milena::broker
