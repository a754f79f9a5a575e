#include "security/certificates.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace milena::security {
namespace {

X509* read(const Bytes& pem) {
  BIO* bio = ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = ::PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  ::BIO_free(bio);
  return certificate;
}

TEST(CertificatesTest, AClientThatTrustsTheAuthorityTrustsTheServer) {
  constexpr int64_t kNow_s = 1'800'000'000;
  auto authority = make_authority("Milena development", kNow_s * 1000);
  ASSERT_TRUE(authority.ok()) << authority.error().message;
  auto server = make_server_certificate(*authority, {"localhost", "box.example"}, {"127.0.0.1", "::1"}, kNow_s * 1000);
  ASSERT_TRUE(server.ok()) << server.error().message;
  X509* ca = read(authority->certificate);
  X509* leaf = read(server->certificate);
  X509_STORE* store = ::X509_STORE_new();
  ::X509_STORE_add_cert(store, ca);
  auto verify = [&](int64_t at_s, const char* host) {
    X509_STORE_CTX* context = ::X509_STORE_CTX_new();
    ::X509_STORE_CTX_init(context, store, leaf, nullptr);
    X509_VERIFY_PARAM* rules = ::X509_STORE_CTX_get0_param(context);
    ::X509_VERIFY_PARAM_set_time(rules, at_s);
    ::X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_SERVER);
    ::X509_VERIFY_PARAM_set1_host(rules, host, 0);
    const bool good = ::X509_verify_cert(context) == 1;
    ::X509_STORE_CTX_free(context);
    return good;
  };
  EXPECT_TRUE(verify(kNow_s, "localhost"));
  EXPECT_TRUE(verify(kNow_s, "box.example"));
  EXPECT_FALSE(verify(kNow_s, "other.example"));
  EXPECT_FALSE(verify(kNow_s + 3 * 365 * 24 * 3600, "localhost"));
  EXPECT_EQ(::X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
  EXPECT_EQ(::X509_check_ip_asc(leaf, "::1", 0), 1);
  EXPECT_EQ(::X509_check_ip_asc(leaf, "10.0.0.1", 0), 0);
  ::X509_STORE_free(store);
  ::X509_free(ca);
  ::X509_free(leaf);
}

}  // namespace
}  // namespace milena::security
