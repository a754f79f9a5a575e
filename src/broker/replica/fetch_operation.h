// FetchOperation: one Fetch request from its session to its answer, over one or several turns.
//
// Resolves the session, reads the partitions on their shards, and either answers or parks: then it is registered at
// each partition (Waiter) and reads all again when one of them moves, until there is enough data or the time is over.
// Lives on the connection's shard, kept alive by its next caller. Source: Kafka's ReplicaManager.fetchMessages,
// DelayedFetch and FetchSession.scala.
#pragma once

#include <memory>
#include <vector>

#include "broker/clients/call.h"
#include "broker/replica/fetch_session.h"
#include "broker/replica/topic_partition_id.h"
#include "broker/replica/waiter.h"
#include "log/format/aborted_transaction.h"
#include "protocol/messages/fetch.h"

namespace milena::broker {

using FetchCall = Call<FetchRequest, FetchResponse>;

// From this version on topics have ids instead of names.
inline constexpr int16_t kFetchWithTopicIds = 13;

// One partition of a fetch: the request's part and the result.
struct FetchItem {
  TopicPartitionId id;
  FetchKey key;
  FetchPosition position;
  bool away = false;   // being read; only a placeholder is left here
  bool waits = false;  // its Waiter was registered at the partition, and may have fired since

  ErrorCode error = ErrorCode::kNone;
  int64_t high_watermark = -1;
  int64_t last_stable_offset = -1;
  int64_t log_start_offset = -1;
  Payload records;
  std::optional<std::vector<log::AbortedTransaction>> aborted;
  FetchResponse::EpochEndOffset diverging;
  // The follower from which the consumer should read instead; then nothing is read.
  int32_t preferred_replica = -1;
  // It belongs to the throttled replicas, whose rate is exceeded.
  bool throttled = false;
  bool held_back = false;
  bool has_diverging() const { return diverging.end_offset >= 0; }
};

// The limits of all partitions of a fetch.
struct FetchLimits {
  uint64_t max_bytes = 0;
  uint64_t min_bytes = 0;
  bool first_batch_whole = true;  // false for versions 0 to 2: their limits are hard
  bool read_committed = false;
  int32_t replica_id = -1;        // a follower's id, or -1
  int64_t replica_epoch = -1;     // and the epoch of that broker
  bool any_replica = false;       // a consumer that knows followers (KIP-392)
  Bytes client_rack;              // its rack, if replicas are selected by rack

  bool by_follower() const { return replica_id >= 0; }
};

// Reads the items one after the other on the shard that owns them, within the limits. Returns the bytes read.
uint64_t read_partitions(Shard& owner, std::vector<FetchItem>& items, const FetchLimits& limits);

class FetchOperation : public std::enable_shared_from_this<FetchOperation> {
 public:
  explicit FetchOperation(std::shared_ptr<FetchCall> call);
  void start();

 private:
  enum class Kind { kSessionless, kFull, kIncremental };

  // Only longer waits are noted as starved: a consumer's default is half a second.
  static constexpr int64_t kLongWait_ms = 1000;

  // A lack of memory ends the request and closes its connection, in any turn.
  template <class Step>
  void or_close(Step step);
  void close_for_memory();
  void begin();
  void with_session(std::shared_ptr<FetchSession> session, bool busy);
  void end_empty_session();
  void answer_session_error(ErrorCode error);
  void collect_items();
  bool may_read(ByteView topic);
  void add_item(const FetchKey& key, const FetchPosition& position);
  void read();
  void on_read(std::vector<FetchItem> items);
  void on_progress();
  bool answer_now(uint64_t bytes) const;
  void note_starved(uint64_t bytes);
  void park();
  void unregister();
  void stop_waiting();
  void release_session();
  void abandon();
  void finish();
  void answer();
  void answer_throttled(int64_t throttle_ms);
  void convert_for_old_version(FetchItem& item);
  bool tell(FetchItem& item);
  void create_session();
  FetchResponse build_response();
  void count(const FetchItem& item) const;
  void name_leader(const FetchItem& item, FetchResponse& response, FetchResponse::PartitionData& out) const;

  std::shared_ptr<FetchCall> call_;
  Shard& shard_;
  Kind kind_ = Kind::kSessionless;
  FetchLimits limits_;
  std::shared_ptr<FetchSession> session_;
  std::vector<FetchItem> items_;
  std::shared_ptr<Waiter> waiter_;
  TimerId timer_ = 0;
  int64_t deadline_ms_ = 0;
  bool reading_ = false;
  bool woken_while_reading_ = false;
  // The authorizer's last answer, while items are collected.
  struct Asked {
    Bytes topic;
    bool allowed;
  };
  std::optional<Asked> asked_;
  bool finished_ = false;
};

}  // namespace milena::broker
