// PEM as in Kafka: entries anywhere in a text, in lines or, in settings, all in one line.
#include <openssl/err.h>

#include "security/key_store.h"

namespace milena::security {
namespace {

struct PemEntry {
  ByteView label;  // "CERTIFICATE"
  Bytes der;
  bool has_headers = false;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::optional<Bytes> decode_base64(ByteView text) {
  Bytes compact;
  for (char c : text) {
    if (!is_blank(c)) compact.push_back(c);
  }
  if (compact.empty() || compact.size() % 4 != 0) return std::nullopt;
  Bytes der(compact.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(der.data()),
                                   reinterpret_cast<const unsigned char*>(compact.data()),
                                   static_cast<int>(compact.size()));
  if (size < 0) return std::nullopt;
  const size_t padding = compact.ends_with("==") ? 2 : compact.ends_with("=") ? 1 : 0;
  der.resize(static_cast<size_t>(size) - padding);
  return der;
}

// "Proc-Type: 4,ENCRYPTED" and its like before the base64.
ByteView skip_headers(ByteView body, bool& any) {
  while (true) {
    size_t start = body.find_first_not_of(" \t\r\n");
    if (start == ByteView::npos) return {};
    size_t end = body.find_first_of("\r\n", start);
    if (end == ByteView::npos || body.substr(start, end - start).find(':') == ByteView::npos) return body;
    any = true;
    body.remove_prefix(end);
  }
}

Result<std::vector<PemEntry>> split_pem(ByteView text) {
  constexpr ByteView kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
  std::vector<PemEntry> entries;
  while (true) {
    size_t begin = text.find(kBegin);
    if (begin == ByteView::npos) return entries;
    text.remove_prefix(begin + kBegin.size());
    size_t label_end = text.find(kDashes);
    if (label_end == ByteView::npos) return make_error(ErrorKind::kCorrupt, "a BEGIN line does not end");
    PemEntry entry;
    entry.label = text.substr(0, label_end);
    text.remove_prefix(label_end + kDashes.size());
    size_t end = text.find(kEnd);
    if (end == ByteView::npos || !text.substr(end + kEnd.size()).starts_with(entry.label)) {
      return make_error(ErrorKind::kCorrupt, "BEGIN {} has no END {}", entry.label, entry.label);
    }
    std::optional<Bytes> der = decode_base64(skip_headers(text.substr(0, end), entry.has_headers));
    // Parameters and the like are of no concern here, and those of a key in the old way of encryption are no DER.
    if (!der) return make_error(ErrorKind::kCorrupt, "{} is not base64", entry.label);
    entry.der = std::move(*der);
    entries.push_back(std::move(entry));
    text.remove_prefix(end);
  }
}

bool is_certificate(const PemEntry& entry) {
  return entry.label == "CERTIFICATE" || entry.label == "X509 CERTIFICATE";
}

Result<std::vector<OpensslCertificate>> certificates_of(const std::vector<PemEntry>& entries) {
  std::vector<OpensslCertificate> certificates;
  for (const PemEntry& entry : entries) {
    if (!is_certificate(entry)) continue;
    OpensslCertificate certificate = parse_certificate(entry.der);
    if (!certificate) {
      return make_error(ErrorKind::kCorrupt, "certificate {} cannot be read", certificates.size() + 1);
    }
    certificates.push_back(std::move(certificate));
  }
  if (certificates.empty()) return make_error(ErrorKind::kInvalid, "expected at least one BEGIN CERTIFICATE");
  return certificates;
}

Result<OpensslKey> decrypt_pem_key(const Bytes& der, const std::optional<Bytes>& password) {
  if (!password) return make_error(ErrorKind::kInvalid, "the private key is encrypted; expected ssl.key.password");
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  std::unique_ptr<X509_SIG, OpensslFree<X509_SIG_free>> hidden(
      d2i_X509_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!hidden) return make_error(ErrorKind::kCorrupt, "the encrypted private key cannot be read");
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(hidden.get(), &algorithm, nullptr);
  if (!affordable(algorithm)) {
    return make_error(ErrorKind::kCorrupt, "the password of the private key has too many iterations");
  }
  std::unique_ptr<PKCS8_PRIV_KEY_INFO, OpensslFree<PKCS8_PRIV_KEY_INFO_free>> info(
      PKCS8_decrypt(hidden.get(), password->data(), static_cast<int>(password->size())));
  if (!info) {
    return make_error(ErrorKind::kInvalid,
                      "the private key cannot be decrypted: wrong ssl.key.password ({})",
                      take_openssl_error());
  }
  OpensslKey key(EVP_PKCS82PKEY(info.get()));
  ERR_clear_error();
  if (!key) return make_error(ErrorKind::kCorrupt, "the private key is of an unknown kind");
  return key;
}

Result<OpensslKey> key_of(const std::vector<PemEntry>& entries, const std::optional<Bytes>& password) {
  const PemEntry* found = nullptr;
  for (const PemEntry& entry : entries) {
    if (!entry.label.ends_with("PRIVATE KEY")) continue;
    if (found != nullptr) return make_error(ErrorKind::kInvalid, "expected one private key, found more");
    found = &entry;
  }
  if (found == nullptr) return make_error(ErrorKind::kInvalid, "expected a BEGIN PRIVATE KEY");
  if (found->has_headers) {
    return make_error(ErrorKind::kUnsupported,
                      "the private key is encrypted in an old format; expected BEGIN ENCRYPTED PRIVATE KEY (convert it "
                      "with openssl pkcs8 -topk8)");
  }
  if (found->label == "ENCRYPTED PRIVATE KEY") return decrypt_pem_key(found->der, password);
  OpensslKey key = parse_private_key(found->der);
  if (!key) return make_error(ErrorKind::kCorrupt, "the private key cannot be read");
  return key;
}

}  // namespace

Result<KeyStore> read_pem_key(ByteView key, ByteView chain, const std::optional<Bytes>& key_password) {
  Result<std::vector<PemEntry>> key_entries = split_pem(key);
  RETURN_IF_ERROR(key_entries);
  Result<std::vector<PemEntry>> chain_entries = split_pem(chain);
  RETURN_IF_ERROR(chain_entries);
  Result<OpensslKey> private_key = key_of(*key_entries, key_password);
  RETURN_IF_ERROR(private_key);
  Result<std::vector<OpensslCertificate>> certificates = certificates_of(*chain_entries);
  RETURN_IF_ERROR(certificates);
  KeyStore store;
  KeyEntry& entry = store.keys.emplace_back();
  entry.key = private_key.take();
  entry.chain = certificates.take();
  return store;
}

Result<KeyStore> read_pem_trusted(ByteView certificates) {
  Result<std::vector<PemEntry>> entries = split_pem(certificates);
  RETURN_IF_ERROR(entries);
  Result<std::vector<OpensslCertificate>> read = certificates_of(*entries);
  RETURN_IF_ERROR(read);
  KeyStore store;
  store.trusted = read.take();
  return store;
}

}  // namespace milena::security
