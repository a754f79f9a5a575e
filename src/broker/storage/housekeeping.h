// Housekeeping: the periodic work of a node: checkpoints of offsets, syncs of full segments, retention. Lives on the
// controller's shard and asks the others by message. An idle node is never woken. Source: Kafka's LogManager (flush,
// checkpoint, retention tasks) and ReplicaManager (high watermark checkpoint).
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/executor.h"
#include "log/format/text_checkpoint.h"
#include "log/log_directory.h"

namespace milena::log {
struct DoomedFiles;
}  // namespace milena::log

namespace milena::broker {

class Partition;
class Shard;
class ShardContext;

// On the shard: removes files that were renamed before, after file.delete.delay.ms.
void remove_files_later(ShardContext& shard, log::DoomedFiles doomed, int64_t delay_ms);

// Offsets of the partitions of all shards, for the checkpoint files.
struct OffsetSnapshot {
  log::OffsetCheckpoint recovery_points;
  log::OffsetCheckpoint log_start_offsets;
  log::OffsetCheckpoint high_watermarks;
  log::OffsetCheckpoint first_dirty_offsets;  // of compacted partitions
  // False if one of them is offline: its last writes may not be on the disk.
  bool all_online = true;

  void add(Partition& partition);
  void merge(OffsetSnapshot other);
  // A log start offset of 0 is not written. Kafka also omits one that equals the start of the first segment.
  Status write(log::LogDirectory& directory, bool durable) const;
};

// The offsets of the partitions in each directory.
struct NodeOffsets {
  std::map<log::LogDirectory*, OffsetSnapshot, log::LogDirectory::ByPath> directories;

  // Adds this shard's partitions; those that were not opened have the offsets of their directory at the start.
  void collect(Shard& shard);
  void merge(NodeOffsets other);
  bool all_online(log::LogDirectory& directory) const;
};

class Housekeeping {
 public:
  explicit Housekeeping(Shard& home);

  // On the home shard. The first call also starts the retention rounds.
  void start();
  // Something changed on some shard: checkpoints are due soon.
  void note_change();
  using Written = std::function<void(bool all_written)>;
  // Writes the checkpoints now; `done` runs on the home shard when the files have offsets that were collected after
  // this call. For offsets that must not be found again (the log start offset of a topic whose name may be reused), and
  // for offsets that must be found.
  void write_now(Written done);
  void stop() { stopped_ = true; }
  // Blocking, on any thread: writes the last checkpoints. Waits for a write in progress; none follows.
  Status write_last(const NodeOffsets& all);

 private:
  struct Writer;

  void collect_and_write();
  void run_retention();
  void look_for_spent_reserves();

  Shard& home_;
  // Shared with the worker, which may live longer.
  std::shared_ptr<Writer> writer_;
  std::vector<Written> wanted_;  // callbacks of the next write
  bool scheduled_ = false;
  bool writing_ = false;
  bool stopped_ = false;
};

}  // namespace milena::broker
