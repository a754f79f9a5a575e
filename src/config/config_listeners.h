// Parses the listeners and advertised.listeners settings.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"

namespace milena::config {

struct ListenerEndpoint {
  std::string listener_name;
  std::string host;  // without brackets; empty in `listeners` means every address
  uint16_t port = 0;
  std::string protocol;  // PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
};

// "listener.name.outside."
std::string listener_prefix(ByteView listener_name);
// The protocol of a listener, which may be another node's. A controllers' listener needs no entry if the map is not
// set.
Result<std::string> protocol_of_listener(const Settings& settings, ByteView listener_name, bool of_controller);

// "NAME://host:port,…" as Kafka reads it; names are upper case afterwards.
Result<std::vector<ListenerEndpoint>> parse_listener_endpoints(ByteView setting, ByteView text);

// The listeners for clients: `listeners` without those of the controller.
Result<std::vector<ListenerEndpoint>> broker_listeners(const Settings& settings);

// The listeners of the embedded controller (for kafka-metadata-quorum --bootstrap-controller and the like): those in
// controller.listener.names. Without any, only the broker can reach it.
Result<std::vector<ListenerEndpoint>> controller_listeners(const Settings& settings);

// The addresses of milena.http.listeners, each "host:port", "http://host:port" or "https://host:port". Their settings
// have one prefix (listener.name.http.). The protocol is PLAINTEXT or SSL.
inline constexpr char kHttpListener[] = "HTTP";
inline constexpr char kHttpListeners[] = "milena.http.listeners";
Result<std::vector<ListenerEndpoint>> http_listeners(const Settings& settings);
Result<ListenerEndpoint> parse_http_listener(const Bytes& item);

// A controller of the cluster, as the settings name it.
struct QuorumAddress {
  int32_t id = -1;  // -1 if only the address is known
  std::string host;
  uint16_t port = 0;
};
// controller.quorum.voters ("id@host:port"), or controller.quorum.bootstrap.servers ("host:port").
Result<std::vector<QuorumAddress>> quorum_addresses(const Settings& settings);

// "", 0.0.0.0 or ::, all addresses of the machine: clients cannot connect to these.
bool is_wildcard(ByteView host);
// "localhost", 127.0.0.1 and the like: only this machine can reach it. Other names are not looked up.
bool is_loopback(ByteView host);

// The addresses for clients: advertised.listeners or, without it, the listeners that name a host. With `automatic`,
// clients of any other listener get the address that their own connection came to (auto); else that listener is not
// advertised.
struct AdvertisedListeners {
  bool automatic = true;
  std::vector<ListenerEndpoint> endpoints;
};
Result<AdvertisedListeners> advertised_listeners(const Settings& settings);

}  // namespace milena::config
