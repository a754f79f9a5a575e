// The Authorization header of HTTP's Basic authentication (RFC 7617). Pure. Errors tell nothing of the header.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace milena::security {

struct BasicCredentials {
  Bytes user;
  Bytes password;
};

// nullopt for another scheme, for text that is not Base64, for a missing colon, an empty name and control characters.
std::optional<BasicCredentials> parse_basic_credentials(ByteView authorization);
// The header's value.
Bytes basic_authorization(ByteView user, ByteView password);

}  // namespace milena::security
