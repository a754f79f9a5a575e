// Partition: a replica of this node, with its log, its high watermark and whoever waits for it to move. It leads or
// follows, as the metadata says: what a leader knows of its followers is in PartitionLeader, what a follower does with
// what it fetched in partition_follower.cc.
//
// Lives on its owner shard (Router::owns) and is only touched there. The log is opened on first use, so a partition at
// rest costs an object and nothing else. Source: Kafka's Partition.scala.
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

  // `directory` is null where the replica's directory does not work: the partition is offline from the start.
  Partition(ShardContext& shard, ReplicaManager& replicas, TopicPartitionId id, TopicPartition name,
            log::LogDirectory* directory, OpenLog open);
  ~Partition();

  const TopicPartitionId& id() const { return id_; }
  // "topic-0", for log lines.
  std::string name() const { return name_.to_string(); }
  const TopicPartition& topic_partition() const { return name_; }
  int32_t leader_epoch() const { return leader_epoch_; }
  // For tests.
  void set_leader_epoch(int32_t epoch) { leader_epoch_ = epoch; }
  // Whether this node leads it. Clients have to do with leaders alone.
  bool leads() const { return leads_; }
  // What the metadata says now: leads or follows from here on, or its leader has other replicas in sync.
  void take_role(const metadata::PartitionImage& image);

  // Where its log is; null if that directory did not work at the start.
  log::LogDirectory* directory() const { return directory_; }
  // The log was moved there: the copy takes its place. No sync may be running.
  void replace_log(std::unique_ptr<log::PartitionLog> copy, log::LogDirectory& directory);
  bool offline() const { return offline_; }
  // It was never written to, and need not be opened to know that.
  bool known_empty() const { return known_empty_; }
  void set_known_empty() { known_empty_ = true; }

  // Runs `use(PartitionLog&)`, which gives a Status. kKafkaStorageError when the log is not to be had, or its
  // disk fails: the partition is offline then. kCorruptMessage when some of its bytes are not what they
  // should be: that use has failed, and nothing else. `use` keeps nothing of the log, and does nothing that
  // others are told of.
  template <class Use>
  ErrorCode with_log(Use&& use) {
    log::PartitionLog* opened = log();
    if (opened == nullptr) return ErrorCode::kKafkaStorageError;
    Status used = use(*opened);
    return used.ok() ? ErrorCode::kNone : failed_use(used.error());
  }
  // The same for what makes room: on a full disk it is given what is kept in reserve, and is called once more.
  template <class Use>
  ErrorCode with_log_and_reserve(Use&& use) {
    log::PartitionLog* opened = log();
    if (opened == nullptr) return ErrorCode::kKafkaStorageError;
    Status used = use(*opened);
    if (!used.ok() && spend_reserve(used.error())) used = use(*opened);
    return used.ok() ? ErrorCode::kNone : failed_use(used.error());
  }
  // 0 when it is offline.
  int64_t log_end_offset() { return log() ? log_->log_end_offset() : 0; }

  // The log itself, good until the next call of anything that may take it away: an append, a sync, a signal.
  // Null when the disk failed: the partition is offline (KAFKA_STORAGE_ERROR), which was logged once.
  log::PartitionLog* log();
  // Null when it was not used yet.
  log::PartitionLog* log_if_open() { return log_.get(); }
  // What the checkpoints are to say of it: what its log says, or said when it went offline, or what they said
  // at the start.
  log::LogDirectory::Found offsets() const;
  // After a disk error: logs it once and takes the partition offline, and with an error of the disk (kIo) the directory
  // that it is in, with all others in it. Where descriptors are short (kExhausted) it stays: who asked tries again.
  void take_offline(const Error& error);
  // The partition goes away, or the node stops: whoever waits is told that there is nothing to wait for any more.
  // Before it is destroyed, while the shards are all there; the destructor tells nobody.
  void end_waits(ErrorCode why);

  // Validated batches of a leader's client or coordinator; offsets are assigned here. A disk error comes back as
  // KAFKA_STORAGE_ERROR.
  // A log that is half changed for want of memory could not be gone on with.
  log::AppendOutcome append_as_leader(const Payload& batches, log::AppendChecks checks);

  // Before a transaction's first batch: whether its coordinator is to be asked (log/producer_state.h).
  log::VerificationStart start_verification(int64_t producer_id, int16_t epoch, int32_t first_sequence,
                                            bool supports_epoch_bump);

  // Fetch answers for consumers end here; a follower's fetch may go on to the log end offset. Not behind what is to be
  // synced first (flush.messages).
  int64_t high_watermark() { return log_ ? log_->high_watermark() : 0; }

  // --- as a leader of several replicas (partition_leading.cc)

  // Null where this node is the only replica, or follows.
  PartitionLeader* leader() { return leader_.get(); }
  bool is_replica(int32_t broker_id) const { return leader_ != nullptr && leader_->is_replica(broker_id); }
  bool is_in_sync(int32_t broker_id) const { return leader_ != nullptr && leader_->is_in_sync(broker_id); }
  // A follower has everything below the offset: the high watermark may move, and replicas may come into sync.
  void note_follower_fetch(int32_t broker_id, int64_t broker_epoch, int64_t offset, int64_t log_start);
  // A follower in sync in that rack that holds the offset, for a consumer there; -1: the leader serves it.
  int32_t preferred_read_replica(ByteView rack, int64_t offset) const;
  // After an election, until the followers in sync have shown how far they are: consumers may have read beyond it.
  bool high_watermark_unknown();
  // As many replicas are in sync as acks=all asks for (min.insync.replicas).
  bool enough_in_sync() const;
  // The set of those in sync as the controller should have it, if it is to be told.
  std::optional<AlterPartitionRequest::PartitionData> propose_in_sync(bool may_shrink);
  // The controller's answer. True: it is to be asked the same again.
  bool on_in_sync_answer(ErrorCode error, const std::vector<int32_t>& in_sync, int32_t leader_epoch,
                         int32_t partition_epoch);
  // For tests: a follower that is in sync and has so much, or is not there any more.
  void set_replica_log_end_offset(int32_t broker_id, int64_t log_end_offset);
  void remove_replica(int32_t broker_id);

  // --- as a follower (partition_follower.cc)

  // Where it goes on fetching, and the epoch of what lies before.
  struct FollowerPosition {
    int64_t log_end = 0;
    int64_t log_start = 0;
    int32_t last_epoch = -1;
  };
  // Nullopt while the log is not to be had.
  std::optional<FollowerPosition> follower_position();
  // Batches as the leader has them, which may be none, and its high watermark and log start offset.
  ErrorCode append_as_follower(ByteView batches, int64_t leader_high_watermark, int64_t leader_log_start);
  // The leader's log has that epoch end there: what does not agree with it goes.
  ErrorCode truncate_to_leader(int32_t epoch, int64_t end_offset);
  // The leader's log begins and ends there, and what we hold lies outside.
  ErrorCode truncate_into_range(int64_t leader_log_start, int64_t leader_log_end);

  // Calls `done(kNone)` once the high watermark is at least `offset` (at once if it is), kRequestTimedOut at the
  // deadline of the shard's steady clock, kNotLeaderOrFollower when the partition goes away.
  void when_high_watermark_reaches(int64_t offset, int64_t deadline_ms, std::function<void(ErrorCode)> done);

  // The lowest log start offset of the replicas whose brokers live (Partition.lowWatermarkIfLeader).
  int64_t low_watermark();
  // The same for the low watermark: every live replica has deleted what lies below `offset`.
  void when_low_watermark_reaches(int64_t offset, int64_t deadline_ms, std::function<void(ErrorCode)> done);

  // Whether what was appended below `offset` may be acknowledged: it is synced, where the topic asks for a sync after
  // so many records (flush.messages; Kafka syncs within the append), and with `by_replicas` the high watermark covers
  // it.
  bool is_settled(int64_t offset, bool by_replicas);
  // Calls `done` when it is; errors as above.
  void when_settled(int64_t offset, bool by_replicas, int64_t deadline_ms, std::function<void(ErrorCode)> done);

  // A sync of the log is under way on a worker.
  bool sync_running() const { return sync_running_; }
  void set_sync_running(bool running) { sync_running_ = running; }
  // The recovery point moved, and with it, perhaps, the high watermark. Whoever is told may append, or take the
  // partition away.
  void finish_sync();
  bool sync_awaited() const { return !sync_waits_.empty(); }

  // Told when the high watermark, the last stable offset or the log end offset move, or the partition goes away.
  WaiterList& waiters() { return waiters_; }
  // Something moved in the log that readers may wait for: deleted records, a marker.
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
  // The end of the log may have moved, too: tells who waits in any case.
  void advance_high_watermark();
  // False where it stays as it is; tells no reader.
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
};

}  // namespace milena::broker
