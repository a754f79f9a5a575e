#include "broker/log_directories.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/log.h"
#include "metadata/internal_topics.h"

namespace milena {
namespace {

// As Java's File.getAbsolutePath, which is how tools name a directory.
std::string absolute_path(const Bytes& path) {
  std::string normal = std::filesystem::absolute(path).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

std::vector<std::string> absolute_paths(const std::vector<Bytes>& paths) {
  std::vector<std::string> all;
  for (const Bytes& path : paths) {
    std::string normal = absolute_path(path);
    if (std::find(all.begin(), all.end(), normal) == all.end()) all.push_back(std::move(normal));
  }
  return all;
}

}  // namespace

Result<std::unique_ptr<LogDirectories>> LogDirectories::open(FileSystem& files, const Settings& settings,
                                                             int32_t node_id, Random& random) {
  std::unique_ptr<LogDirectories> all(new LogDirectories(files, random));
  RETURN_IF_ERROR(all->open_all(settings, node_id));
  RETURN_IF_ERROR(all->identify(settings, node_id));
  return all;
}

Status LogDirectories::open_all(const Settings& settings, int32_t node_id) {
  std::vector<std::string> paths = absolute_paths(settings.get_list("log.dirs"));
  std::string metadata_path = paths.front();
  if (!settings.is_null("metadata.log.dir")) metadata_path = absolute_path(settings.get_string("metadata.log.dir"));
  for (const std::string& path : paths) {
    auto directory = LogDirectory::open(files_, path);
    if (directory) {
      directories_.push_back(directory.take());
      if (path == metadata_path) metadata_ = directories_.back().get();
      continue;
    }
    // What a person can put right (another broker, another user's directory) is not a broken disk, except beside others.
    bool alone = paths.size() == 1 || path == metadata_path || directory.error().kind != ErrorKind::kIo;
    if (alone) return directory.error();
    log_error("the log directory {} is left out: {}", path, directory.error().message);
    failed_paths_.push_back(path);
  }
  if (metadata_ == nullptr) {
    auto directory = LogDirectory::open(files_, metadata_path);
    if (!directory) return directory.error();
    metadata_only_ = directory.take();
    metadata_ = metadata_only_.get();
  }
  if (directories_.empty()) return make_error(ErrorKind::kIo, "none of the directories of log.dirs can be used");
  for (const auto& directory : directories_) RETURN_IF_ERROR(directory->check_identity(std::nullopt, node_id));
  return metadata_->check_identity(std::nullopt, node_id);
}

// One cluster id for all of them, and an id for each.
Status LogDirectories::identify(const Settings& settings, int32_t node_id) {
  std::vector<LogDirectory*> all;
  if (metadata_only_ != nullptr) all.push_back(metadata_only_.get());
  for (const auto& directory : directories_) all.push_back(directory.get());
  std::string cluster_id;
  for (LogDirectory* directory : all) {
    if (directory->meta_properties() && cluster_id.empty()) cluster_id = directory->meta_properties()->cluster_id;
  }
  if (cluster_id.empty()) cluster_id = settings.text("milena.cluster.id").value_or(Uuid::random(random_).to_string());
  std::set<Uuid> seen;
  for (LogDirectory* directory : all) {
    RETURN_IF_ERROR(directory->check_identity(cluster_id, node_id));
    MetaProperties properties = directory->meta_properties().value_or(MetaProperties{});
    if (!properties.directory_id || properties.cluster_id.empty() || properties.node_id < 0) {
      properties.cluster_id = cluster_id;
      properties.node_id = node_id;
      if (!properties.directory_id) properties.directory_id = Uuid::random(random_);
      RETURN_IF_ERROR(directory->write_meta_properties(properties));
    }
    if (!seen.insert(directory->id()).second) {
      return make_error(ErrorKind::kInvalid, "{} has the directory.id of another of log.dirs in its meta.properties; a "
                        "copied directory cannot stand beside its original",
                        directory->path());
    }
  }
  return ok_status();
}

bool LogDirectories::clean_shutdown() const {
  return std::all_of(directories_.begin(), directories_.end(), [](const auto& one) { return one->clean_shutdown(); });
}

LogDirectory* LogDirectories::find(const Uuid& id) const {
  for (const auto& directory : directories_) {
    if (directory->online() && directory->id() == id) return directory.get();
  }
  return nullptr;
}

LogDirectory* LogDirectories::find_path(ByteView path) const {
  for (const auto& directory : directories_) {
    if (directory->online() && directory->path() == path) return directory.get();
  }
  return nullptr;
}

bool LogDirectories::is_configured(ByteView path) const {
  return std::any_of(directories_.begin(), directories_.end(), [&](const auto& one) { return one->path() == path; }) ||
         std::find(failed_paths_.begin(), failed_paths_.end(), path) != failed_paths_.end();
}

std::vector<Uuid> LogDirectories::online_ids() const {
  std::vector<Uuid> ids;
  for (const auto& directory : directories_) {
    if (directory->online()) ids.push_back(directory->id());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<Uuid> LogDirectories::cordoned_ids(const Settings& settings) const {
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

LogDirectory* LogDirectories::any() const {
  for (const auto& directory : directories_) {
    if (directory->online()) return directory.get();
  }
  return nullptr;
}

// --- while the node loads

Status LogDirectories::set_aside(LogDirectory& directory, const TopicPartition& partition, const char* why) {
  auto aside = directory.set_aside_stray(partition, random_);
  if (!aside) return aside.error();
  log_warn("{} in {} {}; it is set aside as {}", partition.to_string(), directory.path(), why, *aside);
  return ok_status();
}

Status LogDirectories::find_replicas(const MetadataImage& image, int32_t node_id, std::vector<std::string>& doomed) {
  for (const auto& directory : directories_) {
    auto partitions = directory->list_partitions();
    if (!partitions) return partitions.error();
    for (const PartitionDirectory& one : *partitions) {
      if (one.partition.topic == kClusterMetadataTopic) continue;
      if (one.kind == DirectoryKind::kDelete) doomed.push_back(one.path);
      if (one.kind == DirectoryKind::kDelete || one.kind == DirectoryKind::kStray) continue;
      const PartitionImage* known = image.find_partition(one.partition.topic, one.partition.partition);
      if (one.kind == DirectoryKind::kFuture) {
        if (known != nullptr) futures_.push_back({one.partition, directory.get(), one.path});
        else doomed.push_back(one.path);
        continue;
      }
      if (known == nullptr) {
        RETURN_IF_ERROR(set_aside(*directory, one.partition, "is not in the metadata"));
        continue;
      }
      auto [before, first] = found_.emplace(one.partition, directory.get());
      if (first) continue;
      // A move ended between its two renames. The copy was complete before the image came to name its directory.
      LogDirectory* newer = known->directory(node_id) == directory->id() ? directory.get() : before->second;
      LogDirectory* older = newer == directory.get() ? before->second : directory.get();
      RETURN_IF_ERROR(set_aside(*older, one.partition, "is in another directory, too"));
      before->second = newer;
    }
  }
  return ok_status();
}

LogDirectory* LogDirectories::found(const TopicPartition& partition) const {
  auto at = found_.find(partition);
  return at == found_.end() ? nullptr : at->second;
}

std::vector<std::pair<PartitionKey, Uuid>> LogDirectories::misplaced(const MetadataImage& image,
                                                                     int32_t node_id) const {
  std::vector<std::pair<PartitionKey, Uuid>> wrong;
  for (const auto& [name, directory] : found_) {
    const TopicImage* topic = image.find_topic(name.topic);
    const PartitionImage* partition = topic == nullptr ? nullptr : topic->partition(name.partition);
    if (partition != nullptr && !(partition->directory(node_id) == directory->id())) {
      wrong.push_back({{topic->id, name.partition}, directory->id()});
    }
  }
  return wrong;
}

void LogDirectories::end_loading() {
  loading_ = false;
  found_.clear();
  futures_.clear();
}

}  // namespace milena
