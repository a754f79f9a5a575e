// Keys and certificates made on the spot, as PEM, and files to put them into.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "security/openssl_handle.h"

namespace milena::security_test {

// As PEM; the two and the authority's certificate make a key store.
struct TestIdentity {
  std::string key;
  std::string certificate;
};

template <class Write>
std::string to_pem(Write write) {
  std::unique_ptr<BIO, OpensslFree<BIO_free_all>> bio(BIO_new(BIO_s_mem()));
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

struct TestNames {
  std::vector<std::pair<std::string, std::string>> subject;  // {"CN", "app"}, the most general last in the text of it
  std::string alternative = "DNS:localhost,IP:127.0.0.1";
  long from_s = -3600;
  long until_s = 3600 * 24;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test CA") {
    start_openssl();
    key_.reset(EVP_EC_gen("P-256"));
    certificate_ = make(key_.get(), {{{"CN", name}}, "", -3600, 3600 * 24}, nullptr, true);
  }

  std::string certificate() const { return pem_of(certificate_.get()); }

  TestIdentity issue(const TestNames& names) const {
    OpensslKey key(EVP_EC_gen("P-256"));
    OpensslCertificate certificate = make(key.get(), names, certificate_.get(), false);
    return {to_pem([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); }),
            pem_of(certificate.get())};
  }
  TestIdentity issue(const std::string& common_name) const { return issue(TestNames{{{"CN", common_name}}}); }

  static std::string pem_of(X509* certificate) {
    return to_pem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
  }

 private:
  OpensslCertificate make(EVP_PKEY* key, const TestNames& names, X509* issuer, bool authority) const {
    OpensslCertificate made(X509_new());
    X509* raw = made.get();
    X509_set_version(raw, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(raw), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(raw), names.from_s);
    X509_gmtime_adj(X509_getm_notAfter(raw), names.until_s);
    X509_set_pubkey(raw, key);
    for (const auto& [type, value] : names.subject) {
      X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), type.c_str(), MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()),
                                 -1, 0);
    }
    X509_set_issuer_name(raw, X509_get_subject_name(issuer != nullptr ? issuer : raw));
    add_extension(raw, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!names.alternative.empty()) add_extension(raw, NID_subject_alt_name, names.alternative);
    X509_sign(raw, key_.get(), EVP_sha256());
    return made;
  }

  static void add_extension(X509* certificate, int nid, const std::string& text) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, nullptr, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  OpensslKey key_;
  OpensslCertificate certificate_;
  mutable long serial_ = 0;
};

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = testing::TempDir() + "milena-security-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }
  // Puts a file there whole, as certificate tools do: a new one takes the old one's place.
  std::string write(const std::string& name, const std::string& bytes) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path + ".new", std::ios::binary) << bytes;
    std::filesystem::rename(path + ".new", path);
    return path;
  }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace milena::security_test
