// KeyStore: private keys with their certificate chains, and trusted certificates, from ssl.keystore.* and
// ssl.truststore.*: PEM, PKCS12, or Java's JKS.
//
// As in Java, a PKCS12 file is accepted for type JKS, which is the settings' default, and vice versa: keytool writes
// PKCS12 since Java 9. Nothing in a file is trusted: every length is checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "security/openssl_handle.h"

namespace milena::security {

struct KeyEntry {
  std::string alias;  // empty if the store has none
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

// Larger stores are refused.
constexpr size_t kMaxKeyStore_bytes = 16 * 1024 * 1024;

// A store of Java's. `type` is JKS or PKCS12 in any case. Without a store password the certificates of a JKS store are
// read unchecked, and its keys are not.
Result<KeyStore> read_java_key_store(ByteView type, ByteView bytes, const KeyStorePasswords& passwords);

// The parts of read_java_key_store(), chosen by the first bytes.
Result<KeyStore> read_jks(ByteView bytes, const KeyStorePasswords& passwords);
Result<KeyStore> read_pkcs12(ByteView bytes, const KeyStorePasswords& passwords);

// One private key and the chain of its certificate; the two may be one text.
Result<KeyStore> read_pem_key(ByteView key, ByteView chain, const std::optional<Bytes>& key_password);
// Certificates, at least one.
Result<KeyStore> read_pem_trusted(ByteView certificates);

// For the readers: DER to objects, null if it is invalid or more bytes follow.
OpensslCertificate parse_certificate(ByteView der);
OpensslKey parse_private_key(ByteView der);
// Whether a password's iterations are within Java's limit; more would delay the start for minutes.
bool affordable(const X509_ALGOR* algorithm);
constexpr long kMaxIterations = 5'000'000;
// UTF-8 to the big-endian UTF-16 of Java's characters.
Bytes to_java_characters(ByteView text);

}  // namespace milena::security
