#include "security/tls_context.h"

#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/ascii.h"
#include "config/config_values.h"
#include "security/distinguished_name.h"
#include "security/tls_ciphers.h"
#include "security/tls_stores.h"

namespace milena::security {
namespace {

// Sessions of one listener are not valid at another.
constexpr ByteView kSessionContext = "milena";
// As in Java: keys of 1024 bits are accepted, and signatures with SHA-1 are not.
constexpr int kSecurityLevel = 1;

std::string fingerprints(const TlsSettings& settings) {
  return file_fingerprint(settings.keystore_location.view()) + "; " +
         file_fingerprint(settings.truststore_location.view());
}

OpensslContext make_context(TlsRole role) {
  start_openssl();
  OpensslContext context(SSL_CTX_new(role == TlsRole::kServer ? TLS_server_method() : TLS_client_method()));
  if (!context) return nullptr;
  SSL_CTX* raw = context.get();
  SSL_CTX_set_security_level(raw, kSecurityLevel);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // A write may be retried from another buffer, and may be partial; idle connections release their buffers.
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_dh_auto(raw, 1);
  // The data to resume a session is in its ticket, encrypted with keys of this context: nothing is kept here.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 static_cast<unsigned>(kSessionContext.size()));
  return context;
}

std::set<Bytes> alternative_names_of(X509* certificate) {
  std::set<Bytes> names;
  std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); i++) {
    unsigned char* der = nullptr;
    const int size = i2d_GENERAL_NAME(sk_GENERAL_NAME_value(all.get(), i), &der);
    if (size > 0) names.emplace(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
  }
  ERR_clear_error();
  return names;
}

// For messages: the setting of the key.
const TlsSettings::Value& key_source(const TlsSettings& settings) {
  return settings.keystore_location.text ? settings.keystore_location : settings.keystore_chain;
}

std::string source_text(const TlsSettings& settings) {
  const TlsSettings::Value& source = key_source(settings);
  return settings.keystore_location.text ? fmt::format("{}={}", source.key, source.view()) : source.key;
}

Status use_key(SSL_CTX* context, const KeyEntry& entry) {
  X509* own = entry.chain.front().get();
  if (X509_check_private_key(own, entry.key.get()) != 1) {
    ERR_clear_error();
    return make_error(
        ErrorKind::kInvalid,
        "the private key does not match the certificate {}; expected the certificate of this key first in the chain",
        distinguished_name(X509_get_subject_name(own)));
  }
  if (SSL_CTX_use_cert_and_key(context, own, entry.key.get(), nullptr, 1) != 1) {
    return make_error(ErrorKind::kInvalid, "the key cannot be used ({})", take_openssl_error());
  }
  for (size_t i = 1; i < entry.chain.size(); i++) {
    if (SSL_CTX_add1_chain_cert(context, entry.chain[i].get()) != 1) {
      return make_error(ErrorKind::kInvalid, "a certificate of the chain cannot be used ({})", take_openssl_error());
    }
  }
  return ok_status();
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsSettings& settings, int64_t wall_ms, TlsRole role) {
  std::shared_ptr<TlsContext> made(new TlsContext(settings, role));
  made->context_ = make_context(role);
  if (!made->context_) return make_error(ErrorKind::kIo, "TLS cannot be set up: {}", take_openssl_error());
  // Before the files are read: so a change meanwhile is detected later.
  made->files_ = fingerprints(settings);
  RETURN_IF_ERROR(made->use_keys(wall_ms));
  RETURN_IF_ERROR(made->use_trust());
  RETURN_IF_ERROR(made->use_verification());
  RETURN_IF_ERROR(made->use_protocols());
  RETURN_IF_ERROR(made->use_ciphers());
  if (role == TlsRole::kClient) return std::shared_ptr<const TlsContext>(std::move(made));
  Result<PrincipalMapping> mapping = PrincipalMapping::parse(settings.principal_mapping_rules.view());
  if (!mapping.ok()) {
    return make_error(ErrorKind::kInvalid, "{}: {}", settings.principal_mapping_rules.key, mapping.error().message);
  }
  made->mapping_ = mapping.take();
  return std::shared_ptr<const TlsContext>(std::move(made));
}

// One key of each kind, as one handshake uses one: the first.
Status TlsContext::use_keys(int64_t wall_ms) {
  const bool given = settings_.keystore_location.text || settings_.keystore_key.text || settings_.keystore_chain.text;
  if (role_ == TlsRole::kClient && !given) return ok_status();
  Result<KeyStore> store = load_key_store(settings_);
  RETURN_IF_ERROR(store);
  std::vector<int> kinds;
  for (const KeyEntry& entry : store->keys) {
    const int kind = EVP_PKEY_get_base_id(entry.key.get());
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    kinds.push_back(kind);
    if (entry.chain.empty()) {
      return make_error(ErrorKind::kInvalid, "{}: the key {} has no certificate", source_text(settings_), entry.alias);
    }
    Status used = use_key(context_.get(), entry);
    if (!used.ok()) return make_error(used.error().kind, "{}: {}", source_text(settings_), used.error().message);
    warn_of_times(entry, wall_ms);
    X509* own = entry.chain.front().get();
    identities_.push_back({entry.alias, distinguished_name(X509_get_subject_name(own)), alternative_names_of(own)});
  }
  return ok_status();
}

void TlsContext::warn_of_times(const KeyEntry& entry, int64_t wall_ms) {
  time_t now = static_cast<time_t>(wall_ms / 1000);
  for (const OpensslCertificate& certificate : entry.chain) {
    const bool early = X509_cmp_time(X509_get0_notBefore(certificate.get()), &now) > 0;
    const bool late = X509_cmp_time(X509_get0_notAfter(certificate.get()), &now) < 0;
    if (!early && !late) continue;
    warnings_.push_back(fmt::format("{}: the certificate {} {}; clients will refuse it", source_text(settings_),
                                    distinguished_name(X509_get_subject_name(certificate.get())),
                                    late ? "has expired" : "is not valid yet"));
  }
}

// Without a trust store the system's authorities are trusted, like Java's in Kafka.
Status TlsContext::use_trust() {
  Result<std::optional<KeyStore>> trust = load_trust_store(settings_);
  RETURN_IF_ERROR(trust);
  X509_STORE* store = SSL_CTX_get_cert_store(context_.get());
  // Every certificate in the trust store is trusted: a root, an intermediate, or a client's own.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  if (!trust->has_value()) {
    if (role_ == TlsRole::kClient || settings_.client_auth.view() != "none") {
      SSL_CTX_set_default_verify_paths(context_.get());
    }
    ERR_clear_error();
    return ok_status();
  }
  for (const OpensslCertificate& certificate : (*trust)->trusted) {
    X509_STORE_add_cert(store, certificate.get());
    // Clients with several certificates choose by these names.
    SSL_CTX_add_client_CA(context_.get(), certificate.get());
  }
  ERR_clear_error();
  return ok_status();
}

