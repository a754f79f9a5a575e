// The server's side of a SCRAM exchange. Source: Kafka's ScramSaslServer, ScramMessages. Kafka refuses an unknown user
// with the first message; here the exchange goes on to its end with a decoy, so that clients cannot probe for names.
#include <fmt/format.h>

#include "security/base64.h"
#include "security/scram.h"
#include "security/scram_messages.h"

namespace milena::security {
namespace {

class ScramServer final : public SaslServer {
 public:
  ScramServer(ScramMechanism mechanism, std::shared_ptr<const ScramDirectory> directory, Random& random)
      : mechanism_(mechanism), directory_(std::move(directory)), random_(random) {}

  SaslStep step(ByteView token) override { return server_first_.empty() ? first(token) : last(token); }

 private:
  SaslStep first(ByteView token) {
    std::optional<ScramClientFirst> message = parse_scram_client_first(token);
    if (!message) return sasl_bad_credentials("the first message cannot be read");
    if (!message->authorization_id.empty() && message->authorization_id != message->user) {
      return sasl_refused(
          "Authentication failed: Client requested an authorization id that is different from username");
    }
    find(*message);
    client_first_bare_ = Bytes(message->bare);
    nonce_ = Bytes(message->nonce) + random_scram_text(random_);
    server_first_ =
        fmt::format("r={},s={},i={}", nonce_, base64_encode(credential_.salt), credential_.iterations);
    return sasl_challenge(server_first_);
  }

  void find(const ScramClientFirst& message) {
    if (message.by_token) {
      if (auto found = directory_->find_token(mechanism_, message.user)) {
        credential_ = std::move(found->credential);
        identity_ = std::move(found->identity);
        identity_.principal.by_token = true;
        known_ = true;
      }
    } else if (auto found = directory_->find_user(mechanism_, message.user)) {
      credential_ = std::move(*found);
      identity_.principal.name = message.user;
      known_ = true;
    }
    const size_t bytes = scram_hash_bytes(mechanism_);
    // Invalid credentials count as missing: records may hold anything.
    known_ = known_ && credential_.iterations >= kMinScramIterations && credential_.stored_key.size() == bytes &&
             credential_.server_key.size() == bytes;
    ScramCredential decoy = decoy_credential(*directory_, mechanism_, message.user);
    if (!known_) credential_ = std::move(decoy);
  }

  SaslStep last(ByteView token) {
    std::optional<ScramClientFinal> message = parse_scram_client_final(token);
    const Sha2 hash = scram_hash(mechanism_);
    if (!message || message->proof.size() != scram_hash_bytes(mechanism_)) {
      return sasl_bad_credentials("the last message cannot be read");
    }
    if (message->nonce != nonce_) return sasl_bad_credentials("the last message has a wrong nonce");
    const Bytes signed_text =
        fmt::format("{},{},c={},r={}", client_first_bare_, server_first_, message->channel, nonce_);
    const Bytes client_key = exclusive_or(sha2_hmac(hash, credential_.stored_key, signed_text), message->proof);
    const bool fits = equal_in_constant_time(sha2_digest(hash, client_key), credential_.stored_key);
    const Bytes signature = sha2_hmac(hash, credential_.server_key, signed_text);
    credential_ = {};
    if (!fits || !known_) return sasl_bad_credentials("unknown user or wrong password");
    return sasl_done("v=" + base64_encode(signature));
  }

  const ScramMechanism mechanism_;
  std::shared_ptr<const ScramDirectory> directory_;
  Random& random_;
  ScramCredential credential_;
  bool known_ = false;
  Bytes client_first_bare_;
  Bytes nonce_;
  Bytes server_first_;
};

}  // namespace

std::unique_ptr<SaslServer> make_scram_server(ScramMechanism mechanism, std::shared_ptr<const ScramDirectory> directory,
                                              Random& random) {
  return std::make_unique<ScramServer>(mechanism, std::move(directory), random);
}

}  // namespace milena::security
