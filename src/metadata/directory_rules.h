// Rules about the log directories of replicas (KIP-858). Pure.
#pragma once

#include <algorithm>

#include "metadata/image.h"
#include "metadata/record_codec.h"

namespace milena::metadata {

// An id that is not that of a single directory (Kafka's DirectoryId).
inline bool is_reserved_directory(const Uuid& id) {
  return id == kDirectoryUnassigned || id == kDirectoryMigrating || id == kDirectoryLost;
}

// Whether a replica there is online: the broker registered with the directory. Brokers of old levels register none.
inline bool directory_works(const BrokerImage& broker, const Uuid& directory) {
  if (directory == kDirectoryLost) return false;
  return broker.log_dirs.empty() || is_reserved_directory(directory) ||
         std::find(broker.log_dirs.begin(), broker.log_dirs.end(), directory) != broker.log_dirs.end();
}

// None at levels of metadata.version without them, whatever the broker's settings: Kafka then places replicas as if
// there were none.
inline std::vector<Uuid> cordoned_directories(const MetadataImage& image, const BrokerImage& broker) {
  return image.metadata_version() >= kMetadataVersion43Iv0 ? broker.cordoned_log_dirs : std::vector<Uuid>();
}

// False if all directories are cordoned.
inline bool takes_new_replicas(const MetadataImage& image, const BrokerImage& broker) {
  const std::vector<Uuid> cordoned = cordoned_directories(image, broker);
  return broker.log_dirs.empty() || std::any_of(broker.log_dirs.begin(), broker.log_dirs.end(), [&](const Uuid& id) {
    return std::find(cordoned.begin(), cordoned.end(), id) == cordoned.end();
  });
}

}  // namespace milena::metadata
