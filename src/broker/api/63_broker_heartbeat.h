// What ClientSession knows of BrokerHeartbeat.
#pragma once

namespace milena::broker {

class Shard;
struct ConnectionState;

// The connection was closed by the other side. If a broker sent its heartbeats over it, its process may be gone.
void tell_controller_of_closed_connection(Shard& shard, const ConnectionState& connection);

}  // namespace milena::broker
