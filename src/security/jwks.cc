#include "security/jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <nlohmann/json.hpp>

#include "security/base64.h"
#include "security/json_text.h"
#include "security/octets.h"

namespace milena::security {
namespace {

using nlohmann::json;

constexpr int kMinRsaBits = 2048, kMaxRsaBits = 16384;
constexpr size_t kMaxKeys = 1000;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
};
struct FreeBuilder {
  void operator()(OSSL_PARAM_BLD* builder) const { ::OSSL_PARAM_BLD_free(builder); }
};
struct FreeParameters {
  void operator()(OSSL_PARAM* parameters) const { ::OSSL_PARAM_free(parameters); }
};
struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { ::EVP_PKEY_CTX_free(context); }
};
struct FreeNumber {
  void operator()(BIGNUM* number) const { ::BN_free(number); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, FreeBuilder>;

std::optional<Bytes> binary_member(const json& object, const char* name) {
  const Bytes* text = text_member(object, name);
  return text ? base64url_decode(*text) : std::nullopt;
}

std::shared_ptr<EVP_PKEY> make_key(const char* type, const Builder& builder) {
  std::unique_ptr<OSSL_PARAM, FreeParameters> parameters(::OSSL_PARAM_BLD_to_param(builder.get()));
  std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(::EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || ::EVP_PKEY_fromdata_init(context.get()) != 1 ||
      ::EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {key, FreeKey()};
}

std::shared_ptr<EVP_PKEY> rsa_key(const json& object) {
  std::optional<Bytes> modulus = binary_member(object, "n"), exponent = binary_member(object, "e");
  if (!modulus || !exponent || modulus->size() > kMaxRsaBits / 8 || exponent->size() > 8) return nullptr;
  Number n(::BN_bin2bn(octets(*modulus), static_cast<int>(modulus->size()), nullptr));
  Number e(::BN_bin2bn(octets(*exponent), static_cast<int>(exponent->size()), nullptr));
  if (!n || !e || ::BN_num_bits(n.get()) < kMinRsaBits || !::BN_is_odd(e.get())) return nullptr;
  Builder builder(::OSSL_PARAM_BLD_new());
  if (!builder || ::OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      ::OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  return make_key("RSA", builder);
}

struct Curve {
  ByteView name;
  const char* group;
  size_t bytes;
};
constexpr Curve kCurves[] = {{"P-256", "P-256", 32}, {"P-384", "P-384", 48}, {"P-521", "P-521", 66}};

std::shared_ptr<EVP_PKEY> ec_key(const json& object, ByteView name) {
  std::optional<Bytes> x = binary_member(object, "x"), y = binary_member(object, "y");
  for (const Curve& curve : kCurves) {
    if (curve.name != name || !x || !y || x->size() > curve.bytes || y->size() > curve.bytes) continue;
    // Some issuers omit leading zeros.
    const Bytes point = "\x04" + Bytes(curve.bytes - x->size(), '\0') + *x + Bytes(curve.bytes - y->size(), '\0') + *y;
    Builder builder(::OSSL_PARAM_BLD_new());
    if (!builder ||
        ::OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group, 0) != 1 ||
        ::OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
      return nullptr;
    }
    return make_key("EC", builder);  // refuses a point that is not on the curve
  }
  return nullptr;
}

std::shared_ptr<EVP_PKEY> edwards_key(const json& object, ByteView curve) {
  std::optional<Bytes> x = binary_member(object, "x");
  if (!x || curve != "Ed25519") return nullptr;
  EVP_PKEY* key = ::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(*x), x->size());
  return key == nullptr ? nullptr : std::shared_ptr<EVP_PKEY>(key, FreeKey());
}

std::optional<JsonWebKey> key_of(const json& object) {
  const Bytes* type = text_member(object, "kty");
  const Bytes* use = text_member(object, "use");
  if (type == nullptr || (use != nullptr && *use != "sig")) return std::nullopt;
  JsonWebKey found;
  found.type = *type;
  if (const Bytes* curve = text_member(object, "crv")) found.curve = *curve;
  if (const Bytes* id = text_member(object, "kid")) found.id = *id;
  if (const Bytes* algorithm = text_member(object, "alg")) found.algorithm = *algorithm;
  if (found.type == "RSA") found.key = rsa_key(object);
  if (found.type == "EC") found.key = ec_key(object, found.curve);
  if (found.type == "OKP") found.key = edwards_key(object, found.curve);
  if (!found.key) return std::nullopt;
  return found;
}

}  // namespace

Result<std::shared_ptr<const Jwks>> parse_jwks(ByteView document) {
  const json parsed = json::parse(document, nullptr, false);
  auto keys = parsed.is_object() ? parsed.find("keys") : parsed.end();
  if (!parsed.is_object() || keys == parsed.end() || !keys->is_array()) {
    return make_error(ErrorKind::kInvalid, "expected a JSON document with an array \"keys\" (a JWKS)");
  }
  auto jwks = std::make_shared<Jwks>();
  for (const json& each : *keys) {
    std::optional<JsonWebKey> key = each.is_object() ? key_of(each) : std::nullopt;
    if (key && jwks->keys.size() < kMaxKeys) jwks->keys.push_back(std::move(*key));
  }
  if (jwks->keys.empty()) {
    return make_error(ErrorKind::kInvalid,
                      "none of its {} keys can verify a signature; expected RSA from 2048 bits, EC P-256, P-384 or "
                      "P-521, or Ed25519",
                      keys->size());
  }
  return std::shared_ptr<const Jwks>(std::move(jwks));
}

}  // namespace milena::security
