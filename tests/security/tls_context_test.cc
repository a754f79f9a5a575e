#include "security/tls_context.h"

#include <gtest/gtest.h>

#include <map>

#include "security/test_authority.h"
#include "security/tls_ciphers.h"
#include "security/tls_rehearsal.h"

namespace milena::security {
namespace {

using security_test::TestAuthority;
using security_test::TestFolder;
using security_test::TestIdentity;
using security_test::TestNames;

int64_t now_ms() {
  return static_cast<int64_t>(::time(nullptr)) * 1000;
}

class TlsContextTest : public testing::Test {
 protected:
  TlsContextTest() {
    values_["ssl.keystore.type"] = "PEM";
    values_["ssl.truststore.type"] = "JKS";
    values_["ssl.client.auth"] = "none";
    values_["ssl.protocol"] = "TLSv1.3";
    values_["ssl.enabled.protocols"] = "TLSv1.2,TLSv1.3";
    values_["ssl.principal.mapping.rules"] = "DEFAULT";
    use(authority_.issue("localhost"));
  }

  void use(const TestIdentity& identity) {
    values_["ssl.keystore.key"] = identity.key;
    values_["ssl.keystore.certificate.chain"] = identity.certificate;
  }
  void use_file(const TestIdentity& identity) {
    values_.erase("ssl.keystore.key");
    values_.erase("ssl.keystore.certificate.chain");
    values_["ssl.keystore.location"] = folder_.write("store.pem", identity.key + identity.certificate);
  }

  TlsSettings settings() const {
    return TlsSettings([this](ByteView name) {
      auto found = values_.find(std::string(name));
      return TlsSettings::Value{found == values_.end() ? std::nullopt : std::optional<Bytes>(found->second),
                                "listener.name.x." + std::string(name)};
    });
  }
  Result<std::shared_ptr<const TlsContext>> load() const { return TlsContext::load(settings(), now_ms()); }
  // The complaint about the settings; empty if there is none.
  std::string complaint() const {
    auto loaded = load();
    return loaded.ok() ? std::string() : loaded.error().message;
  }
  std::string complaint_with(const std::string& name, const std::string& value) {
    const auto before = values_;
    values_[name] = value;
    std::string said = complaint();
    values_ = before;
    return said;
  }
  std::string complaint_without(const std::string& name) {
    const auto before = values_;
    values_.erase(name);
    std::string said = complaint();
    values_ = before;
    return said;
  }

