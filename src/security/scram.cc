#include "security/scram.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "security/octets.h"
#include "security/random_bytes.h"

namespace milena::security {
namespace {

// The number in base 36, as BigInteger.toString does it; at most 17 bytes.
Bytes base36(Bytes number) {
  Bytes digits;
  while (std::any_of(number.begin(), number.end(), [](char c) { return c != 0; })) {
    unsigned remainder = 0;
    for (char& c : number) {
      unsigned value = remainder << 8 | static_cast<uint8_t>(c);
      c = static_cast<char>(value / 36);
      remainder = value % 36;
    }
    digits += "0123456789abcdefghijklmnopqrstuvwxyz"[remainder];
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Bytes text_of_130_bits(Bytes bytes) {
  bytes.resize(17);
  bytes[0] = static_cast<char>(bytes[0] & 3);
  return base36(std::move(bytes));
}

}  // namespace

ByteView scram_mechanism_name(ScramMechanism mechanism) {
  return mechanism == ScramMechanism::kSha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512";
}

std::optional<ScramMechanism> parse_scram_mechanism(ByteView name) {
  for (ScramMechanism each : {ScramMechanism::kSha256, ScramMechanism::kSha512}) {
    if (scram_mechanism_name(each) == name) return each;
  }
  return std::nullopt;
}

Sha2 scram_hash(ScramMechanism mechanism) {
  return mechanism == ScramMechanism::kSha256 ? Sha2::k256 : Sha2::k512;
}

size_t scram_hash_bytes(ScramMechanism mechanism) { return mechanism == ScramMechanism::kSha256 ? 32 : 64; }

Bytes salted_password(ScramMechanism mechanism, ByteView password, ByteView salt, int32_t iterations) {
  Bytes key(scram_hash_bytes(mechanism), '\0');
  const int done = ::PKCS5_PBKDF2_HMAC(
      password.data(), static_cast<int>(password.size()), octets(salt),
      static_cast<int>(salt.size()), iterations, mechanism == ScramMechanism::kSha256 ? ::EVP_sha256() : ::EVP_sha512(),
      static_cast<int>(key.size()), reinterpret_cast<unsigned char*>(key.data()));
  CHECK(done == 1, "PBKDF2 of {} iterations", iterations);
  return key;
}

ScramCredential scram_credential(ScramMechanism mechanism, ByteView salted, ByteView salt, int32_t iterations) {
  const Sha2 hash = scram_hash(mechanism);
  return {Bytes(salt), sha2_digest(hash, sha2_hmac(hash, salted, "Client Key")), sha2_hmac(hash, salted, "Server Key"),
          iterations};
}

bool can_be_checked(ScramMechanism mechanism, const ScramCredential& credential) {
  const size_t bytes = scram_hash_bytes(mechanism);
  return credential.iterations >= kMinScramIterations && credential.iterations <= kMaxScramIterations &&
         credential.stored_key.size() == bytes && credential.server_key.size() == bytes;
}

bool is_password(ScramMechanism mechanism, const ScramCredential& credential, ByteView password) {
  const Bytes salted = salted_password(mechanism, password, credential.salt, credential.iterations);
  return equal_in_constant_time(
      scram_credential(mechanism, salted, credential.salt, credential.iterations).stored_key, credential.stored_key);
}

Bytes exclusive_or(Bytes a, ByteView b) {
  CHECK(a.size() == b.size(), "{} bytes and {}", a.size(), b.size());
  for (size_t i = 0; i < a.size(); i++) a[i] = static_cast<char>(a[i] ^ b[i]);
  return a;
}

Bytes random_scram_text(Random& random) { return text_of_130_bits(random_bytes(random, 17)); }

ScramCredential decoy_credential(const ScramDirectory& directory, ScramMechanism mechanism, ByteView user) {
  std::optional<ScramCredential> other = directory.find_any ? directory.find_any(mechanism) : std::nullopt;
  Bytes seed = sha2_hmac(Sha2::k512, directory.decoy_key, user);
  ScramCredential decoy;
  decoy.iterations = other ? other->iterations : kMinScramIterations;
  const bool as_text = !other || std::all_of(other->salt.begin(), other->salt.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  });
  if (as_text) {
    decoy.salt = text_of_130_bits(seed);
  } else {
    while (seed.size() < other->salt.size()) seed += sha2_hmac(Sha2::k512, directory.decoy_key, seed);
    decoy.salt = seed.substr(0, other->salt.size());
  }
  // No proof matches unknown keys.
  decoy.stored_key = sha2_hmac(scram_hash(mechanism), directory.decoy_key, "stored" + Bytes(user));
  decoy.server_key = sha2_hmac(scram_hash(mechanism), directory.decoy_key, "server" + Bytes(user));
  return decoy;
}

}  // namespace milena::security
