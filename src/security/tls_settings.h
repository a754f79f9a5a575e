// TlsSettings: what the settings ssl.* say for one listener, those with its prefix before those without. Values are as
// written; TlsContext::load() reads them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace milena {

struct TlsSettings {
  // A value, and the key that it was found under, for what is said of it.
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
  // `find(name)` gives what a listener has of a setting: text, key, and whether it is the listener's own.
  template <class Find>
  static TlsSettings of_listener(bool with_sasl, Find find) {
    return TlsSettings([&](ByteView name) {
      auto found = find(name);
      // As in Kafka: what the broker as a whole asks for is meant for listeners without SASL.
      if (name == "ssl.client.auth" && with_sasl && !found.of_listener) found.text = "none";
      return Value{std::move(found.text), std::move(found.key)};
    });
  }
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
  bool allow_dn_changes = false;
  bool allow_san_changes = false;
};

}  // namespace milena
