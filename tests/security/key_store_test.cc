// Key stores of keytool of Java 17 (and in the format of Java 15 and older) and of openssl: tests/golden/keystores.
#include "security/key_store.h"

#include <gtest/gtest.h>

#include "security/distinguished_name.h"
#include "security/test_authority.h"

namespace milena::security {
namespace {

using security_test::read_file;

constexpr const char* kSubject = "CN=localhost,OU=Brokers,O=Milena";

Bytes golden(const std::string& name) { return read_file(std::string(MILENA_GOLDEN_DIR) + "/keystores/" + name); }

Bytes subject_of(const OpensslCertificate& certificate) {
  return distinguished_name(X509_get_subject_name(certificate.get()));
}

Result<KeyStore> read_golden(const std::string& name, const KeyStorePasswords& passwords) {
  start_openssl();
  return read_java_key_store("JKS", golden(name), passwords);
}

bool fits(const KeyEntry& entry) { return X509_check_private_key(entry.chain.front().get(), entry.key.get()) == 1; }

TEST(KeyStore, JksHoldsKeysUnderTheirOwnPassword) {
  Result<KeyStore> store = read_golden("rsa.jks", {"storepass", "keypass1"});
  ASSERT_TRUE(store.ok()) << store.error().message;
  ASSERT_EQ(store->keys.size(), 2u);
  int rsa = 0, ec = 0;
  for (const KeyEntry& entry : store->keys) {
    EXPECT_TRUE(fits(entry)) << entry.alias;
    (EVP_PKEY_get_base_id(entry.key.get()) == EVP_PKEY_RSA ? rsa : ec)++;
  }
  EXPECT_EQ(rsa, 1);
  EXPECT_EQ(ec, 1);
}

TEST(KeyStore, JksRefusesAnotherPassword) {
  EXPECT_EQ(read_golden("rsa.jks", {"storepasS", "keypass1"}).error().message,
            "the password is wrong, or the file is damaged");
  EXPECT_EQ(read_golden("rsa.jks", {"storepass", std::nullopt}).error().message.substr(0, 8), "the key ");
}

TEST(KeyStore, JksWithTrustedCertificatesIsReadWithoutPassword) {
  for (const std::optional<Bytes>& password : {std::optional<Bytes>(), std::optional<Bytes>("storepass")}) {
    Result<KeyStore> store = read_golden("trust.jks", {password, std::nullopt});
    ASSERT_TRUE(store.ok()) << store.error().message;
    EXPECT_TRUE(store->keys.empty());
    ASSERT_EQ(store->trusted.size(), 1u);
    EXPECT_EQ(subject_of(store->trusted[0]), kSubject);
  }
}

TEST(KeyStore, Pkcs12OfJavaNewAndOldAndOfOpensslIsRead) {
  for (const char* name : {"java17.p12", "java8.p12", "openssl.p12"}) {
    Result<KeyStore> store = read_golden(name, {"storepass", std::nullopt});
    ASSERT_TRUE(store.ok()) << name << ": " << store.error().message;
    ASSERT_EQ(store->keys.size(), 1u) << name;
    EXPECT_TRUE(fits(store->keys[0])) << name;
    EXPECT_EQ(store->keys[0].alias, "broker") << name;
    EXPECT_EQ(subject_of(store->keys[0].chain.front()), kSubject) << name;
    EXPECT_EQ(read_golden(name, {"storepasS", std::nullopt}).error().message,
              "the password is wrong, or the file is damaged")
        << name;
  }
}

TEST(KeyStore, Pkcs12WithTrustedCertificatesIsRead) {
  for (const char* name : {"trust.p12", "trust-java8.p12"}) {
    Result<KeyStore> store = read_golden(name, {"storepass", std::nullopt});
    ASSERT_TRUE(store.ok()) << name << ": " << store.error().message;
    EXPECT_TRUE(store->keys.empty());
    ASSERT_EQ(store->trusted.size(), 1u) << name;
    EXPECT_EQ(subject_of(store->trusted[0]), kSubject);
    EXPECT_EQ(read_golden(name, {}).error().message, "it is encrypted and needs a password") << name;
  }
}

TEST(KeyStore, PemIsReadInLinesAndInOneLine) {
  const Bytes certificate = golden("certificate.pem");
  const Bytes key = golden("key.pem");
  Bytes one_line = "Bag Attributes\n" + key + certificate;
  for (char& c : one_line) c = c == '\n' ? ' ' : c;
  for (const Bytes& text : {key + certificate, certificate + key, one_line}) {
    Result<KeyStore> store = read_pem_key(text, text, std::nullopt);
    ASSERT_TRUE(store.ok()) << store.error().message;
    EXPECT_TRUE(fits(store->keys[0]));
  }
}

TEST(KeyStore, PemKeyMayBeEncrypted) {
  const Bytes certificate = golden("certificate.pem");
  const Bytes key = golden("encrypted-key.pem");
  Result<KeyStore> store = read_pem_key(key, certificate, "keypass1");
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_TRUE(fits(store->keys[0]));
  EXPECT_EQ(read_pem_key(key, certificate, std::nullopt).error().message,
            "the private key is encrypted; expected ssl.key.password");
  EXPECT_NE(read_pem_key(key, certificate, "other").error().message.find("wrong ssl.key.password"),
            Bytes::npos);
}

TEST(KeyStore, PemSaysWhatIsMissing) {
  const Bytes certificate = golden("certificate.pem");
  const Bytes key = golden("key.pem");
  EXPECT_EQ(read_pem_key(certificate, certificate, std::nullopt).error().message, "expected a BEGIN PRIVATE KEY");
  EXPECT_EQ(read_pem_key(key + key, certificate, std::nullopt).error().message,
            "expected one private key, found more");
  EXPECT_EQ(read_pem_key(key, key, std::nullopt).error().message, "expected at least one BEGIN CERTIFICATE");
  EXPECT_EQ(read_pem_trusted("").error().message, "expected at least one BEGIN CERTIFICATE");
  EXPECT_EQ(read_pem_trusted("-----BEGIN CERTIFICATE-----\nMIIB").error().message,
            "BEGIN CERTIFICATE has no END CERTIFICATE");
  EXPECT_EQ(read_pem_trusted("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n").error().message,
            "CERTIFICATE is not base64");
}

TEST(KeyStore, OtherFilesAreNamedForWhatTheyAre) {
  EXPECT_NE(read_golden("old.jceks", {"storepass", std::nullopt}).error().message.find("JCEKS"), Bytes::npos);
  EXPECT_EQ(read_golden("certificate.pem", {"storepass", std::nullopt}).error().message,
            "it contains PEM, but the type is JKS; expected the type PEM");
  EXPECT_EQ(read_java_key_store("PKCS12", "", {"x", std::nullopt}).error().message,
            "expected a PKCS12 store; its first bytes are of no known format");
}

// A store that is cut anywhere, or has any byte changed, is refused or read, and nothing worse.
TEST(KeyStore, DamageIsRefused) {
  for (const char* name : {"trust.jks", "rsa.jks", "openssl.p12"}) {
    const Bytes whole = golden(name);
    for (size_t size = 0; size < whole.size(); size += 7) {
      EXPECT_FALSE(read_java_key_store("JKS", whole.substr(0, size), {"storepass", "keypass1"}).ok()) << name << size;
    }
    for (size_t at = 4; at < whole.size(); at += 11) {
      Bytes damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
      // Without the digest of the whole store the readers of its parts are tested.
      [[maybe_unused]] auto read = read_java_key_store("JKS", damaged, {std::nullopt, "keypass1"});
    }
  }
}

TEST(KeyStore, PasswordsAreCharactersOfJava) {
  EXPECT_EQ(to_java_characters("a"), Bytes("\0a", 2));
  EXPECT_EQ(to_java_characters("\xc3\xbc"), Bytes("\0\xfc", 2));
  EXPECT_EQ(to_java_characters("\xf0\x9f\x94\x91"), Bytes("\xd8\x3d\xdd\x11", 4));
  EXPECT_EQ(to_java_characters("\xff"), Bytes("\0\xff", 2));
}

// The results of X500Principal.getName() of Java 17 for the same certificates.
TEST(DistinguishedName, IsThatOfJava) {
  Result<KeyStore> store = read_pem_trusted(golden("names.pem"));
  ASSERT_TRUE(store.ok()) << store.error().message;
  Bytes names;
  for (const OpensslCertificate& certificate : store->trusted) names += subject_of(certificate) + "\n";
  EXPECT_EQ(names, golden("names.txt"));
}

}  // namespace
}  // namespace milena::security
