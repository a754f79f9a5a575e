// The addresses that clients get for connecting to brokers.
//
// advertised.listeners=auto (the default) returns the address that the client's own connection came to, which is right
// for localhost, a container's published port and a host's name alike. Explicit settings always win.
#pragma once

#include <optional>
#include <vector>

#include "config/config_listeners.h"
#include "metadata/image.h"

namespace milena::config {
class Settings;
}  // namespace milena::config

namespace milena::broker {

class CallBase;
struct ConnectionInfo;
struct NodeContext;

// As they are registered in the metadata. A wildcard address is replaced by the name that a client on this machine
// would use.
std::vector<metadata::EndpointImage> endpoint_images(const std::vector<config::ListenerEndpoint>& endpoints);

// The endpoints that this node registers: its advertised listeners, or the names that a client on the same machine
// would use.
std::vector<metadata::EndpointImage> registered_endpoints(const config::Settings& settings,
                                                          const config::AdvertisedListeners& advertised);

// Where this call's client can reach that broker: this node on the listener of the connection, another on its listener
// of the same name. Returns nullopt if the broker has no such listener, or is not available.
std::optional<config::ListenerEndpoint> broker_endpoint(const CallBase& call, int32_t broker_id);

// Where this call's client can reach this node: on the listener of its connection.
config::ListenerEndpoint advertised_endpoint(const CallBase& call);
config::ListenerEndpoint advertised_endpoint(const NodeContext& node, const ConnectionInfo& connection);

}  // namespace milena::broker
