// Bytes of Apache Kafka (tests/golden/records/README.md): read here, and, if uncompressed, written again to the same
// bytes.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "protocol/records/control_records.h"
#include "protocol/records/down_conversion.h"
#include "protocol/records/legacy_messages.h"
#include "protocol/records/produce_validation.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_iterator.h"

namespace milena {
namespace {

constexpr int64_t kTime = 1700000000000;
constexpr Codec kCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};
constexpr Codec kOldCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4};

Bytes golden(const std::string& name) {
  std::ifstream file(std::string(MILENA_GOLDEN_DIR) + "/records/" + name + ".bin", std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

struct Sample {
  int64_t timestamp;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<std::pair<Bytes, std::optional<Bytes>>> headers;

  bool operator==(const Sample&) const = default;
};

std::ostream& operator<<(std::ostream& to, const Sample& sample) {
  return to << sample.timestamp << " " << sample.key.value_or("null") << " " << sample.value.value_or("null").size();
}

Bytes repeated(const Bytes& text, size_t size) {
  Bytes bytes;
  while (bytes.size() < size) bytes += text[bytes.size() % text.size()];
  return bytes;
}

Bytes noise(size_t size) {
  Bytes bytes;
  uint32_t x = 1;
  for (size_t i = 0; i < size; i++) {
    x = x * 1103515245 + 12345;
    bytes += static_cast<char>(x >> 16);
  }
  return bytes;
}

// As in compat/records/Batches.java.
std::vector<Sample> batch_samples() {
  return {
      {kTime, "key-0", "value-0", {}},
      {kTime + 5, std::nullopt, "no key", {}},
      {kTime + 3, "tombstone", std::nullopt, {}},
      {kTime + 10, "", "", {{"a", "1"}, {"b", std::nullopt}, {"\xc3\xbc", Bytes("\0\xff", 2)}}},
      {kTime + 20, "large", repeated("abcdefghij", 70000), {}},
      {kTime - 7, "noise", noise(2000), {}},
  };
}

// As in compat/records/Messages.java.
std::vector<Sample> message_samples(int8_t magic) {
  std::vector<Sample> samples = {
      {kTime, "key-0", "value-0", {}},
      {kTime + 5, std::nullopt, "no key", {}},
      {kTime + 3, "tombstone", std::nullopt, {}},
      {kTime + 10, "large", Bytes(70000, '\0'), {}},
  };
  if (magic == 0) {
    for (Sample& sample : samples) sample.timestamp = -1;
  }
  return samples;
}

std::optional<Bytes> owned(std::optional<ByteView> view) { return view ? std::optional(Bytes(*view)) : std::nullopt; }

std::vector<Sample> read_batch(const RecordBatchView& batch) {
  std::vector<Sample> samples;
  RecordIterator it(batch);
  while (it.next()) {
    const RecordView& record = it.record();
    Sample sample{record.timestamp, owned(record.key), owned(record.value), {}};
    for (const RecordHeader& header : record.headers)
      sample.headers.emplace_back(Bytes(header.key), owned(header.value));
    samples.push_back(std::move(sample));
  }
  EXPECT_TRUE(it.status().ok()) << it.status().error().message;
  return samples;
}

void build_samples(RecordBatchBuilder& builder) {
  for (const Sample& sample : batch_samples()) {
    std::vector<RecordHeader> headers;
    for (const auto& [key, value] : sample.headers) headers.push_back({key, value});
    builder.append(sample.key, sample.value, sample.timestamp, headers);
  }
}

BatchOptions golden_options() {
  BatchOptions options;
  options.base_offset = 1000;
  options.partition_leader_epoch = 7;
  options.producer_id = 4242;
  options.producer_epoch = 3;
  options.base_sequence = 10;
  return options;
}

RecordBatchView parse(const Bytes& bytes) {
  Result<RecordBatchView> batch = RecordBatchView::parse(bytes);
  EXPECT_TRUE(batch.ok()) << batch.error().message;
  return batch.take();
}

TEST(GoldenBatches, ReadInEveryCodec) {
  for (const Codec codec : kCodecs) {
    const Bytes bytes = golden(std::string("v2_") + codec_name(codec));
    const RecordBatchView batch = parse(bytes);
    const BatchHeader& header = batch.header();
    EXPECT_EQ(header.total_size(), bytes.size());
    EXPECT_TRUE(batch.crc_ok());
    EXPECT_EQ(header.compression(), codec);
    EXPECT_EQ(header.base_offset, 1000);
    EXPECT_EQ(header.last_offset(), 1005);
    EXPECT_EQ(header.partition_leader_epoch, 7);
    EXPECT_EQ(header.base_timestamp, kTime);
    EXPECT_EQ(header.max_timestamp, kTime + 20);
    EXPECT_EQ(header.producer_id, 4242);
    EXPECT_EQ(header.producer_epoch, 3);
    EXPECT_EQ(header.base_sequence, 10);
    EXPECT_EQ(header.record_count, 6);
    EXPECT_EQ(read_batch(batch), batch_samples());
  }
}

TEST(GoldenBatches, WrittenToTheSameBytes) {
  RecordBatchBuilder plain(golden_options());
  build_samples(plain);
  EXPECT_TRUE(plain.build() == golden("v2_none"));

  BatchOptions options = golden_options();
  options.timestamp_type = TimestampType::kLogAppendTime;
  options.log_append_time_ms = kTime + 1000;
  options.transactional = true;
  RecordBatchBuilder append_time(options);
  build_samples(append_time);
  EXPECT_TRUE(append_time.build() == golden("v2_log_append_time"));
}

// Codecs may compress differently from version to version; these match because Kafka uses the same libraries in the
// same way, and would show a wrong level or framing.
TEST(GoldenBatches, CompressedToTheSameFraming) {
  for (const Codec codec : {Codec::kSnappy, Codec::kLz4}) {
    BatchOptions options = golden_options();
    options.compression = codec;
    RecordBatchBuilder builder(options);
    build_samples(builder);
    const Bytes built = builder.build(), expected = golden(std::string("v2_") + codec_name(codec));
    const size_t framing = codec == Codec::kSnappy ? 16 : 7;
    EXPECT_EQ(built.substr(kBatchHeaderSize, framing), expected.substr(kBatchHeaderSize, framing));
    EXPECT_NEAR(static_cast<double>(built.size()), static_cast<double>(expected.size()), 200);
  }
}

TEST(GoldenBatches, ControlRecords) {
  for (const bool committed : {true, false}) {
    const Bytes bytes = golden(committed ? "marker_commit" : "marker_abort");
    RecordIterator it(parse(bytes));
    ASSERT_TRUE(it.next());
    Result<EndTransactionMarker> marker = parse_end_transaction_marker(it.record());
    ASSERT_TRUE(marker.ok()) << marker.error().message;
    EXPECT_EQ(marker->committed, committed);
    EXPECT_EQ(marker->coordinator_epoch, committed ? 11 : 12);
    EXPECT_TRUE(build_end_transaction_batch(committed ? 50 : 51, 7, kTime, 4242, 3, *marker) == bytes);
  }
  const std::pair<const char*, ControlRecordType> others[] = {
      {"leader_change", ControlRecordType::kLeaderChange},     {"snapshot_header", ControlRecordType::kSnapshotHeader},
      {"snapshot_footer", ControlRecordType::kSnapshotFooter}, {"kraft_version", ControlRecordType::kKraftVersion},
      {"voters", ControlRecordType::kKraftVoters},
  };
  for (const auto& [name, type] : others) {
    const Bytes bytes = golden(name);
    const RecordBatchView batch = parse(bytes);
    EXPECT_EQ(*control_batch_type(batch), type) << name;
    RecordIterator it(batch);
    ASSERT_TRUE(it.next());
    EXPECT_TRUE(build_control_batch(batch.header().base_offset, 1, kTime, type, *it.record().value) == bytes) << name;
  }
}

TEST(GoldenBatches, WhatTheLogCleanerLeaves) {
  const Bytes bytes = golden("compacted");
  const RecordBatchView batch = parse(bytes);
  EXPECT_TRUE(batch.crc_ok());
  EXPECT_EQ(batch.header().base_offset, 1000);
  EXPECT_EQ(batch.header().last_offset(), 1005);
  EXPECT_EQ(batch.header().record_count, 2);
  EXPECT_EQ(batch.header().last_sequence(), 15);
  EXPECT_EQ(batch.header().delete_horizon_ms(), kTime + 5000 + 1000);
  RecordIterator it(batch);
  ASSERT_TRUE(it.next());
  EXPECT_EQ(it.record().offset, 1002);
  EXPECT_EQ(it.record().value, std::nullopt);
  ASSERT_TRUE(it.next());
  EXPECT_EQ(it.record().offset, 1003);
  EXPECT_FALSE(it.next());

  const Bytes empty_bytes = golden("compacted_empty");
  const RecordBatchView empty = parse(empty_bytes);
  EXPECT_TRUE(empty.crc_ok());
  EXPECT_EQ(empty.header().record_count, 0);
  EXPECT_EQ(empty.header().last_offset(), 1005);
  EXPECT_EQ(empty.header().last_sequence(), 15);
}

TEST(GoldenMessages, ProducedOnesAreConverted) {
  for (const int8_t magic : {0, 1}) {
    for (const Codec codec : kOldCodecs) {
      const Bytes bytes = golden(fmt::format("v{}_{}", magic, codec_name(codec)));
      const ProduceValidation validation =
          validate_produced_records({bytes, static_cast<int16_t>(magic + 1), "t", 0}, {}, kTime);
      ASSERT_TRUE(validation.ok()) << validation.detail;
      const RecordBatchView batch = parse(validation.rewritten);
      EXPECT_TRUE(batch.crc_ok());
      EXPECT_EQ(batch.header().compression(), codec);
      EXPECT_EQ(batch.header().max_timestamp, magic == 0 ? -1 : kTime + 10);
      EXPECT_EQ(batch.header().last_offset_delta, 3);
      EXPECT_EQ(read_batch(batch), message_samples(magic));
    }
  }
}

// Messages of a set, including those inside compressed ones.
struct Message {
  int64_t offset;
  int attributes;
  int64_t timestamp;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  bool crc_ok;

  bool operator==(const Message&) const = default;
};

Message owned_message(const LegacyMessage& message) {
  return {message.offset,     message.attributes,   message.timestamp,
          owned(message.key), owned(message.value), message.crc_ok()};
}

std::vector<Message> read_messages(ByteView bytes) {
  std::vector<Message> messages;
  while (!bytes.empty()) {
    const ByteView entry = *next_log_entry(bytes);
    if (entry.empty()) {
      ADD_FAILURE() << "cut off";
      break;
    }
    bytes.remove_prefix(entry.size());
    Result<LegacyMessage> message = LegacyMessage::parse(entry);
    EXPECT_TRUE(message.ok());
    messages.push_back(owned_message(*message));
    if (!message->is_compressed()) continue;
    messages.back().value = std::nullopt;  // codecs may compress differently
    LegacyInnerIterator it(*message, 1 << 20);
    while (it.next()) messages.push_back(owned_message(it.message()));
    EXPECT_TRUE(it.status().ok());
  }
  return messages;
}

TEST(GoldenMessages, BatchesAreConvertedDownAsKafkaDoes) {
  for (const int8_t magic : {0, 1}) {
    for (const Codec codec : kOldCodecs) {
      const std::string name = std::string("v2_") + codec_name(codec);
      const DownConverted converted = down_convert(golden(name), magic, 1002, 1 << 20);
      ASSERT_EQ(converted.error, ErrorCode::kNone) << converted.detail;
      EXPECT_EQ(converted.next_offset, 1006);
      const Bytes expected = golden(fmt::format("down{}_{}", magic, name));
      if (codec == Codec::kNone) {
        EXPECT_TRUE(converted.bytes == expected);
      }
      EXPECT_TRUE(read_messages(converted.bytes) == read_messages(expected)) << name << " magic " << int{magic};
      for (const Message& message : read_messages(converted.bytes)) EXPECT_TRUE(message.crc_ok);
    }
    EXPECT_TRUE(down_convert(golden("v2_log_append_time"), magic, 1000, 1 << 20).bytes ==
                golden(fmt::format("down{}_v2_log_append_time", magic)));
  }
}

TEST(GoldenMessages, Lz4OfMagic0IsWrittenAsKafkaDoes) {
  const auto frame_header = [](const Bytes& bytes) {
    return bytes.substr(bytes.find("\x04\x22\x4d\x18"), 7);
  };
  for (const int8_t magic : {0, 1}) {
    EXPECT_EQ(frame_header(down_convert(golden("v2_lz4"), magic, 1000, 1 << 20).bytes),
              frame_header(golden(fmt::format("down{}_v2_lz4", magic))));
  }
}

}  // namespace
}  // namespace milena
