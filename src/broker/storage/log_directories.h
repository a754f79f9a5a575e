// LogDirectories: the directories of log.dirs, and which of them still work.
//
// The node opens them before its shards exist. Afterwards they do not change, except that a directory may go offline
// (LogDirectory::online). A directory that cannot be opened is left out, as long as the metadata log's and one other
// can (Kafka's rule, JBOD); a directory that belongs to another cluster or node ends the start.
//
// While the node loads, it also knows where replicas were found on the disk. A replica may have been moving at the last
// stop; its place is then that on the disk, not that in the metadata. Source: Kafka's LogManager,
// MetaPropertiesEnsemble.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "config/settings.h"
#include "log/log_directory.h"
#include "metadata/image.h"

namespace milena::broker {

// A directory with a partition's name, in any state.
struct FoundDirectory {
  TopicPartition partition;
  log::LogDirectory* directory = nullptr;
  std::string path;
};

class LogDirectories {
 public:
  // Changes no file except the lock files.
  static Result<std::unique_ptr<LogDirectories>> open(FileSystem& files, const config::Settings& settings,
                                                      int32_t node_id, Random& random);
  // Called once the start cannot be refused any more: formats new directories, removes the marks of the clean stop. If
  // no directory belongs to a cluster yet and the settings name none, the cluster id is `cluster_id`, or a random one
  // if that is empty.
  Status take_into_use(const config::Settings& settings, int32_t node_id, const std::string& cluster_id = {});

  // The directories that could be opened, in the order of log.dirs.
  const std::vector<std::unique_ptr<log::LogDirectory>>& all() const { return directories_; }
  // The paths of log.dirs that could not be opened.
  const std::vector<std::string>& failed_paths() const { return failed_paths_; }
  // The directory of __cluster_metadata-0: metadata.log.dir, or the first of log.dirs.
  log::LogDirectory& metadata() const { return *metadata_; }
  std::string cluster_id() const { return metadata_->meta_properties()->cluster_id; }
  // Whether all of them have the mark of a clean shutdown.
  bool clean_shutdown() const;

  // Returns null if no working directory has the id, or the path.
  log::LogDirectory* find(const Uuid& id) const;
  // Whether the directory of that id is configured and does not work, as far as this can be known.
  bool may_be_away(const Uuid& id) const;
  log::LogDirectory* find_path(ByteView path) const;
  bool is_configured(ByteView path) const;
  std::vector<Uuid> online_ids() const;
  // The ids of cordoned.log.dirs, which get no new replicas.
  std::vector<Uuid> cordoned_ids(const config::Settings& settings) const;
  // Where a replica goes that nobody has given a place: where the fewest are, in none of `cordoned` if there is another
  // (Kafka's LogManager.nextLogDirs). Null if no directory works.
  log::LogDirectory* emptiest(const std::vector<Uuid>& cordoned) const;

  // --- while the node loads

  bool loading() const { return loading_; }
  // Reads the directories and repairs their state. Partitions that are not in the image are set aside; paths to delete
  // are added to `doomed`. If a replica exists twice, the directory that the image names has the newer one. A copy
  // without an original becomes the replica. In doubt, partition.metadata decides to which topic a directory belongs,
  // not its name.
  enum class Names {
    kTrusted,  // where the metadata has that directory: no topic was deleted while this node was stopped
    kChecked,
  };
  Status find_replicas(const metadata::MetadataImage& image, int32_t node_id, Names names,
                       std::vector<std::string>& doomed);
  // The directory in which the replica was found; null if it was not.
  log::LogDirectory* found(const TopicPartition& partition) const;
  // Moves to another directory that the last stop interrupted.
  const std::vector<FoundDirectory>& futures() const { return futures_; }
  // Replicas that are not where the image has them, with their directories.
  std::vector<std::pair<metadata::PartitionKey, Uuid>> misplaced(const metadata::MetadataImage& image,
                                                                 int32_t node_id) const;
  void end_loading();

 private:
  LogDirectories(FileSystem& files, Random& random) : files_(files), random_(random) {}
  Status open_all(const config::Settings& settings);
  Status check_identities(int32_t node_id) const;
  Status check_cluster_id(const config::Settings& settings) const;
  std::vector<log::LogDirectory*> metadata_first() const;
  Status find_live(const metadata::MetadataImage& image, int32_t node_id, Names names, const FoundDirectory& one);
  Status find_future(const metadata::MetadataImage& image, const FoundDirectory& one);
  Status find_deleted(const metadata::MetadataImage& image, const FoundDirectory& one,
                      std::vector<std::string>& doomed);
  Status promote_futures(const metadata::MetadataImage& image, int32_t node_id);
  Status set_aside(const FoundDirectory& one, const char* why);
  static Result<bool> is_of(const FoundDirectory& one, const Uuid& topic_id);
  static Result<bool> is_anothers(const FoundDirectory& one, const Uuid& topic_id, const Uuid& assigned, Names names);
  static Result<bool> is_replica_rather(const FoundDirectory& one, const FoundDirectory& other, const Uuid& assigned);

  FileSystem& files_;
  Random& random_;
  std::vector<std::unique_ptr<log::LogDirectory>> directories_;
  std::unique_ptr<log::LogDirectory> metadata_only_;
  log::LogDirectory* metadata_ = nullptr;
  std::vector<std::string> failed_paths_;
  bool loading_ = true;
  std::map<TopicPartition, log::LogDirectory*> found_;
  std::vector<FoundDirectory> futures_;
};

}  // namespace milena::broker
