// Compares Apache Kafka's treatment of produced records (tests/golden/records/produced.txt, written by compat/records)
// with ours.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "protocol/records/legacy_messages.h"
#include "protocol/records/produce_validation.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_iterator.h"

namespace milena {
namespace {

struct ProducedCase {
  std::string name;
  int16_t version = 0;
  int64_t now_ms = 0;
  ProduceLimits limits;
  Bytes input;
  int error = 0;
  std::string message;
  std::string record_errors;
  Bytes appended;
};

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

ProduceLimits limits_of(const std::string& settings) {
  ProduceLimits limits;
  for (const std::string& setting : split_at(settings, ' ')) {
    const size_t equals = setting.find('=');
    const std::string key = setting.substr(0, equals), value = setting.substr(equals + 1);
    if (key == "compression.type") {
      limits.compression = codec_from_name(value == "uncompressed" ? "none" : value);
      EXPECT_TRUE(limits.compression.has_value()) << value;
    } else if (key == "message.timestamp.type") {
      limits.timestamp_type = TimestampType::kLogAppendTime;
    } else if (key == "message.timestamp.before.max.ms") {
      limits.timestamp_before_max_ms = std::stoll(value);
    } else if (key == "message.timestamp.after.max.ms") {
      limits.timestamp_after_max_ms = std::stoll(value);
    } else if (key == "max.message.bytes") {
      limits.max_message_bytes = std::stoi(value);
    } else if (key == "segment.bytes") {
      limits.segment_bytes = std::stoi(value);
    } else if (key == "cleanup.policy") {
      limits.compacted = true;
    } else {
      ADD_FAILURE() << "unknown setting " << key;
    }
  }
  return limits;
}

std::vector<ProducedCase> produced_cases() {
  std::vector<ProducedCase> cases;
  std::ifstream file(std::string(MILENA_GOLDEN_DIR) + "/records/produced.txt");
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> parts = split_at(line, '|');
    parts.resize(9);
    cases.push_back({parts[0], static_cast<int16_t>(std::stoi(parts[1])), std::stoll(parts[2]), limits_of(parts[3]),
                     from_hex(parts[4]), std::stoi(parts[5]), parts[6], parts[7], from_hex(parts[8])});
  }
  return cases;
}

// Known differences. Kafka skips a compressed batch's records without checking their lengths, on which its consumers
// then fail; a length near 2^31 overflows there; it treats an empty stream as broken in some codecs.
const std::map<std::string, int>& other_answers() {
  static const std::map<std::string, int> answers = [] {
    std::map<std::string, int> all = {{"length_huge", 87}};
    for (const char* codec : {"gzip", "snappy", "lz4", "zstd"}) {
      all[std::string("record_length_more_") + codec] = 87;
      all[std::string("record_length_less_") + codec] = 87;
    }
    return all;
  }();
  return answers;
}

Bytes describe_records(const Bytes& bytes) {
  Result<RecordBatchView> batch = RecordBatchView::parse(bytes);
  if (!batch.ok()) return batch.error().message;
  Bytes text;
  RecordIterator it(*batch);
  while (it.next()) {
    const RecordView& record = it.record();
    text += fmt::format("{} {} {} {} {} {}\n", record.offset, record.timestamp, record.key.value_or("-"),
                        record.value.value_or("-"), record.headers.count(), record.headers.bytes());
  }
  return it.status().ok() ? text : it.status().error().message;
}

void expect_same_batch(Bytes ours, const Bytes& expected) {
  ASSERT_GE(ours.size(), kBatchHeaderSize);
  set_base_offset_and_epoch(ours.data(), 0, 7);
  BatchHeader our_header = BatchHeader::read(ours.data());
  if (our_header.compression() == Codec::kNone) {
    EXPECT_TRUE(ours == expected);
  }
  // Codecs may compress differently.
  EXPECT_EQ(describe_records(ours), describe_records(expected));
  const BatchHeader expected_header = BatchHeader::read(expected.data());
  EXPECT_TRUE(RecordBatchView::parse(ours)->crc_ok());
  our_header.crc = expected_header.crc;
  our_header.batch_length = expected_header.batch_length;
  char our_raw[kBatchHeaderSize], expected_raw[kBatchHeaderSize];
  our_header.write(our_raw);
  expected_header.write(expected_raw);
  EXPECT_EQ(ByteView(our_raw, sizeof(our_raw)), ByteView(expected_raw, sizeof(expected_raw)));
}

TEST(ProducedRecords, AnsweredAsKafkaDoes) {
  const std::vector<ProducedCase> cases = produced_cases();
  ASSERT_GT(cases.size(), 300u);
  for (const ProducedCase& c : cases) {
    SCOPED_TRACE(c.name);
    const ProduceValidation ours = validate_produced_records({c.input, c.version, "t", 0}, c.limits, c.now_ms);
    if (const auto other = other_answers().find(c.name); other != other_answers().end()) {
      EXPECT_EQ(static_cast<int>(ours.error), other->second);
      EXPECT_NE(c.error, other->second) << "no difference any more";
      continue;
    }
    EXPECT_EQ(static_cast<int>(ours.error), c.error) << ours.detail;
    // Kafka's message has its own class's text for the record.
    if (c.record_errors.find("Invalid timestamp type") == std::string::npos) {
      EXPECT_EQ(ours.error_message.value_or(""), c.message);
      std::string record_errors;
      for (const ProducedRecordError& error : ours.record_errors) {
        record_errors += fmt::format("{}{}:{}", record_errors.empty() ? "" : ";", error.batch_index, error.message);
      }
      EXPECT_EQ(record_errors, c.record_errors);
    }
    if (c.error != 0 || !ours.ok()) {
      EXPECT_FALSE(ours.detail.empty());
      continue;
    }
    expect_same_batch(Bytes(ours.bytes()), c.appended);
    const BatchHeader header = BatchHeader::read(ours.bytes().data());
    EXPECT_EQ(header.max_timestamp, ours.header.max_timestamp);
    EXPECT_EQ(header.crc, ours.header.crc);
    EXPECT_EQ(header.attributes, ours.header.attributes);
  }
}

// If nothing has to change, nothing is copied.
TEST(ProducedRecords, TheCommonCaseIsTheInputItself) {
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    BatchOptions options;
    options.compression = codec;
    RecordBatchBuilder builder(options);
    for (int i = 0; i < 10; i++) builder.append("key", "value", 1000 + i);
    const Bytes bytes = builder.build();
    const ProduceValidation validation = validate_produced_records({bytes, 9, "t", 0}, {}, 2000);
    ASSERT_TRUE(validation.ok()) << validation.detail;
    EXPECT_EQ(validation.bytes().data(), bytes.data());
    EXPECT_EQ(validation.bytes().size(), bytes.size());
  }
}

