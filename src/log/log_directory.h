// LogDirectory: one of log.dirs, as a whole: its lock, identity, checkpoints, and partitions (Kafka's LogManager,
// MetaProperties, OffsetCheckpointFile). Owned by the node, used by one thread; it holds the lock file from open()
// until it is destroyed.
//
// It knows directories by name and checkpoints by content. It does not open logs (PartitionLog) and does not know which
// partitions should exist (src/broker does).
//
// Life cycle: open() takes the lock and reads meta.properties and the checkpoints. take_into_use() removes the
// clean-shutdown mark, so that a crash is detected from here on; a directory that is never taken into use is left as it
// was. write_clean_shutdown_mark() writes the mark again as the last step before the process ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/topic_partition.h"
#include "base/uuid.h"
#include "log/disk_reserve.h"
#include "log/format/file_names.h"
#include "log/format/meta_properties.h"
#include "log/format/text_checkpoint.h"

namespace milena::log {

struct PartitionDirectory {
  TopicPartition partition;
  DirectoryKind kind = DirectoryKind::kLive;
  std::string path;
};

class LogDirectory {
 public:
  // Creates the directory if it does not exist. Errors are for people, with advice: kExists if another process holds
  // it, kIo if it is not writable, kCorrupt for an invalid file.
  static Result<std::unique_ptr<LogDirectory>> open(FileSystem& file_system, std::string path);
  // From here on files in it change.
  Status take_into_use();
  // If the directory was not taken into use: removes the files that open() created.
  ~LogDirectory();

  const std::string& path() const { return path_; }
  // An order for containers that is the same in every run, unlike that of addresses.
  struct ByPath {
    bool operator()(const LogDirectory* a, const LogDirectory* b) const { return a->path() < b->path(); }
  };
  std::string partition_path(const TopicPartition& partition) const { return path_ + "/" + partition.to_string(); }

  // False once it failed: it is not read or written any more. Any thread.
  bool online() const { return online_.load(std::memory_order_relaxed); }
  // True for the first caller. Any thread.
  bool take_offline() { return online_.exchange(false); }
  // How many replicas are in it, as whoever places and removes them has told. Any thread.
  int64_t replicas() const { return replicas_.load(std::memory_order_relaxed); }
  void count_replicas(int64_t more) { replicas_.fetch_add(more, std::memory_order_relaxed); }
  // Room for when its disk is full.
  DiskReserve& reserve() { return reserve_; }
  const DiskReserve& reserve() const { return reserve_; }
  // For new records, which must not use what the reserve has released: kExhausted from then until it is taken again.
  Status check_room() const;
  // Releases the reserve for a write that failed on a full disk and must succeed now; logged. False if it failed for
  // another reason, or if nothing is reserved. May block; any thread.
  bool spend_reserve(const Error& why);

  // --- identity ---

  // directory.id of meta.properties; zero in an unformatted directory.
  Uuid id() const {
    return meta_properties_ && meta_properties_->directory_id ? *meta_properties_->directory_id : Uuid{};
  }

  // Nullopt in an unformatted directory.
  const std::optional<MetaProperties>& meta_properties() const { return meta_properties_; }
  // kInvalid, with both values named, if the directory belongs to another cluster or node. Either may be nullopt.
  Status check_identity(const std::optional<std::string>& cluster_id, std::optional<int32_t> node_id) const;
  Status write_meta_properties(const MetaProperties& properties);

  // --- partitions ---

  // Whether it had a partition's directory, in any state, at open().
  bool holds_partitions() const { return holds_partitions_; }
  // All directories named like a partition, in any state. One listing.
  Result<std::vector<PartitionDirectory>> list_partitions() const;
  // Whether the partition's directory has a log. False without a directory.
  Result<bool> holds_segments(const TopicPartition& partition) const;
  // The topic id in the partition.metadata of a partition's directory; nullopt without the file, the zero id if the
  // machine failed before it was written: nothing in that log was synced then, whichever topic it is of. The name alone
  // is not enough: a topic may have been deleted and created again while the directory was away.
  Result<std::optional<Uuid>> topic_id_of(const std::string& partition_path) const;
  // The end offset of the log in a partition's directory, from its last segment. Reads that one; 0 without one.
  Result<int64_t> end_offset_of(const std::string& partition_path) const;
  // Renames the partition's directory to "topic-0.<32 hex>-delete" and returns the new path, which may be removed with
  // remove_tree() on any thread. The log must be closed (destroyed) before. kNotFound if the topic has no directory of
  // that name; another topic's stays. Any thread, like the next two.
  Result<std::string> schedule_delete(const TopicPartition& partition, const Uuid& topic_id, Random& random);
  // The same for a replica that the metadata does not know: "-stray". It is kept. `path` is its current directory.
  Result<std::string> set_aside_stray(const TopicPartition& partition, const std::string& path, Random& random);
  enum class Occupant { kOurs, kUnnamed, kSetAside };
  // Clears the partition's name for the topic. The directory of that name is the topic's own, or has no topic id, or is
  // of another topic: then it is set aside.
  Result<Occupant> make_way(const TopicPartition& partition, const Uuid& topic_id, Random& random);

