// ReplicaFetchers: fetches for the followers of this shard. There is one connection to each leader, with one Fetch in
// flight, of an incremental session, for all partitions that this shard follows there. The batches are appended
// unchanged.
//
// Lives on its shard; a node without followers has none. Source: Kafka's AbstractFetcherThread, ReplicaFetcherThread,
// RemoteLeaderEndPoint.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "broker/cluster/node_connection.h"
#include "broker/replica/follower_session.h"
#include "broker/replica/partition.h"
#include "broker/replica/topic_partition_id.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/list_offsets.h"

namespace milena::broker {

class ReplicaManager;
class ShardContext;

class ReplicaFetchers {
 public:
  ReplicaFetchers(ShardContext& shard, ReplicaManager& replicas) : shard_(shard), replicas_(replicas) {}
  ~ReplicaFetchers();

  // From now on the partition follows that broker; kNoLeader: none for now.
  void follow(const TopicPartitionId& id, int32_t leader);
  void unfollow(const TopicPartitionId& id);
  void stop();

 private:
  struct Followed {
    // The earliest time of its next fetch.
    int64_t not_before_ms = 0;
    // At its last fetch it did not have everything that consumers may read.
    bool lags = true;
  };
  struct Fetcher {
    int32_t leader = -1;
    std::shared_ptr<NodeConnection> connection;
    FollowerSession session;
    std::unordered_map<TopicPartitionId, Followed> partitions;
    // The position of each in the last fetch. An answer for another position does not fit the replica any more.
    std::unordered_map<TopicPartitionId, int64_t> asked;
    bool under_way = false;
    TimerId timer = 0;
    int64_t timer_ms = 0;
  };
  using FetcherPtr = std::shared_ptr<Fetcher>;

  void fetch_soon(const FetcherPtr& fetcher);
  void fetch(const FetcherPtr& fetcher);
  void fetch_at(const FetcherPtr& fetcher, int64_t ms);
  bool connect(Fetcher& fetcher);
  std::shared_ptr<FetchRequest> make_request(Fetcher& fetcher, int64_t& next_ms);
  FollowerSession::Wanted wanted(Partition& partition, ByteView topic,
                                 const Partition::FollowerPosition& position) const;
  bool is_held_back(const TopicPartitionId& id, const Followed& followed) const;
  void count(const TopicPartitionId& id, uint64_t bytes) const;
  void on_fetched(const FetcherPtr& fetcher, ErrorCode error, const FetchResponse& response);
  void take(const FetcherPtr& fetcher, const TopicPartitionId& id, const FetchResponse::PartitionData& data);
  void find_range(const FetcherPtr& fetcher, const TopicPartitionId& id);
  void pause(Fetcher& fetcher, const TopicPartitionId& id, int64_t ms);

  ShardContext& shard_;
  ReplicaManager& replicas_;
  std::map<int32_t, FetcherPtr> fetchers_;
  std::unordered_map<TopicPartitionId, int32_t> leaders_;
  bool stopped_ = false;
};

}  // namespace milena::broker
