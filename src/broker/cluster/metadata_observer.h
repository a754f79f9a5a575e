// MetadataObserver: the metadata of a cluster whose controllers are other nodes. Follows __cluster_metadata-0 by Fetch
// and FetchSnapshot, keeps its own copy of the log on the disk as Kafka's brokers do, and applies the committed
// records: first to an image of its own, later to those of the shards.
//
// Lives on shard 0. A record that cannot be understood or written ends the process: a broker must not continue with
// other metadata than its cluster has. Source: Kafka's KafkaRaftClient (an observer's part), KafkaMetadataLog,
// MetadataLoader.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "broker/cluster/controller_addresses.h"
#include "broker/cluster/controller_clock.h"
#include "broker/cluster/node_connection.h"
#include "broker/controller/metadata_snapshot_store.h"
#include "log/file_cache.h"
#include "log/partition_log.h"
#include "metadata/replayer.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/fetch_snapshot.h"

namespace milena::broker {

class MetadataSnapshots;
class Shard;

struct ObserverSettings {
  int32_t node_id = -1;
  std::string cluster_id;
  Uuid directory_id;
  // The addresses to try for the leader, and those of controller.quorum.voters.
  std::vector<NodeAddress> known;
  std::vector<std::pair<int32_t, NodeAddress>> voters;
  int64_t fetch_timeout_ms = 2000;
  log::LogConfig log_config;
};

class MetadataObserver {
 public:
  // Opens the log in the directory (one of log.dirs), and replays its newest snapshot.
  static Result<std::unique_ptr<MetadataObserver>> open(log::FileCache& files, Executor& executor, Network& network,
                                                        const std::string& directory, ObserverSettings settings);
  ~MetadataObserver();

  // `halt` ends the process. Set it before start().
  void set_halt(std::function<void(const std::string&)> halt) { halt_ = std::move(halt); }
  // Called with the leader's address whenever the leader changes.
  void set_on_leader(std::function<void(const NodeAddress&)> told) { on_leader_ = std::move(told); }
  // Called after committed records were applied, and whenever has_whole_image() may have become true.
  void set_on_applied(Task told) { on_applied_ = std::move(told); }

  void start();
  // Whether everything that was committed at the leader's last answer is applied; false before its first answer.
  bool caught_up() const { return high_watermark_ >= 0 && applied_end_ >= high_watermark_; }
  // The last offset applied; -1 before the first.
  int64_t applied_offset() const { return applied_end_ - 1; }
  int32_t leader_id() const { return leader_id_; }
  // None before the leader is known.
  const std::optional<NodeAddress>& leader_address() const { return addresses_.leader(); }
  int32_t leader_epoch() const { return epoch_; }
  int64_t high_watermark() const { return high_watermark_; }
  const ControllerClock& controller_clock() const { return controller_clock_; }

  // Whether it has caught up, and is in the middle neither of a metadata transaction nor of the download of a snapshot,
  // which replaces the image.
  bool has_whole_image() const;
  // After this nothing is applied until publish_to(), when the shards, which have the image, take over.
  metadata::MetadataImage take_image();
  void publish_to(Shard& home);

  Status close();

 private:
  MetadataObserver(log::FileCache& files, Executor& executor, Network& network, ObserverSettings settings);

  Status load(const std::string& directory);
  void connect_to(const NodeAddress& address);
  void fetch();
  void fetch_in(int64_t ms);
  void on_fetched(ErrorCode error, const FetchResponse& response);
  void take(const FetchResponse::PartitionData& data);
  void look_at_clock(ByteView batches);
  bool note_leader(int32_t id, int32_t epoch, const FetchResponse& response);
  void try_another();
  int32_t last_epoch();
  int32_t fetch_wait_ms() const;

  void begin_snapshot(const MetadataSnapshotId& id);
  void fetch_snapshot();
  void on_snapshot_part(ErrorCode error, const FetchSnapshotResponse& response);
  void end_snapshot();
  Status take_snapshot();

  void apply();
  Status read_committed(metadata::MetadataRecords& ready);
  Status replay(const RecordBatchView& batch, metadata::MetadataRecords& ready);
  void publish(metadata::MetadataRecords ready);
  void on_published();
  void end(const std::string& what, const Error& why);
  // The same; but if the disk is full, or descriptors are short, the next fetch tries again.
  void fail(const std::string& what, const Error& why);
  void tell_exhausted(const std::string& what, const Error& why);

  log::FileCache& files_;
  Executor& executor_;
  Network& network_;
  const ObserverSettings settings_;
  ControllerAddresses addresses_;
  std::function<void(const std::string&)> halt_;
  std::function<void(const NodeAddress&)> on_leader_;
  Task on_applied_;

  std::unique_ptr<log::PartitionLog> log_;
  int32_t snapshot_epoch_ = 0;  // of the snapshot at the start of the log
  metadata::MetadataReplayer replayed_;
  metadata::MetadataTransactions transactions_;  // once the shards have the image
  int64_t applied_end_ = 0;
  int64_t high_watermark_ = -1;
  ControllerClock controller_clock_;
  enum class Mode { kReplaying, kHeld, kPublishing } mode_ = Mode::kReplaying;
  bool publishing_ = false;
  Shard* home_ = nullptr;
  // The observer's own snapshots, once the shards have the image. A start reads the newest one instead of the whole
  // log.
  std::unique_ptr<MetadataSnapshots> snapshots_;
  uint64_t bytes_since_snapshot_ = 0;  // applied, not yet reported to `snapshots_`

  std::shared_ptr<NodeConnection> connection_;
  int32_t leader_id_ = -1;
  int32_t epoch_ = 0;
  bool stopped_ = false;
  std::string last_exhausted_;
  bool failure_told_ = false;
  TimerId timer_ = 0;

  struct SnapshotDownload {
    MetadataSnapshotId id;
    std::shared_ptr<File> file;
    std::string path;
    int64_t position = 0;
    bool whole = false;
  };
  std::unique_ptr<SnapshotDownload> download_;
};

}  // namespace milena::broker
