// SCRAM's computations and credentials (RFC 5802), and the server's side of an exchange. Pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/random.h"
#include "base/sha2.h"
#include "security/sasl_server.h"

namespace milena::security {

// The numbers of the wire and of records (ScramMechanism).
enum class ScramMechanism : int8_t { kSha256 = 1, kSha512 = 2 };

inline constexpr int32_t kMinScramIterations = 4096, kMaxScramIterations = 16384;

// "SCRAM-SHA-256", "SCRAM-SHA-512".
ByteView scram_mechanism_name(ScramMechanism mechanism);
std::optional<ScramMechanism> parse_scram_mechanism(ByteView name);
Sha2 scram_hash(ScramMechanism mechanism);
size_t scram_hash_bytes(ScramMechanism mechanism);

// The server's data for a password, from which it cannot be derived.
struct ScramCredential {
  Bytes salt;
  Bytes stored_key;
  Bytes server_key;
  int32_t iterations = 0;
};

// "Hi" of the RFC: the cost of a guess. Takes milliseconds.
Bytes salted_password(ScramMechanism mechanism, ByteView password, ByteView salt, int32_t iterations);
ScramCredential scram_credential(ScramMechanism mechanism, ByteView salted_password, ByteView salt,
                                 int32_t iterations);
// Whether it has keys of that mechanism, and iterations within the bounds that this broker writes: records may hold
// anything, and the iterations decide how long a password takes.
bool can_be_checked(ScramMechanism mechanism, const ScramCredential& credential);
// Whether it is the credential's password. Takes milliseconds, as long for a wrong password as for the right one.
bool is_password(ScramMechanism mechanism, const ScramCredential& credential, ByteView password);
// XOR of two texts of one length: a proof is a key XOR a signature.
Bytes exclusive_or(Bytes a, ByteView b);
// Salts and nonces as in Kafka's tools: 130 random bits in letters and digits.
Bytes random_scram_text(Random& random);

// Looks up credentials.
struct ScramDirectory {
  std::function<std::optional<ScramCredential>(ScramMechanism, ByteView user)> find_user;
  // A delegation token by its id: its owner and expiry.
  struct Token {
    ScramCredential credential;
    SaslIdentity identity;
  };
  std::function<std::optional<Token>(ScramMechanism, ByteView token_id)> find_token;
  // An unknown user gets a salt, too, and always the same: it is derived from this key. Salt and iterations resemble
  // those of an existing user.
  Bytes decoy_key;
  std::function<std::optional<ScramCredential>(ScramMechanism)> find_any;
};

// The apparent credential of a user that does not exist.
ScramCredential decoy_credential(const ScramDirectory& directory, ScramMechanism mechanism, ByteView user);

std::unique_ptr<SaslServer> make_scram_server(ScramMechanism mechanism, std::shared_ptr<const ScramDirectory> directory,
                                              Random& random);

}  // namespace milena::security
