#include "security/tls_settings.h"

namespace milena::security {

TlsSettings::TlsSettings(const Lookup& lookup)
    : keystore_type(lookup("ssl.keystore.type")),
      keystore_location(lookup("ssl.keystore.location")),
      keystore_password(lookup("ssl.keystore.password")),
      keystore_key(lookup("ssl.keystore.key")),
      keystore_chain(lookup("ssl.keystore.certificate.chain")),
      key_password(lookup("ssl.key.password")),
      truststore_type(lookup("ssl.truststore.type")),
      truststore_location(lookup("ssl.truststore.location")),
      truststore_password(lookup("ssl.truststore.password")),
      truststore_certificates(lookup("ssl.truststore.certificates")),
      client_auth(lookup("ssl.client.auth")),
      protocol(lookup("ssl.protocol")),
      enabled_protocols(lookup("ssl.enabled.protocols")),
      cipher_suites(lookup("ssl.cipher.suites")),
      principal_mapping_rules(lookup("ssl.principal.mapping.rules")),
      endpoint_identification(lookup("ssl.endpoint.identification.algorithm")),
      allow_dn_changes(lookup("ssl.allow.dn.changes").view() == "true"),
      allow_san_changes(lookup("ssl.allow.san.changes").view() == "true") {}

TlsSettings TlsSettings::of_listener(const config::ListenerSettings& listener, SecurityProtocol protocol) {
  return TlsSettings([&](ByteView name) {
    // As in Kafka: the broker-wide setting applies only to listeners without SASL.
    if (name == "ssl.client.auth" && uses_sasl(protocol) && !listener.find_own({}, name)) {
      return Value{"none", Bytes(name)};
    }
    std::optional<config::ListenerSettings::Found> found = listener.find({}, name);
    if (!found) return Value{std::nullopt, Bytes(name)};
    return Value{std::move(found->text), std::move(found->key)};
  });
}

}  // namespace milena::security
