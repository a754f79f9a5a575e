#include "security/key_store.h"

#include <openssl/err.h>

namespace milena::security {
namespace {

bool is_pem(ByteView bytes) { return bytes.substr(0, 4096).find("-----BEGIN") != ByteView::npos; }

// The next character of UTF-8; each invalid byte is taken as a character.
char32_t take_character(ByteView& text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  bool whole = length <= text.size() && first < 0xf8;
  for (size_t i = 1; whole && i < length; i++) whole = (byte(i) & 0xc0) == 0x80;
  char32_t character = first;
  size_t used = 1;
  if (whole && length > 1) {
    character = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) character = character << 6 | (byte(i) & 0x3fu);
    used = length;
  }
  text.remove_prefix(used);
  return character;
}

}  // namespace

Bytes to_java_characters(ByteView text) {
  Bytes characters;
  while (!text.empty()) {
    char32_t character = take_character(text);
    if (character >= 0x10000) {
      character -= 0x10000;
      append_big_endian(characters, static_cast<uint16_t>(0xd800 | (character >> 10 & 0x3ff)));
      character = 0xdc00 | (character & 0x3ff);
    }
    append_big_endian(characters, static_cast<uint16_t>(character));
  }
  return characters;
}

OpensslCertificate parse_certificate(ByteView der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  OpensslCertificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (at != end) certificate.reset();
  ERR_clear_error();
  return certificate;
}

OpensslKey parse_private_key(ByteView der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  OpensslKey key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return key;
}

bool affordable(const X509_ALGOR* algorithm) {
  const auto few = [](const ASN1_INTEGER* count) {
    return count == nullptr || ASN1_INTEGER_get(count) <= kMaxIterations;
  };
  const auto unpack = [](const X509_ALGOR* from, const ASN1_ITEM* item) {
    return ASN1_TYPE_unpack_sequence(item, from->parameter);
  };
  if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
    std::unique_ptr<PBE2PARAM, OpensslFree<PBE2PARAM_free>> whole(
        static_cast<PBE2PARAM*>(unpack(algorithm, ASN1_ITEM_rptr(PBE2PARAM))));
    if (!whole || OBJ_obj2nid(whole->keyfunc->algorithm) != NID_id_pbkdf2) return whole != nullptr;
    std::unique_ptr<PBKDF2PARAM, OpensslFree<PBKDF2PARAM_free>> hashed(
        static_cast<PBKDF2PARAM*>(unpack(whole->keyfunc, ASN1_ITEM_rptr(PBKDF2PARAM))));
    return hashed && few(hashed->iter);
  }
  std::unique_ptr<PBEPARAM, OpensslFree<PBEPARAM_free>> old(
      static_cast<PBEPARAM*>(unpack(algorithm, ASN1_ITEM_rptr(PBEPARAM))));
  return old && few(old->iter);
}

Result<KeyStore> read_java_key_store(ByteView type, ByteView bytes, const KeyStorePasswords& passwords) {
  if (bytes.starts_with("\xfe\xed\xfe\xed")) return read_jks(bytes, passwords);
  if (bytes.starts_with("\xce\xce\xce\xce")) {
    return make_error(ErrorKind::kUnsupported,
                      "it is a JCEKS store; expected JKS, PKCS12 or PEM (convert it with keytool -importkeystore "
                      "-deststoretype PKCS12)");
  }
  if (bytes.starts_with("\x30")) return read_pkcs12(bytes, passwords);
  if (is_pem(bytes)) {
    return make_error(ErrorKind::kInvalid, "it contains PEM, but the type is {}; expected the type PEM", type);
  }
  return make_error(ErrorKind::kCorrupt, "expected a {} store; its first bytes are of no known format", type);
}

}  // namespace milena::security
