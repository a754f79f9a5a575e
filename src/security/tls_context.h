// TlsContext: the configuration of TLS connections of a listener or a client: certificates, trust, versions and
// ciphers, the mapping from certificates to principals. Immutable; any thread may use it. A new key store gets a new
// context: existing connections keep theirs.
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
  // Reads the stores: on a thread that may block. An error is one line: key, file, what was expected. A client needs no
  // key.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsSettings& settings, int64_t wall_ms,
                                                        TlsRole role = TlsRole::kServer);

  SSL_CTX* handle() const { return context_.get(); }
  // Problems that a person should know of and that stop nothing: an expired certificate.
  const std::vector<std::string>& warnings() const { return warnings_; }
  const TlsSettings& settings() const { return settings_; }
  TlsRole role() const { return role_; }
  // The versions of the files it was read from, and of those there now: the texts differ if a file was replaced. The
  // latter reads the disk.
  const std::string& files() const { return files_; }
  std::string files_now() const;
  // Why this context may not replace `before`, in Kafka's words: as there, the names in the certificates must stay
  // unless ssl.allow.dn.changes and ssl.allow.san.changes are set. Nothing: it may.
  std::optional<std::string> refusal_after(const TlsContext& before) const;

  // Before a client's handshake: sets the expected server. False if out of memory.
  bool expect_server(SSL* connection, const std::string& host) const;
  // After a handshake. An error: no principal name for the certificate.
  Result<TlsPeer> peer_of(SSL* connection) const;

 private:
  // The parts of a key's certificate that may not change.
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

// Sets the name or numeric address that the server's certificate must have, with the rules of browsers.
bool expect_host_name(SSL* connection, const std::string& host);

}  // namespace milena::security
