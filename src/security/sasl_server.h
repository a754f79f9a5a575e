// SaslServer: the broker's side of one SASL exchange, for any mechanism. It takes the client's tokens one after the
// other and returns the responses, until it is done or refuses. Pure: no sockets; clocks and random numbers are passed
// in. Belongs to one connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "security/authorizer.h"

namespace milena::security {

// The client's identity after an exchange.
struct SaslIdentity {
  Principal principal;
  // When the credentials expire, by the wall clock: a token does, a password does not.
  std::optional<int64_t> expires_ms;
};

struct SaslStep {
  enum Kind {
    kContinue,  // `answer` is a challenge
    kDone,      // `answer` is sent with the result
    kRefused,
  };
  Kind kind = kRefused;
  Bytes answer;
  // kRefused. The message for the client; empty if it must only learn that its credentials are invalid.
  Bytes message;
  // For the log. No secrets, and no text of the client.
  Bytes reason;
};

inline SaslStep sasl_challenge(Bytes answer) { return {SaslStep::kContinue, std::move(answer), {}, {}}; }
inline SaslStep sasl_done(Bytes answer) { return {SaslStep::kDone, std::move(answer), {}, {}}; }
// With a reason for the client.
inline SaslStep sasl_refused(Bytes reason) { return {SaslStep::kRefused, {}, reason, reason}; }
inline SaslStep sasl_bad_credentials(Bytes reason) { return {SaslStep::kRefused, {}, {}, std::move(reason)}; }

class SaslServer {
 public:
  virtual ~SaslServer() = default;
  // Not called again after kDone or kRefused.
  virtual SaslStep step(ByteView token) = 0;
  // After kDone.
  const SaslIdentity& identity() const { return identity_; }

 protected:
  SaslIdentity identity_;
};

// Takes as long for any two texts of these lengths.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace milena::security