  TestAuthority authority_;
  TestFolder folder_;
  std::map<std::string, std::string> values_;
};

TEST_F(TlsContextTest, LoadsAKeyFromTheSettingsAndFromAFile) {
  EXPECT_EQ(complaint(), "");
  use_file(authority_.issue("localhost"));
  EXPECT_EQ(complaint(), "");
}

TEST_F(TlsContextTest, SaysWhichSettingIsMissing) {
  EXPECT_EQ(complaint_without("ssl.keystore.key"),
            "listener.name.x.ssl.keystore.certificate.chain: a certificate chain is given; expected "
            "listener.name.x.ssl.keystore.key, too");
  EXPECT_EQ(
      complaint_without("ssl.keystore.certificate.chain"),
      "listener.name.x.ssl.keystore.key: a key is given; expected listener.name.x.ssl.keystore.certificate.chain, too");
  EXPECT_EQ(complaint_with("ssl.keystore.type", "JKS"),
            "listener.name.x.ssl.keystore.key: a key is given; expected listener.name.x.ssl.keystore.type=PEM");
  EXPECT_EQ(complaint_with("ssl.keystore.type", "BKS"),
            "listener.name.x.ssl.keystore.type=BKS: expected JKS, PKCS12 or PEM");
  values_.erase("ssl.keystore.key");
  values_.erase("ssl.keystore.certificate.chain");
  EXPECT_EQ(complaint(),
            "listener.name.x.ssl.keystore.location: a listener with TLS needs a key; expected a key store, or "
            "listener.name.x.ssl.keystore.key with PEM");
  values_["ssl.keystore.type"] = "JKS";
  values_["ssl.keystore.location"] = "/nowhere/store.jks";
  EXPECT_EQ(complaint(), "listener.name.x.ssl.keystore.location: expected listener.name.x.ssl.keystore.password, too");
  values_["ssl.keystore.password"] = "secret";
  EXPECT_NE(complaint().find("listener.name.x.ssl.keystore.location: "), std::string::npos) << complaint();
  EXPECT_NE(complaint().find("/nowhere/store.jks"), std::string::npos) << complaint();
  EXPECT_EQ(complaint().find("secret"), std::string::npos);
}

TEST_F(TlsContextTest, RefusesAKeyThatDoesNotFitItsCertificate) {
  values_["ssl.keystore.key"] = authority_.issue("other").key;
  EXPECT_EQ(
      complaint(),
      "listener.name.x.ssl.keystore.certificate.chain: the private key does not match the certificate "
      "CN=localhost; expected the certificate of this key first in the chain");
}

TEST_F(TlsContextTest, AnExpiredCertificateIsAWarning) {
  TestNames expired{{{"CN", "old"}}};
  expired.from_s = -7200;
  expired.until_s = -3600;
  use(authority_.issue(expired));
  auto loaded = load();
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_EQ((*loaded)->warnings().size(), 1u);
  EXPECT_EQ(
      (*loaded)->warnings()[0],
      "listener.name.x.ssl.keystore.certificate.chain: the certificate CN=old has expired; clients will refuse it");
  use(authority_.issue("fresh"));
  loaded = load();
  EXPECT_TRUE((*loaded)->warnings().empty());
}

TEST_F(TlsContextTest, RefusesWordsThatAreNone) {
  EXPECT_EQ(complaint_with("ssl.client.auth", "maybe"),
            "listener.name.x.ssl.client.auth=maybe: expected required, requested or none");
  EXPECT_EQ(
      complaint_with("ssl.enabled.protocols", "TLSv1.4"),
      "listener.name.x.ssl.enabled.protocols=TLSv1.4: TLSv1.4 is not a version of TLS; expected TLSv1.2 and TLSv1.3");
  EXPECT_EQ(
      complaint_with("ssl.enabled.protocols", "TLSv1,TLSv1.1"),
      "listener.name.x.ssl.enabled.protocols=TLSv1,TLSv1.1: these versions are no longer supported; expected "
      "TLSv1.2 or TLSv1.3");
  EXPECT_EQ(complaint_with("ssl.protocol", "TLS13"), "listener.name.x.ssl.protocol=TLS13: expected TLSv1.3 or TLSv1.2");
  EXPECT_EQ(complaint_with("ssl.cipher.suites", "TLS_ROT13"),
            "listener.name.x.ssl.cipher.suites=TLS_ROT13: TLS_ROT13 is not a known cipher suite");
  EXPECT_NE(
      complaint_with("ssl.principal.mapping.rules", "RULE:x").find("listener.name.x.ssl.principal.mapping.rules: "),
      std::string::npos);
  EXPECT_EQ(complaint_with("ssl.truststore.certificates", "x"),
            "listener.name.x.ssl.truststore.certificates: expected listener.name.x.ssl.truststore.type=PEM");
  EXPECT_EQ(
      complaint_with("ssl.truststore.password", "x"),
      "listener.name.x.ssl.truststore.password: a password is given; expected listener.name.x.ssl.truststore.location, "
      "too");
}

TEST_F(TlsContextTest, SuitesOfOneVersionLeaveThatVersion) {
  values_["ssl.cipher.suites"] = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
  auto loaded = load();
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(SSL_CTX_get_max_proto_version((*loaded)->handle()), TLS1_2_VERSION);
  values_["ssl.cipher.suites"] = "TLS_AES_128_GCM_SHA256";
  loaded = load();
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(SSL_CTX_get_min_proto_version((*loaded)->handle()), TLS1_3_VERSION);
  values_["ssl.enabled.protocols"] = "TLSv1.2";
  EXPECT_NE(complaint().find("expected a suite of the versions in"), std::string::npos) << complaint();
}

TEST(TlsCiphers, AreKnownByTheirJavaNames) {
  Result<TlsCiphers> ciphers = parse_cipher_suites(
      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,SSL_RSA_WITH_AES_128_CBC_SHA,TLS_AES_256_GCM_SHA384,"
      "TLS_EMPTY_RENEGOTIATION_INFO_SCSV");
  ASSERT_TRUE(ciphers.ok()) << ciphers.error().message;
  EXPECT_EQ(ciphers->v12, "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA");
  EXPECT_EQ(ciphers->v13, "TLS_AES_256_GCM_SHA384");
  EXPECT_FALSE(ciphers->all);
  EXPECT_TRUE(parse_cipher_suites("")->all);
}

// As in Kafka's CertificateEntries.ensureCompatible: names stay, unless they may change.
TEST_F(TlsContextTest, AnotherKeyStoreKeepsTheNames) {
  const auto first = load().take();
  use(authority_.issue("localhost"));
  EXPECT_EQ((*load())->refusal_after(*first), std::nullopt);
  use(authority_.issue("elsewhere"));
  EXPECT_EQ(
      (*load())->refusal_after(*first),
      "Keystore DistinguishedName does not match:  existing={alias=, DN=CN=localhost}, new={alias=, DN=CN=elsewhere}");
  values_["ssl.allow.dn.changes"] = "true";
  EXPECT_EQ((*load())->refusal_after(*first), std::nullopt);
  TestNames fewer{{{"CN", "localhost"}}, "DNS:localhost"};
  use(authority_.issue(fewer));
  EXPECT_NE((*load())->refusal_after(*first), std::nullopt);
  values_["ssl.allow.san.changes"] = "true";
  EXPECT_EQ((*load())->refusal_after(*first), std::nullopt);
}

// Handshakes between brokers with old stores and brokers with new ones.
TEST_F(TlsContextTest, AHandshakeIsTriedBeforeStoresCount) {
  const TestAuthority other("Other CA");
  values_["ssl.truststore.type"] = "PEM";
  values_["ssl.truststore.certificates"] = authority_.certificate();
  auto load_both = [this] {
    return std::make_pair(TlsContext::load(settings(), now_ms(), TlsRole::kClient).take(), load().take());
  };
  const auto [old_client, old_server] = load_both();
  EXPECT_EQ(refusal_of_handshake(*old_client, *old_server), std::nullopt);
  use(other.issue("localhost"));
  const auto [client, server] = load_both();
  EXPECT_NE(refusal_of_handshake(*old_client, *server), std::nullopt);
  EXPECT_EQ(refusal_of_handshake(*client, *old_server), std::nullopt);
  // A server that looks at its clients refuses after the client has done its part.
  values_["ssl.client.auth"] = "required";
  use(authority_.issue("localhost"));
  EXPECT_NE(refusal_of_handshake(*client, *load_both().second), std::nullopt);
}

TEST_F(TlsContextTest, NodesOfAClusterHaveToAcceptTheirOwnCertificate) {
  use(authority_.issue("localhost"));
  values_["ssl.truststore.type"] = "PEM";
  values_["ssl.truststore.certificates"] = TestAuthority("Other CA").certificate();
  EXPECT_NE(refusal_between_nodes(settings(), now_ms()), std::nullopt);
  values_["ssl.truststore.certificates"] = authority_.certificate();
  values_["ssl.client.auth"] = "required";
  EXPECT_EQ(refusal_between_nodes(settings(), now_ms()), std::nullopt);
}

TEST_F(TlsContextTest, SeesThatItsFileIsAnotherOne) {
  use_file(authority_.issue("localhost"));
  const auto context = load().take();
  EXPECT_EQ(context->files(), context->files_now());
  use_file(authority_.issue("localhost"));
  EXPECT_NE(context->files(), context->files_now());
}

}  // namespace
}  // namespace milena::security
