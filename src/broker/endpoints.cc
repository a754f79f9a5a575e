#include "broker/endpoints.h"

#include "broker/call.h"
#include "broker/shard.h"

namespace milena {

std::vector<EndpointImage> endpoint_images(const std::vector<ListenerEndpoint>& endpoints) {
  std::vector<EndpointImage> images;
  for (const ListenerEndpoint& endpoint : endpoints) {
    bool any_address = endpoint.host.empty() || endpoint.host == "0.0.0.0" || endpoint.host == "::";
    images.push_back({endpoint.listener_name, any_address ? "localhost" : endpoint.host, endpoint.port, 0});
  }
  return images;
}

ListenerEndpoint advertised_endpoint(const CallBase& call) {
  const ConnectionInfo& connection = call.connection().info;
  for (const ListenerEndpoint& endpoint : call.shard().node().advertised.endpoints) {
    if (endpoint.listener_name == connection.listener_name) return endpoint;
  }
  return ListenerEndpoint{connection.listener_name, connection.local_host, connection.local_port, {}};
}

}  // namespace milena
