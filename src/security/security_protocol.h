// SecurityProtocol: the protocol of a listener. The numbers are those of the registration records and of Metadata.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace milena::security {

enum class SecurityProtocol : int16_t { kPlaintext = 0, kSsl = 1, kSaslPlaintext = 2, kSaslSsl = 3 };

// In upper case, as in settings and Kafka's logs.
constexpr ByteView security_protocol_name(SecurityProtocol protocol) {
  switch (protocol) {
    case SecurityProtocol::kPlaintext: return "PLAINTEXT";
    case SecurityProtocol::kSsl: return "SSL";
    case SecurityProtocol::kSaslPlaintext: return "SASL_PLAINTEXT";
    case SecurityProtocol::kSaslSsl: return "SASL_SSL";
  }
  return "";
}

// From a name in upper case.
constexpr std::optional<SecurityProtocol> parse_security_protocol(ByteView name) {
  for (SecurityProtocol each : {SecurityProtocol::kPlaintext, SecurityProtocol::kSsl, SecurityProtocol::kSaslPlaintext,
                                SecurityProtocol::kSaslSsl}) {
    if (security_protocol_name(each) == name) return each;
  }
  return std::nullopt;
}

constexpr bool uses_tls(SecurityProtocol protocol) {
  return protocol == SecurityProtocol::kSsl || protocol == SecurityProtocol::kSaslSsl;
}
constexpr bool uses_sasl(SecurityProtocol protocol) {
  return protocol == SecurityProtocol::kSaslPlaintext || protocol == SecurityProtocol::kSaslSsl;
}

}  // namespace milena::security
