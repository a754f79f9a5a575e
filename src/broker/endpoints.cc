#include "broker/endpoints.h"

#include "broker/call.h"
#include "broker/shard.h"

namespace milena {

ListenerEndpoint advertised_endpoint(const CallBase& call) {
  const ConnectionInfo& connection = call.connection().info;
  for (const ListenerEndpoint& endpoint : call.shard().node().advertised.endpoints) {
    if (endpoint.listener_name == connection.listener_name) return endpoint;
  }
  return ListenerEndpoint{connection.listener_name, connection.local_host, connection.local_port, {}};
}

}  // namespace milena
