// The checks that AddRaftVoter and RemoveRaftVoter share (KIP-853).
#pragma once

#include <optional>

#include "base/uuid.h"
#include "broker/shard_context.h"
#include "protocol/error_code.h"

namespace milena::broker {

struct VoterRefusal {
  ErrorCode code;
  Bytes message;
};

inline std::optional<VoterRefusal> refuse_voter(const ShardContext& shard, const std::optional<ByteView>& cluster_id,
                                                int32_t voter_id, const Uuid& directory_id) {
  const std::string& ours = shard.node().cluster_id;
  if (cluster_id && *cluster_id != ours) {
    return VoterRefusal{ErrorCode::kInconsistentClusterId,
                        "The request is for the cluster " + Bytes(*cluster_id) + ", this one is " + ours};
  }
  if (voter_id < 0 || directory_id.is_zero())
    return VoterRefusal{ErrorCode::kInvalidRequest, "The request names no voter: it needs an id and a directory id"};
  return std::nullopt;
}

}  // namespace milena::broker
