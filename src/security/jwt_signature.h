// The signatures of JWTs (RFC 7518): algorithms and verification. Pure.
#pragma once

#include "base/bytes.h"
#include "security/jwks.h"

namespace milena::security {

struct JwtAlgorithm;

// Null for one that is not accepted: "none", those with shared secrets, unknown ones.
const JwtAlgorithm* find_jwt_algorithm(ByteView name);
bool key_fits(const JsonWebKey& key, const JwtAlgorithm& algorithm);
bool signature_fits(const JwtAlgorithm& algorithm, const JsonWebKey& key, ByteView text, ByteView signature);

}  // namespace milena::security
