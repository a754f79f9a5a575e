#include "net/server_settings.h"

#include <algorithm>

#include "config/config_listeners.h"
#include "config/config_values.h"
#include "config/listener_settings.h"
#include "net/http_protocol.h"

namespace milena::net {
namespace {

Status add_ip_override(const Bytes& item, ServerOptions& options) {
  size_t colon = item.rfind(':');
  const int64_t limit =
      colon == Bytes::npos ? -1 : config::parse_integer(ByteView(item).substr(colon + 1)).value_or(-1);
  if (limit < 0 || limit > INT32_MAX) {
    return make_error(ErrorKind::kInvalid,
                      "max.connections.per.ip.overrides={}: expected address:number, or host:number", item);
  }
  options.max_connections_of_hosts.emplace_back(item.substr(0, colon), static_cast<int>(limit));
  return ok_status();
}

// A limit that exists only for single listeners.
Result<int> limit_of_listener(const config::ListenerSettings& own, ByteView name) {
  const auto found = own.find_own({}, name);
  if (!found) return INT32_MAX;
  const auto number = config::parse_integer(found->text);
  if (!number || *number < 0 || *number > INT32_MAX) {
    return make_error(ErrorKind::kInvalid, "{}={}: expected a number of at least 0", found->key, found->text);
  }
  return static_cast<int>(*number);
}

Status set_limits_of_listener(const config::ListenerSettings& own, ListenerOptions& listener) {
  Result<int> connections = limit_of_listener(own, "max.connections");
  RETURN_IF_ERROR(connections);
  Result<int> rate = limit_of_listener(own, "max.connection.creation.rate");
  RETURN_IF_ERROR(rate);
  listener.max_connections = *connections;
  listener.max_creation_rate = *rate;
  return ok_status();
}

void set_limits_of_strangers(const config::Settings& settings, ConnectionLimits& limits) {
  limits.max_strangers = static_cast<size_t>(settings.get_int("milena.unauthenticated.connections.max"));
  limits.authentication_ms = settings.get_int("milena.authentication.timeout.ms");
}

}  // namespace

Result<ServerOptions> server_options(const config::Settings& settings) {
  ServerOptions options;
  Result<std::vector<config::ListenerEndpoint>> endpoints = config::broker_listeners(settings);
  RETURN_IF_ERROR(endpoints);
  Result<std::vector<config::ListenerEndpoint>> of_controller = config::controller_listeners(settings);
  RETURN_IF_ERROR(of_controller);
  endpoints->insert(endpoints->end(), of_controller->begin(), of_controller->end());
  for (const config::ListenerEndpoint& endpoint : *endpoints) {
    ListenerOptions listener;
    listener.name = endpoint.listener_name;
    listener.security_protocol =
        security::parse_security_protocol(endpoint.protocol).value_or(security::SecurityProtocol::kPlaintext);
    const config::ListenerSettings own(settings, endpoint.listener_name);
    if (security::uses_tls(listener.security_protocol))
      listener.tls = security::TlsSettings::of_listener(own, listener.security_protocol);
    RETURN_IF_ERROR(set_limits_of_listener(own, listener));
    listener.host = endpoint.host;
    listener.port = endpoint.port;
    listener.backlog = settings.get_int("socket.listen.backlog.size");
    // Kafka's default of 100 KB is too little for a fast network and disables the system's own tuning, so it is used
    // only if set.
    if (settings.is_set("socket.send.buffer.bytes")) {
      listener.send_buffer_bytes = settings.get_int("socket.send.buffer.bytes");
    }
    if (settings.is_set("socket.receive.buffer.bytes")) {
      listener.receive_buffer_bytes = settings.get_int("socket.receive.buffer.bytes");
    }
    options.listeners.push_back(std::move(listener));
  }
  options.limits.request_max_bytes = static_cast<uint32_t>(settings.get_int("socket.request.max.bytes"));
  options.limits.max_idle_ms = settings.get_long("connections.max.idle.ms");
  options.limits.stranger_max_bytes = static_cast<uint32_t>(settings.get_int("sasl.server.max.receive.size"));
  set_limits_of_strangers(settings, options.limits);
  options.max_connections = settings.get_int("max.connections");
  options.max_creation_rate = settings.get_int("max.connection.creation.rate");
  options.quota_windows = settings.get_int("quota.window.num");
  options.quota_window_ms = int64_t{1000} * settings.get_int("quota.window.size.seconds");
  options.max_connections_per_ip = settings.get_int("max.connections.per.ip");
  for (const Bytes& item : settings.get_list("max.connections.per.ip.overrides")) {
    RETURN_IF_ERROR(add_ip_override(item, options));
  }
  return options;
}

Result<ServerOptions> http_server_options(const config::Settings& settings) {
  ServerOptions options;
  options.read = http_server_options;
  Result<std::vector<config::ListenerEndpoint>> endpoints = config::http_listeners(settings);
  RETURN_IF_ERROR(endpoints);
  const config::ListenerSettings own(settings, config::kHttpListener);
  for (const config::ListenerEndpoint& endpoint : *endpoints) {
    ListenerOptions listener;
    listener.security_protocol = security::parse_security_protocol(endpoint.protocol).value();
    const bool tls = security::uses_tls(listener.security_protocol);
    if (tls) listener.tls = security::TlsSettings::of_listener(own, listener.security_protocol);
    listener.name = tls ? "HTTPS" : "HTTP";
    listener.setting = "milena.http.listeners";
    listener.example = "127.0.0.1:9645";
    listener.protocol = http_protocol();
    listener.host = endpoint.host;
    listener.port = endpoint.port;
    options.listeners.push_back(std::move(listener));
  }
  options.max_connections = settings.get_int("milena.http.max.connections");
  options.max_connections_setting = "milena.http.max.connections";
  set_limits_of_strangers(settings, options.limits);
  // Clients within their handshakes leave room for those that are served.
  options.limits.max_strangers =
      std::min(options.limits.max_strangers, (static_cast<size_t>(options.max_connections) + 1) / 2);
  return options;
}

}  // namespace milena::net
