// RemoveRaftVoter (key 81), version 0 (KIP-853). The controller is embedded, a quorum of one, and the last voter stays.
#include "broker/api/raft_voter.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/shard_context.h"
#include "protocol/messages/remove_raft_voter.h"

namespace milena::broker {
namespace {

using RemoveRaftVoterCall = Call<RemoveRaftVoterRequest, RemoveRaftVoterResponse>;

void handle_remove_raft_voter(std::shared_ptr<RemoveRaftVoterCall> call) {
  if (!require_cluster(*call, security::kAlterCluster)) return;
  const auto& request = call->request;
  RemoveRaftVoterResponse response;
  auto refusal = refuse_voter(call->context(), request.cluster_id, request.voter_id, request.voter_directory_id);
  if (!refusal && call->context().node().kraft_version == 0) {
    refusal =
        VoterRefusal{ErrorCode::kUnsupportedVersion, "Voters cannot be removed from a static quorum (kraft.version 0)"};
  }
  if (!refusal) refusal = VoterRefusal{ErrorCode::kVoterNotFound, "The quorum has no such voter"};
  response.error_code = refusal->code;
  response.error_message = std::move(refusal->message);
  call->reply(response);
}

}  // namespace

ApiEntry remove_raft_voter_api() {
  return api_entry<RemoveRaftVoterCall, handle_remove_raft_voter>({security::kAlterCluster});
}

}  // namespace milena::broker
