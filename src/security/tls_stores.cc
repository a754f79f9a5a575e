#include "security/tls_stores.h"

#include <sys/stat.h>

#include "base/file.h"

namespace milena::security {
namespace {

using Value = TlsSettings::Value;

bool is_pem(const Value& type) { return type.view() == "PEM"; }

bool equals_upper(ByteView text, ByteView upper) {
  if (text.size() != upper.size()) return false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 32) : text[i];
    if (c != upper[i]) return false;
  }
  return true;
}

Status check_type(const Value& type) {
  if (is_pem(type) || equals_upper(type.view(), "JKS") || equals_upper(type.view(), "PKCS12")) return ok_status();
  return make_error(ErrorKind::kInvalid, "{}={}: expected JKS, PKCS12 or PEM", type.key, type.view());
}

Error at_location(const Value& location, const Error& error) {
  return make_error(error.kind, "{}={}: {}", location.key, location.view(), error.message);
}

Error of_value(const Value& value, const Error& error) {
  return make_error(error.kind, "{}: {}", value.key, error.message);
}

// The error has the path already.
Result<Bytes> read_store_file(const Value& location) {
  Result<std::shared_ptr<File>> file = posix_file_system().open(std::string(location.view()), OpenMode::kRead);
  if (!file.ok()) return make_error(file.error().kind, "{}: {}", location.key, file.error().message);
  Result<uint64_t> size = (*file)->size();
  if (!size.ok()) return at_location(location, size.error());
  if (*size > kMaxKeyStore_bytes) {
    return make_error(ErrorKind::kInvalid, "{}={}: it has {} bytes; expected a store of at most {}", location.key,
                      location.view(), *size, kMaxKeyStore_bytes);
  }
  Bytes bytes(*size, '\0');
  Status read = (*file)->read_exactly(0, bytes.data(), bytes.size());
  if (!read.ok()) return at_location(location, read.error());
  return bytes;
}

Error refuse(const Value& value, ByteView expected) {
  return make_error(ErrorKind::kInvalid, "{}: {}", value.key, expected);
}

Result<KeyStore> load_inline_key(const TlsSettings& settings) {
  if (!settings.keystore_key.text) {
    return refuse(settings.keystore_chain,
                  "a certificate chain is given; expected " + settings.keystore_key.key + ", too");
  }
  if (!is_pem(settings.keystore_type)) {
    return refuse(settings.keystore_key, "a key is given; expected " + settings.keystore_type.key + "=PEM");
  }
  if (!settings.keystore_chain.text) {
    return refuse(settings.keystore_key, "a key is given; expected " + settings.keystore_chain.key + ", too");
  }
  if (settings.keystore_location.text) {
    return refuse(settings.keystore_key,
                  "a key is given, and a file with " + settings.keystore_location.key + "; expected one of them");
  }
  if (settings.keystore_password.text) {
    return refuse(settings.keystore_password, "PEM has no store password; expected " + settings.key_password.key);
  }
  Result<KeyStore> store =
      read_pem_key(settings.keystore_key.view(), settings.keystore_chain.view(), settings.key_password.text);
  if (!store.ok()) return of_value(settings.keystore_key, store.error());
  return store;
}

Result<KeyStore> load_key_file(const TlsSettings& settings) {
  const Value& location = settings.keystore_location;
  if (is_pem(settings.keystore_type) && settings.keystore_password.text) {
    return refuse(settings.keystore_password, "PEM has no store password; expected " + settings.key_password.key);
  }
  if (!is_pem(settings.keystore_type) && !settings.keystore_password.text) {
    return refuse(location, "expected " + settings.keystore_password.key + ", too");
  }
  Result<Bytes> bytes = read_store_file(location);
  RETURN_IF_ERROR(bytes);
  Result<KeyStore> store =
      is_pem(settings.keystore_type)
          ? read_pem_key(*bytes, *bytes, settings.key_password.text)
          : read_java_key_store(settings.keystore_type.view(), *bytes,
                                {settings.keystore_password.text, settings.key_password.text});
  OPENSSL_cleanse(bytes->data(), bytes->size());
  if (!store.ok()) return at_location(location, store.error());
  if (store->keys.empty()) return at_location(location, {ErrorKind::kInvalid, "it holds no private key"});
  return store;
}

Result<KeyStore> load_inline_trust(const TlsSettings& settings) {
  const Value& certificates = settings.truststore_certificates;
  if (!is_pem(settings.truststore_type)) {
    return refuse(certificates, "expected " + settings.truststore_type.key + "=PEM");
  }
  if (settings.truststore_location.text) {
    return refuse(certificates, "certificates are given, and a file with " + settings.truststore_location.key +
                                    "; expected one of them");
  }
  if (settings.truststore_password.text) return refuse(settings.truststore_password, "PEM has no store password");
  Result<KeyStore> store = read_pem_trusted(certificates.view());
  if (!store.ok()) return of_value(certificates, store.error());
  return store;
}

Result<KeyStore> load_trust_file(const TlsSettings& settings) {
  const Value& location = settings.truststore_location;
  if (is_pem(settings.truststore_type) && settings.truststore_password.text) {
    return refuse(settings.truststore_password, "PEM has no store password");
  }
  Result<Bytes> bytes = read_store_file(location);
  RETURN_IF_ERROR(bytes);
  Result<KeyStore> store = is_pem(settings.truststore_type)
                               ? read_pem_trusted(*bytes)
                               : read_java_key_store(settings.truststore_type.view(), *bytes,
                                                     {settings.truststore_password.text, std::nullopt});
  if (!store.ok()) return at_location(location, store.error());
  // Java trusts the certificate of a key as well.
  for (KeyEntry& entry : store->keys) store->trusted.push_back(std::move(entry.chain.front()));
  store->keys.clear();
  if (store->trusted.empty()) return at_location(location, {ErrorKind::kInvalid, "it holds no certificate"});
  return store;
}

}  // namespace

Result<KeyStore> load_key_store(const TlsSettings& settings) {
  RETURN_IF_ERROR(check_type(settings.keystore_type));
  if (settings.keystore_key.text || settings.keystore_chain.text) return load_inline_key(settings);
  if (settings.keystore_location.text) return load_key_file(settings);
  if (settings.keystore_password.text) {
    return refuse(settings.keystore_password,
                  "a password is given; expected " + settings.keystore_location.key + ", too");
  }
  return refuse(settings.keystore_location,
                "a listener with TLS needs a key; expected a key store, or " + settings.keystore_key.key + " with PEM");
}

Result<std::optional<KeyStore>> load_trust_store(const TlsSettings& settings) {
  RETURN_IF_ERROR(check_type(settings.truststore_type));
  if (!settings.truststore_certificates.text && !settings.truststore_location.text) {
    if (!settings.truststore_password.text) return std::optional<KeyStore>();
    return refuse(settings.truststore_password,
                  "a password is given; expected " + settings.truststore_location.key + ", too");
  }
  Result<KeyStore> store =
      settings.truststore_certificates.text ? load_inline_trust(settings) : load_trust_file(settings);
  RETURN_IF_ERROR(store);
  return std::optional<KeyStore>(store.take());
}

std::string file_fingerprint(ByteView path) {
  struct stat status {};
  if (path.empty() || ::stat(std::string(path).c_str(), &status) != 0) return {};
  return fmt::format("{} {} {} {}.{}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

}  // namespace milena::security
