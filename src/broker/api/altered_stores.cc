#include "broker/api/altered_stores.h"

#include <algorithm>

#include "config/config_listeners.h"
#include "config/listener_settings.h"
#include "security/tls_context.h"

namespace milena::broker {
namespace {

std::vector<config::ListenerEndpoint> listeners_with_tls(const config::Settings& settings) {
  std::vector<config::ListenerEndpoint> all;
  for (auto endpoints : {config::broker_listeners(settings), config::controller_listeners(settings)}) {
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

std::optional<std::string> complaint_about(const security::TlsSettings& before, const security::TlsSettings& after,
                                           int64_t now_ms) {
  Result<std::shared_ptr<const security::TlsContext>> now = security::TlsContext::load(after, now_ms);
  if (!now.ok()) return now.error().message;
  // If the current stores cannot be read any more, there is nothing to compare with.
  Result<std::shared_ptr<const security::TlsContext>> was = security::TlsContext::load(before, now_ms);
  return was.ok() ? (*now)->refusal_after(**was) : std::nullopt;
}

}  // namespace

std::optional<config::ConfigError> check_altered_stores(const config::Settings& before,
                                                        const config::AlteredSettings& changes, int64_t wall_ms) {
  const config::Settings after = before.with_altered({}, changes);
  for (const config::ListenerEndpoint& endpoint : listeners_with_tls(after)) {
    if (!names_listener(changes, endpoint)) continue;
    const security::TlsSettings now = stores_of(after, endpoint);
    const security::TlsSettings was = stores_of(before, endpoint);
    if (auto complaint = complaint_about(was, now, wall_ms)) {
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
