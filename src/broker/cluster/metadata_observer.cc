#include "broker/cluster/metadata_observer.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/controller/metadata_snapshots.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/log_directories.h"
#include "metadata/image_difference.h"
#include "metadata/internal_topics.h"
#include "metadata/planted_replication_bugs.h"
#include "protocol/records/record_batch.h"

namespace milena::broker {
namespace {

constexpr int32_t kFetchWait_ms = 500;
constexpr int32_t kMaxFetchWait_ms = 1000;
constexpr int32_t kFetch_bytes = 8 << 20;
constexpr uint64_t kReplayAtOnce_bytes = 1 << 20;
// The pause after an answer without progress.
constexpr int64_t kObserverRetry_ms = 50;

}  // namespace

MetadataObserver::MetadataObserver(log::FileCache& files, Executor& executor, Network& network,
                                   ObserverSettings settings)
    : files_(files),
      executor_(executor),
      network_(network),
      settings_(std::move(settings)),
      addresses_(settings_.known) {}

MetadataObserver::~MetadataObserver() {
  executor_.cancel(timer_);
}

Result<std::unique_ptr<MetadataObserver>> MetadataObserver::open(log::FileCache& files, Executor& executor,
                                                                 Network& network, const std::string& directory,
                                                                 ObserverSettings settings) {
  std::unique_ptr<MetadataObserver> observer(new MetadataObserver(files, executor, network, std::move(settings)));
  RETURN_IF_ERROR(observer->load(directory));
  return observer;
}

// The log's records after the snapshot are applied when the leader reports that they are committed.
Status MetadataObserver::load(const std::string& directory) {
  TopicPartition name{Bytes(metadata::kClusterMetadataTopic), 0};
  const std::string path = directory + "/" + name.to_string();
  FileSystem& file_system = files_.file_system();
  if (file_system.exists(path)) RETURN_IF_ERROR(remove_snapshot_leftovers(file_system, path));
  auto snapshots = list_metadata_snapshots(file_system, path);
  RETURN_IF_ERROR(snapshots);
  log::OpenState state;
  if (!snapshots->empty()) {
    const MetadataSnapshotId& id = snapshots->back().id;
    RETURN_IF_ERROR(load_metadata_snapshot(file_system, path, id, replayed_));
    applied_end_ = id.end_offset;
    snapshot_epoch_ = id.epoch;
    state.recovery_point = id.end_offset;
  }
  auto config = std::make_shared<log::LogConfig>(settings_.log_config);
  config->cleanup_delete = false;
  auto log = log::PartitionLog::open(files_, executor_.clock(), path, name, std::move(config), std::move(state));
  RETURN_IF_ERROR(log);
  log_ = log.take();
  RETURN_IF_ERROR(log_->confirm_end());
  RETURN_IF_ERROR(log_->cut_at_gap());
  if (applied_end_ > log_->log_end_offset()) RETURN_IF_ERROR(log_->truncate_fully_and_start_at(applied_end_));
  if (log_->log_start_offset() > applied_end_) {
    return make_error(ErrorKind::kCorrupt, "{} begins at offset {}, and no snapshot in it reaches that offset", path,
                      log_->log_start_offset());
  }
  return ok_status();
}

void MetadataObserver::end(const std::string& what, const Error& why) {
  stopped_ = true;
  halt_(fmt::format("{}: {}", what, why.message));
}

void MetadataObserver::fail(const std::string& what, const Error& why) {
  if (why.kind != ErrorKind::kExhausted) return end(what, why);
  tell_exhausted(what, why);
  download_.reset();
  fetch_in(kObserverRetry_ms);
}

void MetadataObserver::tell_exhausted(const std::string& what, const Error& why) {
  if (std::exchange(last_exhausted_, why.message) == why.message) return;
  log_warn("{} at the moment: {}", what, why.message);
}

void MetadataObserver::start() {
  connect_to(addresses_.first());
  fetch();
}

// --- following

void MetadataObserver::connect_to(const NodeAddress& address) {
  if (connection_ != nullptr && connection_->address() == address) return;
  const std::string name = fmt::format("raft-client-{}", settings_.node_id);
  auto old = std::exchange(connection_, std::make_shared<NodeConnection>(executor_, network_, 0, address, name));
  if (old == nullptr) return;
  // The next connection repeats the requests that are still in flight there.
  old->close();
  executor_.post([old] {});
}

void MetadataObserver::try_another() {
  connect_to(addresses_.other_than(connection_->address()));
}

int32_t MetadataObserver::last_epoch() {
  auto latest = log_->latest_epoch();
  if (!latest || !*latest) return snapshot_epoch_;
  return std::max(**latest, snapshot_epoch_);
}

void MetadataObserver::fetch_in(int64_t ms) {
  if (stopped_) return;
  executor_.cancel(timer_);
  timer_ = executor_.call_after(ms, [this] {
    timer_ = 0;
    fetch();
  });
}

// An observer that has everything only hears that there is nothing: it asks half as often. One that waits for a high
// watermark does not, as controllers before Kafka 4.1 tell of a new one only at the end of the wait. A controller that
// does not answer is given up as early in both cases.
int32_t MetadataObserver::fetch_wait_ms() const {
  if (high_watermark_ < log_->log_end_offset()) return kFetchWait_ms;
  return static_cast<int32_t>(std::clamp<int64_t>(settings_.fetch_timeout_ms / 2, kFetchWait_ms, kMaxFetchWait_ms));
}

void MetadataObserver::fetch() {
  if (stopped_) return;
  if (download_ != nullptr) return fetch_snapshot();
  struct Message {
    std::string cluster_id;
    FetchRequest request;
  };
  auto message = std::make_shared<Message>();
  message->cluster_id = settings_.cluster_id;
  FetchRequest& request = message->request;
  request.cluster_id = message->cluster_id;
  request.replica_id = settings_.node_id;
  request.replica_state.replica_id = settings_.node_id;
  request.max_wait_ms = fetch_wait_ms();
  request.max_bytes = kFetch_bytes;
  request.session_id = 0;
  request.session_epoch = -1;
  auto& topic = request.topics.emplace_back();
  topic.topic = metadata::kClusterMetadataTopic;
  topic.topic_id = kMetadataTopicId;
  auto& at = topic.partitions.emplace_back();
  at.partition = 0;
  at.current_leader_epoch = epoch_;
  at.fetch_offset = log_->log_end_offset();
  at.last_fetched_epoch = last_epoch();
  at.log_start_offset = log_->log_start_offset();
  at.partition_max_bytes = kFetch_bytes;
  at.replica_directory_id = settings_.directory_id;
  at.high_watermark = high_watermark_;
  controller_clock_.sent(executor_.clock().wall_ms());
  std::shared_ptr<const FetchRequest> shared(message, &message->request);
  connection_->send(outgoing_request<FetchResponse>(std::move(shared), FetchRequest::kMaxVersion),
                    executor_.clock().steady_ms() + kFetchWait_ms + settings_.fetch_timeout_ms,
                    outgoing_reply<FetchResponse>([this](ErrorCode error, const FetchResponse& response) {
                      on_fetched(error, response);
                    }));
}

void MetadataObserver::on_fetched(ErrorCode error, const FetchResponse& response) {
  if (stopped_) return;
  if (error == ErrorCode::kNone) error = response.error_code;
  if (error == ErrorCode::kInconsistentClusterId) {
    return end("the controllers", {ErrorKind::kInvalid, fmt::format("they are of another cluster than {}",
                                                                    settings_.cluster_id)});
  }
  const bool whole = response.responses.size() == 1 && response.responses[0].partitions.size() == 1;
  if (error != ErrorCode::kNone || !whole) {
    if (!std::exchange(failure_told_, true)) {
      log_info("Cannot fetch the metadata from the controller at {}: {} {}", connection_->address().to_string(),
               error_name(error), connection_->last_failure());
    }
    try_another();
    controller_clock_.lost();
    return fetch_in(kObserverRetry_ms);
  }
  const auto& data = response.responses[0].partitions[0];
  const bool moved = note_leader(data.current_leader.leader_id, data.current_leader.leader_epoch, response);
  if (data.error_code == ErrorCode::kNone) {
    failure_told_ = false;
    return take(data);
  }
  // The answer had a newer epoch.
  if (moved) return fetch();
  // A follower names the leader, although it is no news: the connection to the leader was lost.
  const bool names_leader = data.current_leader.leader_id == leader_id_ && data.current_leader.leader_epoch == epoch_;
  if (names_leader && addresses_.leader() && *addresses_.leader() != connection_->address()) {
    connect_to(*addresses_.leader());
  } else {
    try_another();
  }
  controller_clock_.lost();
  fetch_in(kObserverRetry_ms);
}

// Records of size 0: there was nothing to bring.
void MetadataObserver::look_at_clock(ByteView bytes) {
  std::optional<int64_t> timestamp_ms;
  BatchIterator batches(bytes);
  if (batches.next()) timestamp_ms = batches.batch().header().max_timestamp;
  const bool whole = bytes.size() < kFetch_bytes / 2;
  controller_clock_.answered(timestamp_ms, whole, executor_.clock().wall_ms(), executor_.clock().steady_ms());
}

// True if the leader or its epoch is news.
bool MetadataObserver::note_leader(int32_t id, int32_t epoch, const FetchResponse& response) {
  if (epoch < epoch_ || id < 0 || (epoch == epoch_ && id == leader_id_)) return false;
  epoch_ = epoch;
  leader_id_ = id;
  NodeAddress address = connection_->address();
  for (const auto& [voter, at] : settings_.voters) {
    if (voter == id) address = at;
  }
  for (const auto& node : response.node_endpoints) {
    if (node.node_id == id) address = {std::string(node.host), static_cast<uint16_t>(node.port)};
  }
  log_info("Controller {} leads the metadata quorum, epoch {}, at {}", id, epoch, address.to_string());
  addresses_.set_leader(address);
  connect_to(address);
  controller_clock_.lost();
  if (on_leader_) on_leader_(address);
  return true;
}

void MetadataObserver::take(const FetchResponse::PartitionData& data) {
  if (data.snapshot_id.end_offset >= 0) {
    // The shards are about to be given the image as it was.
    if (mode_ == Mode::kHeld) return fetch_in(kObserverRetry_ms);
    controller_clock_.lost();
    return begin_snapshot({data.snapshot_id.end_offset, data.snapshot_id.epoch});
  }
  if (data.diverging_epoch.end_offset >= 0) {
    auto own = log_->epoch_end_offset(data.diverging_epoch.epoch);
    if (!own) return fail("the metadata log cannot be read", own.error());
    int64_t to = data.diverging_epoch.end_offset;
    if (own->has_value()) to = std::min(to, (**own).end_offset);
    if (to < applied_end_) {
      return end("the metadata log", {ErrorKind::kCorrupt, "the controllers have lost records that were committed"});
    }
    if (Status cut = log_->truncate_to(to); !cut.ok()) return fail("the metadata log cannot be cut", cut.error());
    if (log_->log_end_offset() < applied_end_) {
      return end("the metadata log", {ErrorKind::kCorrupt, "records that were applied are damaged"});
    }
    controller_clock_.lost();
    return fetch();
  }
  if (!data.records || data.records->empty()) look_at_clock({});
  if (data.records && !data.records->empty()) {
    auto bytes = data.records->flatten();
    if (!bytes) return end("the metadata", bytes.error());
    look_at_clock(*bytes);
    const auto append = [&] { return log_->append_as_follower(*bytes); };
    // Before the node serves there is no reserve.
    auto appended = home_ == nullptr ? append()
                                     : home_->replicas().with_reserve(home_->node().directories->metadata(), append);
    if (!appended) return fail("the metadata log cannot be written", appended.error());
    if (appended->error != ErrorCode::kNone) {
      return end("the metadata", {ErrorKind::kCorrupt, std::string(error_name(appended->error))});
    }
  }
  if (data.high_watermark > high_watermark_) high_watermark_ = data.high_watermark;
  log_->set_high_watermark(std::max<int64_t>(high_watermark_, 0));
  apply();
  fetch();
}

// --- applying

void MetadataObserver::apply() {
  if (mode_ == Mode::kHeld || publishing_ || stopped_) return;
  const int64_t before = applied_end_;
  metadata::MetadataRecords ready;
  if (Status read = read_committed(ready); !read.ok()) return end("the metadata cannot be applied", read.error());
  if (mode_ == Mode::kPublishing && !ready.empty()) return publish(std::move(ready));
  // Also an answer without records may be what makes the first image whole.
  if ((applied_end_ != before || mode_ == Mode::kReplaying) && on_applied_) on_applied_();
}

Status MetadataObserver::read_committed(metadata::MetadataRecords& ready) {
  const int64_t end = std::min(high_watermark_, log_->log_end_offset());
  while (applied_end_ < end) {
    auto read = log_->read(applied_end_, kReplayAtOnce_bytes, end, true);
    if (!read && read.error().kind == ErrorKind::kExhausted) {
      // The next answer to a fetch goes on.
      tell_exhausted("the metadata cannot be applied", read.error());
      return ok_status();
    }
    RETURN_IF_ERROR(read);
    if (read->error != ErrorCode::kNone) {
      return make_error(ErrorKind::kCorrupt, "offset {}: {}", applied_end_, error_name(read->error));
    }
    auto bytes = read->batches.flatten();
    RETURN_IF_ERROR(bytes);
    BatchIterator batches(*bytes);
    const int64_t before = applied_end_;
    while (batches.next()) {
      if (batches.batch().header().last_offset() >= end) break;
      RETURN_IF_ERROR(replay(batches.batch(), ready));
    }
    if (applied_end_ == before) return ok_status();
  }
  return ok_status();
}

Status MetadataObserver::replay(const RecordBatchView& batch, metadata::MetadataRecords& ready) {
  const BatchHeader& header = batch.header();
  if (header.last_offset() < applied_end_) return ok_status();
  applied_end_ = header.next_offset();
  bytes_since_snapshot_ += header.total_size();
  if (header.is_control()) {
    if (mode_ == Mode::kReplaying) replayed_.skip_to(header.last_offset(), header.partition_leader_epoch);
    return ok_status();
  }
  auto records = metadata::decode_metadata_batch(batch);
  RETURN_IF_ERROR(records);
  if (mode_ == Mode::kPublishing) return transactions_.add(records.take(), ready);
  metadata::ImageDelta delta;
  return replayed_.replay(records.take(), header.last_offset(), header.partition_leader_epoch, delta);
}

bool MetadataObserver::has_whole_image() const {
  const bool downloads = download_ != nullptr && !MILENA_REPLICATION_BUG(kImageBeforeSnapshot);
  return caught_up() && !downloads && !replayed_.in_transaction();
}

metadata::MetadataImage MetadataObserver::take_image() {
  CHECK(has_whole_image(), "the image at {} is not complete", applied_end_);
  mode_ = Mode::kHeld;
  return replayed_.take_image();
}

void MetadataObserver::publish_to(Shard& home) {
  home_ = &home;
  mode_ = Mode::kPublishing;
  auto known = list_metadata_snapshots(files_.file_system(), log_->directory());
  if (!known) return end("the snapshots of the metadata cannot be listed", known.error());
  snapshots_ = std::make_unique<MetadataSnapshots>(home, *log_, known.take(), 0);
  snapshots_->on_committed(std::exchange(bytes_since_snapshot_, 0));
  apply();
}

void MetadataObserver::publish(metadata::MetadataRecords ready) {
  publishing_ = true;
  auto records = std::make_shared<const metadata::MetadataRecords>(std::move(ready));
  home_->router().at_all(
      *home_, [records, last = applied_end_ - 1](Shard& shard) { shard.apply_metadata(*records, last); },
      [this] { on_published(); });
}

void MetadataObserver::on_published() {
  publishing_ = false;
  snapshots_->on_committed(std::exchange(bytes_since_snapshot_, 0));
  if (on_applied_) on_applied_();
  if (stopped_) return;
  if (download_ != nullptr && download_->whole) return end_snapshot();
  apply();
}

// --- snapshots

void MetadataObserver::begin_snapshot(const MetadataSnapshotId& id) {
  if (id.end_offset < applied_end_) {
    return end("the metadata log", {ErrorKind::kCorrupt, "the controllers have lost records that were committed"});
  }
  auto download = std::make_unique<SnapshotDownload>();
  download->id = id;
  download->path = log_->directory() + "/" + id.file_name() + ".part";
  auto file = files_.file_system().open(download->path, OpenMode::kReadOrCreate);
  if (!file) return fail("a metadata snapshot cannot be written", file.error());
  download->file = *file;
  Status empty = (*file)->truncate(0);
  if (!empty.ok()) return fail("a metadata snapshot cannot be written", empty.error());
  log_info("Fetching metadata snapshot {}", id.file_name());
  download_ = std::move(download);
  fetch();
}

void MetadataObserver::fetch_snapshot() {
  struct Message {
    std::string cluster_id;
    FetchSnapshotRequest request;
  };
  auto message = std::make_shared<Message>();
  message->cluster_id = settings_.cluster_id;
  FetchSnapshotRequest& request = message->request;
  request.cluster_id = message->cluster_id;
  request.replica_id = settings_.node_id;
  request.max_bytes = kFetch_bytes;
  auto& topic = request.topics.emplace_back();
  topic.name = metadata::kClusterMetadataTopic;
  auto& at = topic.partitions.emplace_back();
  at.partition = 0;
  at.current_leader_epoch = epoch_;
  at.snapshot_id.end_offset = download_->id.end_offset;
  at.snapshot_id.epoch = download_->id.epoch;
  at.position = download_->position;
  at.replica_directory_id = settings_.directory_id;
  std::shared_ptr<const FetchSnapshotRequest> shared(message, &message->request);
  connection_->send(outgoing_request<FetchSnapshotResponse>(std::move(shared), FetchSnapshotRequest::kMaxVersion),
                    executor_.clock().steady_ms() + kFetchWait_ms + settings_.fetch_timeout_ms,
                    outgoing_reply<FetchSnapshotResponse>(
                        [this](ErrorCode error, const FetchSnapshotResponse& response) {
                          on_snapshot_part(error, response);
                        }));
}

void MetadataObserver::on_snapshot_part(ErrorCode error, const FetchSnapshotResponse& response) {
  if (stopped_ || download_ == nullptr) return;
  if (error == ErrorCode::kNone) error = response.error_code;
  const bool whole = response.topics.size() == 1 && response.topics[0].partitions.size() == 1;
  if (error == ErrorCode::kNone && whole) error = response.topics[0].partitions[0].error_code;
  if (error != ErrorCode::kNone || !whole) {
    // The next fetch returns the snapshot to use.
    download_.reset();
    return fetch_in(kObserverRetry_ms);
  }
  const auto& part = response.topics[0].partitions[0];
  auto bytes = part.unaligned_records.flatten();
  if (!bytes || bytes->empty() || part.position != download_->position) {
    download_.reset();
    return fetch_in(kObserverRetry_ms);
  }
  if (Status written = download_->file->write_at(static_cast<uint64_t>(download_->position), *bytes); !written.ok()) {
    return fail("a metadata snapshot cannot be written", written.error());
  }
  download_->position += static_cast<int64_t>(bytes->size());
  if (download_->position < part.size) return fetch();
  download_->whole = true;
  // Behind what the shards are being told.
  if (!publishing_) end_snapshot();
}

void MetadataObserver::end_snapshot() {
  if (Status taken = take_snapshot(); !taken.ok()) return fail("a metadata snapshot cannot be taken", taken.error());
  if (mode_ == Mode::kReplaying && on_applied_) on_applied_();
  fetch();
}

Status MetadataObserver::take_snapshot() {
  std::unique_ptr<SnapshotDownload> done = std::move(download_);
  RETURN_IF_ERROR(done->file->sync());
  FileSystem& file_system = files_.file_system();
  RETURN_IF_ERROR(file_system.rename(done->path, log_->directory() + "/" + done->id.file_name()));
  RETURN_IF_ERROR(file_system.sync_directory(log_->directory()));
  metadata::MetadataReplayer taken;
  RETURN_IF_ERROR(load_metadata_snapshot(file_system, log_->directory(), done->id, taken));
  auto known = list_metadata_snapshots(file_system, log_->directory());
  RETURN_IF_ERROR(known);
  RETURN_IF_ERROR(log_->truncate_fully_and_start_at(done->id.end_offset));
  applied_end_ = done->id.end_offset;
  bytes_since_snapshot_ = 0;
  snapshot_epoch_ = done->id.epoch;
  if (mode_ != Mode::kPublishing) {
    replayed_ = std::move(taken);
    return ok_status();
  }
  // The shards go on from the images that they have.
  transactions_ = metadata::MetadataTransactions();
  snapshots_->begin_anew(known.take());
  publish(metadata::image_difference(home_->image(), taken.image()));
  return ok_status();
}

Status MetadataObserver::close() {
  stopped_ = true;
  if (snapshots_ != nullptr) snapshots_->stop();
  executor_.cancel(std::exchange(timer_, 0));
  if (connection_ != nullptr) connection_->close();
  return log_->close_cleanly(true);
}

}  // namespace milena::broker
