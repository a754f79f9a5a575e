#include "security/sasl_client.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/check.h"
#include "security/base64.h"
#include "security/sasl_server.h"
#include "security/scram.h"
#include "security/scram_messages.h"

namespace milena::security {
namespace {

class PlainClient final : public SaslClient {
 public:
  explicit PlainClient(const SaslCredentials& credentials)
      : token_('\0' + credentials.user + '\0' + credentials.password) {}

  Bytes first_token() override { return std::move(token_); }
  // The server only confirms.
  Result<std::optional<Bytes>> step(ByteView) override { return std::optional<Bytes>(); }

 private:
  Bytes token_;
};

// Source: RFC 5802; Kafka's ScramSaslClient.
class ScramClient final : public SaslClient {
 public:
  ScramClient(const SaslCredentials& credentials, ScramMechanism mechanism, Random& random)
      : mechanism_(mechanism), password_(credentials.password), nonce_(random_scram_text(random)) {
    first_bare_ = fmt::format("n={},r={}{}", escape_sasl_name(credentials.user), nonce_,
                              credentials.by_token ? ",tokenauth=true" : "");
  }

  Bytes first_token() override { return "n,," + first_bare_; }

  Result<std::optional<Bytes>> step(ByteView challenge) override {
    if (!server_signature_.empty()) return last(challenge);
    std::optional<ScramServerFirst> first = parse_scram_server_first(challenge);
    if (!first) return make_error(ErrorKind::kCorrupt, "the server's first message of SCRAM cannot be read");
    if (!first->nonce.starts_with(nonce_) || first->nonce.size() == nonce_.size()) {
      return make_error(ErrorKind::kCorrupt, "the server's nonce does not begin with the client's");
    }
    // The server chooses the work that this program does: the iterations must be neither too few nor too many.
    if (first->iterations < kMinScramIterations || first->iterations > kMaxScramIterations) {
      return make_error(ErrorKind::kInvalid, "the server asks for {} iterations; expected {} to {}", first->iterations,
                        kMinScramIterations, kMaxScramIterations);
    }
    return std::optional<Bytes>(prove(challenge, *first));
  }

 private:
  Bytes prove(ByteView challenge, const ScramServerFirst& first) {
    const Sha2 hash = scram_hash(mechanism_);
    const Bytes salted =
        salted_password(mechanism_, password_, first.salt, static_cast<int32_t>(first.iterations));
    password_.clear();
    const Bytes without_proof = fmt::format("c={},r={}", base64_encode("n,,"), first.nonce);
    const Bytes signed_text = fmt::format("{},{},{}", first_bare_, challenge, without_proof);
    const Bytes client_key = sha2_hmac(hash, salted, "Client Key");
    const Bytes signature = sha2_hmac(hash, sha2_digest(hash, client_key), signed_text);
    server_signature_ = sha2_hmac(hash, sha2_hmac(hash, salted, "Server Key"), signed_text);
    return without_proof + ",p=" + base64_encode(exclusive_or(client_key, signature));
  }

  Result<std::optional<Bytes>> last(ByteView challenge) const {
    // "e=" would come with an error of the request.
    const std::optional<Bytes> signature =
        challenge.starts_with("v=") ? base64_decode(challenge.substr(2, challenge.find(',') - 2)) : std::nullopt;
    if (!signature || !equal_in_constant_time(*signature, server_signature_)) {
      return make_error(ErrorKind::kInvalid, "the server's signature is wrong, so it does not know the user's "
                                             "credentials");
    }
    return std::optional<Bytes>();
  }

  const ScramMechanism mechanism_;
  Bytes password_;
  const Bytes nonce_;
  Bytes first_bare_;
  Bytes server_signature_;
};

Bytes option_of(const JaasEntry& entry, ByteView name) {
  const auto found = entry.options.find(name);
  return found == entry.options.end() ? Bytes() : found->second;
}

}  // namespace

Result<SaslCredentials> sasl_credentials(ByteView mechanism, const JaasEntry& entry) {
  const bool scram = parse_scram_mechanism(mechanism).has_value();
  if (!scram && mechanism != "PLAIN") {
    return make_error(ErrorKind::kUnsupported,
                      "expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, found {}", mechanism);
  }
  const ByteView module = scram ? "scram.ScramLoginModule" : "plain.PlainLoginModule";
  if (entry.module != "org.apache.kafka.common.security." + Bytes(module)) {
    return make_error(ErrorKind::kInvalid, "unexpected login module; expected {}{}",
                      "org.apache.kafka.common.security.", module);
  }
  SaslCredentials credentials{Bytes(mechanism), option_of(entry, "username"), option_of(entry, "password"),
                              scram && ascii_lower(option_of(entry, "tokenauth")) == "true"};
  if (credentials.user.empty() || credentials.password.empty()) {
    return make_error(ErrorKind::kInvalid, "expected username=\"...\" and password=\"...\" to log in with");
  }
  return credentials;
}

std::unique_ptr<SaslClient> make_sasl_client(const SaslCredentials& credentials, Random& random) {
  if (credentials.mechanism == "PLAIN") return std::make_unique<PlainClient>(credentials);
  const std::optional<ScramMechanism> scram = parse_scram_mechanism(credentials.mechanism);
  CHECK(scram, "no client for {}", credentials.mechanism);
  return std::make_unique<ScramClient>(credentials, *scram, random);
}

}  // namespace milena::security
