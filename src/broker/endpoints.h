// Which address a client is told to come to.
//
// advertised.listeners=auto (the default) answers the address that the client's own connection came to, which is right
// for localhost, a container's published port and a host's name alike; explicit settings always win.
#pragma once

#include "base/config_listeners.h"

namespace milena {

class CallBase;

// Where this call's client can reach this node: on the listener it used.
ListenerEndpoint advertised_endpoint(const CallBase& call);

}  // namespace milena
