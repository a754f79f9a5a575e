// Java's own key store, JKS: entries in a row, keys hidden by a stream of SHA-1 digests, and a digest over all of it.
#include <openssl/sha.h>

#include <array>

#include "security/key_store.h"

namespace milena::security {
namespace {

constexpr uint32_t kMagic = 0xfeedfeed;
constexpr int32_t kPrivateKey = 1;
constexpr int32_t kTrustedCertificate = 2;
constexpr size_t kDigestBytes = SHA_DIGEST_LENGTH;
// Goes into the digest before the store's bytes.
constexpr ByteView kWhitener = "Mighty Aphrodite";

using Digest = std::array<unsigned char, kDigestBytes>;

ByteView as_view(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

Digest sha1_of(std::initializer_list<ByteView> parts) {
  Bytes all;
  for (ByteView part : parts) all += part;
  Digest digest;
  SHA1(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data());
  return digest;
}

// Reads fields; after a read beyond the end, ok() is false and all further reads return nothing.
class JksReader {
 public:
  explicit JksReader(ByteView bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  ByteView rest() const { return rest_; }
  ByteView take(size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    ByteView part = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return part;
  }
  template <class Number>
  Number number() {
    ByteView raw = take(sizeof(Number));
    return ok_ ? load_big_endian<Number>(raw.data()) : Number{};
  }
  ByteView text() { return take(number<uint16_t>()); }
  ByteView block() { return take(number<uint32_t>()); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

// Decrypts the output of Java's KeyProtector: a salt, the key under a stream of digests, a check. Nothing if the
// password is wrong.
std::optional<Bytes> uncover_key(ByteView hidden, ByteView password) {
  if (hidden.size() < 2 * kDigestBytes) return std::nullopt;
  const ByteView check = hidden.substr(hidden.size() - kDigestBytes);
  const ByteView covered = hidden.substr(kDigestBytes, hidden.size() - 2 * kDigestBytes);
  Bytes key;
  Digest stream = sha1_of({password, hidden.substr(0, kDigestBytes)});
  for (size_t at = 0; at < covered.size(); at++) {
    if (at != 0 && at % kDigestBytes == 0) stream = sha1_of({password, as_view(stream)});
    key.push_back(static_cast<char>(covered[at] ^ static_cast<char>(stream[at % kDigestBytes])));
  }
  if (as_view(sha1_of({password, key})) != check) return std::nullopt;
  return key;
}

// The encrypted bytes are in an EncryptedPrivateKeyInfo with Java's own algorithm.
std::optional<Bytes> read_hidden_key(ByteView info, ByteView password) {
  const auto* at = reinterpret_cast<const unsigned char*>(info.data());
  std::unique_ptr<X509_SIG, OpensslFree<X509_SIG_free>> wrapped(
      d2i_X509_SIG(nullptr, &at, static_cast<long>(info.size())));
  if (!wrapped) return std::nullopt;
  const X509_ALGOR* algorithm = nullptr;
  const ASN1_OCTET_STRING* hidden = nullptr;
  X509_SIG_get0(wrapped.get(), &algorithm, &hidden);
  return uncover_key(ByteView(reinterpret_cast<const char*>(ASN1_STRING_get0_data(hidden)),
                              static_cast<size_t>(ASN1_STRING_length(hidden))),
                     password);
}

Result<OpensslCertificate> take_jks_certificate(JksReader& reader, int32_t version) {
  if (version == 2) {
    ByteView type = reader.text();
    if (reader.ok() && type != "X.509") {
      return make_error(ErrorKind::kUnsupported, "a certificate is of type {}; expected X.509", type);
    }
  }
  OpensslCertificate certificate = parse_certificate(reader.block());
  if (!reader.ok()) return make_error(ErrorKind::kCorrupt, "it ends within an entry");
  if (!certificate) return make_error(ErrorKind::kCorrupt, "a certificate cannot be read");
  return certificate;
}

Result<KeyEntry> take_jks_key(JksReader& reader, int32_t version, const Bytes& alias,
                              const std::optional<Bytes>& password) {
  KeyEntry entry;
  entry.alias = alias;
  ByteView hidden = reader.block();
  int32_t count = reader.number<int32_t>();
  for (int32_t i = 0; i < count; i++) {
    Result<OpensslCertificate> certificate = take_jks_certificate(reader, version);
    RETURN_IF_ERROR(certificate);
    entry.chain.push_back(certificate.take());
  }
  if (!reader.ok()) return make_error(ErrorKind::kCorrupt, "it ends within an entry");
  if (!password) return entry;
  std::optional<Bytes> key = read_hidden_key(hidden, *password);
  if (!key) {
    return make_error(ErrorKind::kInvalid, "the key {} cannot be read: wrong key password", alias);
  }
  entry.key = parse_private_key(*key);
  OPENSSL_cleanse(key->data(), key->size());
  if (!entry.key) return make_error(ErrorKind::kCorrupt, "the key {} is of an unknown kind", alias);
  return entry;
}

Status check_jks_digest(ByteView bytes, const std::optional<Bytes>& store_password) {
  if (bytes.size() < kDigestBytes) return make_error(ErrorKind::kCorrupt, "it ends early");
  if (!store_password) return ok_status();
  const ByteView body = bytes.substr(0, bytes.size() - kDigestBytes);
  if (as_view(sha1_of({to_java_characters(*store_password), kWhitener, body})) != bytes.substr(body.size())) {
    return make_error(ErrorKind::kInvalid, "the password is wrong, or the file is damaged");
  }
  return ok_status();
}

}  // namespace

Result<KeyStore> read_jks(ByteView bytes, const KeyStorePasswords& passwords) {
  RETURN_IF_ERROR(check_jks_digest(bytes, passwords.store));
  std::optional<Bytes> key_password = passwords.key ? passwords.key : passwords.store;
  if (key_password) key_password = to_java_characters(*key_password);
  JksReader reader(bytes.substr(0, bytes.size() - kDigestBytes));
  const auto magic = reader.number<uint32_t>();
  const auto version = reader.number<int32_t>();
  if (magic != kMagic || (version != 1 && version != 2)) {
    return make_error(ErrorKind::kCorrupt, "it is not a JKS store of version 1 or 2");
  }
  KeyStore store;
  for (int32_t left = reader.number<int32_t>(); left > 0; left--) {
    const auto tag = reader.number<int32_t>();
    const Bytes alias(reader.text());
    reader.number<int64_t>();  // creation time
    if (!reader.ok()) return make_error(ErrorKind::kCorrupt, "it ends within an entry");
    if (tag == kPrivateKey) {
      Result<KeyEntry> entry = take_jks_key(reader, version, alias, key_password);
      RETURN_IF_ERROR(entry);
      if (entry->key) store.keys.push_back(entry.take());
    } else if (tag == kTrustedCertificate) {
      Result<OpensslCertificate> certificate = take_jks_certificate(reader, version);
      RETURN_IF_ERROR(certificate);
      store.trusted.push_back(certificate.take());
    } else {
      return make_error(ErrorKind::kCorrupt, "the entry {} is of kind {}; expected a key or a certificate", alias, tag);
    }
  }
  if (!reader.ok() || !reader.rest().empty()) {
    return make_error(ErrorKind::kCorrupt, "it has bytes after its entries");
  }
  return store;
}

}  // namespace milena::security
