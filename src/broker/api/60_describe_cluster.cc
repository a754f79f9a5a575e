// DescribeCluster (key 60), versions 0-2. Since version 1 the request asks for brokers or for controllers (KIP-919),
// which must match the listener; since version 2 it may ask for fenced brokers too (KIP-1073).
#include <fmt/format.h>

#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/clients/endpoints.h"
#include "broker/shard_context.h"
#include "protocol/messages/describe_cluster.h"

namespace milena::broker {
namespace {

using DescribeClusterCall = Call<DescribeClusterRequest, DescribeClusterResponse>;

constexpr int8_t kBrokers = 1, kControllers = 2;

const char* endpoint_type_name(int8_t type) { return type == kBrokers ? "BROKER" : "CONTROLLER"; }

// Compares the requested type of endpoint with that of the listener.
bool refuse_endpoint_type(const DescribeClusterCall& call, DescribeClusterResponse& response) {
  const int8_t asked = call.request.endpoint_type;
  const int8_t here = call.connection().to_controller ? kControllers : kBrokers;
  if (asked == here) return false;
  if (asked != kBrokers && asked != kControllers) {
    response.error_code = ErrorCode::kUnsupportedEndpointType;
    response.error_message = fmt::format("Unsupported endpoint type {}", asked);
    return true;
  }
  // Version 0 has neither the field nor the error.
  response.error_code = call.version() == 0 ? ErrorCode::kInvalidRequest : ErrorCode::kMismatchedEndpointType;
  response.error_message =
      fmt::format("The request was sent to an endpoint of type {}, but we wanted an endpoint of type {}",
                  endpoint_type_name(here), endpoint_type_name(asked));
  return true;
}

void describe_brokers(const DescribeClusterCall& call, DescribeClusterResponse& response) {
  const ShardContext& shard = call.context();
  const int32_t node_id = shard.node().node_id;
  const config::ListenerEndpoint here = advertised_endpoint(call);
  if (shard.image().find_broker(node_id) == nullptr)
    response.brokers.push_back({node_id, here.host, here.port, {}, {}});
  for (const auto& [id, image] : shard.image().brokers()) {
    if (image.fenced && id != node_id && !call.request.include_fenced_brokers) continue;
    auto& broker = response.brokers.emplace_back();
    broker.broker_id = id;
    broker.rack = image.rack;
    broker.is_fenced = image.fenced;
    const metadata::EndpointImage* endpoint = image.endpoint(here.listener_name);
    broker.host = id == node_id ? Bytes(here.host) : endpoint != nullptr ? endpoint->host : Bytes();
    broker.port = id == node_id ? here.port : endpoint != nullptr ? endpoint->port : 0;
  }
}

void describe_controllers(const DescribeClusterCall& call, DescribeClusterResponse& response) {
  const config::ListenerEndpoint here = advertised_endpoint(call);
  auto& controller = response.brokers.emplace_back();
  controller.broker_id = call.context().node().node_id;
  controller.host = here.host;
  controller.port = here.port;
}

void handle_describe_cluster(std::shared_ptr<DescribeClusterCall> call) {
  // A controller answers only administrators, as in Kafka.
  if (call->connection().to_controller && !require_cluster(*call, security::kAlterCluster)) return;
  DescribeClusterResponse response;
  response.error_message.reset();
  if (refuse_endpoint_type(*call, response)) return call->reply(response);
  response.endpoint_type = call->request.endpoint_type;
  response.cluster_id = call->context().node().cluster_id;
  response.controller_id = call->context().node().node_id;
  if (call->connection().to_controller) {
    describe_controllers(*call, response);
  } else {
    describe_brokers(*call, response);
  }
  if (call->request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations =
        call->allows_quietly(security::kDescribeTheCluster)
            ? call->authorized_operations(AclResourceType::kCluster, kClusterResource)
            : 0;
  }
  call->reply(response);
}

}  // namespace

ApiEntry describe_cluster_api() {
  return api_entry<DescribeClusterCall, handle_describe_cluster>(
      {security::kDescribeTheCluster, security::kAlterCluster});
}

}  // namespace milena::broker
