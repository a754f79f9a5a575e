// AddRaftVoter (key 80), versions 0-1 (KIP-853). The controller is embedded, a quorum of one. With kraft.version 0
// voters cannot be added; with 1 this node could not reach another voter.
#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "broker/api/raft_voter.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "protocol/messages/add_raft_voter.h"

namespace milena::broker {
namespace {

using AddRaftVoterCall = Call<AddRaftVoterRequest, AddRaftVoterResponse>;

// Names of listeners are compared in upper case. If this node has no controller listener, the usual name is used.
Bytes controller_listener_name(const ShardContext& shard) {
  const std::vector<Bytes> names = shard.node().settings->get_list("controller.listener.names");
  return names.empty() ? "CONTROLLER" : ascii_upper(names.front());
}

bool names_listener(const AddRaftVoterRequest& request, ByteView wanted) {
  return std::any_of(request.listeners.begin(), request.listeners.end(),
                     [&](const auto& listener) { return ascii_upper(listener.name) == wanted; });
}

void handle_add_raft_voter(std::shared_ptr<AddRaftVoterCall> call) {
  if (!require_cluster(*call, security::kAlterCluster)) return;
  const auto& request = call->request;
  AddRaftVoterResponse response;
  auto refusal = refuse_voter(call->context(), request.cluster_id, request.voter_id, request.voter_directory_id);
  const Bytes wanted = controller_listener_name(call->context());
  if (!refusal && !names_listener(request, wanted)) {
    Bytes why = "The request has no address for the voter's listener " + wanted;
    for (const auto& other : request.listeners)
      why += fmt::format("; {}={}:{}", ascii_upper(other.name), other.host, other.port);
    refusal = VoterRefusal{ErrorCode::kInvalidRequest, std::move(why)};
  }
  if (!refusal && call->context().node().kraft_version == 0) {
    refusal =
        VoterRefusal{ErrorCode::kUnsupportedVersion, "A static quorum (kraft.version 0) does not accept new voters"};
  }
  if (!refusal && request.voter_id == call->context().node().node_id) {
    refusal = VoterRefusal{ErrorCode::kDuplicateVoter, "This node is already a voter"};
  }
  if (!refusal)
    refusal = VoterRefusal{ErrorCode::kRequestTimedOut,
                           "The voter was not contacted: this controller is embedded and runs alone"};
  response.error_code = refusal->code;
  response.error_message = std::move(refusal->message);
  call->reply(response);
}

}  // namespace

ApiEntry add_raft_voter_api() { return api_entry<AddRaftVoterCall, handle_add_raft_voter>({security::kAlterCluster}); }

}  // namespace milena::broker
