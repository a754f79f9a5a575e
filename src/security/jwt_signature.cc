#include "security/jwt_signature.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "security/octets.h"

namespace milena::security {

struct JwtAlgorithm {
  ByteView name;
  ByteView key_type;
  ByteView curve;                // of EC and OKP keys
  const EVP_MD* (*hash)();       // null: the algorithm has its own
  bool padded_at_random = false; // RSA-PSS
  size_t number_bytes = 0;       // EC: of each half of a signature
};

namespace {

constexpr JwtAlgorithm kAlgorithms[] = {
    {"RS256", "RSA", "", &::EVP_sha256},
    {"RS384", "RSA", "", &::EVP_sha384},
    {"RS512", "RSA", "", &::EVP_sha512},
    {"PS256", "RSA", "", &::EVP_sha256, true},
    {"PS384", "RSA", "", &::EVP_sha384, true},
    {"PS512", "RSA", "", &::EVP_sha512, true},
    {"ES256", "EC", "P-256", &::EVP_sha256, false, 32},
    {"ES384", "EC", "P-384", &::EVP_sha384, false, 48},
    {"ES512", "EC", "P-521", &::EVP_sha512, false, 66},
    {"EdDSA", "OKP", "Ed25519", nullptr},
};

// Converts two concatenated numbers to OpenSSL's DER form; empty if they are invalid.
Bytes der_signature(ByteView signature, size_t number_bytes) {
  if (signature.size() != 2 * number_bytes) return {};
  ECDSA_SIG* pair = ::ECDSA_SIG_new();
  const int bytes = static_cast<int>(number_bytes);
  BIGNUM* r = ::BN_bin2bn(octets(signature), bytes, nullptr);
  BIGNUM* s = ::BN_bin2bn(octets(signature.substr(number_bytes)), bytes, nullptr);
  Bytes der;
  if (pair != nullptr && r != nullptr && s != nullptr && ::ECDSA_SIG_set0(pair, r, s) == 1) {
    r = s = nullptr;  // owned by the pair from here on
    unsigned char* out = nullptr;
    const int size = ::i2d_ECDSA_SIG(pair, &out);
    if (size > 0) der.assign(reinterpret_cast<char*>(out), static_cast<size_t>(size));
    ::OPENSSL_free(out);
  }
  ::BN_free(r);
  ::BN_free(s);
  ::ECDSA_SIG_free(pair);
  return der;
}

bool verify(EVP_MD_CTX* context, const JwtAlgorithm& algorithm, EVP_PKEY* key, ByteView text, ByteView signature) {
  EVP_PKEY_CTX* options = nullptr;
  const EVP_MD* hash = algorithm.hash == nullptr ? nullptr : algorithm.hash();
  if (::EVP_DigestVerifyInit(context, &options, hash, nullptr, key) != 1) return false;
  if (algorithm.padded_at_random &&
      (::EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
       ::EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  return ::EVP_DigestVerify(context, octets(signature), signature.size(), octets(text), text.size()) == 1;
}

}  // namespace

const JwtAlgorithm* find_jwt_algorithm(ByteView name) {
  for (const JwtAlgorithm& each : kAlgorithms) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

bool key_fits(const JsonWebKey& key, const JwtAlgorithm& algorithm) {
  return key.type == algorithm.key_type && (algorithm.curve.empty() || key.curve == algorithm.curve) &&
         (!key.algorithm || *key.algorithm == algorithm.name);
}

bool signature_fits(const JwtAlgorithm& algorithm, const JsonWebKey& key, ByteView text, ByteView signature) {
  Bytes der;
  if (algorithm.number_bytes > 0) {
    der = der_signature(signature, algorithm.number_bytes);
    if (der.empty()) return false;
    signature = der;
  }
  EVP_MD_CTX* context = ::EVP_MD_CTX_new();
  const bool fits = context != nullptr && verify(context, algorithm, key.key.get(), text, signature);
  ::EVP_MD_CTX_free(context);
  ::ERR_clear_error();
  return fits;
}

}  // namespace milena::security
