#include "security/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>

namespace milena {
namespace {

template <auto Free>
struct FreeMade {
  template <class Object>
  void operator()(Object* object) const {
    Free(object);
  }
};
using MadeKey = std::unique_ptr<EVP_PKEY, FreeMade<::EVP_PKEY_free>>;
using MadeX509 = std::unique_ptr<X509, FreeMade<::X509_free>>;
using MadeBio = std::unique_ptr<BIO, FreeMade<::BIO_free>>;

constexpr int64_t kDay_s = 24 * 60 * 60;

Error openssl_error(ByteView doing) {
  const char* why = ::ERR_reason_error_string(::ERR_get_error());
  ::ERR_clear_error();
  return make_error(ErrorKind::kIo, "{}: {}", doing, why == nullptr ? "OpenSSL gives no reason" : why);
}

Bytes text_of(const MadeBio& bio) {
  char* data = nullptr;
  const long size = ::BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? Bytes(data, static_cast<size_t>(size)) : Bytes();
}

bool add_extension(X509* certificate, X509* issuer, int kind, const Bytes& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, FreeMade<::X509_EXTENSION_free>> made(
      ::X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return made && ::X509_add_ext(certificate, made.get(), -1) == 1;
}

// Without extensions and signature.
MadeX509 blank_certificate(ByteView common_name, EVP_PKEY* key, int64_t now_ms, int64_t days) {
  MadeX509 made(::X509_new());
  unsigned char serial[16];
  if (!made || ::RAND_bytes(serial, sizeof serial) != 1) return nullptr;
  serial[0] &= 0x7f;
  std::unique_ptr<BIGNUM, FreeMade<::BN_free>> number(::BN_bin2bn(serial, sizeof serial, nullptr));
  const time_t now_s = static_cast<time_t>(now_ms / 1000);
  X509_NAME* subject = ::X509_get_subject_name(made.get());
  const bool good =
      number && ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(made.get())) != nullptr &&
      ::X509_set_version(made.get(), X509_VERSION_3) == 1 &&
      // Clocks differ a little.
      ::ASN1_TIME_set(::X509_getm_notBefore(made.get()), now_s - 3600) != nullptr &&
      ::ASN1_TIME_set(::X509_getm_notAfter(made.get()), now_s + days * kDay_s) != nullptr &&
      ::X509_set_pubkey(made.get(), key) == 1 &&
      ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(common_name.data()),
                                   static_cast<int>(common_name.size()), -1, 0) == 1;
  return good ? std::move(made) : nullptr;
}

Result<MadeCertificate> as_pem(X509* certificate, EVP_PKEY* key) {
  MadeBio of_certificate(::BIO_new(::BIO_s_mem())), of_key(::BIO_new(::BIO_s_mem()));
  if (!of_certificate || !of_key || ::PEM_write_bio_X509(of_certificate.get(), certificate) != 1 ||
      ::PEM_write_bio_PKCS8PrivateKey(of_key.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_error("writing a certificate");
  }
  return MadeCertificate{text_of(of_certificate), text_of(of_key)};
}

// Of text that we wrote ourselves, or that lay in a file since.
MadeX509 read_certificate(const Bytes& pem) {
  MadeBio bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return MadeX509(bio ? ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}
MadeKey read_key(const Bytes& pem) {
  MadeBio bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return MadeKey(bio ? ::PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

}  // namespace

Result<MadeCertificate> make_authority(ByteView common_name, int64_t now_ms) {
  MadeKey key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  MadeX509 made = key ? blank_certificate(common_name, key.get(), now_ms, 3650) : nullptr;
  if (!made || ::X509_set_issuer_name(made.get(), ::X509_get_subject_name(made.get())) != 1 ||
      !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash") ||
      ::X509_sign(made.get(), key.get(), ::EVP_sha256()) == 0) {
    return openssl_error("making a certificate authority");
  }
  return as_pem(made.get(), key.get());
}

Result<MadeCertificate> make_server_certificate(const MadeCertificate& authority, const std::vector<Bytes>& names,
                                                const std::vector<Bytes>& addresses, int64_t now_ms) {
  MadeX509 issuer = read_certificate(authority.certificate);
  MadeKey issuer_key = read_key(authority.key);
  if (!issuer || !issuer_key) return openssl_error("reading a certificate authority");
  Bytes alternatives;
  for (const Bytes& name : names) alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  for (const Bytes& address : addresses) alternatives += (alternatives.empty() ? "IP:" : ",IP:") + address;
  MadeKey key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  MadeX509 made = key ? blank_certificate(names.empty() ? "localhost" : ByteView(names[0]), key.get(), now_ms, 730)
                      : nullptr;
  if (!made || ::X509_set_issuer_name(made.get(), ::X509_get_subject_name(issuer.get())) != 1 ||
      !add_extension(made.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made.get(), issuer.get(), NID_ext_key_usage, "serverAuth") ||
      !add_extension(made.get(), issuer.get(), NID_authority_key_identifier, "keyid") ||
      !add_extension(made.get(), issuer.get(), NID_subject_alt_name, alternatives) ||
      ::X509_sign(made.get(), issuer_key.get(), ::EVP_sha256()) == 0) {
    return openssl_error("making a server's certificate");
  }
  return as_pem(made.get(), key.get());
}

}  // namespace milena
