#include "security/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>

#include "security/octets.h"
#include "security/openssl_handle.h"

namespace milena::security {
namespace {

using MadeBio = std::unique_ptr<BIO, OpensslFree<BIO_free>>;

constexpr int64_t kDay_s = 24 * 60 * 60;
// Allows for clocks that differ a little.
constexpr int64_t kEarlier_s = 60 * 60;

Error openssl_error(ByteView doing) { return make_error(ErrorKind::kIo, "{}: {}", doing, take_openssl_error()); }

Bytes text_of(const MadeBio& bio) {
  char* data = nullptr;
  const long size = ::BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? Bytes(data, static_cast<size_t>(size)) : Bytes();
}

bool add_extension(X509* certificate, X509* issuer, int kind, const Bytes& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>> made(
      ::X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return made && ::X509_add_ext(certificate, made.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  unsigned char serial[16];
  if (::RAND_bytes(serial, sizeof serial) != 1) return false;
  serial[0] &= 0x7f;
  std::unique_ptr<BIGNUM, OpensslFree<BN_free>> number(::BN_bin2bn(serial, sizeof serial, nullptr));
  return number && ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(certificate)) != nullptr;
}

bool add_subject(X509* certificate, const CertificateWish& wish) {
  X509_NAME* subject = ::X509_get_subject_name(certificate);
  for (const auto& [type, value] : wish.subject) {
    if (::X509_NAME_add_entry_by_txt(subject, type.c_str(), MBSTRING_UTF8, octets(value),
                                     static_cast<int>(value.size()), -1, 0) != 1) {
      return false;
    }
  }
  return true;
}

bool add_extensions(X509* certificate, X509* issuer, const CertificateWish& wish) {
  std::vector<std::pair<int, Bytes>> all;
  if (wish.authority) {
    all = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
           {NID_key_usage, "critical,keyCertSign,cRLSign"},
           {NID_subject_key_identifier, "hash"}};
  } else {
    all = {{NID_basic_constraints, "critical,CA:FALSE"}, {NID_authority_key_identifier, "keyid"}};
  }
  if (wish.for_servers_alone) {
    all.emplace_back(NID_key_usage, "critical,digitalSignature");
    all.emplace_back(NID_ext_key_usage, "serverAuth");
  }
  if (!wish.alternative_names.empty()) all.emplace_back(NID_subject_alt_name, wish.alternative_names);
  for (const auto& [kind, value] : all) {
    if (!add_extension(certificate, issuer, kind, value)) return false;
  }
  return true;
}

Result<MadeCertificate> as_pem(X509* certificate, EVP_PKEY* key) {
  MadeBio of_certificate(::BIO_new(::BIO_s_mem())), of_key(::BIO_new(::BIO_s_mem()));
  if (!of_certificate || !of_key || ::PEM_write_bio_X509(of_certificate.get(), certificate) != 1 ||
      ::PEM_write_bio_PKCS8PrivateKey(of_key.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_error("writing a certificate");
  }
  return MadeCertificate{text_of(of_certificate), text_of(of_key)};
}

// From text that we wrote ourselves, possibly read from a file.
OpensslCertificate read_certificate(const Bytes& pem) {
  MadeBio bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return OpensslCertificate(bio ? ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}
OpensslKey read_key(const Bytes& pem) {
  MadeBio bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return OpensslKey(bio ? ::PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

}  // namespace

Result<MadeCertificate> make_certificate(const CertificateWish& wish, const MadeCertificate* issuer) {
  start_openssl();
  OpensslKey key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  OpensslCertificate made(::X509_new());
  if (!key || !made) return openssl_error("making a certificate");
  OpensslCertificate signer;
  OpensslKey signing_key;
  if (issuer != nullptr) {
    signer = read_certificate(issuer->certificate);
    signing_key = read_key(issuer->key);
    if (!signer || !signing_key) return openssl_error("reading a certificate authority");
  }
  X509* by = signer ? signer.get() : made.get();
  const bool good = set_serial(made.get()) && ::X509_set_version(made.get(), X509_VERSION_3) == 1 &&
                    ::ASN1_TIME_set(::X509_getm_notBefore(made.get()), wish.from_s) != nullptr &&
                    ::ASN1_TIME_set(::X509_getm_notAfter(made.get()), wish.until_s) != nullptr &&
                    ::X509_set_pubkey(made.get(), key.get()) == 1 && add_subject(made.get(), wish) &&
                    ::X509_set_issuer_name(made.get(), ::X509_get_subject_name(by)) == 1 &&
                    add_extensions(made.get(), by, wish) &&
                    ::X509_sign(made.get(), signing_key ? signing_key.get() : key.get(), ::EVP_sha256()) != 0;
  return good ? as_pem(made.get(), key.get()) : openssl_error("making a certificate");
}

Result<MadeCertificate> make_authority(ByteView common_name, int64_t now_ms) {
  CertificateWish wish;
  wish.subject = {{"CN", Bytes(common_name)}};
  wish.from_s = now_ms / 1000 - kEarlier_s;
  wish.until_s = now_ms / 1000 + 3650 * kDay_s;
  wish.authority = true;
  return make_certificate(wish, nullptr);
}

Result<MadeCertificate> make_server_certificate(const MadeCertificate& authority, const std::vector<Bytes>& names,
                                                const std::vector<Bytes>& addresses, int64_t now_ms) {
  CertificateWish wish;
  wish.subject = {{"CN", names.empty() ? "localhost" : names[0]}};
  for (const Bytes& name : names) wish.alternative_names += (wish.alternative_names.empty() ? "DNS:" : ",DNS:") + name;
  for (const Bytes& address : addresses) {
    wish.alternative_names += (wish.alternative_names.empty() ? "IP:" : ",IP:") + address;
  }
  wish.from_s = now_ms / 1000 - kEarlier_s;
  wish.until_s = now_ms / 1000 + 730 * kDay_s;
  wish.for_servers_alone = true;
  return make_certificate(wish, &authority);
}

}  // namespace milena::security
