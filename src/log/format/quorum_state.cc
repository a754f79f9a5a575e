#include "log/format/quorum_state.h"

#include <fmt/core.h>

#include "log/format/json.h"

namespace milena::log {

Bytes encode_quorum_state(const QuorumState& state) {
  if (state.data_version == 1) {
    return fmt::format(R"({{"leaderId":{},"leaderEpoch":{},"votedId":{},"votedDirectoryId":{},"data_version":1}})",
                       state.leader_id, state.leader_epoch, state.voted_id,
                       json_string(state.voted_directory_id.to_string()));
  }
  std::string voters;
  for (int32_t id : state.current_voters) voters += fmt::format(R"({}{{"voterId":{}}})", voters.empty() ? "" : ",", id);
  return fmt::format(
      R"({{"clusterId":{},"leaderId":{},"leaderEpoch":{},"votedId":{},"appliedOffset":{},"currentVoters":[{}],"data_version":0}})",
      json_string(state.cluster_id), state.leader_id, state.leader_epoch, state.voted_id, state.applied_offset, voters);
}

Result<QuorumState> decode_quorum_state(ByteView file) {
  Result<JsonValue> json = parse_json(file);
  if (!json) return Error{ErrorKind::kCorrupt, "quorum-state: " + json.error().message};
  int64_t version = json->integer_or("data_version", -1);
  if (version != 0 && version != 1) {
    return make_error(ErrorKind::kCorrupt, "quorum-state: data_version is {}, expected 0 or 1", version);
  }
  if (json->member("leaderEpoch") == nullptr || json->member("leaderId") == nullptr) {
    return make_error(ErrorKind::kCorrupt, "quorum-state: leaderId or leaderEpoch is missing");
  }
  QuorumState state;
  state.data_version = static_cast<int16_t>(version);
  state.cluster_id = json->string_or("clusterId", "");
  state.leader_id = static_cast<int32_t>(json->integer_or("leaderId", -1));
  state.leader_epoch = static_cast<int32_t>(json->integer_or("leaderEpoch", 0));
  state.voted_id = static_cast<int32_t>(json->integer_or("votedId", -1));
  state.applied_offset = json->integer_or("appliedOffset", 0);
  state.voted_directory_id = Uuid::parse(json->string_or("votedDirectoryId", "")).value_or(Uuid{});
  if (const JsonValue* voters = json->member("currentVoters")) {
    for (const JsonValue& voter : voters->array) {
      state.current_voters.push_back(static_cast<int32_t>(voter.integer_or("voterId", -1)));
    }
  }
  return state;
}

}  // namespace milena::log
