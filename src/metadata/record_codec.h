// Encodes and decodes the values of records in __cluster_metadata-0, in its snapshots and in bootstrap.checkpoint.
//
//   uvarint frame version (1), uvarint record type, uvarint record version, body (always flexible)
//
// The key of such a record is null. An unknown type or version is an error and never skipped: a broker that cannot read
// a record no longer knows the cluster's state, and has to stop (Kafka's MetadataRecordSerde, AbstractApiMessageSerde).
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "metadata/metadata_record.h"

namespace milena::metadata {

// Levels of the feature metadata.version (Kafka's MetadataVersion).
inline constexpr int16_t kMetadataVersion33Iv3 = 7;  // the oldest that 4.3 accepts
inline constexpr int16_t kMetadataVersion34Iv0 = 8;
inline constexpr int16_t kMetadataVersion37Iv2 = 17;  // log directories
inline constexpr int16_t kMetadataVersion40Iv1 = 23;  // eligible leader replicas
inline constexpr int16_t kMetadataVersion43Iv0 = 30;  // cordoned log directories
inline constexpr int16_t kMetadataVersionLatest = kMetadataVersion43Iv0;

Result<MetadataRecord> decode_metadata_record(ByteView value);

// `metadata_version` is the current feature level: it determines the version of the record, as in Kafka 4.3.1, so that
// every node of the cluster can read it.
Bytes encode_metadata_record(const MetadataRecord& record, int16_t metadata_version = kMetadataVersionLatest);

// "PartitionChangeRecord", for log lines.
ByteView metadata_record_name(const MetadataRecord& record);

}  // namespace milena::metadata
