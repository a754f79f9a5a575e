#include "log/log_directory.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/log.h"
#include "log/batch_scanner.h"
#include "log/format/json.h"
#include "log/format/partition_metadata.h"
#include "log/planted_storage_bugs.h"

namespace milena::log {
namespace {

constexpr ByteView kLockFile = ".lock";
constexpr ByteView kMetaPropertiesFile = "meta.properties";
constexpr ByteView kCleanShutdownFile = ".kafka_cleanshutdown";
constexpr ByteView kRecoveryPointFile = "recovery-point-offset-checkpoint";
constexpr ByteView kLogStartFile = "log-start-offset-checkpoint";
constexpr ByteView kHighWatermarkFile = "replication-offset-checkpoint";
constexpr ByteView kFirstDirtyFile = "cleaner-offset-checkpoint";

int64_t offset_of(const OffsetCheckpoint& checkpoint, const TopicPartition& partition) {
  auto it = checkpoint.find(partition);
  return it == checkpoint.end() ? 0 : it->second;
}

// Whether it is the start of a partition.metadata, possibly with zeros up to its length.
bool is_torn(ByteView content) {
  const size_t whole = encode_partition_metadata(Uuid{}).size();
  const size_t end = content.find_last_not_of('\0') + 1;  // 0 if there is nothing else
  constexpr ByteView kUpToTheId = "version: 0\ntopic_id: ";
  const ByteView written = content.substr(0, end);
  return content.size() <= whole && end < whole &&
         written.substr(0, kUpToTheId.size()) == kUpToTheId.substr(0, written.size());
}

}  // namespace

Result<std::unique_ptr<LogDirectory>> LogDirectory::open(FileSystem& file_system, std::string path) {
  bool there = file_system.exists(path);
  Status made = file_system.make_directories(path);
  if (!made && !there) {
    return make_error(made.error().kind, "{}; set log.dirs to a directory that this user can write",
                      made.error().message);
  }
  std::unique_ptr<LogDirectory> directory(new LogDirectory(file_system, std::move(path)));
  directory->made_directory_ = !there;
  RETURN_IF_ERROR(directory->take_lock());
  RETURN_IF_ERROR(directory->read_state());
  return directory;
}

Status LogDirectory::check_room() const {
  if (!reserve_.spent()) return ok_status();
  return make_error(ErrorKind::kExhausted, "the disk of {} is full", path_);
}

bool LogDirectory::spend_reserve(const Error& why) {
  if (why.kind != ErrorKind::kExhausted || !reserve_.spend()) return false;
  log_warn("the disk of {} is full; records are refused until there is space again: {}", path_, why.message);
  return true;
}

LogDirectory::~LogDirectory() {
  if (in_use_) return;
  if (made_lock_file_ && !file_system_.remove(path_of(kLockFile)).ok()) return;
  if (!made_directory_) return;
  auto names = file_system_.list(path_);
  if (names && names->empty()) (void)file_system_.remove_tree(path_).ok();
}

Status LogDirectory::take_into_use() {
  in_use_ = true;
  reserve_.give_back();
  if (!clean_shutdown_) return ok_status();
  RETURN_IF_ERROR(file_system_.remove(path_of(kCleanShutdownFile)));
  // Before anything is written: if the mark came back after a power failure, the next start would skip recovery.
  return MILENA_STORAGE_BUG(kMarkComesBack) ? ok_status() : file_system_.sync_directory(path_);
}

// An open-file-description lock: it conflicts with Kafka's record lock (Java's FileChannel.tryLock), and unlike that
// one it also excludes a second node of this process.
Status LogDirectory::take_lock() {
  bool there = file_system_.exists(path_of(kLockFile));
  auto file = file_system_.open(path_of(kLockFile), OpenMode::kReadOrCreate);
  if (!file) {
    return make_error(file.error().kind, "{}; set log.dirs to a directory that this user can write",
                      file.error().message);
  }
  lock_ = *file;
  if (lock_->descriptor() < 0) {
    made_lock_file_ = !there;
    return ok_status();
  }
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(lock_->descriptor(), F_OFD_SETLK, &lock) == 0) {
    made_lock_file_ = !there;
    // The previous holder may have removed the file since we opened it: a lock on that would keep no one out.
    return file_system_.exists(path_of(kLockFile))
               ? ok_status()
               : make_error(ErrorKind::kExists,
                            "log directory {} was in use by another broker, which has just released it; try again",
                            path_);
  }
  if (errno != EAGAIN && errno != EACCES) {
    return make_error(ErrorKind::kIo, "cannot lock {}: {}", path_of(kLockFile), std::strerror(errno));
  }
  struct flock holder {};
  holder.l_type = F_WRLCK;
  holder.l_whence = SEEK_SET;
  bool known = ::fcntl(lock_->descriptor(), F_OFD_GETLK, &holder) == 0 && holder.l_type != F_UNLCK && holder.l_pid > 0;
  return make_error(ErrorKind::kExists,
                    "log directory {} is in use by another broker{} (it has locked {}); stop that broker, or set "
                    "log.dirs to another directory",
                    path_, known ? fmt::format(", process {}", holder.l_pid) : "", path_of(kLockFile));
}

