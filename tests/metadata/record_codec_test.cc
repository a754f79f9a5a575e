#include "metadata/record_codec.h"

#include <gtest/gtest.h>

namespace milena::metadata {
namespace {

Bytes hex(ByteView text) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(Bytes(text.substr(i, 2)), nullptr, 16)));
  return bytes;
}

TopicRecord topic_record() {
  TopicRecord topic;
  topic.name = "abc";
  topic.topic_id = Uuid{1, 2};
  return topic;
}

TEST(RecordCodec, WritesFrameTypeVersionBody) {
  EXPECT_EQ(encode_metadata_record(topic_record()), hex("01"
                                                        "02"
                                                        "00"
                                                        "04616263"
                                                        "00000000000000010000000000000002"
                                                        "00"));
}

TEST(RecordCodec, ReadsWhatItWrites) {
  const Result<MetadataRecord> read = decode_metadata_record(encode_metadata_record(topic_record()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(std::get<TopicRecord>(*read), topic_record());
}

TEST(RecordCodec, RefusesWhatItDoesNotKnow) {
  // Type 6 was never used, 16 was removed, 29 is of 4.4.
  for (const ByteView unknown : {"010600", "011000", "011d00"}) {
    const Result<MetadataRecord> read = decode_metadata_record(hex(unknown));
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().kind, ErrorKind::kUnsupported);
  }
  Bytes newer = encode_metadata_record(topic_record());
  newer[2] = 1;
  EXPECT_EQ(decode_metadata_record(newer).error().kind, ErrorKind::kUnsupported);
  Bytes other_frame = encode_metadata_record(topic_record());
  other_frame[0] = 2;
  EXPECT_EQ(decode_metadata_record(other_frame).error().kind, ErrorKind::kUnsupported);
}

TEST(RecordCodec, RefusesEveryCutAndWhatFollows) {
  const Bytes whole = encode_metadata_record(topic_record());
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_metadata_record(whole.substr(0, size)).ok()) << size;
  EXPECT_EQ(decode_metadata_record(whole + "x").error().kind, ErrorKind::kCorrupt);
}

int version_written(const MetadataRecord& record, int16_t metadata_version) {
  return encode_metadata_record(record, metadata_version)[2];
}

TEST(RecordCodec, WritesTheVersionThatTheClusterCanRead) {
  EXPECT_EQ(version_written(PartitionRecord(), 30), 2);
  EXPECT_EQ(version_written(PartitionRecord(), 22), 1);
  EXPECT_EQ(version_written(PartitionRecord(), 16), 0);
  EXPECT_EQ(version_written(PartitionChangeRecord(), 23), 2);
  EXPECT_EQ(version_written(RegisterBrokerRecord(), 30), 4);
  EXPECT_EQ(version_written(RegisterBrokerRecord(), 29), 3);
  EXPECT_EQ(version_written(RegisterBrokerRecord(), 8), 2);
  EXPECT_EQ(version_written(RegisterBrokerRecord(), 7), 1);
}

TEST(RecordCodec, WritesRegistrationChangesInTheOldestVersionThatHoldsThem) {
  BrokerRegistrationChangeRecord change;
  change.fenced = -1;
  EXPECT_EQ(version_written(change, 30), 0);
  change.in_controlled_shutdown = 1;
  EXPECT_EQ(version_written(change, 30), 1);
  change.log_dirs = {Uuid{1, 1}};
  EXPECT_EQ(version_written(change, 30), 2);
  change.cordoned_log_dirs.emplace();
  EXPECT_EQ(version_written(change, 30), 3);
}

TEST(RecordCodec, NamesRecords) {
  EXPECT_EQ(metadata_record_name(RegisterBrokerRecord()), "RegisterBrokerRecord");
  EXPECT_EQ(metadata_record_name(NoOpRecord()), "NoOpRecord");
  EXPECT_EQ(metadata_record_name(ClearElrRecord()), "ClearElrRecord");
}

}  // namespace
}  // namespace milena::metadata
