// Base64 (RFC 4648): the alphabet of SCRAM's messages, and the one of JWTs, which is safe in URLs. Pure.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace milena::security {

// With padding.
Bytes base64_encode(ByteView bytes);
// Whole groups of four, padded; nullopt for anything else.
std::optional<Bytes> base64_decode(ByteView text);
// The alphabet with '-' and '_', without padding.
Bytes base64url_encode(ByteView bytes);
// Padding at the end is optional.
std::optional<Bytes> base64url_decode(ByteView text);

}  // namespace milena::security
