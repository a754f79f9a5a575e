#include "broker/storage/close_logs.h"

#include <map>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "broker/replica/replica_manager.h"
#include "log/log_directory.h"
#include "log/partition_log.h"

namespace milena::broker {
namespace {

// A sync of the whole file system also waits for the writes of other programs.
constexpr size_t kMaxSyncedOneByOne = 500;

bool is_closed(const Partition& partition, const Status& closed) {
  if (!closed.ok()) log_error("{} was not closed cleanly: {}", partition.name(), closed.error().message);
  return closed.ok();
}

bool close_and_sync_each(const std::vector<Partition*>& partitions) {
  bool all = true;
  for (Partition* each : partitions) all &= is_closed(*each, each->log_if_open()->close_cleanly(true));
  return all;
}

bool close_and_sync_together(const std::vector<Partition*>& partitions, const log::LogDirectory& directory,
                             FileSystem& files) {
  bool all = true;
  std::vector<Partition*> written;
  for (Partition* each : partitions) {
    if (is_closed(*each, each->log_if_open()->close_cleanly(false))) {
      written.push_back(each);
    } else {
      all = false;
    }
  }
  // If this fails, the sync of each file shows which logs are affected.
  const bool synced = files.sync_everything(directory.path()).ok();
  for (Partition* each : written) {
    if (synced) {
      each->log_if_open()->mark_all_flushed();
    } else {
      all &= is_closed(*each, each->log_if_open()->close_cleanly(true));
    }
  }
  return all;
}

}  // namespace

bool close_logs(ReplicaManager& replicas, FileSystem& files) {
  std::map<const log::LogDirectory*, std::vector<Partition*>, log::LogDirectory::ByPath> open;
  std::map<const log::LogDirectory*, size_t, log::LogDirectory::ByPath> unsynced;
  replicas.for_each_partition([&](Partition& partition) {
    const log::PartitionLog* log = partition.log_if_open();
    if (log == nullptr) return;
    open[partition.directory()].push_back(&partition);
    if (log->has_unflushed()) unsynced[partition.directory()]++;
  });
  bool all = true;
  for (const auto& [directory, partitions] : open) {
    const bool together = directory != nullptr && unsynced[directory] > kMaxSyncedOneByOne;
    all &= together ? close_and_sync_together(partitions, *directory, files) : close_and_sync_each(partitions);
  }
  return all;
}

}  // namespace milena::broker
