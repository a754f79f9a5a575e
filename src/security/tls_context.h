// TlsContext: what a listener's connections are made of, or those of a client: certificates, whom it trusts, versions
// and ciphers, how a certificate becomes a principal. Immutable; any thread may use it. Another key store is another
// context: the connections that are there keep theirs.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "security/key_store.h"
#include "security/openssl_handle.h"
#include "security/principal_mapping.h"
#include "security/tls_peer.h"
#include "security/tls_settings.h"

namespace milena::security {

enum class TlsRole { kServer, kClient };

class TlsContext {
 public:
  // Reads the stores: on a thread that may block. An error is one line: which key, which file, what was expected. A
  // client needs no key.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsSettings& settings, int64_t wall_ms,
                                                        TlsRole role = TlsRole::kServer);

  SSL_CTX* handle() const { return context_.get(); }
  // Problems that a person should know of and that stop nothing: an expired certificate.
  const std::vector<std::string>& warnings() const { return warnings_; }
  const TlsSettings& settings() const { return settings_; }
  TlsRole role() const { return role_; }
  // Which files it was read from, and which ones are there now: different texts tell that a file was replaced. Looks at
  // the disk.
  const std::string& files() const { return files_; }
  std::string files_now() const;
  // Why this context may not take the place of `before`, with Kafka's words: as there, the names in the certificates
  // stay unless ssl.allow.dn.changes and ssl.allow.san.changes say otherwise. Nothing: it may.
  std::optional<std::string> refusal_after(const TlsContext& before) const;

  // Before a client's handshake: which server is expected. False for want of memory.
  bool expect_server(SSL* connection, const std::string& host) const;
  // After a handshake. An error: the principal's name cannot be made.
  Result<TlsPeer> peer_of(SSL* connection) const;

 private:
  // Of a key's certificate: what may not change under clients.
  struct Identity {
    std::string alias;
    Bytes subject;
    std::set<Bytes> alternative_names;  // as DER
  };

  TlsContext(const TlsSettings& settings, TlsRole role) : settings_(settings), role_(role) {}
  Status use_keys(int64_t wall_ms);
  Status use_trust();
  Status use_verification();
  Status use_protocols();
  Status use_ciphers();
  void warn_of_times(const KeyEntry& entry, int64_t wall_ms);

  const TlsSettings settings_;
  const TlsRole role_;
  OpensslContext context_;
  PrincipalMapping mapping_;
  std::vector<Identity> identities_;
  std::vector<std::string> warnings_;
  std::string files_;  // fingerprints
};

// A name or a numeric address that the certificate of a server must have, as browsers check it.
bool expect_host_name(SSL* connection, const std::string& host);

}  // namespace milena::security
