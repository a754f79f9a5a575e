// The SASL settings of a listener: the mechanisms that it offers, and the settings of each. Immutable values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "config/listener_settings.h"
#include "security/gssapi.h"
#include "security/jaas.h"
#include "security/jwt.h"
#include "security/sasl_plain.h"
#include "security/scram.h"

namespace milena::broker {

struct OAuthSettings {
  std::optional<security::UnsecuredJwtRules> unsecured;  // unsigned tokens; if not set, signed ones:
  security::JwtRules rules;
  Bytes jwks_url;
  int64_t refresh_ms = 3'600'000;
  int64_t retry_ms = 100;
  int64_t retry_max_ms = 10'000;
  Bytes trust_file;  // for an https URL: certificates in PEM; empty: the system's
};

struct SaslMechanismSettings {
  Bytes name;
  int64_t max_reauth_ms = 0;  // connections.max.reauth.ms; 0: never
  std::shared_ptr<const security::PlainUsers> plain_users;
  std::optional<security::ScramMechanism> scram;
  std::shared_ptr<const OAuthSettings> oauth;
  std::shared_ptr<const security::GssapiCredentials> gssapi;
};

struct SaslListenerSettings {
  Bytes listener;
  std::vector<SaslMechanismSettings> mechanisms;
  int64_t max_receive_bytes = 524288;
  int64_t failure_delay_ms = 100;  // connection.failed.authentication.delay.ms

  const SaslMechanismSettings* find(ByteView mechanism) const;
};

// The users of the listener's JAAS line for PLAIN; null without one.
Result<std::shared_ptr<const security::PlainUsers>> plain_users_of(const config::ListenerSettings& listener,
                                                                   Random& random);
// An error names the key, where it is set and what was expected; never a secret.
Result<SaslListenerSettings> sasl_listener_settings(const config::Settings& settings, ByteView listener_name,
                                                    Random& random);

}  // namespace milena::broker
