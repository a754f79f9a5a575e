#include "metadata/record_codec.h"

#include <array>
#include <type_traits>
#include <utility>

#include "protocol/reader.h"
#include "protocol/writer.h"

namespace milena::metadata {
namespace {

constexpr uint32_t kFrameVersion = 1;

// In the order of the variant's alternatives.
constexpr std::array<ByteView, std::variant_size_v<MetadataRecord>> kRecordNames{
    "RegisterBrokerRecord",
    "UnregisterBrokerRecord",
    "TopicRecord",
    "PartitionRecord",
    "ConfigRecord",
    "PartitionChangeRecord",
    "FenceBrokerRecord",
    "UnfenceBrokerRecord",
    "RemoveTopicRecord",
    "DelegationTokenRecord",
    "UserScramCredentialRecord",
    "FeatureLevelRecord",
    "ClientQuotaRecord",
    "ProducerIdsRecord",
    "BrokerRegistrationChangeRecord",
    "AccessControlEntryRecord",
    "RemoveAccessControlEntryRecord",
    "NoOpRecord",
    "ZkMigrationStateRecord",
    "RemoveUserScramCredentialRecord",
    "BeginTransactionRecord",
    "EndTransactionRecord",
    "AbortTransactionRecord",
    "RemoveDelegationTokenRecord",
    "RegisterControllerRecord",
    "ClearElrRecord"};

using BodyReader = Result<MetadataRecord> (*)(Reader&, uint32_t version);

template <size_t Index>
Result<MetadataRecord> read_body(Reader& reader, uint32_t version) {
  using Record = std::variant_alternative_t<Index, MetadataRecord>;
  constexpr ByteView name = kRecordNames[Index];
  if (version > static_cast<uint32_t>(Record::kMaxVersion)) {
    return make_error(ErrorKind::kUnsupported,
                      "metadata record {} has version {}, the newest known here is {}", name, version,
                      Record::kMaxVersion);
  }
  Record record;
  record.read(reader, static_cast<int16_t>(version));
  if (!reader.ok() || reader.remaining() != 0) {
    return make_error(ErrorKind::kCorrupt, "metadata record {} version {} cannot be read", name,
                      version);
  }
  return MetadataRecord(std::move(record));
}

struct KnownType {
  int16_t type;
  BodyReader read;
};

template <size_t... Index>
constexpr auto known_types(std::index_sequence<Index...>) {
  return std::array<KnownType, sizeof...(Index)>{
      KnownType{std::variant_alternative_t<Index, MetadataRecord>::kType, &read_body<Index>}...};
}

constexpr auto kKnownTypes = known_types(std::make_index_sequence<std::variant_size_v<MetadataRecord>>());

int16_t partition_version(int16_t metadata_version) {
  if (metadata_version >= kMetadataVersion40Iv1) return 2;
  return metadata_version >= kMetadataVersion37Iv2 ? 1 : 0;
}

template <class Record>
int16_t version_of(const Record&, int16_t) {
  return 0;
}
template <>
int16_t version_of(const RegisterBrokerRecord&, int16_t metadata_version) {
  if (metadata_version >= kMetadataVersion43Iv0) return 4;
  if (metadata_version >= kMetadataVersion37Iv2) return 3;
  return metadata_version >= kMetadataVersion34Iv0 ? 2 : 1;
}
template <>
int16_t version_of(const PartitionRecord&, int16_t metadata_version) {
  return partition_version(metadata_version);
}
template <>
int16_t version_of(const PartitionChangeRecord&, int16_t metadata_version) {
  return partition_version(metadata_version);
}
// Kafka writes the oldest version with the changed fields.
template <>
int16_t version_of(const BrokerRegistrationChangeRecord& record, int16_t) {
  if (record.cordoned_log_dirs) return 3;
  if (!record.log_dirs.empty()) return 2;
  return record.in_controlled_shutdown != 0 ? 1 : 0;
}

}  // namespace

Result<MetadataRecord> decode_metadata_record(ByteView value) {
  Reader reader(value);
  const uint32_t frame_version = reader.read_unsigned_varint();
  const uint32_t type = reader.read_unsigned_varint();
  const uint32_t version = reader.read_unsigned_varint();
  if (!reader.ok())
    return make_error(ErrorKind::kCorrupt, "metadata record of {} bytes has no whole frame", value.size());
  if (frame_version != kFrameVersion) {
    return make_error(ErrorKind::kUnsupported, "metadata record has frame version {}, expected {}",
                      frame_version, kFrameVersion);
  }
  for (const KnownType& known : kKnownTypes) {
    if (static_cast<uint32_t>(known.type) == type) return known.read(reader, version);
  }
  return make_error(ErrorKind::kUnsupported, "metadata record of unknown type {}", type);
}

Bytes encode_metadata_record(const MetadataRecord& record, int16_t metadata_version) {
  return std::visit(
      [metadata_version](const auto& body) {
        using Record = std::decay_t<decltype(body)>;
        const int16_t version = version_of(body, metadata_version);
        Writer writer(64);
        writer.write_unsigned_varint(kFrameVersion);
        writer.write_unsigned_varint(static_cast<uint32_t>(Record::kType));
        writer.write_unsigned_varint(static_cast<uint32_t>(version));
        body.write(writer, version);
        return writer.take_bytes();
      },
      record);
}

ByteView metadata_record_name(const MetadataRecord& record) {
  return kRecordNames[record.index()];
}

}  // namespace milena::metadata
