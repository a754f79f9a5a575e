#include "broker/storage/log_syncs.h"

#include <memory>
#include <utility>

#include "base/check.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard_context.h"
#include "broker/storage/replica_mover.h"
#include "log/file_cache.h"
#include "log/planted_storage_bugs.h"

namespace milena::broker {
namespace {

// The pause after a sync for which no file could be opened.
constexpr int64_t kSyncAgain_ms = 100;

}  // namespace

LogSyncs::LogSyncs(ShardContext& shard, ReplicaManager& replicas)
    : shard_(shard), replicas_(replicas), flush_timer_(shard.executor(), [this](const TopicPartitionId& id) {
        if (Partition* partition = replicas_.find_replica(id)) consider_flush(*partition);
      }) {}

void LogSyncs::consider_flush(Partition& partition) {
  log::PartitionLog* log = partition.log_if_open();
  if (log == nullptr || partition.sync_running()) return;  // considered again after the sync
  // A prepared sync must be run: the log relies on it.
  if (log->flush_due()) return sync_in_background(partition, log->prepare_sync());
  flush_timer_.consider(partition);
}

void LogSyncs::start_flushes() {
  if (MILENA_STORAGE_BUG(kOwedSyncForgotten)) return;
  replicas_.for_each_partition([this](Partition& partition) { consider_flush(partition); });
}

// One sync of a partition at a time: the next one covers the appends since.
void LogSyncs::sync_in_background(Partition& partition, Result<log::LogSync> sync) {
  CHECK(shard_.is_current() && !partition.sync_running(), "{}", partition.name());
  partition.set_sync_running(true);
  if (!sync) return finish_sync(partition.ref(), {}, sync.error());
  struct Job {
    log::LogSync sync;
    Status status = ok_status();
    int64_t took_ns = 0;
  };
  auto job = std::make_shared<Job>(Job{sync.take()});
  shard_.executor().run_blocking(
      [job, &files = shard_.node().files->file_system(), &clock = shard_.executor().clock()] {
        const int64_t begun_ns = clock.steady_ns();
        job->status = job->sync.run(files);
        job->took_ns = clock.steady_ns() - begun_ns;
      },
      [this, job, of = partition.ref()] {
        shard_.figures().flushes.record_ns(job->took_ns);
        finish_sync(of, job->sync, job->status);
      });
}

// No file could be opened for it. The requests that wait for this sync keep waiting.
void LogSyncs::sync_again(const ReplicaRef& of, log::LogSync sync) {
  shard_.executor().call_at(shard_.steady_ms() + kSyncAgain_ms, [this, of, sync = std::move(sync)]() mutable {
    Partition* partition = replicas_.find_again(of);
    if (partition == nullptr || shard_.closed()) return;
    partition->set_sync_running(false);
    if (partition->log_if_open() == nullptr) return;
    if (sync.offset() < 0) return sync_in_background(*partition, partition->log_if_open()->prepare_sync());
    sync_in_background(*partition, std::move(sync));
  });
}

void LogSyncs::finish_sync(const ReplicaRef& of, const log::LogSync& sync, const Status& status) {
  Partition* synced = replicas_.find_again(of);
  if (synced == nullptr) return;
  if (!status.ok() && status.error().kind == ErrorKind::kExhausted) return sync_again(of, sync);
  if (status.ok() && synced->log_if_open() != nullptr) {
    synced->log_if_open()->mark_flushed(sync);
    // The sync counts as running while callbacks run: their appends are covered by the next one, which begins here.
    synced->finish_sync();
    synced = replicas_.find_again(of);
    if (synced == nullptr) return;
  }
  synced->set_sync_running(false);
  if (!status.ok()) return synced->take_offline(status.error());
  if (synced->log_if_open() == nullptr) return;
  replicas_.mover().after_sync(*synced);
  sync_if_due(*synced);
}

void LogSyncs::go_on_syncing(Partition& partition) {
  const ReplicaRef of = partition.ref();
  partition.set_sync_running(true);
  partition.finish_sync();
  Partition* still = replicas_.find_again(of);
  if (still == nullptr) return;
  still->set_sync_running(false);
  sync_if_due(*still);
}

// Not while a move holds back the next sync.
void LogSyncs::sync_if_due(Partition& partition) {
  if (partition.log_if_open() == nullptr || partition.sync_running()) return;
  if (partition.sync_awaited() || partition.log_if_open()->flush_due()) {
    return sync_in_background(partition, partition.log_if_open()->prepare_sync());
  }
  flush_timer_.consider(partition);
}

}  // namespace milena::broker
