#include "broker/api/altered_stores.h"

#include <algorithm>

#include "config/config_listeners.h"
#include "config/listener_settings.h"
#include "security/tls_context.h"

namespace milena {
namespace {

std::vector<ListenerEndpoint> listeners_with_tls(const Settings& settings) {
  std::vector<ListenerEndpoint> all;
  for (auto endpoints : {broker_listeners(settings), controller_listeners(settings)}) {
    if (!endpoints.ok()) continue;
    for (ListenerEndpoint& each : *endpoints) {
      if (each.protocol == "SSL" || each.protocol == "SASL_SSL") all.push_back(std::move(each));
    }
  }
  return all;
}

// Whether one of the keys is the listener's own.
bool names_listener(const AlteredSettings& changes, const ListenerEndpoint& endpoint) {
  return std::any_of(changes.begin(), changes.end(), [&](const auto& change) {
    return ByteView(change.first).starts_with(listener_prefix(endpoint.listener_name));
  });
}

TlsSettings stores_of(const Settings& settings, const ListenerEndpoint& endpoint) {
  return TlsSettings::of_listener(ListenerSettings(settings, endpoint.listener_name),
                                  parse_security_protocol(endpoint.protocol).value());
}

std::optional<std::string> complaint_about(const TlsSettings& before, const TlsSettings& after, int64_t now_ms) {
  Result<std::shared_ptr<const TlsContext>> now = TlsContext::load(after, now_ms);
  if (!now.ok()) return now.error().message;
  // Where what counts now cannot be read any more, there is nothing to be compared with.
  Result<std::shared_ptr<const TlsContext>> was = TlsContext::load(before, now_ms);
  return was.ok() ? (*now)->refusal_after(**was) : std::nullopt;
}

}  // namespace

std::optional<ConfigError> check_altered_stores(const Settings& before, const AlteredSettings& changes,
                                                int64_t wall_ms) {
  const Settings after = before.with_altered({}, changes);
  for (const ListenerEndpoint& endpoint : listeners_with_tls(after)) {
    if (!names_listener(changes, endpoint)) continue;
    const TlsSettings now = stores_of(after, endpoint);
    const TlsSettings was = stores_of(before, endpoint);
    if (auto complaint = complaint_about(was, now, wall_ms)) {
      // What Kafka's parts say that are to be reconfigured reaches the client inside the text of another exception.
      return ConfigError{
          fmt::format("Invalid value org.apache.kafka.common.config.ConfigException: Validation of dynamic "
                      "config update of SSLFactory failed: {} for configuration Invalid dynamic configuration",
                      *complaint),
          ErrorCode::kInvalidRequest};
    }
  }
  return std::nullopt;
}

}  // namespace milena
