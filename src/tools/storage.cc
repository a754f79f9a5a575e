// `milena storage`: what kafka-storage.sh does for a node that runs alone. A directory needs no formatting before it is
// used; who formats it anyway decides the cluster's id.
#include <fmt/format.h>

#include <cstdio>

#include "base/file.h"
#include "base/uuid.h"
#include "log/format/meta_properties.h"
#include "tools/commands.h"
#include "tools/words.h"

namespace milena {

int run_storage_random_uuid() {
  fmt::print("{}\n", Uuid::random(system_random()).to_string());
  return 0;
}

int run_storage_format(const std::string& cluster_id, std::span<const std::string> log_dirs, int32_t node_id,
                       bool ignore_formatted, const std::function<Status(const std::string&)>& and_also) {
  if (cluster_id.empty()) return complain("storage format: expected -t CLUSTER_ID");
  if (!is_possible_cluster_id(cluster_id)) {
    return complain(fmt::format("storage format -t {}: expected at most 255 letters, digits and signs", cluster_id));
  }
  FileSystem& files = posix_file_system();
  for (const std::string& directory : log_dirs) {
    std::string path = directory + "/meta.properties";
    if (files.exists(path)) {
      if (ignore_formatted) continue;
      return complain(
          fmt::format("Log directory {} is already formatted. Use --ignore-formatted to ignore this directory "
                      "and format the others.",
                      directory));
    }
    MetaProperties properties;
    properties.cluster_id = cluster_id;
    properties.node_id = node_id;
    properties.directory_id = Uuid::random(system_random());
    Status written = files.make_directories(directory);
    // The file that says that all is done comes last.
    if (written.ok() && and_also) written = and_also(directory);
    if (written.ok()) written = files.write_file_atomically(path, encode_meta_properties(properties));
    if (!written.ok()) return complain(written.error().message);
    fmt::print("Formatting metadata directory {} with metadata.version 4.3-IV0.\n", directory);
  }
  return 0;
}

}  // namespace milena
