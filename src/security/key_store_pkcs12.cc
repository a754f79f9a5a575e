// PKCS12 by OpenSSL, bag by bag: its PKCS12_parse() supports only one key, and no store of Java 15 or older, whose
// certificates are encrypted with a cipher that is not in OpenSSL's default provider.
#include <openssl/err.h>
#include <openssl/rc2.h>
#include <openssl/x509v3.h>

#include "security/key_store.h"

namespace milena::security {
namespace {

using Pkcs12 = std::unique_ptr<PKCS12, OpensslFree<PKCS12_free>>;

struct FreeBags {
  void operator()(STACK_OF(PKCS12_SAFEBAG) * bags) const { sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free); }
};
using Bags = std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), FreeBags>;

struct FreeSafes {
  void operator()(STACK_OF(PKCS7) * safes) const { sk_PKCS7_pop_free(safes, PKCS7_free); }
};
using Safes = std::unique_ptr<STACK_OF(PKCS7), FreeSafes>;

// Limit for nested bags, which do not occur in practice.
constexpr int kDeepestBag = 4;

struct Found {
  struct Key {
    OpensslKey key;
    Bytes alias;
    Bytes local_id;
  };
  struct Certificate {
    OpensslCertificate certificate;
    Bytes local_id;
    bool in_chain = false;
  };
  std::vector<Key> keys;
  std::vector<Certificate> certificates;
  bool closed_keys = false;  // some keys have another password
};

struct StorePassword {
  const char* text = nullptr;
  int size = 0;
};

Bytes as_bytes(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<size_t>(ASN1_STRING_length(string))};
}

Bytes local_id_of(const PKCS12_SAFEBAG* bag) {
  const ASN1_TYPE* id = PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID);
  return id != nullptr && id->type == V_ASN1_OCTET_STRING ? as_bytes(id->value.octet_string) : Bytes();
}

Bytes alias_of(PKCS12_SAFEBAG* bag) {
  std::unique_ptr<char, OpensslFree<[](char* text) { OPENSSL_free(text); }>> name(PKCS12_get_friendlyname(bag));
  return name ? Bytes(name.get()) : Bytes();
}

Status add_bags(const STACK_OF(PKCS12_SAFEBAG) * bags, const KeyStorePasswords& passwords, int depth, Found& found);

Status add_key(OpensslKey key, PKCS12_SAFEBAG* bag, Found& found) {
  if (!key) return make_error(ErrorKind::kCorrupt, "a private key is of an unknown kind");
  found.keys.push_back({std::move(key), alias_of(bag), local_id_of(bag)});
  return ok_status();
}

Status add_hidden_key(PKCS12_SAFEBAG* bag, const KeyStorePasswords& passwords, Found& found) {
  const std::optional<Bytes>& password = passwords.key ? passwords.key : passwords.store;
  if (!password) {
    found.closed_keys = true;
    return ok_status();
  }
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
  if (!affordable(algorithm)) return make_error(ErrorKind::kCorrupt, "its password has too many iterations");
  std::unique_ptr<PKCS8_PRIV_KEY_INFO, OpensslFree<PKCS8_PRIV_KEY_INFO_free>> info(
      PKCS12_decrypt_skey(bag, password->data(), static_cast<int>(password->size())));
  if (!info) {
    return make_error(ErrorKind::kInvalid, "the private key cannot be decrypted: wrong key password ({})",
                      take_openssl_error());
  }
  return add_key(OpensslKey(EVP_PKCS82PKEY(info.get())), bag, found);
}

Status add_bag(PKCS12_SAFEBAG* bag, const KeyStorePasswords& passwords, int depth, Found& found) {
  switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag:
      return add_key(OpensslKey(EVP_PKCS82PKEY(PKCS12_SAFEBAG_get0_p8inf(bag))), bag, found);
    case NID_pkcs8ShroudedKeyBag:
      return add_hidden_key(bag, passwords, found);
    case NID_certBag: {
      if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return ok_status();
      OpensslCertificate certificate(PKCS12_SAFEBAG_get1_cert(bag));
      if (!certificate) return make_error(ErrorKind::kCorrupt, "a certificate cannot be read");
      found.certificates.push_back({std::move(certificate), local_id_of(bag)});
      return ok_status();
    }
    case NID_safeContentsBag:
      if (depth >= kDeepestBag) return make_error(ErrorKind::kCorrupt, "its bags are nested too deep");
      return add_bags(PKCS12_SAFEBAG_get0_safes(bag), passwords, depth + 1, found);
    default:
      return ok_status();
  }
}

