// The part of BrokerHeartbeat that ClientSession needs.
#pragma once

namespace milena::broker {

class Shard;
struct ConnectionState;

// The other side closed the connection. If a broker sent its heartbeats over it, its process may be gone.
void tell_controller_of_closed_connection(Shard& shard, const ConnectionState& connection);

}  // namespace milena::broker
