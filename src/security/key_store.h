// KeyStore: private keys with their certificate chains, and trusted certificates, as read from what ssl.keystore.* and
// ssl.truststore.* name: PEM, PKCS12, or Java's JKS.
//
// As in Java, a file of PKCS12 is read where the type says JKS, which is the default of the settings, and the other way
// round: keytool writes PKCS12 since Java 9. Nothing in a file is trusted: every length is checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "security/openssl_handle.h"

namespace milena::security {

struct KeyEntry {
  std::string alias;  // empty where the store has none
  OpensslKey key;
  std::vector<OpensslCertificate> chain;  // the key's own certificate first
};

struct KeyStore {
  std::vector<KeyEntry> keys;
  std::vector<OpensslCertificate> trusted;
};

struct KeyStorePasswords {
  std::optional<Bytes> store;
  std::optional<Bytes> key;  // without one, the store's protects the keys
};

// No store is larger.
constexpr size_t kMostKeyStoreBytes = 16 * 1024 * 1024;

// A store of Java's. `type` is JKS or PKCS12 in any case. Without a store password the certificates of a JKS store are
// read unchecked, and its keys are not.
Result<KeyStore> read_java_key_store(ByteView type, ByteView bytes, const KeyStorePasswords& passwords);

// The parts of read_java_key_store(), for what the first bytes show.
Result<KeyStore> read_jks(ByteView bytes, const KeyStorePasswords& passwords);
Result<KeyStore> read_pkcs12(ByteView bytes, const KeyStorePasswords& passwords);

// One private key and the chain of its certificate; the two may be one text.
Result<KeyStore> read_pem_key(ByteView key, ByteView chain, const std::optional<Bytes>& key_password);
// Certificates, at least one.
Result<KeyStore> read_pem_trusted(ByteView certificates);

// For the readers: DER to objects, null where it is none, or something follows it.
OpensslCertificate parse_certificate(ByteView der);
OpensslKey parse_private_key(ByteView der);
// Whether a password is hashed at most as often as Java allows; more would hold up the start for minutes.
bool affordable(const X509_ALGOR* algorithm);
constexpr long kMostIterations = 5'000'000;
// UTF-8 to the big-endian UTF-16 of Java's characters.
Bytes to_java_characters(ByteView text);

}  // namespace milena::security
