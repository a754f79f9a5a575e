// Creates keys, JWKS documents and signed tokens for tests, with OpenSSL.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "security/base64.h"

namespace milena::security::security_test {

class TestKey {
 public:
  static TestKey rsa(std::string id, size_t bits = 2048) {
    return TestKey(std::move(id), ::EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits), "RSA", "");
  }
  static TestKey ec(std::string id, const char* curve) {
    return TestKey(std::move(id), ::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve), "EC", curve);
  }
  static TestKey ed25519(std::string id) {
    return TestKey(std::move(id), ::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), "OKP", "Ed25519");
  }

  const std::string& id() const { return id_; }

  // One entry of "keys".
  std::string jwk(const std::string& more = "") const {
    std::string text = "{\"kty\":\"" + type_ + "\",\"kid\":\"" + id_ + "\"" + more;
    if (type_ == "RSA") {
      text += ",\"n\":\"" + number(OSSL_PKEY_PARAM_RSA_N) + "\",\"e\":\"" + number(OSSL_PKEY_PARAM_RSA_E) + "\"";
    } else if (type_ == "EC") {
      text += ",\"crv\":\"" + curve_ + "\",\"x\":\"" + number(OSSL_PKEY_PARAM_EC_PUB_X) + "\",\"y\":\"" +
              number(OSSL_PKEY_PARAM_EC_PUB_Y) + "\"";
    } else {
      Bytes raw(32, '\0');
      size_t size = raw.size();
      CHECK(::EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size) == 1, "raw");
      text += ",\"crv\":\"Ed25519\",\"x\":\"" + base64url_encode(raw) + "\"";
    }
    return text + "}";
  }

  std::string sign(const std::string& algorithm, const std::string& claims, const std::string& header_more = "") const {
    const std::string header = "{\"alg\":\"" + algorithm + "\",\"kid\":\"" + id_ + "\"" + header_more + "}";
    const std::string text = base64url_encode(header) + "." + base64url_encode(claims);
    return text + "." + base64url_encode(signature(algorithm, text));
  }

 private:
  TestKey(std::string id, EVP_PKEY* key, std::string type, std::string curve)
      : id_(std::move(id)), key_(key, [](EVP_PKEY* each) { ::EVP_PKEY_free(each); }), type_(std::move(type)),
        curve_(std::move(curve)) {
    CHECK(key != nullptr, "a key of type {}", type_);
  }

  std::string number(const char* name) const {
    BIGNUM* value = nullptr;
    CHECK(::EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1, "{}", name);
    Bytes raw(static_cast<size_t>(BN_num_bytes(value)), '\0');
    ::BN_bn2bin(value, reinterpret_cast<unsigned char*>(raw.data()));
    ::BN_free(value);
    return base64url_encode(raw);
  }

  Bytes signature(const std::string& algorithm, const std::string& text) const {
    EVP_MD_CTX* context = ::EVP_MD_CTX_new();
    EVP_PKEY_CTX* options = nullptr;
    const EVP_MD* hash = algorithm.ends_with("256")   ? ::EVP_sha256()
                         : algorithm.ends_with("384") ? ::EVP_sha384()
                         : algorithm.ends_with("512") ? ::EVP_sha512()
                                                      : nullptr;
    CHECK(::EVP_DigestSignInit(context, &options, hash, nullptr, key_.get()) == 1, "{}", algorithm);
    if (algorithm.starts_with("PS")) {
      ::EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
      ::EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    CHECK(::EVP_DigestSign(context, nullptr, &size, bytes, text.size()) == 1, "{}", algorithm);
    Bytes out(size, '\0');
    CHECK(::EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes, text.size()) == 1, "");
    out.resize(size);
    ::EVP_MD_CTX_free(context);
    return type_ == "EC" ? both_numbers(out) : out;
  }

  Bytes both_numbers(const Bytes& der) const {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* pair = ::d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    const int bytes = curve_ == "P-256" ? 32 : curve_ == "P-384" ? 48 : 66;
    Bytes out(static_cast<size_t>(2 * bytes), '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    ::BN_bn2binpad(::ECDSA_SIG_get0_r(pair), to, bytes);
    ::BN_bn2binpad(::ECDSA_SIG_get0_s(pair), to + bytes, bytes);
    ::ECDSA_SIG_free(pair);
    return out;
  }

  std::string id_;
  std::shared_ptr<EVP_PKEY> key_;
  std::string type_;
  std::string curve_;
};

}  // namespace milena::security::security_test
