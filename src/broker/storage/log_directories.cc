#include "broker/storage/log_directories.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/log.h"
#include "log/planted_storage_bugs.h"
#include "metadata/internal_topics.h"

namespace milena::broker {
namespace {

// Like Java's File.getAbsolutePath, which the tools use to name a directory.
std::string absolute_path(const Bytes& path) {
  std::string normal = std::filesystem::absolute(path).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

// Whether it is a real id, and not one of the reserved values.
bool is_directory_id(const Uuid& id) {
  return id != kDirectoryUnassigned && id != kDirectoryMigrating && id != kDirectoryLost;
}

std::vector<std::string> absolute_paths(const std::vector<Bytes>& paths) {
  std::vector<std::string> all;
  for (const Bytes& path : paths) {
    std::string normal = absolute_path(path);
    if (std::find(all.begin(), all.end(), normal) == all.end()) all.push_back(std::move(normal));
  }
  return all;
}

TopicPartition metadata_partition() { return {Bytes(metadata::kClusterMetadataTopic), 0}; }

}  // namespace

Result<std::unique_ptr<LogDirectories>> LogDirectories::open(FileSystem& files, const config::Settings& settings,
                                                             int32_t node_id, Random& random) {
  std::unique_ptr<LogDirectories> all(new LogDirectories(files, random));
  RETURN_IF_ERROR(all->open_all(settings));
  RETURN_IF_ERROR(all->check_identities(node_id));
  RETURN_IF_ERROR(all->check_cluster_id(settings));
  return all;
}

// Checks the cluster id of the settings. Kafka refuses one that is not the directory's. Here the directory's id wins,
// so that a container with a changed definition continues with its volume.
Status LogDirectories::check_cluster_id(const config::Settings& settings) const {
  const Bytes wanted = settings.text("milena.cluster.id").value_or("");
  if (wanted.empty()) return ok_status();
  if (!log::is_possible_cluster_id(wanted)) {
    return make_error(ErrorKind::kInvalid,
                      "milena.cluster.id={} ({}): expected at most 255 letters, digits and signs, without blanks; "
                      "create one with milena storage random-uuid",
                      wanted, settings.origin("milena.cluster.id"));
  }
  const auto& known = metadata_->meta_properties();
  if (!known || known->cluster_id == wanted) return ok_status();
  if (settings.get_bool("milena.strict.kafka")) {
    return make_error(ErrorKind::kInvalid,
                      "milena.cluster.id={} ({}): {} belongs to cluster {}; set this id, or log.dirs to "
                      "another directory",
                      wanted, settings.origin("milena.cluster.id"), metadata_->path(), known->cluster_id);
  }
  log_warn("milena.cluster.id={} ({}) has no effect: {} belongs to cluster {}, and keeps its id and its data", wanted,
           settings.origin("milena.cluster.id"), metadata_->path(), known->cluster_id);
  return ok_status();
}

Status LogDirectories::open_all(const config::Settings& settings) {
  std::vector<std::string> paths = absolute_paths(settings.get_list("log.dirs"));
  std::string metadata_path = paths.front();
  if (!settings.is_null("metadata.log.dir")) metadata_path = absolute_path(settings.get_string("metadata.log.dir"));
  for (const std::string& path : paths) {
    auto directory = log::LogDirectory::open(files_, path);
    if (directory) {
      directories_.push_back(directory.take());
      if (path == metadata_path) metadata_ = directories_.back().get();
      continue;
    }
    // An error that a person can fix (another broker, another user's directory) is not a broken disk. It ends the
    // start, even if there are other directories.
    const bool broken =
        directory.error().kind == ErrorKind::kIo || directory.error().kind == ErrorKind::kDenied;
    bool alone = paths.size() == 1 || path == metadata_path || !broken;
    if (alone) return directory.error();
    log_error("the log directory {} is ignored: {}", path, directory.error().message);
    failed_paths_.push_back(path);
  }
  if (metadata_ == nullptr) {
    auto directory = log::LogDirectory::open(files_, metadata_path);
    RETURN_IF_ERROR(directory);
    metadata_only_ = directory.take();
    metadata_ = metadata_only_.get();
  }
  if (directories_.empty()) return make_error(ErrorKind::kIo, "none of the directories of log.dirs can be used");
  return ok_status();
}

std::vector<log::LogDirectory*> LogDirectories::metadata_first() const {
  std::vector<log::LogDirectory*> all{metadata_};
  for (const auto& directory : directories_) {
    if (directory.get() != metadata_) all.push_back(directory.get());
  }
  return all;
}

// Checks that all directories have the same node and cluster id and different directory ids, and that the metadata is
// in its place. An unformatted directory is new only if it is empty.
Status LogDirectories::check_identities(int32_t node_id) const {
  std::optional<std::string> cluster_id;
  std::set<Uuid> seen;
  for (log::LogDirectory* directory : metadata_first()) {
    RETURN_IF_ERROR(directory->check_identity(cluster_id, node_id));
    const auto& properties = directory->meta_properties();
    if (!properties && directory->holds_partitions()) {
      return make_error(ErrorKind::kInvalid,
                        "{} has partitions but no meta.properties, so their node and cluster are unknown; restore the "
                        "file, or set log.dirs to another directory",
                        directory->path());
    }
    if (!properties) continue;
    if (!metadata_->meta_properties()) {
      return make_error(ErrorKind::kInvalid,
                        "{} belongs to cluster {}, whose metadata should be in {}, but that directory is empty; set "
                        "log.dirs (its first directory) or metadata.log.dir to the directory of {}",
                        directory->path(), properties->cluster_id, metadata_->path(), metadata_partition().to_string());
    }
    cluster_id = properties->cluster_id;
    if (directory != metadata_ && files_.exists(directory->partition_path(metadata_partition()))) {
      return make_error(ErrorKind::kInvalid, "{} is in {}, but expected in {}; set metadata.log.dir={}",
                        metadata_partition().to_string(), directory->path(), metadata_->path(), directory->path());
    }
    if (properties->directory_id && !seen.insert(*properties->directory_id).second) {
      return make_error(ErrorKind::kInvalid, "{} has in its meta.properties the directory.id of another of log.dirs; a "
                                             "directory and its copy cannot both be in log.dirs",
                        directory->path());
    }
  }
  return ok_status();
}

// The metadata's directory is first: if this start does not finish, the others take its cluster id.
Status LogDirectories::take_into_use(const config::Settings& settings, int32_t node_id, const std::string& joined) {
  const auto& known = metadata_->meta_properties();
  const Bytes wanted = settings.text("milena.cluster.id").value_or("");
  const std::string fresh = joined.empty() ? Uuid::random(random_).to_string() : joined;
  const std::string cluster_id = known ? known->cluster_id : wanted.empty() ? fresh : wanted;
  for (log::LogDirectory* directory : metadata_first()) {
    RETURN_IF_ERROR(directory->take_into_use());
    log::MetaProperties properties = directory->meta_properties().value_or(log::MetaProperties{});
    if (directory->meta_properties() && properties.directory_id) continue;
    properties.cluster_id = cluster_id;
    properties.node_id = node_id;
    if (!properties.directory_id) properties.directory_id = Uuid::random(random_);
    RETURN_IF_ERROR(directory->write_meta_properties(properties));
  }
  return ok_status();
}

bool LogDirectories::clean_shutdown() const {
  return std::all_of(directories_.begin(), directories_.end(), [](const auto& one) { return one->clean_shutdown(); });
}

log::LogDirectory* LogDirectories::find(const Uuid& id) const {
  for (const auto& directory : directories_) {
    if (directory->online() && directory->id() == id) return directory.get();
  }
  return nullptr;
}

log::LogDirectory* LogDirectories::find_path(ByteView path) const {
  for (const auto& directory : directories_) {
    if (directory->online() && directory->path() == path) return directory.get();
  }
  return nullptr;
}

bool LogDirectories::is_configured(ByteView path) const {
  return std::any_of(directories_.begin(), directories_.end(), [&](const auto& one) { return one->path() == path; }) ||
         std::find(failed_paths_.begin(), failed_paths_.end(), path) != failed_paths_.end();
}

// True if it is not here, and the id of some configured directory is unknown.
bool LogDirectories::may_be_away(const Uuid& id) const {
  if (!is_directory_id(id) || find(id) != nullptr) return false;
  return !failed_paths_.empty() ||
         std::any_of(directories_.begin(), directories_.end(), [](const auto& one) { return !one->online(); });
}

std::vector<Uuid> LogDirectories::online_ids() const {
  std::vector<Uuid> ids;
  for (const auto& directory : directories_) {
    if (directory->online()) ids.push_back(directory->id());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<Uuid> LogDirectories::cordoned_ids(const config::Settings& settings) const {
  std::vector<std::string> paths;
  for (const Bytes& path : settings.get_list("cordoned.log.dirs")) {
    if (path == "*") return online_ids();
    paths.push_back(absolute_path(path));
  }
  std::vector<Uuid> ids;
  for (const auto& directory : directories_) {
    if (std::find(paths.begin(), paths.end(), directory->path()) != paths.end()) ids.push_back(directory->id());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

log::LogDirectory* LogDirectories::emptiest(const std::vector<Uuid>& cordoned) const {
  log::LogDirectory* best = nullptr;
  log::LogDirectory* first = nullptr;
  for (const auto& directory : directories_) {
    if (!directory->online()) continue;
    if (first == nullptr) first = directory.get();
    if (std::find(cordoned.begin(), cordoned.end(), directory->id()) != cordoned.end()) continue;
    if (best == nullptr || directory->replicas() < best->replicas()) best = directory.get();
  }
  return best != nullptr ? best : first;
}

// --- while the node loads

Status LogDirectories::set_aside(const FoundDirectory& one, const char* why) {
  auto aside = one.directory->set_aside_stray(one.partition, one.path, random_);
  RETURN_IF_ERROR(aside);
  log_warn("{} {}; it is set aside as {}", one.path, why, *aside);
  return ok_status();
}

// Whether its partition.metadata names that topic.
Result<bool> LogDirectories::is_of(const FoundDirectory& one, const Uuid& topic_id) {
  auto found = one.directory->topic_id_of(one.path);
  if (!found && found.error().kind == ErrorKind::kIo) return found.error();
  return found.ok() && found->has_value() && **found == topic_id;
}

Status LogDirectories::find_replicas(const metadata::MetadataImage& image, int32_t node_id, Names names,
                                     std::vector<std::string>& doomed) {
  std::vector<FoundDirectory> deleted;
  for (const auto& directory : directories_) {
    auto partitions = directory->list_partitions();
    RETURN_IF_ERROR(partitions);
    for (const log::PartitionDirectory& each : *partitions) {
      if (each.partition.topic == metadata::kClusterMetadataTopic) continue;
      FoundDirectory one{each.partition, directory.get(), each.path};
      if (each.kind == log::DirectoryKind::kDelete) deleted.push_back(std::move(one));
      if (each.kind == log::DirectoryKind::kFuture) RETURN_IF_ERROR(find_future(image, one));
      if (each.kind == log::DirectoryKind::kLive) RETURN_IF_ERROR(find_live(image, node_id, names, one));
    }
  }
  RETURN_IF_ERROR(promote_futures(image, node_id));
  for (const auto& [name, directory] : found_) directory->count_replicas(1);
  for (const FoundDirectory& one : deleted) RETURN_IF_ERROR(find_deleted(image, one, doomed));
  return ok_status();
}

Status LogDirectories::find_live(const metadata::MetadataImage& image, int32_t node_id, Names names,
                                 const FoundDirectory& one) {
  const metadata::TopicImage* topic = image.find_topic(one.partition.topic);
  const metadata::PartitionImage* known = topic == nullptr ? nullptr : topic->partition(one.partition.partition);
  if (known == nullptr) return set_aside(one, "is not in the metadata");
  const Uuid assigned = known->directory(node_id);
  if (may_be_away(assigned) && !MILENA_STORAGE_BUG(kOldOriginalServed)) {
    log_error("{} is not changed: {} may have moved from there to a failed directory", one.path,
              one.partition.to_string());
    return ok_status();
  }
  auto anothers = is_anothers(one, topic->id, assigned, names);
  RETURN_IF_ERROR(anothers);
  if (*anothers) return set_aside(one, "is of a deleted topic of that name");
  auto [at, first] = found_.emplace(one.partition, one.directory);
  if (first) return ok_status();
  // A crash came between the two renames at the end of a move: the copy was complete before the image named its
  // directory. Or one of them was away when its topic was deleted and created again.
  FoundDirectory other{one.partition, at->second, at->second->partition_path(one.partition)};
  auto this_is = is_of(one, topic->id);
  auto other_is = is_of(other, topic->id);
  if (!this_is || !other_is) return this_is ? other_is.error() : this_is.error();
  Result<bool> newer = *this_is;
  if (*this_is == *other_is) newer = is_replica_rather(one, other, assigned);
  RETURN_IF_ERROR(newer);
  if (*newer) at->second = one.directory;
  return set_aside(*newer ? other : one, "is also in another directory");
}

// Whether it belongs to a deleted topic of that name. If so it must not be found: the checkpoints' entries would stay
// for the new topic's log, and a recovery would trust records that were never synced. With this node's own controller
// and after a clean stop, a directory that the metadata names is the topic's, and its file is not read.
//
// A power failure may lose a new replica's partition.metadata but not its records. If its disk was away when the topic
// was deleted and created again, the records belong to the old topic. If the metadata names no directory, its name is
// trusted.
Result<bool> LogDirectories::is_anothers(const FoundDirectory& one, const Uuid& topic_id, const Uuid& assigned,
                                         Names names) {
  const bool here = assigned == one.directory->id();
  if (here && names == Names::kTrusted && one.directory->clean_shutdown()) return false;
  const bool elsewhere = is_directory_id(assigned) && !here;
  auto id = one.directory->topic_id_of(one.path);
  if (!id && id.error().kind == ErrorKind::kIo && elsewhere) return id.error();
  if (!id) return false;  // whoever opens the log reports it
  const bool nameless = !id->has_value() || **id == Uuid{};
  if (nameless) return elsewhere && !MILENA_STORAGE_BUG(kNamelessIsTaken);
  return **id != topic_id && !MILENA_STORAGE_BUG(kDeletedTopicIsFound);
}

// Of two of the same topic, the one that the metadata names. If it names a third, to which the replica was about to
// move, one of them is left from an earlier move and lacks the records since.
Result<bool> LogDirectories::is_replica_rather(const FoundDirectory& one, const FoundDirectory& other,
                                               const Uuid& assigned) {
  if (assigned == one.directory->id() || assigned == other.directory->id() || MILENA_STORAGE_BUG(kFirstLogFoundWins))
    return assigned == one.directory->id();
  auto end = one.directory->end_offset_of(one.path);
  auto other_end = other.directory->end_offset_of(other.path);
  if (!end || !other_end) return end ? other_end.error() : end.error();
  return *end > *other_end;
}

Status LogDirectories::find_future(const metadata::MetadataImage& image, const FoundDirectory& one) {
  const metadata::TopicImage* topic = image.find_topic(one.partition.topic);
  bool known = topic != nullptr && topic->partition(one.partition.partition) != nullptr;
  auto same = known ? is_of(one, topic->id) : Result<bool>(false);
  RETURN_IF_ERROR(same);
  if (!*same && !(known && MILENA_STORAGE_BUG(kFutureByName)))
    return set_aside(one, "is a copy of a replica that is not in the metadata");
  futures_.push_back(one);
  return ok_status();
}

// A copy without its original: the power failed between the syncs of two file systems at the end of the move, or the
// original's disk was replaced. If the original may only be away, the copy waits for it. Kafka's
// recoverAbandonedFutureLogs.
Status LogDirectories::promote_futures(const metadata::MetadataImage& image, int32_t node_id) {
  for (bool assigned_only : {true, false}) {  // copies that the image names first
    for (const FoundDirectory& one : futures_) {
      const Uuid assigned = image.find_partition(one.partition.topic, one.partition.partition)->directory(node_id);
      if (found_.contains(one.partition) || (assigned_only && assigned != one.directory->id())) continue;
      if (is_directory_id(assigned) && find(assigned) == nullptr) continue;
      log_warn("{} is the copy of a replica whose original is missing; it becomes the replica", one.path);
      RETURN_IF_ERROR(files_.rename(one.path, one.directory->partition_path(one.partition)));
      RETURN_IF_ERROR(files_.sync_directory(one.directory->path()));
      one.directory->distrust(one.partition);
      found_.emplace(one.partition, one.directory);
    }
  }
  std::erase_if(futures_, [&](const FoundDirectory& one) { return !files_.exists(one.path); });
  return ok_status();
}

// Deletes a moved replica if the new one exists, and a replica of a deleted topic in any case.
Status LogDirectories::find_deleted(const metadata::MetadataImage& image, const FoundDirectory& one,
                                    std::vector<std::string>& doomed) {
  auto id = one.directory->topic_id_of(one.path);
  const metadata::TopicImage* topic = id.ok() && id->has_value() ? image.find_topic(**id) : nullptr;
  bool wanted = !MILENA_STORAGE_BUG(kOriginalGoesUnsynced) && topic != nullptr &&
                topic->partition(one.partition.partition) != nullptr &&
                !found_.contains({topic->name, one.partition.partition});
  if (wanted) return set_aside(one, "was marked for deletion, but the replica is in no other directory");
  doomed.push_back(one.path);
  return ok_status();
}

log::LogDirectory* LogDirectories::found(const TopicPartition& partition) const {
  auto at = found_.find(partition);
  return at == found_.end() ? nullptr : at->second;
}

std::vector<std::pair<metadata::PartitionKey, Uuid>> LogDirectories::misplaced(const metadata::MetadataImage& image,
                                                                               int32_t node_id) const {
  std::vector<std::pair<metadata::PartitionKey, Uuid>> wrong;
  for (const auto& [name, directory] : found_) {
    const metadata::TopicImage* topic = image.find_topic(name.topic);
    const metadata::PartitionImage* partition = topic == nullptr ? nullptr : topic->partition(name.partition);
    if (partition != nullptr && !(partition->directory(node_id) == directory->id())) {
      wrong.push_back({{topic->id, name.partition}, directory->id()});
    }
  }
  return wrong;
}

void LogDirectories::end_loading() {
  std::set<std::pair<log::LogDirectory*, TopicPartition>> copies;
  for (const FoundDirectory& one : futures_) copies.emplace(one.directory, one.partition);
  for (const auto& each : directories_) {
    if (!each->online()) continue;
    const Status forgotten = each->forget_strangers([&](const TopicPartition& name) {
      return found(name) == each.get() || copies.contains({each.get(), name});
    });
    // A start continues on a full disk; the checkpoints are written when there is space.
    if (!forgotten.ok()) {
      log_error("{}: cannot remove old partitions from its checkpoints: {}", each->path(), forgotten.error().message);
    }
  }
  loading_ = false;
  found_.clear();
  futures_.clear();
}

}  // namespace milena::broker