Status add_bags(const STACK_OF(PKCS12_SAFEBAG) * bags, const KeyStorePasswords& passwords, int depth, Found& found) {
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
    RETURN_IF_ERROR(add_bag(sk_PKCS12_SAFEBAG_value(bags, i), passwords, depth, found));
  }
  return ok_status();
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
// RC2 in CBC with PKCS#7 padding, in place. False if the padding shows a wrong password.
bool decrypt_rc2(Bytes& bytes, const unsigned char* key_bytes, int key_size, unsigned char* vector) {
  if (bytes.empty() || bytes.size() % RC2_BLOCK != 0) return false;
  RC2_KEY key;
  RC2_set_key(&key, key_size, key_bytes, key_size * 8);
  auto* data = reinterpret_cast<unsigned char*>(bytes.data());
  RC2_cbc_encrypt(data, data, static_cast<long>(bytes.size()), &key, vector, RC2_DECRYPT);
  const size_t padding = static_cast<unsigned char>(bytes.back());
  if (padding == 0 || padding > RC2_BLOCK) return false;
  bytes.resize(bytes.size() - padding);
  return true;
}
#pragma GCC diagnostic pop

// The encryption of Java 15 and older: a key of 40 bits from the password, by PKCS12's own derivation.
Bags unpack_rc2(const PKCS7_ENC_CONTENT& content, int key_size, const StorePassword& password) {
  std::unique_ptr<PBEPARAM, OpensslFree<PBEPARAM_free>> parameters(static_cast<PBEPARAM*>(
      ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), content.algorithm->parameter)));
  if (!parameters || content.enc_data == nullptr) return nullptr;
  const long iterations = parameters->iter == nullptr ? 1 : ASN1_INTEGER_get(parameters->iter);
  if (iterations < 1) return nullptr;
  unsigned char key[16], vector[RC2_BLOCK];
  for (auto [id, out, size] : {std::tuple(PKCS12_KEY_ID, key, key_size), std::tuple(PKCS12_IV_ID, vector, RC2_BLOCK)}) {
    if (PKCS12_key_gen_utf8(password.text, password.size, parameters->salt->data, parameters->salt->length, id,
                            static_cast<int>(iterations), size, out, EVP_sha1()) != 1) {
      return nullptr;
    }
  }
  Bytes plain = as_bytes(content.enc_data);
  if (!decrypt_rc2(plain, key, key_size, vector)) return nullptr;
  const auto* at = reinterpret_cast<const unsigned char*>(plain.data());
  return Bags(reinterpret_cast<STACK_OF(PKCS12_SAFEBAG)*>(ASN1_item_d2i(
      nullptr, &at, static_cast<long>(plain.size()), ASN1_ITEM_rptr(PKCS12_SAFEBAGS))));
}

Bags unpack_encrypted(PKCS7* safe, const StorePassword& password) {
  if (safe->d.encrypted == nullptr || safe->d.encrypted->enc_data == nullptr) return nullptr;
  const PKCS7_ENC_CONTENT& content = *safe->d.encrypted->enc_data;
  if (!affordable(content.algorithm)) return nullptr;
  switch (OBJ_obj2nid(content.algorithm->algorithm)) {
    case NID_pbe_WithSHA1And40BitRC2_CBC: return unpack_rc2(content, 5, password);
    case NID_pbe_WithSHA1And128BitRC2_CBC: return unpack_rc2(content, 16, password);
    default: return Bags(PKCS12_unpack_p7encdata(safe, password.text, password.size));
  }
}

