// The file partition.metadata: the id of the topic that a partition's directory belongs to (PartitionMetadataFile).
//   version: 0
//   topic_id: <22 characters>
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"

namespace milena::log {

Bytes encode_partition_metadata(const Uuid& topic_id);
Result<Uuid> decode_partition_metadata(ByteView file);

}  // namespace milena::log