Status LogDirectory::read_state() {
  Result<std::vector<std::string>> names = file_system_.list(path_);
  RETURN_IF_ERROR(names);
  for (const std::string& name : *names) {
    OffsetCheckpoint* checkpoint = name == kRecoveryPointFile   ? &recovery_points_
                                   : name == kLogStartFile      ? &log_start_offsets_
                                   : name == kHighWatermarkFile ? &high_watermarks_
                                   : name == kFirstDirtyFile    ? &first_dirty_offsets_
                                                                : nullptr;
    if (checkpoint != nullptr) {
      Result<OffsetCheckpoint> read = read_checkpoint(name);
      RETURN_IF_ERROR(read);
      *checkpoint = read.take();
    } else if (name == kMetaPropertiesFile) {
      RETURN_IF_ERROR(read_meta_properties());
    } else if (name == kCleanShutdownFile) {
      Result<Bytes> mark = file_system_.read_file(path_of(name));
      RETURN_IF_ERROR(mark);
      clean_shutdown_mark_ = mark.take();
      clean_shutdown_ = true;
    } else if (parse_partition_directory(name)) {
      holds_partitions_ = true;
    }
  }
  return ok_status();
}

Status LogDirectory::read_meta_properties() {
  Result<Bytes> file = file_system_.read_file(path_of(kMetaPropertiesFile));
  RETURN_IF_ERROR(file);
  Result<MetaProperties> properties = decode_meta_properties(*file);
  if (!properties) {
    return make_error(properties.error().kind, "{}: {}; restore the file, or move the directory away", path_,
                      properties.error().message);
  }
  meta_properties_ = *properties;
  return ok_status();
}

Result<OffsetCheckpoint> LogDirectory::read_checkpoint(ByteView name) {
  Result<Bytes> file = file_system_.read_file(path_of(name));
  RETURN_IF_ERROR(file);
  // As in Kafka's CheckpointFile: nothing was written yet.
  if (file->empty()) return OffsetCheckpoint();
  Result<OffsetCheckpoint> offsets = decode_offset_checkpoint(*file);
  if (offsets) return offsets;
  log_warn("{}: {}; the broker continues without it", path_of(name), offsets.error().message);
  return OffsetCheckpoint();
}

// --- identity ---

Status LogDirectory::check_identity(const std::optional<std::string>& cluster_id,
                                    std::optional<int32_t> node_id) const {
  if (!meta_properties_) return ok_status();
  const MetaProperties& found = *meta_properties_;
  if (cluster_id && !found.cluster_id.empty() && found.cluster_id != *cluster_id) {
    return make_error(
        ErrorKind::kInvalid,
        "{} belongs to cluster {} (cluster.id in its meta.properties), this broker to {}; set log.dirs to a "
        "directory of this cluster",
        path_, found.cluster_id, *cluster_id);
  }
  if (node_id && found.node_id >= 0 && found.node_id != *node_id) {
    return make_error(
        ErrorKind::kInvalid,
        "{} belongs to node {} (node.id in its meta.properties), this broker has node.id={}; set node.id={} "
        "or another log.dirs",
        path_, found.node_id, *node_id, found.node_id);
  }
  return ok_status();
}

Status LogDirectory::write_meta_properties(const MetaProperties& properties) {
  RETURN_IF_ERROR(file_system_.write_file_atomically(path_of(kMetaPropertiesFile), encode_meta_properties(properties)));
  meta_properties_ = properties;
  meta_properties_->version = 1;
  return ok_status();
}

// --- partitions ---

Result<std::vector<PartitionDirectory>> LogDirectory::list_partitions() const {
  Result<std::vector<std::string>> names = file_system_.list(path_);
  RETURN_IF_ERROR(names);
  std::vector<PartitionDirectory> found;
  for (const std::string& name : *names) {
    std::optional<PartitionDirectoryName> parsed = parse_partition_directory(name);
    if (parsed) found.push_back({std::move(parsed->partition), parsed->kind, path_ + "/" + name});
  }
  return found;
}