Status read_safes(PKCS12* store, const StorePassword& password, const KeyStorePasswords& passwords, Found& found) {
  Safes safes(PKCS12_unpack_authsafes(store));
  if (!safes) return make_error(ErrorKind::kCorrupt, "its contents cannot be read ({})", take_openssl_error());
  for (int i = 0; i < sk_PKCS7_num(safes.get()); i++) {
    PKCS7* safe = sk_PKCS7_value(safes.get(), i);
    Bags bags;
    if (PKCS7_type_is_data(safe)) {
      bags.reset(PKCS12_unpack_p7data(safe));
    } else if (PKCS7_type_is_encrypted(safe)) {
      if (!passwords.store) return make_error(ErrorKind::kInvalid, "it is encrypted and needs a password");
      bags = unpack_encrypted(safe, password);
    } else {
      continue;
    }
    if (!bags) return make_error(ErrorKind::kInvalid, "a part cannot be decrypted ({})", take_openssl_error());
    RETURN_IF_ERROR(add_bags(bags.get(), passwords, 0, found));
  }
  return ok_status();
}

// Finds the certificate of a key, by its id or else by the key, and then the chain of issuers.
void make_chain(const Found::Key& key, std::vector<Found::Certificate>& all, KeyEntry& entry) {
  const auto is_own = [&](const Found::Certificate& each) {
    return key.local_id.empty() ? X509_check_private_key(each.certificate.get(), key.key.get()) == 1
                                : each.local_id == key.local_id;
  };
  const auto add = [&](Found::Certificate& each) {
    each.in_chain = true;
    X509_up_ref(each.certificate.get());
    entry.chain.emplace_back(each.certificate.get());
  };
  for (Found::Certificate& each : all) {
    if (entry.chain.empty() && is_own(each)) add(each);
  }
  while (!entry.chain.empty() && entry.chain.size() <= all.size()) {
    X509* last = entry.chain.back().get();
    Found::Certificate* issuer = nullptr;
    for (Found::Certificate& each : all) {
      if (X509_check_issued(each.certificate.get(), last) == X509_V_OK) issuer = &each;
    }
    if (issuer == nullptr || X509_cmp(issuer->certificate.get(), last) == 0) break;
    add(*issuer);
  }
  ERR_clear_error();
}

Status check_mac(PKCS12* store, const std::optional<Bytes>& password) {
  if (!password || PKCS12_mac_present(store) != 1) return ok_status();
  const ASN1_INTEGER* iterations = nullptr;
  PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, store);
  if (iterations != nullptr && (ASN1_INTEGER_get(iterations) < 1 || ASN1_INTEGER_get(iterations) > kMaxIterations)) {
    return make_error(ErrorKind::kCorrupt, "its password has too many iterations");
  }
  if (PKCS12_verify_mac(store, password->data(), static_cast<int>(password->size())) == 1) return ok_status();
  take_openssl_error();
  return make_error(ErrorKind::kInvalid, "the password is wrong, or the file is damaged");
}

}  // namespace

Result<KeyStore> read_pkcs12(ByteView bytes, const KeyStorePasswords& passwords) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  Pkcs12 store(d2i_PKCS12(nullptr, &at, static_cast<long>(bytes.size())));
  if (!store) return make_error(ErrorKind::kCorrupt, "it is not a PKCS12 store ({})", take_openssl_error());
  RETURN_IF_ERROR(check_mac(store.get(), passwords.store));
  StorePassword password;
  if (passwords.store) password = {passwords.store->data(), static_cast<int>(passwords.store->size())};
  Found found;
  RETURN_IF_ERROR(read_safes(store.get(), password, passwords, found));
  KeyStore result;
  for (Found::Key& key : found.keys) {
    KeyEntry& entry = result.keys.emplace_back();
    entry.alias = key.alias;
    make_chain(key, found.certificates, entry);
    entry.key = std::move(key.key);
    if (entry.chain.empty()) return make_error(ErrorKind::kInvalid, "the key {} has no certificate", entry.alias);
  }
  for (Found::Certificate& each : found.certificates) {
    if (!each.in_chain) result.trusted.push_back(std::move(each.certificate));
  }
  ERR_clear_error();
  return result;
}

}  // namespace milena::security
