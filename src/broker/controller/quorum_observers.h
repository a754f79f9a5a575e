// Who follows the metadata log without a vote, and how far they are, as DescribeQuorum tells. Lives on the controller's
// shard. Source: Kafka's LeaderState.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/uuid.h"

namespace milena {

struct QuorumObserver {
  int32_t id = -1;
  Uuid directory_id;
  int64_t log_end_offset = -1;
  int64_t last_fetch_ms = -1;
  int64_t last_caught_up_ms = -1;
  int64_t leader_end_at_last_fetch = -1;
};

class QuorumObservers {
 public:
  // After this time of silence an observer is forgotten.
  static constexpr int64_t kSession_ms = 300'000;
  // A follower may name any id: of more than this the one that has been silent for longest is forgotten.
  static constexpr size_t kMost = 1000;

  // A follower has asked for what is behind `offset`, which is a part of our log.
  void note_fetch(int32_t id, const Uuid& directory_id, int64_t offset, int64_t leader_end, int64_t now_ms);
  std::vector<QuorumObserver> list(int64_t now_ms);

 private:
  void forget_silent(int64_t now_ms);

  std::map<int32_t, QuorumObserver> observers_;
};

}  // namespace milena
