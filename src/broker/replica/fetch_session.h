// Incremental fetch sessions (KIP-227): the broker remembers the partitions that a consumer reads and its last answer
// about each, so that a request and an answer only contain changes.
//
// A FetchSessionCache belongs to a shard; a session's id carries the shard (Router::is_session_of), so that a session
// can be used from any connection. Pure bookkeeping: no reads, no waiting. Source: Kafka's FetchSession.scala.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/uuid.h"
#include "protocol/error_code.h"

namespace milena::broker {

// How a request identifies a partition: by topic name before version 13, by id since.
struct FetchKey {
  Uuid topic_id;
  Bytes topic;
  int32_t partition = 0;

  bool operator==(const FetchKey&) const = default;
};

struct FetchKeyHash {
  // Different in each process, because clients choose the keys, even those of missing topics.
  size_t operator()(const FetchKey& key) const;
};

// A consumer's position in a partition.
struct FetchPosition {
  int64_t fetch_offset = 0;
  int32_t max_bytes = 0;
  int32_t current_leader_epoch = -1;
  int32_t last_fetched_epoch = -1;
  int64_t log_start_offset = -1;  // a follower's
  // The follower's, if it sends it with each fetch; then it gets a higher one at once (KIP-1166).
  int64_t high_watermark = INT64_MAX;
};

class FetchSession {
 public:
  static constexpr int32_t kInitialEpoch = 0;
  static constexpr int32_t kFinalEpoch = -1;

  struct Entry {
    FetchKey key;
    FetchPosition position;
    // The values of the last answer; -1 puts the partition into the next one.
    int64_t told_high_watermark = -1;
    int64_t told_log_start_offset = -1;
  };

  FetchSession(int32_t id, bool uses_topic_ids) : id_(id), uses_topic_ids_(uses_topic_ids) {}

  int32_t id() const { return id_; }
  bool uses_topic_ids() const { return uses_topic_ids_; }
  // The epoch that the next request must carry.
  int32_t epoch() const { return epoch_; }
  // Continues with 1 after the largest: 0 means "a new session".
  void advance_epoch() { epoch_ = epoch_ == INT32_MAX ? 1 : epoch_ + 1; }

  // A request uses it, perhaps on another shard. Only touched on the session's home shard.
  bool in_use() const { return in_use_; }
  void set_in_use(bool in_use) { in_use_ = in_use; }

  // Adds the partition or replaces its position.
  void put(const FetchKey& key, const FetchPosition& position);
  void forget(const FetchKey& key);
  size_t size() const { return entries_.size(); }
  // Approximate memory use.
  size_t cost_bytes() const { return cost_bytes_; }
  static size_t cost_of(const FetchKey& key);
  // In the order in which they are served.
  const std::list<Entry>& entries() const { return entries_; }
  Entry* find(const FetchKey& key);
  // Partitions that returned data go to the end, so that the next answer begins with others.
  void move_to_end(const FetchKey& key);

 private:
  int32_t id_;
  bool uses_topic_ids_;
  int32_t epoch_ = 1;
  bool in_use_ = false;
  size_t cost_bytes_ = 0;
  std::list<Entry> entries_;
  std::unordered_map<FetchKey, std::list<Entry>::iterator, FetchKeyHash> index_;
};

class FetchSessionCache {
 public:
  // The most memory for all sessions of a node. Kafka bounds only their number.
  static constexpr size_t kMaxBytes = 128 << 20;

  // The ids are `shard_index` modulo `shard_count`. `slots` is this shard's part of
  // max.incremental.fetch.session.cache.slots, `most_bytes` its part of kMaxBytes.
  FetchSessionCache(size_t shard_index, size_t shard_count, size_t slots, Random& random,
                    size_t most_bytes = kMaxBytes);

  // Makes a new, empty session with that expected cost. Returns null if the cache is full of sessions that were used in
  // the last two minutes, or if bytes are short and none of these is larger.
  std::shared_ptr<FetchSession> create(bool uses_topic_ids, size_t cost_bytes, int64_t now_ms);
  // Called after a request has changed it. If the total is too large, the largest sessions are evicted.
  void note_cost(const FetchSession& session);
  std::shared_ptr<FetchSession> find(int32_t id, int64_t now_ms);
  void remove(int32_t id);
  size_t size() const { return slots_in_use_.size(); }

 private:
  struct Slot {
    std::shared_ptr<FetchSession> session;
    std::list<int32_t>::iterator by_use;
    int64_t last_used_ms;
    size_t cost_bytes;
  };

  bool make_room(size_t cost_bytes, int64_t now_ms);
  int32_t largest() const;

  size_t shard_index_;
  size_t shard_count_;
  size_t slots_;
  Random& random_;
  size_t most_bytes_;
  size_t cost_bytes_ = 0;
  std::unordered_map<int32_t, Slot> slots_in_use_;
  std::list<int32_t> by_use_;  // least recently used first
};

}  // namespace milena::broker