  // --- shutdown state ---

  // The clean-shutdown mark was there at open().
  bool clean_shutdown() const { return clean_shutdown_; }
  // The broker epoch in the mark; -1 without a mark, or if the mark has none.
  int64_t clean_shutdown_epoch() const;
  // As of open(). Empty if the file was missing; an unreadable file is logged once and counts as missing, which only
  // makes recovery read more.
  const OffsetCheckpoint& recovery_points() const { return recovery_points_; }
  const OffsetCheckpoint& log_start_offsets() const { return log_start_offsets_; }
  const OffsetCheckpoint& high_watermarks() const { return high_watermarks_; }
  const OffsetCheckpoint& first_dirty_offsets() const { return first_dirty_offsets_; }
  // Input of PartitionLog::open for a partition.
  struct Found {
    bool clean_shutdown = false;
    // recovery-point-offset-checkpoint has the partition. If not, 0 means nothing.
    bool known = false;
    int64_t recovery_point = 0;
    int64_t log_start_offset = 0;
    int64_t high_watermark = 0;
    int64_t first_dirty_offset = 0;
  };
  Found find(const TopicPartition& partition) const;
  // The partition's directory was just renamed to its name: the checkpoints' entries for it are not valid.
  void distrust(const TopicPartition& partition);
  // Removes the checkpoints' entries of partitions that are not here, in the files too: entries only have names, and
  // another topic's partition may come here under the same one.
  Status forget_strangers(const std::function<bool(const TopicPartition&)>& is_here);
  // Frees the checkpoints of open(), once all logs are open.
  void forget_checkpoints();

  // Each replaces its whole file. With `durable` it is synced. Thread-safe against each other as long as each kind is
  // written by one thread at a time.
  Status write_recovery_points(const OffsetCheckpoint& offsets, bool durable = true);
  Status write_log_start_offsets(const OffsetCheckpoint& offsets, bool durable = true);
  Status write_high_watermarks(const OffsetCheckpoint& offsets, bool durable = true);
  // Where compaction continues (cleaner-offset-checkpoint).
  Status write_first_dirty_offsets(const OffsetCheckpoint& offsets, bool durable = true);
  // The mark of a clean shutdown, after every log was closed and every checkpoint written.
  Status write_clean_shutdown_mark(int64_t broker_epoch);
  // Restores the mark as it was found, for a start that failed before it changed anything.
  Status restore_clean_shutdown_mark();

 private:
  LogDirectory(FileSystem& file_system, std::string path) : file_system_(file_system), path_(std::move(path)) {}

  Status take_lock();
  Status read_state();
  Status read_meta_properties();
  Result<OffsetCheckpoint> read_checkpoint(ByteView name);
  Status write_checkpoint(ByteView name, const OffsetCheckpoint& offsets, bool durable);
  Result<std::string> rename_partition(const TopicPartition& partition, const std::string& path, DirectoryKind kind,
                                       Random& random);
  Result<bool> is_begun_without_a_name(const TopicPartition& partition, const std::string& path) const;
  std::string path_of(ByteView file) const { return path_ + "/" + std::string(file); }

  FileSystem& file_system_;
  const std::string path_;
  DiskReserve reserve_{file_system_, path_};
  std::shared_ptr<File> lock_;
  std::optional<MetaProperties> meta_properties_;
  bool made_directory_ = false;
  bool made_lock_file_ = false;
  bool in_use_ = false;
  bool holds_partitions_ = false;
  bool clean_shutdown_ = false;
  Bytes clean_shutdown_mark_;
  std::atomic<bool> online_ = true;
  std::atomic<int64_t> replicas_ = 0;
  std::mutex names_mutex_;  // between looking whose a directory is and renaming it
  std::set<TopicPartition> distrusted_;
  OffsetCheckpoint recovery_points_;
  OffsetCheckpoint log_start_offsets_;
  OffsetCheckpoint high_watermarks_;
  OffsetCheckpoint first_dirty_offsets_;
};

}  // namespace milena::log
