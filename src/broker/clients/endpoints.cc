#include "broker/clients/endpoints.h"

#include "broker/clients/call.h"
#include "broker/shard_context.h"
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

std::vector<EndpointImage> registered_endpoints(const Settings& settings, const AdvertisedListeners& advertised) {
  auto listeners = broker_listeners(settings);
  return endpoint_images(advertised.automatic && listeners.ok() ? *listeners : advertised.endpoints);
}

std::optional<ListenerEndpoint> broker_endpoint(const CallBase& call, int32_t broker_id) {
  const ListenerEndpoint here = advertised_endpoint(call);
  if (broker_id == call.context().node().node_id) return here;
  const BrokerImage* broker = call.context().image().find_broker(broker_id);
  const EndpointImage* endpoint = broker == nullptr || broker->fenced ? nullptr : broker->endpoint(here.listener_name);
  if (endpoint == nullptr) return std::nullopt;
  return ListenerEndpoint{here.listener_name, std::string(endpoint->host), endpoint->port, here.protocol};
}

ListenerEndpoint advertised_endpoint(const CallBase& call) {
  return advertised_endpoint(call.context().node(), call.connection().info);
}

ListenerEndpoint advertised_endpoint(const NodeContext& node, const ConnectionInfo& connection) {
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
