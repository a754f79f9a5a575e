// The file meta.properties: cluster, node and id of a log directory (Kafka's MetaProperties).
//   version=1, cluster.id, node.id, directory.id. Version 0, from the time of ZooKeeper, has broker.id instead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"

namespace milena::log {

struct MetaProperties {
  int version = 1;
  std::string cluster_id;
  int32_t node_id = -1;
  std::optional<Uuid> directory_id;

  bool operator==(const MetaProperties&) const = default;
};

// Kafka accepts nearly any text; we refuse text that does not fit into a line of the file or of a log.
bool is_possible_cluster_id(ByteView text);

// Always version 1.
Bytes encode_meta_properties(const MetaProperties& properties);
Result<MetaProperties> decode_meta_properties(ByteView file);

}  // namespace milena::log
