// Jwks: an issuer's public keys for checking its tokens (RFC 7517), from its document. Immutable; any thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace milena::security {

struct JsonWebKey {
  std::optional<Bytes> id;         // kid
  std::optional<Bytes> algorithm;  // alg: the only one for this key
  Bytes type;                      // kty: RSA, EC, OKP
  Bytes curve;                     // crv, of EC and OKP
  std::shared_ptr<EVP_PKEY> key;
};

struct Jwks {
  std::vector<JsonWebKey> keys;
};

// Keys of other types or for other uses than signatures are left out, as are RSA keys under 2048 bits. A document
// without usable keys is an error.
Result<std::shared_ptr<const Jwks>> parse_jwks(ByteView document);

}  // namespace milena::security
