// PeerSecurity: how this node connects to others: to brokers (inter.broker.listener.name,
// security.inter.broker.protocol, sasl.mechanism.inter.broker.protocol) and to controllers (controller.listener.names,
// sasl.mechanism.controller.protocol). As in Kafka, keys, trust and the login are those of the listener of that name.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/settings.h"
#include "security/sasl_client.h"
#include "security/security_protocol.h"
#include "security/tls_settings.h"

namespace milena::broker {

struct PeerSecurity {
  std::string listener;
  security::SecurityProtocol protocol = security::SecurityProtocol::kPlaintext;
  std::optional<security::TlsSettings> tls;
  std::optional<security::SaslCredentials> login;
};

// The listener's name in capitals: inter.broker.listener.name, or security.inter.broker.protocol.
std::string inter_broker_listener(const config::Settings& settings);

// An error names the key, where it is set and what was expected; never a secret.
Result<PeerSecurity> broker_peer_security(const config::Settings& settings);
Result<PeerSecurity> controller_peer_security(const config::Settings& settings);

// Kafka starts no broker whose stores for other brokers would refuse another one with the same. Here a node that is its
// own controller, and may stand alone, gets a warning.
Status try_stores_of_brokers(const config::Settings& settings, int64_t now_ms);

}  // namespace milena::broker
