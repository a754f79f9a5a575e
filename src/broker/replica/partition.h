// Partition: a replica of this node, with its log, its high watermark and the requests that wait for it to move. It
// leads or follows, according to the metadata. PartitionLeader has a leader's state of its followers;
// partition_follower.cc appends the records that a follower fetched.
//
// Lives on its owner shard (Router::owns) and is only touched there. The log is opened on first use, so an idle
// partition costs an object and nothing else. Source: Kafka's Partition.scala.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/payload.h"
#include "base/result.h"
#include "broker/replica/partition_leader.h"
#include "broker/replica/topic_partition_id.h"
#include "broker/replica/waiter.h"
#include "log/log_directory.h"
#include "log/partition_log.h"
#include "protocol/error_code.h"

namespace milena::broker {

class ReplicaManager;
class ShardContext;

class Partition {
 public:
  // Opens the log; called on first use.
  using OpenLog = std::function<Result<std::unique_ptr<log::PartitionLog>>()>;

  // `directory` is null if the replica's directory does not work: the partition is offline from the start.
  Partition(ShardContext& shard, ReplicaManager& replicas, TopicPartitionId id, TopicPartition name,
            log::LogDirectory* directory, OpenLog open);
  ~Partition();

  const TopicPartitionId& id() const { return id_; }
  // For ReplicaManager::find_again() at the end of work that was begun for this replica and its log.
  ReplicaRef ref() const { return {id_, number_}; }
  // "topic-0", for log lines.
  std::string name() const { return name_.to_string(); }
  const TopicPartition& topic_partition() const { return name_; }
  int32_t leader_epoch() const { return leader_epoch_; }
  // For tests.
  void set_leader_epoch(int32_t epoch) { leader_epoch_ = epoch; }
  // Whether this node leads it. Clients only use leaders.
  bool leads() const { return leads_; }
  // Applies the metadata: the replica becomes leader or follower, or the leader has a new in-sync set.
  void take_role(const metadata::PartitionImage& image);

  // The directory of its log; null if that directory did not work at the start.
  log::LogDirectory* directory() const { return directory_; }
  // The log was moved there: the copy replaces it. No sync may be running.
  void replace_log(std::unique_ptr<log::PartitionLog> copy, log::LogDirectory& directory);
  bool offline() const { return offline_; }
  // Whether the partition is known to be empty although its log was not opened: it was never written to.
  bool known_empty() const { return known_empty_; }
  void set_known_empty() { known_empty_ = true; }

  // Runs `use(PartitionLog&)`, which returns a Status. Returns kKafkaStorageError if the log cannot be opened or its
  // disk fails; then the partition is offline. Returns kCorruptMessage if some of its bytes are damaged; then only this
  // use has failed. `use` must not keep references into the log, nor run code that notifies others.
  template <class Use>
  ErrorCode with_log(Use&& use) {
    log::PartitionLog* opened = log();
    if (opened == nullptr) return ErrorCode::kKafkaStorageError;
    Status used = use(*opened);
    return used.ok() ? ErrorCode::kNone : failed_use(used.error());
  }
  // The same for code that frees disk space: on a full disk, the reserve is released and it is called once more.
  template <class Use>
  ErrorCode with_log_and_reserve(Use&& use) {
    log::PartitionLog* opened = log();
    if (opened == nullptr) return ErrorCode::kKafkaStorageError;
    Status used = use(*opened);
    if (!used.ok() && spend_reserve(used.error())) used = use(*opened);
    return used.ok() ? ErrorCode::kNone : failed_use(used.error());
  }
  // Returns 0 if it is offline.
  int64_t log_end_offset() { return log() ? log_->log_end_offset() : 0; }

  // The log itself, valid until the next call that may remove it: an append, a sync, a signal. Null if the disk failed:
  // the partition is offline (KAFKA_STORAGE_ERROR), which was logged once.
  log::PartitionLog* log();
  // Null if it was not used yet.
  log::PartitionLog* log_if_open() { return log_.get(); }
  // The offsets for the checkpoints: of its log, or when it went offline, or of the checkpoints at the start.
  log::LogDirectory::Found offsets() const;
  // After a disk error: logs it once and takes the partition offline. An error of the disk (kIo) also takes the
  // directory offline, with all partitions in it. If descriptors are short (kExhausted) the partition stays online, and
  // the caller tries again.
  void take_offline(const Error& error);
  // The partition is removed, or the node stops: ends all waits with this error. Called before the destructor, while
  // all shards exist; the destructor notifies nobody.
  void end_waits(ErrorCode why);

  // Appends validated batches of a leader's client or coordinator; offsets are assigned here. A disk error is returned
  // as KAFKA_STORAGE_ERROR. A lack of memory ends the process, since a half changed log cannot be used.
  log::AppendOutcome append_as_leader(const Payload& batches, log::AppendChecks checks);

  // Before a transaction's first batch: whether to ask its coordinator (log/producer_state.h).
  log::VerificationStart start_verification(int64_t producer_id, int16_t epoch, int32_t first_sequence,
                                            bool supports_epoch_bump);

  // The end of fetches for consumers; a follower's fetch may continue to the log end offset. Never beyond records that
  // must be synced first (flush.messages).
  int64_t high_watermark() { return log_ ? log_->high_watermark() : 0; }

  // --- as a leader of several replicas (partition_leading.cc)

