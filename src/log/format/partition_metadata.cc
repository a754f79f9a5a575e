#include "log/format/partition_metadata.h"

#include "base/properties.h"

namespace milena::log {

Bytes encode_partition_metadata(const Uuid& topic_id) {
  return "version: 0\ntopic_id: " + topic_id.to_string() + "\n";
}

Result<Uuid> decode_partition_metadata(ByteView file) {
  Result<std::vector<Property>> lines = parse_properties(file);
  if (!lines.ok()) return make_error(ErrorKind::kCorrupt, "partition.metadata: {}", lines.error().message);
  const std::vector<Property>& properties = *lines;
  const Bytes* version = find_property(properties, "version");
  const Bytes* topic_id = find_property(properties, "topic_id");
  if (version == nullptr || *version != "0") {
    return make_error(ErrorKind::kCorrupt, "partition.metadata: version is {}, expected 0",
                      version == nullptr ? "missing" : *version);
  }
  std::optional<Uuid> id = topic_id == nullptr ? std::nullopt : Uuid::parse(*topic_id);
  if (!id || id->is_zero()) {
    return make_error(ErrorKind::kCorrupt, "partition.metadata: topic_id is {}, expected 22 characters of base64url",
                      topic_id == nullptr ? "missing" : *topic_id);
  }
  return *id;
}

}  // namespace milena::log
