// Validates signed JSON web tokens (RFC 7515, RFC 7519) and reads their claims. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "security/jwks.h"

namespace milena::security {

// Rules for a token besides its signature: the settings sasl.oauthbearer.*.
struct JwtRules {
  std::vector<Bytes> expected_audience;  // empty: a token that names an audience is refused
  std::optional<Bytes> expected_issuer;
  int64_t clock_skew_s = 30;
  Bytes scope_claim = "scope";
  Bytes subject_claim = "sub";
};

struct JwtClaims {
  Bytes subject;
  std::vector<Bytes> scopes;
  int64_t expires_ms = 0;
};

struct JwtRefusal {
  Bytes reason;  // for the log
  // The token's key id is unknown: the key may be new.
  std::optional<Bytes> unknown_key;
};

struct JwtVerdict {
  std::optional<JwtClaims> claims;
  JwtRefusal refusal;  // without claims
};

JwtVerdict verify_jwt(ByteView token, const Jwks& keys, const JwtRules& rules, int64_t now_ms);

// Unsigned tokens ("alg": "none"), which Kafka accepts by default, and which anyone can make.
struct UnsecuredJwtRules {
  Bytes principal_claim = "sub";
  Bytes scope_claim = "scope";
  std::vector<Bytes> required_scope;
  int64_t clock_skew_ms = 0;
};
JwtVerdict read_unsecured_jwt(ByteView token, const UnsecuredJwtRules& rules, int64_t now_ms);

}  // namespace milena::security
