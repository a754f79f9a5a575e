// AddRaftVoter (key 80), versions 0-1 (KIP-853). The controller is embedded, a quorum of one. With kraft.version 0 voters
// cannot be added; with 1 none that this node could reach.
#include "broker/api/handlers.h"
#include "broker/api/raft_voter.h"
#include "broker/call.h"
#include "broker/shard.h"
#include "protocol/messages/add_raft_voter.h"

namespace milena {

void handle_add_raft_voter(std::shared_ptr<AddRaftVoterCall> call) {
  const auto& request = call->request;
  AddRaftVoterResponse response;
  auto refusal = refuse_voter(call->shard(), request.cluster_id, request.voter_id, request.voter_directory_id);
  if (!refusal && request.listeners.empty()) {
    refusal = VoterRefusal{ErrorCode::kInvalidRequest, "The request tells no address of the voter's controller listener"};
  }
  if (!refusal && call->shard().node().kraft_version == 0) {
    refusal = VoterRefusal{ErrorCode::kUnsupportedVersion, "A static quorum (kraft.version 0) gets no new voters"};
  }
  if (!refusal && request.voter_id == call->shard().node().node_id) {
    refusal = VoterRefusal{ErrorCode::kDuplicateVoter, "This node is a voter already"};
  }
  if (!refusal) refusal = VoterRefusal{ErrorCode::kRequestTimedOut, "The voter was not reached: this controller is embedded and stays alone"};
  response.error_code = refusal->code;
  response.error_message = std::move(refusal->message);
  call->reply(response);
}

}  // namespace milena
