// Bytes in OpenSSL's types.
#pragma once

#include "base/bytes.h"

namespace milena::security {

inline const unsigned char* octets(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

}  // namespace milena::security