Bytes bomb(Codec codec, size_t size) {
  BatchOptions options;
  options.compression = codec;
  return build_single_record_batch(options, "key", Bytes(size, '\0'), 1000);
}

// A record far larger than its batch is accepted without being held; if the batch must be rewritten it is refused.
TEST(ProducedRecords, BombsAreReadThroughAWindow) {
  for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const Bytes bytes = bomb(codec, 20 << 20);
    ProduceLimits limits;
    limits.max_message_bytes = 2 << 20;
    EXPECT_TRUE(validate_produced_records({bytes, 9, "t", 0}, limits, 2000).ok());
    limits.compression = Codec::kNone;
    EXPECT_EQ(validate_produced_records({bytes, 9, "t", 0}, limits, 2000).error, ErrorCode::kMessageTooLarge);
  }
}

TEST(ProducedRecords, OldVersionsMayHaveNothing) {
  const ProduceValidation validation = validate_produced_records({"", 2, "t", 0}, {}, 0);
  EXPECT_TRUE(validation.ok());
  EXPECT_TRUE(validation.bytes().empty());
}

Bytes old_message(int64_t offset, int8_t magic, std::optional<ByteView> key, ByteView value, int8_t attributes = 0,
                  int64_t timestamp = 1000) {
  Bytes bytes;
  append_legacy_message(bytes, offset, magic, attributes, timestamp, key, value);
  return bytes;
}

ErrorCode old_error(const Bytes& bytes, const ProduceLimits& limits = {}) {
  return validate_produced_records({bytes, 2, "t", 0}, limits, 2000).error;
}

TEST(ProducedRecords, OldMessagesAreChecked) {
  const Bytes plain = old_message(0, 1, "k", "v");
  EXPECT_EQ(old_error(plain + plain + plain), ErrorCode::kNone);
  EXPECT_EQ(old_error(plain + plain.substr(0, 20)), ErrorCode::kNone);
  EXPECT_EQ(old_error(plain + old_message(0, 0, "k", "v")), ErrorCode::kInvalidRecord);
  Bytes wrong_crc = plain;
  wrong_crc.back() ^= 1;
  EXPECT_EQ(old_error(wrong_crc), ErrorCode::kCorruptMessage);
  EXPECT_EQ(validate_produced_records({plain, 3, "t", 0}, {}, 2000).error, ErrorCode::kInvalidRecord);

  ProduceLimits compacted;
  compacted.compacted = true;
  EXPECT_EQ(old_error(old_message(0, 1, std::nullopt, "v"), compacted), ErrorCode::kInvalidRecord);
  EXPECT_EQ(old_error(old_message(0, 1, "k", "v", 0, 9999999)), ErrorCode::kInvalidTimestamp);
  ProduceLimits small;
  small.max_message_bytes = 36;
  EXPECT_EQ(old_error(plain, small), ErrorCode::kMessageTooLarge);
  // A small message, but too large as a batch.
  small.max_message_bytes = 40;
  EXPECT_EQ(old_error(plain, small), ErrorCode::kMessageTooLarge);
}

TEST(ProducedRecords, OldWrappersAreChecked) {
  const Bytes inner = old_message(0, 1, "k", "v") + old_message(1, 1, "k2", "v2");
  const auto wrapped = [](const Bytes& content, int8_t codec, int8_t magic = 1) {
    return old_message(1, magic, std::nullopt, compress(static_cast<Codec>(codec), -1, content), codec);
  };
  EXPECT_EQ(old_error(wrapped(inner, 1)), ErrorCode::kNone);
  EXPECT_EQ(old_error(wrapped(inner, 3)), ErrorCode::kNone);
  EXPECT_EQ(old_error(wrapped(inner, 4)), ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(old_error(wrapped(inner, 1) + wrapped(inner, 1)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(old_error(wrapped(inner, 1) + old_message(0, 1, "k", "v")), ErrorCode::kInvalidRecord);
  EXPECT_EQ(old_error(wrapped("", 1)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(old_error(wrapped(wrapped(inner, 1), 1)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(old_error(wrapped(inner, 1, 0)), ErrorCode::kInvalidRecord);  // magic 1 inside magic 0
  Bytes broken = inner;
  broken.back() ^= 1;
  EXPECT_EQ(old_error(wrapped(broken, 1)), ErrorCode::kCorruptMessage);
  EXPECT_EQ(old_error(old_message(1, 1, std::nullopt, "no gzip stream", 1)), ErrorCode::kCorruptMessage);
  EXPECT_EQ(old_error(old_message(1, 1, std::nullopt, "unknown", 5)), ErrorCode::kUnknownServerError);
}

}  // namespace
}  // namespace milena
