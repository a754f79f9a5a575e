// ClientSecurity: how a command authenticates itself and brokers.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "security/sasl_client.h"
#include "security/tls_settings.h"
#include "tools/transport.h"

namespace milena::tools {

struct ClientSecurity {
  BrokerTransportMaker make_transport = connect_plain;
  std::optional<security::SaslCredentials> login;
};

// With TLS if it is configured: reads key stores.
Result<ClientSecurity> client_security(const std::optional<security::TlsSettings>& tls,
                                       std::optional<security::SaslCredentials> login);
// From properties of Kafka's Java clients: security.protocol, ssl.*, sasl.mechanism, sasl.jaas.config. An error names
// the property, and nothing secret.
Result<ClientSecurity> client_security(const std::map<std::string, std::string>& properties);

}  // namespace milena::tools