Status TlsContext::use_verification() {
  if (role_ == TlsRole::kClient) {
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    const TlsSettings::Value& algorithm = settings_.endpoint_identification;
    if (algorithm.view().empty() || equals_ignoring_case(algorithm.view(), "https")) return ok_status();
    return make_error(ErrorKind::kInvalid, "{}={}: expected https, or nothing", algorithm.key, algorithm.view());
  }
  const ByteView wish = settings_.client_auth.view();
  int mode = SSL_VERIFY_NONE;
  if (wish == "required") mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  if (wish == "requested") mode = SSL_VERIFY_PEER;
  if (mode == SSL_VERIFY_NONE && wish != "none") {
    return make_error(ErrorKind::kInvalid, "{}={}: expected required, requested or none", settings_.client_auth.key,
                      wish);
  }
  SSL_CTX_set_verify(context_.get(), mode, nullptr);
  return ok_status();
}

Status TlsContext::use_protocols() {
  Result<TlsVersions> versions = parse_tls_versions(settings_.enabled_protocols.view());
  if (!versions.ok()) {
    return make_error(ErrorKind::kInvalid, "{}={}: {}", settings_.enabled_protocols.key,
                      settings_.enabled_protocols.view(), versions.error().message);
  }
  if (!is_java_ssl_protocol(settings_.protocol.view())) {
    return make_error(ErrorKind::kInvalid, "{}={}: expected TLSv1.3 or TLSv1.2", settings_.protocol.key,
                      settings_.protocol.view());
  }
  SSL_CTX_set_min_proto_version(context_.get(), versions->v12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context_.get(), versions->v13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  return ok_status();
}

Status TlsContext::use_ciphers() {
  const TlsSettings::Value& suites = settings_.cipher_suites;
  Result<TlsCiphers> ciphers = parse_cipher_suites(suites.view());
  if (!ciphers.ok()) {
    return make_error(ErrorKind::kInvalid, "{}={}: {}", suites.key, suites.view(), ciphers.error().message);
  }
  SSL_CTX* raw = context_.get();
  if (ciphers->all) {
    SSL_CTX_set_cipher_list(raw, kUsualCiphers);
    return ok_status();
  }
  // If the suites are all of one version, the other one is disabled.
  if (ciphers->v13.empty()) SSL_CTX_set_max_proto_version(raw, TLS1_2_VERSION);
  if (ciphers->v12.empty()) SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  if (SSL_CTX_get_min_proto_version(raw) > SSL_CTX_get_max_proto_version(raw)) {
    return make_error(ErrorKind::kInvalid, "{}={}: expected a suite of the versions in {}={}", suites.key,
                      suites.view(), settings_.enabled_protocols.key, settings_.enabled_protocols.view());
  }
  const bool taken = (ciphers->v12.empty() || SSL_CTX_set_cipher_list(raw, ciphers->v12.c_str()) == 1) &&
                     (ciphers->v13.empty() || SSL_CTX_set_ciphersuites(raw, ciphers->v13.c_str()) == 1);
  if (taken) return ok_status();
  return make_error(ErrorKind::kInvalid, "{}={}: the suites cannot be used ({})", suites.key, suites.view(),
                    take_openssl_error());
}

std::string TlsContext::files_now() const {
  return fingerprints(settings_);
}

std::optional<std::string> TlsContext::refusal_after(const TlsContext& before) const {
  const auto& old_ones = before.identities_;
  if ((!settings_.allow_dn_changes || !settings_.allow_san_changes) && old_ones.size() != identities_.size()) {
    return fmt::format(
        "Keystore entries do not match, existing store contains {} entries, new store contains {} entries",
        old_ones.size(), identities_.size());
  }
  for (size_t i = 0; i < std::min(old_ones.size(), identities_.size()); i++) {
    const Identity& was = old_ones[i];
    const Identity& now = identities_[i];
    if (!settings_.allow_dn_changes && was.subject != now.subject) {
      return fmt::format(
          "Keystore DistinguishedName does not match:  existing={{alias={}, DN={}}}, new={{alias={}, DN={}}}",
          was.alias, was.subject, now.alias, now.subject);
    }
    if (!settings_.allow_san_changes && !std::includes(now.alternative_names.begin(), now.alternative_names.end(),
                                                       was.alternative_names.begin(), was.alternative_names.end())) {
      return fmt::format("Keystore SubjectAltNames do not match: the certificate of {} names fewer hosts than before",
                         now.subject);
    }
  }
  return std::nullopt;
}

bool expect_host_name(SSL* connection, const std::string& host) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(connection);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1) return true;
  ERR_clear_error();
  return SSL_set1_host(connection, host.c_str()) == 1;
}

bool TlsContext::expect_server(SSL* connection, const std::string& host) const {
  SSL_set_connect_state(connection);
  const bool numeric =
      host.find_first_not_of("0123456789.") == std::string::npos || host.find(':') != std::string::npos;
  if (!numeric && SSL_set_tlsext_host_name(connection, host.c_str()) != 1) return false;
  return settings_.endpoint_identification.view().empty() || expect_host_name(connection, host);
}

Result<TlsPeer> TlsContext::peer_of(SSL* connection) const {
  TlsPeer peer;
  peer.version = SSL_get_version(connection);
  const SSL_CIPHER* cipher = SSL_get_current_cipher(connection);
  if (const char* name = cipher == nullptr ? nullptr : SSL_CIPHER_standard_name(cipher)) peer.cipher = name;
  const X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr || role_ == TlsRole::kClient) return peer;
  const Bytes subject = distinguished_name(X509_get_subject_name(certificate));
  peer.principal = mapping_.name_of(subject);
  if (!peer.principal) {
    return make_error(ErrorKind::kInvalid, "no rule of {} matches the client's certificate, {}",
                      settings_.principal_mapping_rules.key, subject);
  }
  return peer;
}

}  // namespace milena::security
