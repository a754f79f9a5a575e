// TlsPeer: the other side of a TLS connection, after the handshake.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"

namespace milena::security {

struct TlsPeer {
  std::optional<Bytes> principal;  // the name in the client's certificate, mapped; nothing without a certificate
  std::string version;             // "TLSv1.3"
  std::string cipher;              // in Java's words: "TLS_AES_256_GCM_SHA384"
};

}  // namespace milena::security
