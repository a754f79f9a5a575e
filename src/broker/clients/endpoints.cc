#include "broker/clients/endpoints.h"

#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "security/security_protocol.h"

namespace milena::broker {

std::vector<metadata::EndpointImage> endpoint_images(const std::vector<config::ListenerEndpoint>& endpoints) {
  std::vector<metadata::EndpointImage> images;
  for (const config::ListenerEndpoint& endpoint : endpoints) {
    const security::SecurityProtocol protocol =
        security::parse_security_protocol(endpoint.protocol).value_or(security::SecurityProtocol::kPlaintext);
    images.push_back({endpoint.listener_name, config::is_wildcard(endpoint.host) ? "localhost" : endpoint.host,
                      endpoint.port, static_cast<int16_t>(protocol)});
  }
  return images;
}

std::vector<metadata::EndpointImage> registered_endpoints(const config::Settings& settings,
                                                          const config::AdvertisedListeners& advertised) {
  auto listeners = config::broker_listeners(settings);
  return endpoint_images(advertised.automatic && listeners.ok() ? *listeners : advertised.endpoints);
}

std::optional<config::ListenerEndpoint> broker_endpoint(const CallBase& call, int32_t broker_id) {
  const config::ListenerEndpoint here = advertised_endpoint(call);
  if (broker_id == call.context().node().node_id) return here;
  const metadata::BrokerImage* broker = call.context().image().find_broker(broker_id);
  const metadata::EndpointImage* endpoint =
      broker == nullptr || broker->fenced ? nullptr : broker->endpoint(here.listener_name);
  if (endpoint == nullptr) return std::nullopt;
  return config::ListenerEndpoint{here.listener_name, std::string(endpoint->host), endpoint->port, here.protocol};
}

config::ListenerEndpoint advertised_endpoint(const CallBase& call) {
  return advertised_endpoint(call.context().node(), call.connection().info);
}

config::ListenerEndpoint advertised_endpoint(const NodeContext& node, const ConnectionInfo& connection) {
  for (const auto* endpoints : {&node.advertised.endpoints, &node.controller_endpoints}) {
    for (config::ListenerEndpoint endpoint : *endpoints) {
      if (endpoint.listener_name != connection.listener_name || config::is_wildcard(endpoint.host)) continue;
      if (endpoint.port == 0) endpoint.port = connection.local_port;  // the system chose it
      return endpoint;
    }
  }
  return config::ListenerEndpoint{connection.listener_name, connection.local_host, connection.local_port, {}};
}

}  // namespace milena::broker
