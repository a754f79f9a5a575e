// The listeners and advertised.listeners settings, taken apart.
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
// Of a listener that need not be one of this node's. One of the controllers needs no entry in the map where none was
// written.
Result<std::string> protocol_of_listener(const Settings& settings, ByteView listener_name, bool of_controller);

// "NAME://host:port,…" as Kafka reads it; names are upper case afterwards.
Result<std::vector<ListenerEndpoint>> parse_listener_endpoints(ByteView setting, ByteView text);

// Where clients are served: `listeners` without those of the controller.
Result<std::vector<ListenerEndpoint>> broker_listeners(const Settings& settings);

// Where the embedded controller is asked itself (kafka-metadata-quorum --bootstrap-controller and the like): the
// listeners that controller.listener.names names. Without any it is reached through the broker alone.
Result<std::vector<ListenerEndpoint>> controller_listeners(const Settings& settings);

// A controller of the cluster, as the settings name it.
struct QuorumAddress {
  int32_t id = -1;  // -1 where only the address is known
  std::string host;
  uint16_t port = 0;
};
// controller.quorum.voters ("id@host:port"), or controller.quorum.bootstrap.servers ("host:port").
Result<std::vector<QuorumAddress>> quorum_addresses(const Settings& settings);

// "", 0.0.0.0 or ::, all addresses of the machine: nothing that a client could connect to.
bool is_wildcard(ByteView host);

// The addresses for clients: advertised.listeners or, without it, the listeners that name a host. With `automatic`,
// clients of any other listener get the address that their own connection came to (auto); else that listener is not
// advertised.
struct AdvertisedListeners {
  bool automatic = true;
  std::vector<ListenerEndpoint> endpoints;
};
Result<AdvertisedListeners> advertised_listeners(const Settings& settings);

}  // namespace milena::config