Result<bool> LogDirectory::holds_segments(const TopicPartition& partition) const {
  Result<std::vector<std::string>> names = file_system_.list(partition_path(partition));
  if (!names && names.error().kind == ErrorKind::kNotFound) return false;
  RETURN_IF_ERROR(names);
  return std::any_of(names->begin(), names->end(), [](const std::string& name) {
    return name != kPartitionMetadataFile && name != std::string(kPartitionMetadataFile) + ".tmp";
  });
}

Result<std::optional<Uuid>> LogDirectory::topic_id_of(const std::string& partition_path) const {
  std::string path = partition_path + "/" + std::string(kPartitionMetadataFile);
  auto content = file_system_.read_file(path);
  if (!content && content.error().kind == ErrorKind::kNotFound) return std::optional<Uuid>();
  RETURN_IF_ERROR(content);
  auto id = decode_partition_metadata(*content);
  if (!id && is_torn(*content) && !MILENA_STORAGE_BUG(kTornIdTakesOffline)) return std::optional<Uuid>(Uuid{});
  if (!id) return make_error(id.error().kind, "{}: {}", path, id.error().message);
  return std::optional<Uuid>(*id);
}

Result<int64_t> LogDirectory::end_offset_of(const std::string& partition_path) const {
  Result<std::vector<std::string>> names = file_system_.list(partition_path);
  RETURN_IF_ERROR(names);
  int64_t base = -1;
  for (const std::string& name : *names) {
    const auto file = parse_segment_file_name(name);
    if (file && file->suffix == kLogSuffix) base = std::max(base, file->offset);
  }
  if (base < 0) return int64_t{0};
  auto file = file_system_.open(partition_path + "/" + segment_file_name(base, kLogSuffix), OpenMode::kRead);
  RETURN_IF_ERROR(file);
  Result<uint64_t> size = (*file)->size();
  RETURN_IF_ERROR(size);
  BatchScanner batches(*file, 0, static_cast<uint32_t>(std::min<uint64_t>(*size, INT32_MAX)), 64 << 10);
  int64_t end = base;
  while (true) {
    Result<bool> more = batches.next();
    if (!more && more.error().kind != ErrorKind::kCorrupt) return more.error();
    if (!more || !*more) return end;
    end = std::max(end, batches.header().next_offset());
  }
}

Result<std::string> LogDirectory::rename_partition(const TopicPartition& partition, const std::string& path,
                                                   DirectoryKind kind, Random& random) {
  std::string to = path_of(renamed_partition_directory(partition, kind, random));
  RETURN_IF_ERROR(file_system_.rename(path, to));
  return to;
}

Result<std::string> LogDirectory::schedule_delete(const TopicPartition& partition, const Uuid& topic_id,
                                                  Random& random) {
  std::lock_guard lock(names_mutex_);
  std::string path = partition_path(partition);
  auto found = topic_id_of(path);
  RETURN_IF_ERROR(found);
  if (*found && **found != topic_id && **found != Uuid{}) {
    return make_error(ErrorKind::kNotFound, "{} belongs to another topic of that name, and is not deleted", path);
  }
  return rename_partition(partition, path, DirectoryKind::kDelete, random);
}

Result<std::string> LogDirectory::set_aside_stray(const TopicPartition& partition, const std::string& path,
                                                  Random& random) {
  return rename_partition(partition, path, DirectoryKind::kStray, random);
}

// The name is written before the first record. Records without one are what a failure of the machine has left: they
// were never synced, and may be of a topic of that name which was deleted while this node was away, or its disk. A
// clean stop syncs all records of its replicas, so that theirs are below the recovery point.
Result<bool> LogDirectory::is_begun_without_a_name(const TopicPartition& partition, const std::string& path) const {
  if (MILENA_REPLICA_BUG(kRecordsWithoutAName) || MILENA_STORAGE_BUG(kNamelessIsTaken)) return false;
  Result<int64_t> end = end_offset_of(path);
  if (!end && end.error().kind == ErrorKind::kNotFound) return false;
  RETURN_IF_ERROR(end);
  return *end > (clean_shutdown_ ? offset_of(recovery_points_, partition) : 0);
}

