// AddRaftVoter (key 80), versions 0-1 (KIP-853). The controller is embedded, a static quorum of one: voters cannot be
// added, which Kafka says of such a quorum in the same words of the protocol.
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
  if (!refusal) refusal = VoterRefusal{ErrorCode::kUnsupportedVersion, "A static quorum (kraft.version 0) gets no new voters"};
  response.error_code = refusal->code;
  response.error_message = std::move(refusal->message);
  call->reply(response);
}

}  // namespace milena
