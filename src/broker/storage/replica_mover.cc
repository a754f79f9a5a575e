#include "broker/storage/replica_mover.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/controller/controller_channel.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "broker/storage/log_cleaner.h"
#include "broker/storage/log_syncs.h"
#include "log/file_cache.h"
#include "log/planted_storage_bugs.h"
#include "metadata/record_codec.h"
#include "protocol/messages/assign_replicas_to_dirs.h"

namespace milena::broker {
namespace {

constexpr const char* kRateSetting = "replica.alter.log.dirs.io.max.bytes.per.second";

// The pause after the controller was not reached.
constexpr int64_t kAssignAgain_ms = 500;

constexpr uint64_t kMaxCopiedATurn_bytes = 1 << 20;
// After it the rate is read again.
constexpr double kLongestPause_ms = 500;

// Renamed first, so that a partly deleted copy is not taken for a whole one.
void remove_copy(ShardContext& shard, ReplicaManager& replicas, const TopicPartition& name, const std::string& path) {
  const std::string doomed =
      parent_directory(path) + "/" +
      log::renamed_partition_directory(name, log::DirectoryKind::kDelete, shard.executor().random());
  Status renamed = MILENA_STORAGE_BUG(kHalfACopyIsResumed) ? ok_status()
                                                           : shard.node().files->file_system().rename(path, doomed);
  if (!renamed && renamed.error().kind == ErrorKind::kNotFound) return;  // it was never begun
  if (!renamed) return log_warn("cannot remove the copy {}: {}", path, renamed.error().message);
  replicas.remove_tree_in_background(MILENA_STORAGE_BUG(kHalfACopyIsResumed) ? path : doomed);
}

}  // namespace

struct ReplicaMover::Move {
  TopicPartitionId id;
  TopicPartition name;
  log::LogDirectory* to = nullptr;
  std::string path;
  std::unique_ptr<log::PartitionLog> log;
  bool assigned = false;    // the metadata names the new directory, or will
  bool announced = false;   // the metadata names it
  bool wants_sync = false;  // notify it when no sync of the original runs
  bool holds_sync = false;  // no sync of the original may begin
  bool original_unreadable = false;
  int64_t producers_below = -1;     // the copy has the producers of records below this, before its start
  int64_t log_start_written = 0;    // the checkpoint of the new directory has at least this
  bool writes_log_start = false;    // that checkpoint is being written
};

// Cancelled tasks may outlive this object, but the logs must not outlive the cache of open files.
ReplicaMover::~ReplicaMover() {
  for (auto& [id, move] : moves_) move->log.reset();
}

ErrorCode ReplicaMover::move(Partition& partition, log::LogDirectory& to) {
  if (partition.log() == nullptr) return ErrorCode::kKafkaStorageError;
  auto found = moves_.find(partition.id());
  if (found != moves_.end()) {
    if (found->second->to == &to) return ErrorCode::kNone;
    end(found->second, Copy::kRemoved);
  }
  if (partition.directory() == &to) return ErrorCode::kNone;
  begin(partition, to,
        to.path() + "/" +
            log::renamed_partition_directory(partition.topic_partition(), log::DirectoryKind::kFuture,
                                             shard_.executor().random()),
        false);
  return ErrorCode::kNone;
}

void ReplicaMover::resume(Partition& partition, log::LogDirectory& to, const std::string& path) {
  log::PartitionLog* log = partition.log();
  if (log == nullptr ||
      log->log_end_offset() < partition.directory()->find(partition.topic_partition()).recovery_point) {
    return log_error("{} has lost records; its copy {} is kept", partition.name(), path);
  }
  if (partition.directory() == &to || moves_.contains(partition.id())) {
    const TopicPartition name = partition.topic_partition();
    shard_.executor().post([this, name, path] { remove_copy(shard_, replicas_, name, path); });
    return;
  }
  begin(partition, to, path, true);
}

void ReplicaMover::begin(Partition& partition, log::LogDirectory& to, std::string path, bool resumed) {
  log_info("{} {} to {}", partition.name(), resumed ? "continues to move" : "moves", to.path());
  auto move = std::make_shared<Move>();
  move->id = partition.id();
  move->name = partition.topic_partition();
  move->to = &to;
  move->path = std::move(path);
  moves_[partition.id()] = move;
  log::PartitionLog& from = *partition.log();
  log::OpenState state;
  state.clean_shutdown = to.clean_shutdown() || !resumed;
  state.log_start_offset = resumed ? 0 : from.log_start_offset();
  auto log = log::PartitionLog::open(*shard_.node().files, shard_.executor().clock(), move->path, move->name,
                                     from.shared_config(), state);
  if (!log) return fail(move, log.error());
  move->log = log.take();
  const bool named = resumed && !MILENA_STORAGE_BUG(kFutureByName);
  Status ready = named ? ok_status() : move->log->set_topic_id(move->id.topic_id);
  // If the copy lacks its beginning, its removal was interrupted. A copy that ends after its original is kept.
  const bool goes_further = move->log->log_end_offset() > from.log_end_offset();
  const bool whole = goes_further || MILENA_STORAGE_BUG(kHalfACopyIsResumed);
  if (ready && !whole && move->log->first_segment_offset() > from.log_start_offset())
    ready = move->log->truncate_fully_and_start_at(from.log_start_offset());
  if (ready) ready = meet(from, *move->log);
  if (ready && resumed && !whole) ready = begin_anew_if_compacted(from, *move->log);
  if (!ready) return fail(move, ready.error());
  if (move->log->log_end_offset() > from.log_end_offset()) {
    move->original_unreadable = true;
    return fail(move, make_error(ErrorKind::kCorrupt, "it has lost records, and its copy starts after them"));
  }
  shard_.executor().post([this, move] { copy_some(move); });
}

// Returns null if the move is over.
Partition* ReplicaMover::partition_of(const MovePtr& move) {
  auto current = moves_.find(move->id);
  if (stopped_ || current == moves_.end() || current->second != move) return nullptr;
  Partition* partition = replicas_.find_replica(move->id);
  if (partition != nullptr && partition->log_if_open() != nullptr && move->to->online()) return partition;
  end(move, Copy::kKept);
  return nullptr;
}

// Truncates the copy to the records that the log has, in the same leader epochs, like a follower (KIP-101).
Status ReplicaMover::meet(log::PartitionLog& from, log::PartitionLog& to) {
  auto latest = to.latest_epoch();
  RETURN_IF_ERROR(latest);
  int64_t end = from.log_end_offset();
  if (*latest) {
    auto epoch_end = from.epoch_end_offset(**latest);
    RETURN_IF_ERROR(epoch_end);
    end = *epoch_end ? std::min(end, (*epoch_end)->end_offset) : to.log_start_offset();
  }
  return to.truncate_to(std::max(end, to.log_start_offset()));
}

// While the copy was away its original may have been compacted. The copy would bring back a record without the
// tombstone that deleted it. The copied range has the same number of bytes as before unless a compaction removed some.
Status ReplicaMover::begin_anew_if_compacted(log::PartitionLog& from, log::PartitionLog& to) {
  const int64_t start = std::max({from.log_start_offset(), to.log_start_offset(), to.first_segment_offset()});
  const int64_t end = to.log_end_offset();
  if (start >= end || MILENA_STORAGE_BUG(kCompactedMeanwhile)) return ok_status();
  auto original = from.bytes_between(start, end);
  auto copied = to.bytes_between(start, end);
  if (original && copied && *original == *copied) return ok_status();
  if (!original && original.error().kind != ErrorKind::kCorrupt) return original.error();
  if (!copied && copied.error().kind != ErrorKind::kCorrupt) return copied.error();
  return to.truncate_fully_and_start_at(from.log_start_offset());
}

// Producers whose records were deleted, so that the copy will not get them.
Status ReplicaMover::carry_producers(Move& move, log::PartitionLog& from) {
  const int64_t start = move.log->first_segment_offset();
  if (move.producers_below == start || MILENA_STORAGE_BUG(kMoveForgetsProducers)) return ok_status();
  RETURN_IF_ERROR(move.log->carry_producers_of(from));
  move.producers_below = start;
  return ok_status();
}

// Returns true if `to` has all that `from` has.
Result<bool> ReplicaMover::copy(Move& move, log::PartitionLog& from, uint64_t budget_bytes, uint64_t& copied_bytes) {
  log::PartitionLog& to = *move.log;
  if (!MILENA_STORAGE_BUG(kMoveKeepsOldConfig)) to.set_config(from.shared_config());  // it may have been altered
  while (to.log_end_offset() < from.log_end_offset() && copied_bytes < budget_bytes) {
    int64_t at = std::max(to.log_end_offset(), from.log_start_offset());
    if (at == from.log_end_offset() && !MILENA_STORAGE_BUG(kDeletionEndsMove)) {  // all of its records were deleted
      RETURN_IF_ERROR(to.truncate_fully_and_start_at(at));
      break;
    }
    const uint64_t bytes_left = std::min(budget_bytes - copied_bytes, kMaxCopiedATurn_bytes);
    auto read = from.read(at, bytes_left, from.log_end_offset(), true);  // one batch at least
    Result<Bytes> bytes = read ? read->batches.flatten() : Result<Bytes>(read.error());
    if (bytes && bytes->empty()) bytes = make_error(ErrorKind::kCorrupt, "nothing can be read at offset {}", at);
    move.original_unreadable = !bytes;
    RETURN_IF_ERROR(bytes);
    // The log start offset moved past the copy's end, or is within a batch.
    bool restart = read->base_offset < to.log_end_offset() ? to.log_end_offset() == to.log_start_offset()
                                                           : at > to.log_end_offset();
    if (restart) RETURN_IF_ERROR(to.truncate_fully_and_start_at(read->base_offset));
    RETURN_IF_ERROR(carry_producers(move, from));
    RETURN_IF_ERROR(move.to->check_room());
    auto appended = to.append_as_follower(*bytes);
    RETURN_IF_ERROR(appended);
    copied_bytes += bytes->size();
  }
  RETURN_IF_ERROR(carry_producers(move, from));
  return to.log_end_offset() >= from.log_end_offset();
}

void ReplicaMover::copy_some(const MovePtr& move) {
  Partition* partition = partition_of(move);
  if (partition == nullptr) return;
  // As much as a second allows: a slow move goes on evenly, and not in bursts with long pauses.
  const auto rate = static_cast<uint64_t>(shard_.settings().get_long(kRateSetting));
  const uint64_t budget_bytes = std::clamp<uint64_t>(rate, 1, kMaxCopiedATurn_bytes);
  uint64_t copied_bytes = 0;
  auto all = copy(*move, *partition->log(), budget_bytes, copied_bytes);
  if (!all) return fail(move, all.error());
  if (*all) return sync(move);
  pause(move, copied_bytes, shard_.steady_ms());
}

// Waits for the time that the copied bytes take at the configured rate. The rate may change meanwhile, so it is read
// again.
void ReplicaMover::pause(const MovePtr& move, uint64_t copied_bytes, int64_t since_ms) {
  if (partition_of(move) == nullptr) return;
  const auto most = static_cast<double>(shard_.settings().get_long(kRateSetting));
  const double owed_ms =
      static_cast<double>(copied_bytes) * 1000 / most - static_cast<double>(shard_.steady_ms() - since_ms);
  if (owed_ms < 1) return shard_.executor().post([this, move] { copy_some(move); });
  const auto pause_ms = static_cast<int64_t>(std::min(owed_ms, kLongestPause_ms));
  shard_.executor().call_after(pause_ms, [this, move, copied_bytes, since_ms] { pause(move, copied_bytes, since_ms); });
}

// Records that were synced in the old directory must be synced in the new one before the old one is deleted.
void ReplicaMover::sync(const MovePtr& move) {
  struct Job {
    log::LogSync sync;
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
  move->assigned = true;
  assign(move->id, *move->to, [this, move] {
    if (partition_of(move) == nullptr) return;
    move->announced = true;
    finish(move);
  });
}

// Sets the replica's directory in the metadata.
void ReplicaMover::assign(const TopicPartitionId& id, const log::LogDirectory& directory, Task done) {
  if (shard_.node().lifecycle != nullptr) {
    const ReplicaRef request{id, log::PartitionLog::new_mark()};
    assignments_[id] = request.number;
    return assign_remotely(request, directory, std::move(done));
  }
  using Replicas = std::vector<std::pair<metadata::PartitionKey, Uuid>>;
  auto replicas = std::make_shared<Replicas>(Replicas{{{id.topic_id, id.partition}, directory.id()}});
  shard_.metadata().submit<std::monostate>(
      shard_.shard(),
      [replicas, node_id = shard_.node().node_id](const metadata::Controller& controller) {
        return controller.assign_directories(node_id, *replicas);
      },
      [done = std::move(done)](std::monostate) { done(); });
}

void ReplicaMover::tell_place(const TopicPartitionId& id, const log::LogDirectory& directory) {
  const bool of_interest = shard_.image().metadata_version() >= metadata::kMetadataVersion37Iv2;
  if (!of_interest) return;
  if (shard_.node().lifecycle != nullptr) return assign(id, directory, [] {});
  // The records that created the replica are still being applied.
  shard_.executor().post([this, id, &directory] {
    if (!shard_.closed() && shard_.node().metadata != nullptr) assign(id, directory, [] {});
  });
}

// Not if the replica was removed since, perhaps to be added again in another directory, or is assigned to another one.
bool ReplicaMover::is_latest(const ReplicaRef& of) const {
  const auto latest = assignments_.find(of.id);
  if (MILENA_REPLICA_BUG(kResultOfAnotherReplica)) return true;
  return latest != assignments_.end() && latest->second == of.number;
}

// At the controller of another node. Asks again if there is no answer.
void ReplicaMover::assign_remotely(const ReplicaRef& of, const log::LogDirectory& directory, Task done) {
  const metadata::BrokerImage* self = shard_.image().find_broker(shard_.node().node_id);
  auto request = std::make_shared<AssignReplicasToDirsRequest>();
  request->broker_id = shard_.node().node_id;
  request->broker_epoch = self == nullptr ? -1 : self->epoch;
  auto& place = request->directories.emplace_back();
  place.id = directory.id();
  auto& topic = place.topics.emplace_back();
  topic.topic_id = of.id.topic_id;
  topic.partitions.push_back({of.id.partition});
  shard_.controller().send<AssignReplicasToDirsResponse>(
      shard_.shard(), std::shared_ptr<const AssignReplicasToDirsRequest>(request),
      AssignReplicasToDirsRequest::kMaxVersion, {},
      [this, of, &directory, done = std::move(done)](ErrorCode error, const AssignReplicasToDirsResponse& response) {
        if (shard_.closed() || !is_latest(of)) return;
        if (error == ErrorCode::kNone) error = response.error_code;
        if (error == ErrorCode::kNone) {
          assignments_.erase(of.id);
          return done();
        }
        shard_.executor().call_after(kAssignAgain_ms, [this, of, &directory, done] {
          if (!shard_.closed() && is_latest(of)) assign_remotely(of, directory, done);
        });
      });
}

void ReplicaMover::finish(const MovePtr& move) {
  Partition* partition = partition_of(move);
  if (partition == nullptr || !log_start_written(move, partition->log()->log_start_offset())) return;
  if (!move->holds_sync) {
    move->wants_sync = partition->sync_running();
    if (move->wants_sync) return;
    move->holds_sync = true;
    partition->set_sync_running(true);
  }
  uint64_t copied_bytes = 0;
  auto all = copy(*move, *partition->log(), UINT64_MAX, copied_bytes);
  if (!all) return fail(move, all.error());
  if (move->log->recovery_point() < partition->log()->recovery_point()) return sync(move);
  if (Status swapped = swap(*partition, *move); !swapped) return fail(move, swapped.error());
  moves_.erase(move->id);
  log_info("{} is now in {}", partition->name(), move->to->path());
  replicas_.note_change();
  replicas_.cleaner().consider(*partition);
  replicas_.log_syncs().sync_in_background(*partition, partition->log()->prepare_sync());
}

// Whether the swap is safe against a crash. If not, the checkpoints are written now, and finish() is called again; this
// repeats if records are deleted meanwhile.
bool ReplicaMover::log_start_written(const MovePtr& move, int64_t log_start_offset) {
  if (log_start_offset <= std::max(move->log_start_written, move->log->first_segment_offset())) return true;
  if (MILENA_STORAGE_BUG(kMoveForgetsStart)) return true;
  if (std::exchange(move->writes_log_start, true)) return false;
  shard_.write_checkpoints([this, move, log_start_offset](bool written) {
    move->writes_log_start = false;
    if (partition_of(move) == nullptr) return;
    if (!written) return fail(move, make_error(ErrorKind::kIo, "the checkpoints cannot be written"));
    move->log_start_written = log_start_offset;
    finish(move);
  });
  return false;
}

void ReplicaMover::for_each_log_start(const VisitStart& visit) {
  for (const auto& [id, move] : moves_) {
    Partition* partition = replicas_.find_partition(id);
    if (partition == nullptr || partition->log_if_open() == nullptr) continue;
    const int64_t start = partition->log_if_open()->log_start_offset();
    if (start > 0 && move->to->online()) visit(*move->to, move->name, start);
  }
}

void ReplicaMover::after_sync(Partition& partition) {
  delete_original(partition.id());
  auto found = moves_.find(partition.id());
  if (found == moves_.end() || !std::exchange(found->second->wants_sync, false)) return;
  found->second->holds_sync = true;
  partition.set_sync_running(true);
  shard_.executor().post([this, move = found->second] { finish(move); });
}

void ReplicaMover::delete_original(const TopicPartitionId& id) {
  auto original = originals_.extract(id);
  if (original.empty() || !original.mapped().directory->online()) return;
  replicas_.schedule_delete(*original.mapped().directory, original.mapped().name, id.topic_id);
}

Status ReplicaMover::swap(Partition& partition, Move& move) {
  log::LogDirectory* from = partition.directory();
  log::PartitionLog& old_log = *partition.log();
  move.log->set_high_watermark(old_log.high_watermark());
  auto moved = move.log->delete_records_before(old_log.log_start_offset());
  RETURN_IF_ERROR(moved);
  if (!MILENA_STORAGE_BUG(kMoveForgetsProducers)) RETURN_IF_ERROR(move.log->adopt_producers_of(old_log));
  RETURN_IF_ERROR(move.log->assign_epoch(partition.leader_epoch(), move.log->log_end_offset()));
  move.log->set_first_dirty_offset(old_log.first_dirty_offset());
  RETURN_IF_ERROR(move.log->rename_directory(move.to->partition_path(move.name)));
  move.holds_sync = false;
  partition.set_sync_running(false);
  partition.replace_log(std::move(move.log), *move.to);
  originals_[move.id] = {move.name, from};
  if (MILENA_STORAGE_BUG(kOriginalGoesUnsynced)) delete_original(move.id);
  return ok_status();
}

void ReplicaMover::give_up(const TopicPartitionId& id, bool topic_deleted) {
  if (topic_deleted) delete_original(id);
  else originals_.erase(id);
  auto found = moves_.find(id);
  if (found != moves_.end()) end(found->second, topic_deleted ? Copy::kRemoved : Copy::kKept);
  assignments_.erase(id);
}

void ReplicaMover::end(MovePtr move, Copy copy) {
  auto current = moves_.find(move->id);
  if (current == moves_.end() || current->second != move) return;
  moves_.erase(current);
  if (copy == Copy::kKept) keep_copy(*move);
  move->log.reset();
  if (copy == Copy::kRemoved && !stopped_ && move->to->online()) remove_copy(shard_, replicas_, move->name, move->path);
  Partition* partition = replicas_.find_replica(move->id);
  if (partition == nullptr || partition->log_if_open() == nullptr) return;
  replicas_.cleaner().consider(*partition);
  if (move->assigned && !stopped_ && partition->directory()->online()) assign(move->id, *partition->directory(), [] {});
  if (!std::exchange(move->holds_sync, false)) return;
  partition->set_sync_running(false);
  replicas_.log_syncs().go_on_syncing(*partition);
}

// For the next start: closed in order, since the directory's shutdown may be clean, too. The copy of an unreadable
// original is set aside: the original is still written, and may be compacted, so the copy could not be continued.
void ReplicaMover::keep_copy(Move& move) {
  if (move.log == nullptr || !move.to->online()) return;
  Status closed = move.log->close_cleanly(true);
  if (closed && !move.original_unreadable) return;
  auto aside = move.to->set_aside_stray(move.name, move.path, shard_.executor().random());
  if (aside) log_warn("the copy of {} is set aside as {}", move.name.to_string(), *aside);
  else log_error("the copy of {} cannot be set aside: {}", move.name.to_string(), aside.error().message);
}

void ReplicaMover::fail(const MovePtr& move, const Error& error) {
  log_error("{} cannot move to {}: {}", move->name.to_string(), move->to->path(), error.message);
  end(move, move->original_unreadable ? Copy::kKept : Copy::kRemoved);
}

// The shard closes, and no callback of a sync comes any more.
void ReplicaMover::finish_original(const TopicPartitionId& id) {
  Partition* partition = replicas_.find_replica(id);
  log::PartitionLog* log = partition == nullptr ? nullptr : partition->log_if_open();
  bool synced = log != nullptr && log->flush() && shard_.node().files->file_system().sync_directory(
                                                      parent_directory(log->directory()));
  if (synced) delete_original(id);
  else originals_.erase(id);
}

void ReplicaMover::stop() {
  stopped_ = true;
  for (auto& [id, move] : moves_) {
    Status closed = move->log == nullptr ? ok_status() : move->log->close_cleanly(true);
    if (!closed)
      log_error("the copy of {} was not closed cleanly: {}", move->name.to_string(), closed.error().message);
    move->log.reset();  // tasks that wait may hold the move
  }
  moves_.clear();
  // The remaining ones are found beside their new logs at the next start.
  while (!originals_.empty()) finish_original(originals_.begin()->first);
}

std::optional<ReplicaMover::Future> ReplicaMover::future_of(const TopicPartitionId& id) {
  auto found = moves_.find(id);
  if (found == moves_.end()) return std::nullopt;
  Future future{.directory = found->second->to};
  log::PartitionLog* log = found->second->log.get();
  if (log == nullptr) return future;
  future.bytes = log->size().ok() ? log->size().value() : 0;
  future.log_end_offset = log->log_end_offset();
  return future;
}

}  // namespace milena::broker
