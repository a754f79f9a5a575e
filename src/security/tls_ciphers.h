// Converts Java's names of versions and cipher suites to OpenSSL's.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace milena::security {

struct TlsVersions {
  bool v12 = false;
  bool v13 = false;
};

// ssl.enabled.protocols. Older versions are not supported, as in today's Java; a list with only those is an error. An
// empty list means all.
Result<TlsVersions> parse_tls_versions(ByteView list);

// ssl.protocol: whether Java knows the name. It has no effect on a listener.
bool is_java_ssl_protocol(ByteView name);

// The ciphers offered by default.
inline constexpr const char* kUsualCiphers = "DEFAULT:!aNULL:!eNULL:!PSK:!SRP";

struct TlsCiphers {
  bool all = false;  // the setting is empty
  std::string v12;   // OpenSSL's cipher list
  std::string v13;
};

// ssl.cipher.suites: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384".
Result<TlsCiphers> parse_cipher_suites(ByteView list);

}  // namespace milena::security
