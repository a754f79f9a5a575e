// DescribeQuorum (key 55), versions 0-2: the quorum of the one partition of __cluster_metadata, from the controller.
// Version 1 adds times, version 2 directory ids, messages and the nodes' addresses (KIP-853).
#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "protocol/messages/describe_quorum.h"

namespace milena::broker {
namespace {

using DescribeQuorumCall = Call<DescribeQuorumRequest, DescribeQuorumResponse>;

void handle_describe_quorum(std::shared_ptr<DescribeQuorumCall> call) {
  if (!require_cluster(*call, security::kDescribeTheCluster)) return;
  ask_controller(std::move(call));
}

}  // namespace

ApiEntry describe_quorum_api() {
  return api_entry<DescribeQuorumCall, handle_describe_quorum>({security::kDescribeTheCluster});
}

}  // namespace milena::broker