Result<LogDirectory::Occupant> LogDirectory::make_way(const TopicPartition& partition, const Uuid& topic_id,
                                                      Random& random) {
  std::lock_guard lock(names_mutex_);
  std::string path = partition_path(partition);
  auto found = topic_id_of(path);
  RETURN_IF_ERROR(found);
  if (!*found) {
    auto begun = is_begun_without_a_name(partition, path);
    RETURN_IF_ERROR(begun);
    if (!*begun) return Occupant::kUnnamed;
    *found = Uuid{};
  }
  if (**found == topic_id) return Occupant::kOurs;
  auto aside = set_aside_stray(partition, path, random);
  RETURN_IF_ERROR(aside);
  log_warn("{} {}; it is set aside as {}", path,
           **found == Uuid{} ? "was not synced before the machine failed"
                             : "belongs to a deleted topic of the same name",
           *aside);
  // The checkpoints' entries are of this topic: those of a deleted topic were removed.
  return **found == Uuid{} ? Occupant::kUnnamed : Occupant::kSetAside;
}

// --- checkpoints ---

LogDirectory::Found LogDirectory::find(const TopicPartition& partition) const {
  return {clean_shutdown_ && !distrusted_.contains(partition),
          recovery_points_.contains(partition),
          offset_of(recovery_points_, partition),
          offset_of(log_start_offsets_, partition),
          offset_of(high_watermarks_, partition),
          offset_of(first_dirty_offsets_, partition)};
}

void LogDirectory::distrust(const TopicPartition& partition) {
  distrusted_.insert(partition);
  for (OffsetCheckpoint* one : {&recovery_points_, &log_start_offsets_, &high_watermarks_, &first_dirty_offsets_}) {
    one->erase(partition);
  }
}

Status LogDirectory::forget_strangers(const std::function<bool(const TopicPartition&)>& is_here) {
  if (MILENA_STORAGE_BUG(kStrangersStay)) return ok_status();
  for (auto& [name, offsets] : {std::pair{kRecoveryPointFile, &recovery_points_}, {kLogStartFile, &log_start_offsets_},
                                {kHighWatermarkFile, &high_watermarks_}, {kFirstDirtyFile, &first_dirty_offsets_}}) {
    // 0 is valid for any partition of that name.
    const auto is_stranger = [&](const auto& entry) { return entry.second > 0 && !is_here(entry.first); };
    if (std::erase_if(*offsets, is_stranger) == 0) continue;
    RETURN_IF_ERROR(write_checkpoint(name, *offsets, true));
  }
  return ok_status();
}

void LogDirectory::forget_checkpoints() {
  recovery_points_.clear();
  log_start_offsets_.clear();
  high_watermarks_.clear();
  first_dirty_offsets_.clear();
}

Status LogDirectory::write_checkpoint(ByteView name, const OffsetCheckpoint& offsets, bool durable) {
  return file_system_.write_file_atomically(path_of(name), encode_offset_checkpoint(offsets), durable);
}

Status LogDirectory::write_recovery_points(const OffsetCheckpoint& offsets, bool durable) {
  return write_checkpoint(kRecoveryPointFile, offsets, durable);
}
Status LogDirectory::write_log_start_offsets(const OffsetCheckpoint& offsets, bool durable) {
  return write_checkpoint(kLogStartFile, offsets, durable);
}
Status LogDirectory::write_high_watermarks(const OffsetCheckpoint& offsets, bool durable) {
  return write_checkpoint(kHighWatermarkFile, offsets, durable);
}
Status LogDirectory::write_first_dirty_offsets(const OffsetCheckpoint& offsets, bool durable) {
  return write_checkpoint(kFirstDirtyFile, offsets, durable);
}

Status LogDirectory::write_clean_shutdown_mark(int64_t broker_epoch) {
  return file_system_.write_file_atomically(path_of(kCleanShutdownFile),
                                            fmt::format(R"({{"version":0,"brokerEpoch":{}}})", broker_epoch));
}

int64_t LogDirectory::clean_shutdown_epoch() const {
  constexpr ByteView kKey = "\"brokerEpoch\":";
  const size_t at = clean_shutdown_mark_.find(kKey);
  if (!clean_shutdown_ || at == Bytes::npos) return -1;
  int64_t epoch = -1;
  const char* begin = clean_shutdown_mark_.data() + at + kKey.size();
  while (*begin == ' ') ++begin;
  std::from_chars(begin, clean_shutdown_mark_.data() + clean_shutdown_mark_.size(), epoch);
  return epoch;
}

Status LogDirectory::restore_clean_shutdown_mark() {
  return file_system_.write_file_atomically(path_of(kCleanShutdownFile), clean_shutdown_mark_);
}

}  // namespace milena::log
