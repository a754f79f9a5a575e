// FollowerSession: the incremental fetch session of a fetcher with one leader (KIP-227). A request names only the
// partitions whose position has changed since the previous one, so an idle follower of many partitions sends and reads
// almost nothing.
//
// Pure; a part of ReplicaFetchers. Source: Kafka's FetchSessionHandler.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "broker/replica/topic_partition_id.h"
#include "protocol/error_code.h"
#include "protocol/messages/fetch.h"

namespace milena::broker {

class FollowerSession {
 public:
  struct Wanted {
    TopicPartitionId id;
    ByteView topic;
    FetchRequest::FetchPartition at;
  };

  // Writes the request for all of them. The views of the topics must not change until it is encoded.
  void write(const std::vector<Wanted>& wanted, FetchRequest& request);
  // The answer to the last request. Returns true if the leader has dropped the session; then ask again at once.
  bool on_answer(ErrorCode error, int32_t session_id);
  // The leader's state is unknown; the next request names everything.
  void begin_anew() { epoch_ = 0; }
  // Another leader, or a restarted one.
  void forget() { id_ = epoch_ = 0; }

 private:
  struct Told {
    FetchRequest::FetchPartition at;
    uint64_t wanted_in = 0;
  };

  int32_t id_ = 0;
  int32_t epoch_ = 0;
  uint64_t request_ = 0;
  std::unordered_map<TopicPartitionId, Told> told_;
};

}  // namespace milena::broker
