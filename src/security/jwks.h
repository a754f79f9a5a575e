// Jwks: the public keys with which an issuer's tokens are checked (RFC 7517), as its document lists them. Pure; does
// not change; any thread.
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
  std::optional<Bytes> algorithm;  // alg: the only one that it is for
  Bytes type;                      // kty: RSA, EC, OKP
  Bytes curve;                     // crv, of EC and OKP
  std::shared_ptr<EVP_PKEY> key;
};

struct Jwks {
  std::vector<JsonWebKey> keys;
};

// Keys of other types or for other uses than signatures are left out, as are RSA keys under 2048 bits. A document
// without any key that can be used is an error.
Result<std::shared_ptr<const Jwks>> parse_jwks(ByteView document);

}  // namespace milena::security
