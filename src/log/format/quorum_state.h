// The file quorum-state of __cluster_metadata-0: this node's vote and the leader that it knows (Kafka's
// QuorumStateData, written by FileQuorumStateStore). One line of JSON.
//   data_version 0 (kraft.version 0): clusterId, leaderId, leaderEpoch, votedId, appliedOffset, currentVoters
//   data_version 1 (kraft.version 1): leaderId, leaderEpoch, votedId, votedDirectoryId
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"

namespace milena::log {

struct QuorumState {
  int16_t data_version = 0;
  std::string cluster_id;  // Kafka leaves it empty
  int32_t leader_id = -1;
  int32_t leader_epoch = 0;
  int32_t voted_id = -1;
  int64_t applied_offset = 0;
  std::vector<int32_t> current_voters;
  Uuid voted_directory_id;

  bool operator==(const QuorumState&) const = default;
};

inline constexpr ByteView kQuorumStateFile = "quorum-state";

Bytes encode_quorum_state(const QuorumState& state);
Result<QuorumState> decode_quorum_state(ByteView file);

}  // namespace milena::log
