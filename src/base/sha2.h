// SHA-256 and SHA-512, and HMAC over them (FIPS 180-4, RFC 2104), for SCRAM credentials. Whole inputs only. Timing may
// depend on secrets: callers that compare digests of secrets must take care of that.
#pragma once

#include "base/bytes.h"

namespace milena {

enum class Sha2 { k256, k512 };

// 32 or 64 bytes.
Bytes sha2_digest(Sha2 kind, ByteView data);
Bytes sha2_hmac(Sha2 kind, ByteView key, ByteView data);

}  // namespace milena
