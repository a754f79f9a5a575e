// TlsSettings: the settings ssl.* for one listener, those with its prefix before those without, or for a client. Values
// are as written; TlsContext::load() parses them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "config/listener_settings.h"
#include "security/security_protocol.h"

namespace milena::security {

struct TlsSettings {
  // A value, and its key for messages.
  struct Value {
    std::optional<Bytes> text;
    std::string key;

    bool operator==(const Value&) const = default;
    // Without a value: empty.
    ByteView view() const { return text ? ByteView(*text) : ByteView(); }
  };
  // `name` is one of ssl.*, without the listener's prefix.
  using Lookup = std::function<Value(ByteView name)>;

  explicit TlsSettings(const Lookup& lookup);
  static TlsSettings of_listener(const config::ListenerSettings& listener, SecurityProtocol protocol);
  bool operator==(const TlsSettings&) const = default;

  Value keystore_type;
  Value keystore_location;
  Value keystore_password;
  Value keystore_key;
  Value keystore_chain;
  Value key_password;
  Value truststore_type;
  Value truststore_location;
  Value truststore_password;
  Value truststore_certificates;
  Value client_auth;
  Value protocol;
  Value enabled_protocols;
  Value cipher_suites;
  Value principal_mapping_rules;
  Value endpoint_identification;  // of clients: the check of the name in a server's certificate
  bool allow_dn_changes = false;
  bool allow_san_changes = false;
};

}  // namespace milena::security
