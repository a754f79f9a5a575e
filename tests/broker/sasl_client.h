// The client's side of SASL for tests of a node: PLAIN and SCRAM over a TestClient.
#pragma once

#include <string>

#include "base/sha2.h"
#include "broker/test_client.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "security/base64.h"
#include "security/scram.h"

namespace milena::broker::broker_test {

inline SaslHandshakeResponse shake_hands(TestClient& client, ByteView mechanism, int16_t version = 1) {
  return client.ask<SaslHandshakeResponse>(SaslHandshakeRequest{mechanism}, version);
}

// Sends a token; the response may come later (after a failure).
inline void send_token(TestClient& client, ByteView token, int16_t version = 2) {
  SaslAuthenticateRequest request;
  request.auth_bytes = token;
  client.start(request, version);
}

inline std::string plain_token(const std::string& user, const std::string& password) {
  return std::string(1, '\0') + user + '\0' + password;
}

inline SaslAuthenticateResponse log_in_plain(TestClient& client, const std::string& user, const std::string& password,
                                             int16_t version = 2) {
  EXPECT_EQ(shake_hands(client, "PLAIN").error_code, ErrorCode::kNone);
  send_token(client, plain_token(user, password), version);
  return client.take<SaslAuthenticateResponse>(version);
}

// The response with the proof to a server's first message.
inline std::string scram_final(security::ScramMechanism mechanism, const std::string& password, const std::string& bare,
                               const std::string& challenge) {
  const size_t salt_at = challenge.find(",s=") + 3, iterations_at = challenge.find(",i=");
  const std::string without_proof = "c=biws," + challenge.substr(0, salt_at - 3);
  const Bytes salt = *security::base64_decode(challenge.substr(salt_at, iterations_at - salt_at));
  const Sha2 hash = security::scram_hash(mechanism);
  Bytes key = sha2_hmac(
      hash, security::salted_password(mechanism, password, salt, std::stoi(challenge.substr(iterations_at + 3))),
      "Client Key");
  const Bytes signature =
      sha2_hmac(hash, sha2_digest(hash, key), bare + "," + challenge + "," + without_proof);
  for (size_t i = 0; i < key.size(); i++) key[i] = static_cast<char>(key[i] ^ signature[i]);
  return without_proof + ",p=" + security::base64_encode(key);
}

// Gets the first of the two responses; then sends the proof.
inline SaslAuthenticateResponse log_in_scram(TestClient& client, security::ScramMechanism mechanism,
                                             const std::string& user, const std::string& password,
                                             const std::string& extensions = "") {
  EXPECT_EQ(shake_hands(client, security::scram_mechanism_name(mechanism)).error_code, ErrorCode::kNone);
  const std::string bare = "n=" + user + ",r=nonce" + extensions;
  send_token(client, "n,," + bare);
  auto challenge = client.take<SaslAuthenticateResponse>(2);
  EXPECT_EQ(challenge.error_code, ErrorCode::kNone);
  if (challenge.error_code == ErrorCode::kNone) {
    send_token(client, scram_final(mechanism, password, bare, Bytes(challenge.auth_bytes)));
  }
  return challenge;
}

}  // namespace milena::broker::broker_test
