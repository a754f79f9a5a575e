// Produce: accepted and refused requests, and their responses. tests/protocol tests the checks of record sets in
// detail.
#include "broker/node_fixture.h"
#include "metadata/internal_topics.h"
#include "protocol/messages/init_producer_id.h"

namespace milena::broker::broker_test {
namespace {

class ProduceFixture : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    create_topic("t", 3);
  }
  int64_t new_producer_id() {
    InitProducerIdRequest request;
    request.transactional_id.reset();
    auto response = client().ask<InitProducerIdResponse>(request, 4);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    EXPECT_EQ(response.producer_epoch, 0);
    return response.producer_id;
  }
  ProduceOut produce_sequenced(const std::vector<std::string>& values, int64_t id, int16_t epoch, int32_t sequence) {
    return produce_batch("t", 0, sequenced_batch(values, node().clock().wall_ms(), id, epoch, sequence));
  }
  // One message of magic 0 or 1, as sent by clients before 0.11.
  static Bytes old_message(int8_t magic, ByteView value, int64_t timestamp_ms) {
    Bytes body;
    append_big_endian(body, magic);
    append_big_endian<int8_t>(body, 0);
    if (magic == 1) append_big_endian(body, timestamp_ms);
    append_big_endian<int32_t>(body, -1);
    append_big_endian(body, static_cast<int32_t>(value.size()));
    body.append(value);
    uint32_t crc = 0xFFFFFFFF;
    for (unsigned char byte : body) {
      crc ^= byte;
      for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    Bytes message;
    append_big_endian<int64_t>(message, 0);
    append_big_endian(message, static_cast<int32_t>(body.size() + 4));
    append_big_endian(message, static_cast<int32_t>(~crc));
    return message + body;
  }
};

class ProduceTest : public ProduceFixture {};
INSTANTIATE_TEST_SUITE_P(Shards, ProduceTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(ProduceTest, EveryVersionIsTaken) {
  int64_t expected = 0;
  for (int16_t version = 0; version <= 13; version++) {
    std::string value = "v" + std::to_string(version);
    Bytes records = version < 2   ? old_message(0, value, -1)
                    : version < 3 ? old_message(1, value, 1000)
                                  : batch_of({value}, 1000);
    auto out = produce_batch("t", 1, records, version);
    EXPECT_EQ(out.error_code, ErrorCode::kNone) << version;
    EXPECT_EQ(out.base_offset, expected) << version;
    if (version >= 5) {
      EXPECT_EQ(out.log_start_offset, 0);
    }
    EXPECT_EQ(out.log_append_time_ms, -1);
    EXPECT_EQ(values_from("t", 1, expected), std::vector<std::string>{value});
    expected++;
  }
}

TEST_P(ProduceTest, OffsetsCountRecordsNotBatches) {
  EXPECT_EQ(produce("t", 0, {"a", "b", "c"}).base_offset, 0);
  EXPECT_EQ(produce("t", 0, {"d"}).base_offset, 3);
  EXPECT_EQ(produce("t", 1, {"e"}).base_offset, 0);
  FetchOut out = fetch("t", 0, 0);
  EXPECT_EQ(records_of(out.records).offsets, (std::vector<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(out.high_watermark, 4);
}

TEST_P(ProduceTest, EveryAcksAndNoOther) {
  EXPECT_EQ(produce_batch("t", 0, batch_of({"one"}, 1), 9, 1).base_offset, 0);
  EXPECT_EQ(produce_batch("t", 0, batch_of({"all"}, 1), 9, -1).base_offset, 1);
  Bytes batch = batch_of({"none"}, 1);
  client().start(produce_request("t", 0, batch, 9, 0), 9);
  EXPECT_FALSE(client().has_answer());
  EXPECT_EQ(client().silent_count(), 1);
  EXPECT_EQ(values_from("t", 0, 2), std::vector<std::string>{"none"});
  for (int16_t acks : {-2, 2, 100}) {
    auto out = produce_batch("t", 0, batch, 9, acks);
    EXPECT_EQ(out.error_code, ErrorCode::kInvalidRequiredAcks) << acks;
    EXPECT_EQ(out.base_offset, -1);
  }
  EXPECT_EQ(fetch("t", 0, 0).high_watermark, 3);
}

TEST_P(ProduceTest, AnErrorThatNobodyWaitsForClosesTheConnection) {
  Bytes batch = batch_of({"x"}, 1);
  client().start(produce_request("nowhere", 0, batch, 9, 0), 9);
  EXPECT_TRUE(client().closed());
  EXPECT_FALSE(client().has_answer());
}

TEST_P(ProduceTest, UnknownTopicsAndIds) {
  Bytes batch = batch_of({"x"}, 1);
  EXPECT_EQ(produce_batch("nowhere", 0, batch).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(produce_batch("t", 3, batch).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(produce_batch("t", -1, batch).error_code, ErrorCode::kUnknownTopicOrPartition);
  ProduceRequest request = produce_request("t", 0, batch, 13, -1);
  request.topic_data[0].topic_id = Uuid{5, 5};
  auto out = only_partition(client().ask<ProduceResponse>(request, 13));
  EXPECT_EQ(out.error_code, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(node().topic("nowhere"), nullptr);  // Produce creates no topics
}

TEST_P(ProduceTest, OnePartitionsErrorDoesNotTouchTheOthers) {
  Bytes good = batch_of({"good"}, 1);
  Bytes bad = good;
  bad[kBatchCrcPosition] ^= 1;
  ProduceRequest request = produce_request("t", 0, good, 9, -1);
  request.topic_data[0].partition_data.push_back({1, bad});
  request.topic_data[0].partition_data.push_back({2, good});
  auto& elsewhere = request.topic_data.emplace_back();
  elsewhere.name = "nowhere";
  elsewhere.partition_data.push_back({0, good});
  auto response = client().ask<ProduceResponse>(request, 9);
  ASSERT_EQ(response.responses.size(), 2u);
  const auto& parts = response.responses[0].partition_responses;
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(parts[1].index, 1);
  EXPECT_EQ(parts[1].error_code, ErrorCode::kCorruptMessage);
  EXPECT_EQ(parts[1].base_offset, -1);
  EXPECT_EQ(parts[2].error_code, ErrorCode::kNone);
  EXPECT_EQ(response.responses[1].partition_responses[0].error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"good"});
  EXPECT_TRUE(values_from("t", 1, 0).empty());
  EXPECT_EQ(values_from("t", 2, 0), std::vector<std::string>{"good"});
}

TEST_P(ProduceTest, TooLargeAndUnreadableBatches) {
  create_topic("small", 1, {{"max.message.bytes", "200"}});
  EXPECT_EQ(produce("small", 0, {std::string(300, 'x')}).error_code, ErrorCode::kMessageTooLarge);
  EXPECT_EQ(produce("small", 0, {"fits"}).error_code, ErrorCode::kNone);
  Bytes cut = batch_of({"cut"}, 1);
  cut.resize(cut.size() - 1);
  EXPECT_NE(produce_batch("t", 0, cut).error_code, ErrorCode::kNone);
  EXPECT_NE(produce_batch("t", 0, "garbage").error_code, ErrorCode::kNone);
  EXPECT_EQ(fetch("t", 0, 0).high_watermark, 0);
}

TEST_P(ProduceTest, ACompactedTopicWantsKeysAndSaysWhichRecordHasNone) {
  create_topic("compacted", 1, {{"cleanup.policy", "compact"}});
  RecordBatchBuilder builder;
  builder.append("key", "a", 1);
  builder.append(std::nullopt, "b", 1);
  auto out = produce_batch("compacted", 0, builder.build());
  EXPECT_EQ(out.error_code, ErrorCode::kInvalidRecord);
  ASSERT_EQ(out.record_errors.size(), 1u);
  EXPECT_EQ(out.record_errors[0].batch_index, 1);
  EXPECT_EQ(out.log_start_offset, 0);
}

TEST_P(ProduceTest, LogAppendTimeIsTheBrokers) {
  create_topic("stamped", 1, {{"message.timestamp.type", "LogAppendTime"}});
  int64_t now = node().clock().wall_ms();
  auto out = produce_batch("stamped", 0, batch_of({"a"}, 5));
  EXPECT_EQ(out.log_append_time_ms, now);
  Bytes stored = fetch("stamped", 0, 0).records->flatten().value();
  auto batch = RecordBatchView::parse(stored);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->header().max_timestamp, now);
  EXPECT_TRUE(batch->crc_ok());
}

TEST_P(ProduceTest, EveryCodecComesBackAsItWent) {
  for (Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    BatchOptions options;
    options.compression = codec;
    std::string text(5000, 'z');
    auto out = produce_batch("t", 2, batch_of({text, "short"}, 1, options));
    ASSERT_EQ(out.error_code, ErrorCode::kNone) << static_cast<int>(codec);
    FetchOut fetched = fetch("t", 2, out.base_offset);
    EXPECT_EQ(records_of(fetched.records).values, (std::vector<std::string>{text, "short"}));
    auto batch = RecordBatchView::parse(fetched.records->flatten().value());
    EXPECT_EQ(batch->header().compression(), codec);
  }
}

TEST_P(ProduceTest, TheTopicsCodecWins) {
  create_topic("packed", 1, {{"compression.type", "lz4"}});
  ASSERT_EQ(produce("packed", 0, {std::string(1000, 'a')}).error_code, ErrorCode::kNone);
  FetchOut out = fetch("packed", 0, 0);
  Bytes stored = out.records->flatten().value();
  EXPECT_EQ(RecordBatchView::parse(stored)->header().compression(), Codec::kLz4);
  EXPECT_EQ(records_of(out.records).values, std::vector<std::string>{std::string(1000, 'a')});
}

TEST_P(ProduceTest, InternalTopicsAreForTheBroker) {
  metadata::MetadataImage const& image = node().node().shard(0).image();
  ASSERT_EQ(image.find_topic(metadata::kConsumerOffsetsTopic), nullptr);
  create_topic(metadata::kConsumerOffsetsTopic, 1);
  auto out = produce_batch(metadata::kConsumerOffsetsTopic, 0, batch_of({"x"}, 1));
  EXPECT_EQ(out.error_code, ErrorCode::kInvalidTopicException);
}

TEST_P(ProduceTest, IdempotentDuplicatesAreAnsweredWithTheFirstOffset) {
  int64_t id = new_producer_id();
  EXPECT_EQ(produce_sequenced({"a", "b"}, id, 0, 0).base_offset, 0);
  EXPECT_EQ(produce_sequenced({"c"}, id, 0, 2).base_offset, 2);
  // A retry of each of them.
  auto again = produce_sequenced({"a", "b"}, id, 0, 0);
  EXPECT_EQ(again.error_code, ErrorCode::kNone);
  EXPECT_EQ(again.base_offset, 0);
  EXPECT_EQ(produce_sequenced({"c"}, id, 0, 2).base_offset, 2);
  EXPECT_EQ(values_from("t", 0, 0), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_P(ProduceTest, SequencesWithAGapAreRefused) {
  int64_t id = new_producer_id();
  EXPECT_EQ(produce_sequenced({"a"}, id, 0, 0).error_code, ErrorCode::kNone);
  auto out = produce_sequenced({"c"}, id, 0, 2);
  EXPECT_EQ(out.error_code, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(out.base_offset, -1);
  EXPECT_EQ(produce_sequenced({"b"}, id, 0, 1).error_code, ErrorCode::kNone);
  EXPECT_EQ(produce_sequenced({"x"}, id, 1, 0).error_code, ErrorCode::kNone);  // a new epoch begins at 0
  EXPECT_EQ(produce_sequenced({"y"}, id, 0, 2).error_code, ErrorCode::kInvalidProducerEpoch);
}

TEST_P(ProduceTest, ProducersAreKnownAgainAfterRestartAndKill) {
  int64_t id = new_producer_id();
  EXPECT_EQ(produce_sequenced({"a"}, id, 0, 0).base_offset, 0);
  restart();
  EXPECT_EQ(produce_sequenced({"a"}, id, 0, 0).base_offset, 0);
  EXPECT_EQ(produce_sequenced({"b"}, id, 0, 1).base_offset, 1);
  kill_and_start();
  EXPECT_EQ(produce_sequenced({"b"}, id, 0, 1).base_offset, 1);
  EXPECT_EQ(produce_sequenced({"d"}, id, 0, 3).error_code, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(produce_sequenced({"c"}, id, 0, 2).base_offset, 2);
  EXPECT_EQ(values_from("t", 0, 0), (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace milena::broker::broker_test
