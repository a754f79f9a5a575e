#include "broker/api/altered_stores.h"

#include <algorithm>

#include "broker/cluster/peer_security.h"
#include "config/config_listeners.h"
#include "config/listener_settings.h"
#include "security/tls_context.h"
#include "security/tls_rehearsal.h"

namespace milena::broker {
namespace {

std::vector<config::ListenerEndpoint> listeners_with_tls(const config::Settings& settings) {
  std::vector<config::ListenerEndpoint> all;
  for (auto endpoints : {config::broker_listeners(settings), config::controller_listeners(settings),
                         config::http_listeners(settings)}) {
    if (!endpoints.ok()) continue;
    for (config::ListenerEndpoint& each : *endpoints) {
      if (each.protocol == "SSL" || each.protocol == "SASL_SSL") all.push_back(std::move(each));
    }
  }
  return all;
}

// Whether one of the keys is the listener's own.
bool names_listener(const config::AlteredSettings& changes, const config::ListenerEndpoint& endpoint) {
  return std::any_of(changes.begin(), changes.end(), [&](const auto& change) {
    return ByteView(change.first).starts_with(config::listener_prefix(endpoint.listener_name));
  });
}

security::TlsSettings stores_of(const config::Settings& settings, const config::ListenerEndpoint& endpoint) {
  return security::TlsSettings::of_listener(config::ListenerSettings(settings, endpoint.listener_name),
                                            security::parse_security_protocol(endpoint.protocol).value());
}

// Brokers are altered one after the other: brokers with the old stores and brokers with the new ones have to reach each
// other. If the old stores do not accept themselves (a single node without a trust store), nothing is checked.
std::optional<std::string> refusal_between_brokers(const security::TlsContext& before,
                                                   const security::TlsContext& after, int64_t now_ms) {
  const auto old_client = security::TlsContext::load(before.settings(), now_ms, security::TlsRole::kClient);
  const auto new_client = security::TlsContext::load(after.settings(), now_ms, security::TlsRole::kClient);
  if (!new_client.ok()) return new_client.error().message;
  if (!old_client.ok() || security::refusal_of_handshake(**old_client, before)) return std::nullopt;
  for (const auto& refusal :
       {security::refusal_of_handshake(**old_client, after), security::refusal_of_handshake(**new_client, before)}) {
    if (refusal) {
      return "brokers with the old stores and with the new ones of the listener between them would not accept each "
             "other: " + *refusal;
    }
  }
  return std::nullopt;
}

std::optional<std::string> complaint_about(const security::TlsSettings& before, const security::TlsSettings& after,
                                           bool between_brokers, int64_t now_ms) {
  Result<std::shared_ptr<const security::TlsContext>> now = security::TlsContext::load(after, now_ms);
  if (!now.ok()) return now.error().message;
  // If the current stores cannot be read any more, there is nothing to compare with.
  Result<std::shared_ptr<const security::TlsContext>> was = security::TlsContext::load(before, now_ms);
  if (!was.ok()) return std::nullopt;
  if (auto refusal = (*now)->refusal_after(**was)) return refusal;
  return between_brokers ? refusal_between_brokers(**was, **now, now_ms) : std::nullopt;
}

}  // namespace

std::optional<config::ConfigError> check_altered_stores(const config::Settings& before,
                                                        const config::AlteredSettings& changes, int64_t wall_ms) {
  const config::Settings after = before.with_altered({}, changes);
  for (const config::ListenerEndpoint& endpoint : listeners_with_tls(after)) {
    if (!names_listener(changes, endpoint)) continue;
    const bool between_brokers = endpoint.listener_name == inter_broker_listener(after);
    const security::TlsSettings now = stores_of(after, endpoint);
    const security::TlsSettings was = stores_of(before, endpoint);
    if (auto complaint = complaint_about(was, now, between_brokers, wall_ms)) {
      // In Kafka an exception of a reconfigurable component reaches the client inside the text of another exception.
      return config::ConfigError{
          fmt::format("Invalid value org.apache.kafka.common.config.ConfigException: Validation of dynamic "
                      "config update of SSLFactory failed: {} for configuration Invalid dynamic configuration",
                      *complaint),
          ErrorCode::kInvalidRequest};
    }
  }
  return std::nullopt;
}

}  // namespace milena::broker
