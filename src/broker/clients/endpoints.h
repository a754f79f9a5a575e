// Which address a client is told to come to.
//
// advertised.listeners=auto (the default) answers the address that the client's own connection came to, which is right
// for localhost, a container's published port and a host's name alike; explicit settings always win.
#pragma once

#include <vector>

#include "config/config_listeners.h"
#include "metadata/image.h"

namespace milena {

class CallBase;

// As they are registered in the metadata: one that means every address by the name that a client on this machine would
// use.
std::vector<EndpointImage> endpoint_images(const std::vector<ListenerEndpoint>& endpoints);

// Where this call's client can reach this node: on the listener it used.
ListenerEndpoint advertised_endpoint(const CallBase& call);

}  // namespace milena
