#include "broker/clients/endpoints.h"

#include "broker/clients/call.h"
#include "broker/shard.h"
#include "security/security_protocol.h"

namespace milena {

std::vector<EndpointImage> endpoint_images(const std::vector<ListenerEndpoint>& endpoints) {
  std::vector<EndpointImage> images;
  for (const ListenerEndpoint& endpoint : endpoints) {
    const SecurityProtocol protocol = parse_security_protocol(endpoint.protocol).value_or(SecurityProtocol::kPlaintext);
    images.push_back({endpoint.listener_name, is_wildcard(endpoint.host) ? "localhost" : endpoint.host, endpoint.port,
                      static_cast<int16_t>(protocol)});
  }
  return images;
}

ListenerEndpoint advertised_endpoint(const CallBase& call) {
  const ConnectionInfo& connection = call.connection().info;
  const NodeContext& node = call.shard().node();
  for (const auto* endpoints : {&node.advertised.endpoints, &node.controller_endpoints}) {
    for (ListenerEndpoint endpoint : *endpoints) {
      if (endpoint.listener_name != connection.listener_name || is_wildcard(endpoint.host)) continue;
      if (endpoint.port == 0) endpoint.port = connection.local_port;  // the system chose it
      return endpoint;
    }
  }
  return ListenerEndpoint{connection.listener_name, connection.local_host, connection.local_port, {}};
}

}  // namespace milena