  // Null if this node is the only replica, or follows.
  PartitionLeader* leader() { return leader_.get(); }
  bool is_replica(int32_t broker_id) const { return leader_ != nullptr && leader_->is_replica(broker_id); }
  bool is_in_sync(int32_t broker_id) const { return leader_ != nullptr && leader_->is_in_sync(broker_id); }
  // A follower has everything below the offset: the high watermark may move, and replicas may join the in-sync set.
  void note_follower_fetch(int32_t broker_id, int64_t broker_epoch, int64_t offset, int64_t log_start);
  // A follower in sync in that rack that has the offset, for a consumer there; -1: the leader serves it.
  int32_t preferred_read_replica(ByteView rack, int64_t offset) const;
  // True after an election, until the followers in sync have fetched: consumers may have read beyond it.
  bool high_watermark_unknown();
  // Whether enough replicas are in sync for acks=all (min.insync.replicas).
  bool enough_in_sync() const;
  // The in-sync set that the controller should have; nullopt if it needs no change.
  std::optional<AlterPartitionRequest::PartitionData> propose_in_sync(bool may_shrink);
  // The controller's answer. Returns true if the same request must be sent again.
  bool on_in_sync_answer(ErrorCode error, const std::vector<int32_t>& in_sync, int32_t leader_epoch,
                         int32_t partition_epoch);
  // For tests: a follower that is in sync up to that offset, or a removed one.
  void set_replica_log_end_offset(int32_t broker_id, int64_t log_end_offset);
  void remove_replica(int32_t broker_id);

  // --- as a follower (partition_follower.cc)

  // The offset of its next fetch, and the epoch of the records before.
  struct FollowerPosition {
    int64_t log_end = 0;
    int64_t log_start = 0;
    int32_t last_epoch = -1;
  };
  // Returns nullopt while the log cannot be opened.
  std::optional<FollowerPosition> follower_position();
  // Appends the leader's batches, which may be none, with its high watermark and log start offset.
  ErrorCode append_as_follower(ByteView batches, int64_t leader_high_watermark, int64_t leader_log_start);
  // The leader answers, so the records of a gap that recovery found, and those behind it, can be fetched again. The
  // fetch began there.
  ErrorCode cut_at_gap();
  // In the leader's log that epoch ends there: truncates the records that diverge.
  ErrorCode truncate_to_leader(int32_t epoch, int64_t end_offset);
  // The leader's log begins and ends there, and this log is outside.
  ErrorCode truncate_into_range(int64_t leader_log_start, int64_t leader_log_end);

  // Calls `done(kNone)` once the high watermark is at least `offset` (at once if it is), kRequestTimedOut at the
  // deadline of the shard's steady clock, kNotLeaderOrFollower if the partition is removed.
  void when_high_watermark_reaches(int64_t offset, int64_t deadline_ms, std::function<void(ErrorCode)> done);

  // The lowest log start offset of the replicas on live brokers (Partition.lowWatermarkIfLeader).
  int64_t low_watermark();
  // The same for the low watermark: every live replica has deleted the records below `offset`.
  void when_low_watermark_reaches(int64_t offset, int64_t deadline_ms, std::function<void(ErrorCode)> done);

  // Whether records appended below `offset` may be acknowledged: they are synced, if the topic has flush.messages
  // (Kafka syncs within the append), and with `by_replicas` the high watermark covers them.
  bool is_settled(int64_t offset, bool by_replicas);
  // Calls `done` when it is; errors as above.
  void when_settled(int64_t offset, bool by_replicas, int64_t deadline_ms, std::function<void(ErrorCode)> done);

  // Whether a worker is syncing the log.
  bool sync_running() const { return sync_running_; }
  void set_sync_running(bool running) { sync_running_ = running; }
  // The recovery point has moved, and with it perhaps the high watermark. The callbacks may append, or remove the
  // partition.
  void finish_sync();
  bool sync_awaited() const { return !sync_waits_.empty(); }

  // Notified when the high watermark, the last stable offset or the log end offset moves, or the partition is removed.
  WaiterList& waiters() { return waiters_; }
  // The log has changed in a way that readers may wait for: deleted records, a marker.
  void signal_progress();

 private:
  struct OffsetWait {
    uint64_t number;
    int64_t offset;
    TimerId timer;
    std::function<void(ErrorCode)> done;
  };

  struct SyncWait {
    int64_t offset;
    std::function<void(ErrorCode)> done;
  };

  ErrorCode failed_use(const Error& error);
  bool spend_reserve(const Error& error);
  Result<std::unique_ptr<log::PartitionLog>> open_ready();
  void start_leading(const metadata::PartitionImage& image);
  void start_following(const metadata::PartitionImage& image);
  int64_t max_lag_ms() const;
  // Always notifies the waiters, since the end of the log may have moved, too.
  void advance_high_watermark();
  // Returns false if it does not move; notifies no reader.
  bool raise_high_watermark();
  void wait_for(std::vector<OffsetWait>& waits, int64_t offset, int64_t deadline_ms,
                std::function<void(ErrorCode)> done);
  void finish_waits(std::vector<OffsetWait>& waits, int64_t at);
  void finish_low_waits();
  bool sync_wanted() const;

  ShardContext& shard_;
  ReplicaManager& replicas_;
  TopicPartitionId id_;
  TopicPartition name_;
  int32_t leader_epoch_ = -1;
  log::LogDirectory* directory_;
  OpenLog open_;
  std::unique_ptr<log::PartitionLog> log_;
  std::optional<log::LogDirectory::Found> last_offsets_;  // when it went offline
  bool offline_ = false;
  bool known_empty_ = false;
  bool sync_running_ = false;
  bool leads_ = false;
  std::unique_ptr<PartitionLeader> leader_;
  WaiterList waiters_;
  std::vector<OffsetWait> offset_waits_;  // few: answers waiting for followers to have records
  std::vector<OffsetWait> low_waits_;     // the same, to have deleted them
  uint64_t last_wait_ = 0;
  std::vector<SyncWait> sync_waits_;  // answers waiting for the disk
  uint64_t number_ = log::PartitionLog::new_mark();  // changes when the log is replaced
};

}  // namespace milena::broker
