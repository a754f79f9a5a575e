#include "broker/replica/replica_fetchers.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/cluster/remote_peers.h"
#include "broker/replica/replica_manager.h"
#include "broker/replica/replication_quota.h"
#include "broker/shard_context.h"
#include "broker/storage/log_directories.h"

namespace milena::broker {
namespace {

// The pause while the leader of the metadata does not lead, or does not know it yet.
constexpr int64_t kMetadataPause_ms = 20;
// Until the answer about the leader's range.
constexpr int64_t kUntilTold_ms = INT32_MAX;
// The delay before a fetch that waits at the leader is interrupted for new partitions: several may come at once.
constexpr int64_t kInterrupt_ms = 5;
// The pause of replicas whose rate is exceeded.
constexpr int64_t kThrottledPause_ms = 50;
constexpr int64_t kLatestOffset = -1, kEarliestOffset = -2;

}  // namespace

ReplicaFetchers::~ReplicaFetchers() { stop(); }

void ReplicaFetchers::stop() {
  stopped_ = true;
  for (auto& [leader, fetcher] : fetchers_) {
    shard_.executor().cancel(std::exchange(fetcher->timer, 0));
    if (fetcher->connection != nullptr) fetcher->connection->close();
  }
}

void ReplicaFetchers::follow(const TopicPartitionId& id, int32_t leader) {
  // While the node loads, another thread works here: ReplicaManager::start_replication() comes later.
  if (stopped_ || shard_.node().network == nullptr || shard_.node().directories->loading()) return;
  const auto known = leaders_.find(id);
  if (known != leaders_.end() && known->second != leader) unfollow(id);
  if (leader < 0) return;
  leaders_[id] = leader;
  FetcherPtr& fetcher = fetchers_[leader];
  if (fetcher == nullptr) fetcher = std::make_shared<Fetcher>(Fetcher{.leader = leader});
  fetcher->partitions[id] = {};
  fetch_soon(fetcher);
}

void ReplicaFetchers::unfollow(const TopicPartitionId& id) {
  const auto known = leaders_.find(id);
  if (known == leaders_.end()) return;
  const FetcherPtr& fetcher = fetchers_[known->second];
  fetcher->partitions.erase(id);
  fetcher->asked.erase(id);
  leaders_.erase(known);
}

// At the end of the turn, together with other partitions of the turn.
void ReplicaFetchers::fetch_soon(const FetcherPtr& fetcher) { fetch_at(fetcher, shard_.steady_ms()); }

void ReplicaFetchers::fetch_at(const FetcherPtr& fetcher, int64_t ms) {
  if (stopped_ || (fetcher->timer != 0 && fetcher->timer_ms <= ms)) return;
  // A fetch that waits at the leader does not include the new partitions, and blocks the connection: it is cancelled
  // for them.
  if (fetcher->under_way) ms = std::max(ms, shard_.steady_ms() + kInterrupt_ms);
  shard_.executor().cancel(fetcher->timer);
  fetcher->timer_ms = ms;
  fetcher->timer = shard_.executor().call_at(ms, [this, fetcher] {
    fetcher->timer = 0;
    if (!fetcher->under_way) return fetch(fetcher);
    const int64_t now_ms = shard_.steady_ms();
    const bool any_left_out =
        std::any_of(fetcher->partitions.begin(), fetcher->partitions.end(), [&](const auto& one) {
          return one.second.not_before_ms <= now_ms && !fetcher->asked.contains(one.first) &&
                 !is_held_back(one.first, one.second);
        });
    if (!any_left_out) return;
    fetcher->session.begin_anew();
    NodeConnection::retire(std::exchange(fetcher->connection, nullptr), "other partitions are to be fetched, too");
  });
}

// Returns false if the leader's address is unknown.
bool ReplicaFetchers::connect(Fetcher& fetcher) {
  const auto address = inter_broker_address(shard_, fetcher.leader);
  if (!address) return false;
  if (fetcher.connection != nullptr && fetcher.connection->address() == *address) return true;
  const std::string name = fmt::format("broker-{}-fetcher-{}", shard_.node().node_id, shard_.index());
  auto made =
      std::make_shared<NodeConnection>(shard_.executor(), *shard_.node().network, shard_.index(), *address, name);
  auto old = std::exchange(fetcher.connection, std::move(made));
  if (old != nullptr) fetcher.session.forget();
  NodeConnection::retire(std::move(old), "the leader has changed");
  return true;
}

std::shared_ptr<FetchRequest> ReplicaFetchers::make_request(Fetcher& fetcher, int64_t& next_ms) {
  const int64_t now_ms = shard_.steady_ms();
  const config::Settings& settings = shard_.settings();
  const metadata::BrokerImage* self = shard_.image().find_broker(shard_.node().node_id);
  auto request = std::make_shared<FetchRequest>();
  request->replica_id = shard_.node().node_id;
  request->replica_state.replica_id = shard_.node().node_id;
  request->replica_state.replica_epoch = self == nullptr ? -1 : self->epoch;
  request->max_wait_ms = settings.get_int("replica.fetch.wait.max.ms");
  request->min_bytes = settings.get_int("replica.fetch.min.bytes");
  request->max_bytes = settings.get_int("replica.fetch.response.max.bytes");
  fetcher.asked.clear();
  std::vector<FollowerSession::Wanted> all;
  std::vector<TopicPartitionId> gone;
  for (const auto& [id, followed] : fetcher.partitions) {
    if (followed.not_before_ms > now_ms) {
      next_ms = std::min(next_ms, followed.not_before_ms);
      continue;
    }
    Partition* partition = replicas_.find_replica(id);
    const metadata::TopicImage* image = shard_.image().find_topic(id.topic_id);
    if (partition == nullptr || partition->leads() || image == nullptr) {
      gone.push_back(id);
      continue;
    }
    if (is_held_back(id, followed)) {
      next_ms = std::min(next_ms, now_ms + kThrottledPause_ms);
      continue;
    }
    const auto position = partition->follower_position();
    if (!position) continue;  // its disk has failed
    all.push_back(wanted(*partition, image->name, *position));
    fetcher.asked[id] = position->log_end;
  }
  for (const TopicPartitionId& id : gone) unfollow(id);
  if (!all.empty()) fetcher.session.write(all, *request);
  return request;
}

FollowerSession::Wanted ReplicaFetchers::wanted(Partition& partition, ByteView topic,
                                                const Partition::FollowerPosition& position) const {
  FollowerSession::Wanted wanted{partition.id(), topic, {}};
  FetchRequest::FetchPartition& at = wanted.at;
  at.partition = partition.id().partition;
  at.current_leader_epoch = partition.leader_epoch();
  at.fetch_offset = position.log_end;
  at.last_fetched_epoch = position.last_epoch;
  at.log_start_offset = position.log_start;
  at.partition_max_bytes = shard_.settings().get_int("replica.fetch.max.bytes");
  at.high_watermark = partition.high_watermark();
  if (partition.directory() != nullptr) at.replica_directory_id = partition.directory()->id();
  return wanted;
}

// follower.replication.throttled.rate: a replica that lags waits while the rate is exceeded.
bool ReplicaFetchers::is_held_back(const TopicPartitionId& id, const Followed& followed) const {
  if (!followed.lags) return false;
  const ThrottledReplicas throttled(shard_, ReplicationSide::kFollower);
  return throttled.any() && throttled.contains(id, shard_.node().node_id) && throttled.rate_exceeded();
}

void ReplicaFetchers::count(const TopicPartitionId& id, uint64_t bytes) const {
  const ThrottledReplicas throttled(shard_, ReplicationSide::kFollower);
  if (bytes > 0 && throttled.any() && throttled.contains(id, shard_.node().node_id)) throttled.record(bytes);
}

void ReplicaFetchers::fetch(const FetcherPtr& fetcher) {
  if (stopped_ || fetcher->under_way || fetcher->partitions.empty()) return;
  if (!connect(*fetcher)) return fetch_at(fetcher, shard_.steady_ms() + kMetadataPause_ms);
  int64_t next_ms = INT64_MAX;
  std::shared_ptr<FetchRequest> request = make_request(*fetcher, next_ms);
  if (fetcher->asked.empty()) {
    if (next_ms != INT64_MAX) fetch_at(fetcher, next_ms);
    return;
  }
  fetcher->under_way = true;
  const int64_t wait_ms = shard_.settings().get_int("replica.socket.timeout.ms");
  std::shared_ptr<const FetchRequest> message(std::move(request));
  fetcher->connection->send(outgoing_request<FetchResponse>(std::move(message), FetchRequest::kMaxVersion),
                            shard_.steady_ms() + wait_ms,
                            outgoing_reply<FetchResponse>([this, fetcher](ErrorCode error,
                                                                          const FetchResponse& response) {
                              fetcher->under_way = false;
                              if (!stopped_) on_fetched(fetcher, error, response);
                            }));
}

void ReplicaFetchers::on_fetched(const FetcherPtr& fetcher, ErrorCode error, const FetchResponse& response) {
  if (fetcher->connection == nullptr) return fetch_soon(fetcher);  // interrupted
  if (error == ErrorCode::kNone) error = response.error_code;
  // This is normal: the leader has a limited number of sessions.
  if (fetcher->session.on_answer(error, response.session_id)) return fetch_soon(fetcher);
  if (error != ErrorCode::kNone) {
    const std::string text = fmt::format("cannot fetch from broker {}: {} {}", fetcher->leader, error_name(error),
                                         fetcher->connection->last_failure());
    if (shard_.first_time(text)) log_info("{}", text);
    // The controller replaces a dead leader, in the metadata.
    const int64_t pause_ms = std::min<int64_t>(shard_.settings().get_int("replica.fetch.backoff.ms"), 100);
    return fetch_at(fetcher, shard_.steady_ms() + pause_ms);
  }
  for (const auto& topic : response.responses) {
    Uuid topic_id = topic.topic_id;
    if (topic_id.is_zero()) {
      const metadata::TopicImage* image = shard_.image().find_topic(topic.topic);
      if (image == nullptr) continue;
      topic_id = image->id;
    }
    for (const auto& data : topic.partitions) take(fetcher, {topic_id, data.partition_index}, data);
  }
  fetch_soon(fetcher);
}

void ReplicaFetchers::pause(Fetcher& fetcher, const TopicPartitionId& id, int64_t ms) {
  auto found = fetcher.partitions.find(id);
  if (found == fetcher.partitions.end()) return;
  found->second.not_before_ms = shard_.steady_ms() + ms;
  if (ms == kUntilTold_ms) return;
  // By then another fetch may wait at the leader.
  shard_.executor().call_after(ms, [this, leader = fetcher.leader] {
    auto still = fetchers_.find(leader);
    if (still != fetchers_.end()) fetch_soon(still->second);
  });
}

void ReplicaFetchers::take(const FetcherPtr& fetcher, const TopicPartitionId& id,
                           const FetchResponse::PartitionData& data) {
  const auto asked = fetcher->asked.find(id);
  Partition* partition = replicas_.find_replica(id);
  // Since the request the partition was removed, became a leader, or follows another broker.
  if (asked == fetcher->asked.end() || partition == nullptr || partition->leads()) return;
  ErrorCode error = data.error_code;
  if (error == ErrorCode::kNone) error = partition->cut_at_gap();
  const auto position = partition->follower_position();
  if (!position || position->log_end != asked->second) return;
  if (error == ErrorCode::kOffsetOutOfRange) return find_range(fetcher, id);
  if (error == ErrorCode::kNone && data.diverging_epoch.end_offset >= 0) {
    log_info("Partition {}: the leader's log diverges from this replica's in epoch {} at {}", partition->name(),
             data.diverging_epoch.epoch, data.diverging_epoch.end_offset);
    error = partition->truncate_to_leader(data.diverging_epoch.epoch, data.diverging_epoch.end_offset);
  } else if (error == ErrorCode::kNone) {
    Bytes bytes;
    if (data.records && !data.records->empty()) {
      auto flat = data.records->flatten();
      if (!flat) return;
      bytes = flat.take();
    }
    error = partition->append_as_follower(bytes, data.high_watermark, data.log_start_offset);
    count(id, bytes.size());
    if (auto followed = fetcher->partitions.find(id); followed != fetcher->partitions.end()) {
      followed->second.lags = partition->log_end_offset() < data.high_watermark;
    }
  }
  switch (error) {
    case ErrorCode::kNone: return;
    // The broker with the older epoch will get the newer metadata.
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kUnknownLeaderEpoch:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kUnknownTopicOrPartition: return pause(*fetcher, id, kMetadataPause_ms);
    default: {
      const std::string text = fmt::format("cannot fetch partition {}: {}", partition->name(), error_name(error));
      if (shard_.first_time(text)) log_warn("{}", text);
      return pause(*fetcher, id, shard_.settings().get_int("replica.fetch.backoff.ms"));
    }
  }
}

// This log ends before the start of the leader's log, or after its end.
void ReplicaFetchers::find_range(const FetcherPtr& fetcher, const TopicPartitionId& id) {
  const metadata::TopicImage* topic = shard_.image().find_topic(id.topic_id);
  Partition* partition = replicas_.find_replica(id);
  if (topic == nullptr || partition == nullptr) return;
  pause(*fetcher, id, kUntilTold_ms);
  struct Range {
    std::string topic;
    ListOffsetsRequest request;
    int64_t end = -1;
  };
  auto range = std::make_shared<Range>();
  range->topic = topic->name;
  const auto ask = [this, fetcher, id](const std::shared_ptr<Range>& of, int64_t timestamp, int32_t epoch,
                                       std::function<void(ErrorCode, int64_t)> then) {
    of->request = {};
    of->request.replica_id = shard_.node().node_id;
    auto& out = of->request.topics.emplace_back();
    out.name = of->topic;
    auto& at = out.partitions.emplace_back();
    at.partition_index = id.partition;
    at.current_leader_epoch = epoch;
    at.timestamp = timestamp;
    std::shared_ptr<const ListOffsetsRequest> message(of, &of->request);
    if (fetcher->connection == nullptr) return then(ErrorCode::kNetworkException, -1);
    fetcher->connection->send(
        outgoing_request<ListOffsetsResponse>(std::move(message), int16_t{7}),
        shard_.steady_ms() + shard_.settings().get_int("replica.socket.timeout.ms"),
        outgoing_reply<ListOffsetsResponse>(
            [then = std::move(then)](ErrorCode error, const ListOffsetsResponse& response) {
              const bool whole = response.topics.size() == 1 && response.topics[0].partitions.size() == 1;
              if (error == ErrorCode::kNone && !whole) error = ErrorCode::kUnknownServerError;
              if (error == ErrorCode::kNone) error = response.topics[0].partitions[0].error_code;
              then(error, error == ErrorCode::kNone ? response.topics[0].partitions[0].offset : -1);
            }));
  };
  const int32_t epoch = partition->leader_epoch();
  const ReplicaRef replica = partition->ref();
  ask(range, kLatestOffset, epoch, [this, fetcher, replica, range, epoch, ask](ErrorCode error, int64_t end) {
    if (stopped_) return;
    if (error != ErrorCode::kNone) {
      pause(*fetcher, replica.id, kMetadataPause_ms);
      return fetch_soon(fetcher);
    }
    ask(range, kEarliestOffset, epoch, [this, fetcher, replica, epoch, end](ErrorCode failed, int64_t start) {
      if (stopped_) return;
      pause(*fetcher, replica.id, failed == ErrorCode::kNone ? 0 : kMetadataPause_ms);
      Partition* still = replicas_.find_again(replica);
      const bool same = still != nullptr && !still->leads() && still->leader_epoch() == epoch;
      if (failed == ErrorCode::kNone && same) still->truncate_into_range(start, end);
      fetch_soon(fetcher);
    });
  });
}

}  // namespace milena::broker
