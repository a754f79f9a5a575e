#include "broker/replica_mover.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/metadata_runtime.h"
#include "broker/shard.h"

namespace milena {
namespace {

constexpr uint64_t kCopiedATurn_bytes = 1 << 20;

}  // namespace

struct ReplicaMover::Move {
  TopicPartitionId id;
  TopicPartition name;
  LogDirectory* to = nullptr;
  std::string path;
  std::unique_ptr<PartitionLog> log;
  bool announced = false;             // the metadata names the new directory
};

// Tasks that nobody runs any more may outlive this, and the cache of open files does not outlive them.
ReplicaMover::~ReplicaMover() {
  for (auto& [id, move] : moves_) move->log.reset();
}

ErrorCode ReplicaMover::move(Partition& partition, LogDirectory& to) {
  auto found = moves_.find(partition.id());
  if (found != moves_.end()) {
    if (found->second->to == &to) return ErrorCode::kNone;
    give_up(partition.id());
  }
  PartitionLog* log = partition.log();
  if (log == nullptr) return ErrorCode::kKafkaStorageError;
  if (partition.directory() == &to) return ErrorCode::kNone;
  begin(partition, to,
        to.path() + "/" + renamed_partition_directory(partition.topic_partition(), DirectoryKind::kFuture,
                                                      shard_.executor().random()),
        false);
  return ErrorCode::kNone;
}

void ReplicaMover::resume(Partition& partition, LogDirectory& to, const std::string& path) {
  if (partition.directory() == &to || partition.log() == nullptr || moves_.contains(partition.id())) {
    shard_.executor().post([this, path] { shard_.remove_tree_in_background(path); });
    return;
  }
  begin(partition, to, path, true);
}

void ReplicaMover::begin(Partition& partition, LogDirectory& to, std::string path, bool resumed) {
  log_info("{} {} to {}", partition.name(), resumed ? "goes on moving" : "moves", to.path());
  auto move = std::make_shared<Move>();
  move->id = partition.id();
  move->name = partition.topic_partition();
  move->to = &to;
  move->path = std::move(path);
  moves_[partition.id()] = move;
  PartitionLog& from = *partition.log();
  OpenState state;
  state.clean_shutdown = to.clean_shutdown() || !resumed;
  state.log_start_offset = resumed ? 0 : from.log_start_offset();
  auto log = PartitionLog::open(*shard_.node().files, shard_.executor().clock(), move->path, move->name,
                                std::make_shared<const LogConfig>(from.config()), state);
  if (!log) return fail(move, log.error());
  move->log = log.take();
  Status ready = move->log->set_topic_id(move->id.topic_id);
  if (ready) ready = meet(from, *move->log);
  if (!ready) return fail(move, ready.error());
  shard_.executor().post([this, move] { copy_some(move); });
}

// Null when the move is over.
Partition* ReplicaMover::partition_of(const MovePtr& move) {
  auto current = moves_.find(move->id);
  if (stopped_ || current == moves_.end() || current->second != move) return nullptr;
  Partition* partition = shard_.find_partition(move->id);
  if (partition != nullptr && partition->log_if_open() != nullptr && move->to->online()) return partition;
  give_up(move->id);
  return nullptr;
}

// What the copy has and the log has not, or has of another leader, goes: as a follower does it (KIP-101).
Status ReplicaMover::meet(PartitionLog& from, PartitionLog& to) {
  auto latest = to.latest_epoch();
  if (!latest) return latest.error();
  int64_t end = from.log_end_offset();
  if (*latest) {
    auto epoch_end = from.epoch_end_offset(**latest);
    if (!epoch_end) return epoch_end.error();
    end = *epoch_end ? std::min(end, (*epoch_end)->end_offset) : to.log_start_offset();
  }
  return to.truncate_to(std::max(end, to.log_start_offset()));
}

// True when `to` has all that `from` has.
Result<bool> ReplicaMover::copy(PartitionLog& from, PartitionLog& to, uint64_t budget_bytes, uint64_t& copied_bytes) {
  while (to.log_end_offset() < from.log_end_offset() && copied_bytes < budget_bytes) {
    int64_t at = std::max(to.log_end_offset(), from.log_start_offset());
    auto read = from.read(at, kCopiedATurn_bytes, from.log_end_offset(), true);
    if (!read) return read.error();
    auto bytes = read->batches.flatten();
    if (!bytes) return bytes.error();
    if (bytes->empty()) return make_error(ErrorKind::kCorrupt, "nothing can be read at offset {}", at);
    // The log start offset moved past the copy's end, or lies within a batch.
    bool restart = read->base_offset < to.log_end_offset() ? to.log_end_offset() == to.log_start_offset()
                                                           : at > to.log_end_offset();
    if (restart) RETURN_IF_ERROR(to.truncate_fully_and_start_at(read->base_offset));
    auto appended = to.append_as_follower(*bytes);
    if (!appended) return appended.error();
    copied_bytes += bytes->size();
  }
  return to.log_end_offset() >= from.log_end_offset();
}

void ReplicaMover::copy_some(const MovePtr& move) {
  Partition* partition = partition_of(move);
  if (partition == nullptr) return;
  uint64_t copied_bytes = 0;
  auto all = copy(*partition->log(), *move->log, kCopiedATurn_bytes, copied_bytes);
  if (!all) return fail(move, all.error());
  if (*all) return sync(move);
  double most = static_cast<double>(shard_.settings().get_long("replica.alter.log.dirs.io.max.bytes.per.second"));
  auto pause_ms = static_cast<int64_t>(static_cast<double>(copied_bytes) * 1000 / most);
  if (pause_ms < 1) return shard_.executor().post([this, move] { copy_some(move); });
  shard_.executor().call_at(shard_.steady_ms() + pause_ms, [this, move] { copy_some(move); });
}

// What was synced in the old directory has to be so in the new one before the old one goes.
void ReplicaMover::sync(const MovePtr& move) {
  struct Job {
    LogSync sync;
    Status status = ok_status();
  };
  auto prepared = move->log->prepare_sync();
  if (!prepared) return fail(move, prepared.error());
  auto job = std::make_shared<Job>(Job{prepared.take()});
  FileSystem& files = shard_.node().files->file_system();
  shard_.executor().run_blocking([job, &files] { job->status = job->sync.run(files); },
                                 [this, move, job] {
                                   if (partition_of(move) == nullptr) return;
                                   if (!job->status) return fail(move, job->status.error());
                                   move->log->mark_flushed(job->sync);
                                   if (move->announced) return finish(move);
                                   announce(move);
                                 });
}

void ReplicaMover::announce(const MovePtr& move) {
  using Replicas = std::vector<std::pair<PartitionKey, Uuid>>;
  auto replicas = std::make_shared<Replicas>(Replicas{{{move->id.topic_id, move->id.partition}, move->to->id()}});
  shard_.metadata().submit<std::monostate>(
      shard_,
      [replicas, id = shard_.node().node_id](const Controller& controller) {
        return controller.assign_directories(id, *replicas);
      },
      [this, move](std::monostate) {
        if (partition_of(move) == nullptr) return;
        move->announced = true;
        finish(move);
      });
}

void ReplicaMover::finish(const MovePtr& move) {
  Partition* partition = partition_of(move);
  if (partition == nullptr) return;
  // A sync of the old log must not be counted as one of the new.
  if (partition->sync_running()) {
    return shard_.executor().run_blocking([] {}, [this, move] { finish(move); });
  }
  uint64_t copied_bytes = 0;
  auto all = copy(*partition->log(), *move->log, UINT64_MAX, copied_bytes);
  if (!all) return fail(move, all.error());
  if (move->log->recovery_point() < partition->log()->recovery_point()) return sync(move);
  if (Status swapped = swap(*partition, *move); !swapped) return fail(move, swapped.error());
  moves_.erase(move->id);
  log_info("{} is now in {}", partition->name(), move->to->path());
  shard_.note_change();
}

Status ReplicaMover::swap(Partition& partition, Move& move) {
  LogDirectory* from = partition.directory();
  PartitionLog& old_log = *partition.log();
  move.log->set_high_watermark(old_log.high_watermark());
  auto moved = move.log->delete_records_before(old_log.log_start_offset());
  if (!moved) return moved.error();
  RETURN_IF_ERROR(move.log->rename_directory(move.to->partition_path(move.name)));
  partition.replace_log(std::move(move.log), *move.to);
  shard_.schedule_delete(*from, move.name);
  return ok_status();
}

void ReplicaMover::give_up(const TopicPartitionId& id) {
  auto found = moves_.find(id);
  if (found == moves_.end()) return;
  MovePtr move = found->second;
  moves_.erase(found);
  move->log.reset();
  if (!stopped_ && move->to->online()) shard_.remove_tree_in_background(move->path);
}

void ReplicaMover::fail(const MovePtr& move, const Error& error) {
  log_error("{} cannot move to {}: {}", move->name.to_string(), move->to->path(), error.message);
  auto current = moves_.find(move->id);
  if (current != moves_.end() && current->second == move) give_up(move->id);
}

void ReplicaMover::stop() {
  stopped_ = true;
  for (auto& [id, move] : moves_) {
    Status closed = move->log == nullptr ? ok_status() : move->log->close_cleanly(true);
    if (!closed) log_error("the copy of {} was not closed in order: {}", move->name.to_string(), closed.error().message);
  }
  moves_.clear();
}

std::optional<ReplicaMover::Future> ReplicaMover::future_of(const TopicPartitionId& id) {
  auto found = moves_.find(id);
  if (found == moves_.end()) return std::nullopt;
  Future future{.directory = found->second->to};
  PartitionLog* log = found->second->log.get();
  if (log == nullptr) return future;
  future.bytes = log->size().ok() ? log->size().value() : 0;
  future.log_end_offset = log->log_end_offset();
  return future;
}

}  // namespace milena
