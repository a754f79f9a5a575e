// DescribeCluster (key 60), versions 0-2, as a broker answers it (endpoint type 1; controllers' endpoints are another
// listener's affair, KIP-919).
#include "broker/api/handlers.h"
#include "broker/authorized_operations.h"
#include "broker/call.h"
#include "broker/endpoints.h"
#include "broker/shard.h"
#include "protocol/messages/describe_cluster.h"

namespace milena {

void handle_describe_cluster(std::shared_ptr<DescribeClusterCall> call) {
  constexpr int8_t kBrokers = 1, kControllers = 2;
  DescribeClusterResponse response;
  response.cluster_id = call->shard().node().cluster_id;
  if (call->request.endpoint_type != kBrokers) {
    bool known = call->request.endpoint_type == kControllers;
    response.error_code = known ? ErrorCode::kMismatchedEndpointType : ErrorCode::kUnsupportedEndpointType;
    response.error_message = known ? "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
                                   : "Unsupported endpoint type";
    response.cluster_id.clear();
    return call->reply(response);
  }
  ListenerEndpoint here = advertised_endpoint(*call);
  auto& broker = response.brokers.emplace_back();
  broker.broker_id = call->shard().node().node_id;
  broker.host = here.host;
  broker.port = here.port;
  if (const BrokerImage* image = call->shard().image().find_broker(broker.broker_id)) broker.rack = image->rack;
  response.controller_id = broker.broker_id;
  if (call->request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  call->reply(response);
}

}  // namespace milena
