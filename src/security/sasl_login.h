// SaslLogin: a client's requests until it has authenticated on a connection (SaslHandshake, then SaslAuthenticate).
// Pure: whole requests out, responses in, one at a time. A new one authenticates the connection again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/payload.h"
#include "security/sasl_client.h"

namespace milena::security {

class SaslLogin {
 public:
  // Both must outlive it.
  SaslLogin(const SaslCredentials& credentials, Random& random, ByteView client_id);

  Payload first_request();
  // Takes a response, without its size. Returns the next request; nothing: the client is authenticated. An error ends
  // the connection.
  Result<std::optional<Payload>> step(ByteView answer);
  // After that: the lifetime of the session; 0: unlimited.
  int64_t session_ms() const { return session_ms_; }

 private:
  Result<std::optional<Payload>> after_handshake(ByteView answer);
  Payload send_token(ByteView token);

  const SaslCredentials& credentials_;
  const Bytes client_id_;
  const std::unique_ptr<SaslClient> client_;
  int32_t last_id_ = 0;
  bool shook_hands_ = false;
  int64_t session_ms_ = 0;
};

}  // namespace milena::security
