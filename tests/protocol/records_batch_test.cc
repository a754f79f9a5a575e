#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/varint.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_batch.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_iterator.h"

namespace milena {
namespace {

constexpr Codec kCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

RecordBatchView parse(const Bytes& bytes) {
  Result<RecordBatchView> batch = RecordBatchView::parse(bytes);
  EXPECT_TRUE(batch.ok()) << batch.error().message;
  return batch.take();
}

Bytes three_records(const BatchOptions& options = {}) {
  RecordBatchBuilder builder(options);
  const RecordHeader headers[] = {{"h1", "v1"}, {"h2", std::nullopt}, {"", ""}};
  builder.append("k0", "v0", 1000);
  builder.append(std::nullopt, Bytes(300, 'x'), 1005, headers);
  builder.append("", std::nullopt, 999);
  return builder.build();
}

TEST(RecordBatch, HeaderGoesThroughItsBytes) {
  BatchHeader header;
  header.base_offset = 0x0102030405060708;
  header.batch_length = 0x11223344;
  header.partition_leader_epoch = 77;
  header.crc = 0xdeadbeef;
  header.attributes = 0x7b;
  header.last_offset_delta = 9;
  header.base_timestamp = 1;
  header.max_timestamp = 2;
  header.producer_id = 3;
  header.producer_epoch = 4;
  header.base_sequence = 5;
  header.record_count = 6;
  char raw[kBatchHeaderSize];
  header.write(raw);
  const BatchHeader read = BatchHeader::read(raw);
  char again[kBatchHeaderSize];
  read.write(again);
  EXPECT_EQ(ByteView(raw, sizeof(raw)), ByteView(again, sizeof(again)));
  EXPECT_EQ(read.total_size(), 12u + 0x11223344);
  EXPECT_EQ(read.last_offset(), header.base_offset + 9);
  EXPECT_EQ(read.compression(), Codec::kLz4);
  EXPECT_EQ(read.timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_TRUE(read.is_transactional());
  EXPECT_TRUE(read.is_control());
  EXPECT_EQ(read.delete_horizon_ms(), 1);
  EXPECT_EQ(read.crc, 0xdeadbeef);
}

TEST(RecordBatch, SequencesWrap) {
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(sequence_after(5, 3), 8);
  EXPECT_EQ(sequence_after(kMax, 0), kMax);
  EXPECT_EQ(sequence_after(kMax, 1), 0);
  EXPECT_EQ(sequence_after(kMax - 1, 5), 3);
  BatchHeader header;
  header.last_offset_delta = 4;
  EXPECT_EQ(header.last_sequence(), kNoSequence);
  header.base_sequence = kMax - 1;
  EXPECT_EQ(header.last_sequence(), 2);
}

TEST(RecordBatch, BuiltBatchesReadBackInEveryCodec) {
  for (const Codec codec : kCodecs) {
    BatchOptions options;
    options.base_offset = 100;
    options.partition_leader_epoch = 3;
    options.compression = codec;
    options.producer_id = 9;
    options.producer_epoch = 2;
    options.base_sequence = 40;
    const Bytes bytes = three_records(options);
    const RecordBatchView batch = parse(bytes);
    EXPECT_TRUE(batch.crc_ok());
    EXPECT_EQ(batch.bytes().size(), bytes.size());
    EXPECT_EQ(batch.header().last_offset(), 102);
    EXPECT_EQ(batch.header().record_count, 3);
    EXPECT_EQ(batch.header().base_timestamp, 1000);
    EXPECT_EQ(batch.header().max_timestamp, 1005);
    EXPECT_EQ(batch.header().compression(), codec);
    EXPECT_EQ(batch.header().last_sequence(), 42);

    RecordIterator it(batch);
    ASSERT_TRUE(it.next()) << it.status().error().message;
    EXPECT_EQ(it.record().offset, 100);
    EXPECT_EQ(it.record().timestamp, 1000);
    EXPECT_EQ(it.record().key, "k0");
    EXPECT_EQ(it.record().value, "v0");
    EXPECT_TRUE(it.record().headers.empty());
    ASSERT_TRUE(it.next());
    EXPECT_EQ(it.record().key, std::nullopt);
    EXPECT_EQ(it.record().value, Bytes(300, 'x'));
    std::vector<std::pair<Bytes, std::optional<Bytes>>> headers;
    for (const RecordHeader& header : it.record().headers) {
      headers.emplace_back(Bytes(header.key), header.value ? std::optional(Bytes(*header.value)) : std::nullopt);
    }
    const decltype(headers) expected = {{"h1", "v1"}, {"h2", std::nullopt}, {"", ""}};
    EXPECT_EQ(headers, expected);
    ASSERT_TRUE(it.next());
    EXPECT_EQ(it.record().timestamp, 999);
    EXPECT_EQ(it.record().key, "");
    EXPECT_EQ(it.record().value, std::nullopt);
    EXPECT_FALSE(it.next());
    EXPECT_TRUE(it.status().ok());
    EXPECT_FALSE(it.next());
  }
}

TEST(RecordBatch, LargeRecordsAreReadAndSkipped) {
  for (const Codec codec : kCodecs) {
    BatchOptions options;
    options.compression = codec;
    RecordBatchBuilder builder(options);
    const Bytes large(3000000, 'z'), middle(70000, 'm');
    const RecordHeader headers[] = {{"header", large}, {"none", std::nullopt}};
    builder.append("a", large, 10, headers);
    builder.append(middle, std::nullopt, 20);
    builder.append(std::nullopt, "last", 30);
    const Bytes bytes = builder.build();
    const RecordBatchView batch = parse(bytes);

    RecordIterator full(batch);
    ASSERT_TRUE(full.next()) << full.status().error().message;
    EXPECT_EQ(full.record().value, large);
    EXPECT_EQ((*full.record().headers.begin()).value, large);
    ASSERT_TRUE(full.next());
    EXPECT_EQ(full.record().key, middle);
    ASSERT_TRUE(full.next());
    EXPECT_EQ(full.record().value, "last");
    EXPECT_FALSE(full.next());
    EXPECT_TRUE(full.status().ok());

    RecordIterator skipping(batch, RecordIterator::Content::kSkip);
    for (const int64_t timestamp : {10, 20, 30}) {
      ASSERT_TRUE(skipping.next()) << skipping.status().error().message;
      EXPECT_EQ(skipping.record().timestamp, timestamp);
      EXPECT_EQ(skipping.record().key.has_value(), timestamp != 30);
      EXPECT_EQ(skipping.record().value.has_value(), timestamp != 20);
    }
    EXPECT_FALSE(skipping.next());
    EXPECT_TRUE(skipping.status().ok());

    RecordIterator limited(batch, RecordIterator::Content::kFull, 100000);
    EXPECT_EQ(limited.next(), codec == Codec::kNone);
  }
}

TEST(RecordBatch, LogAppendTimeCountsForEveryRecord) {
  BatchOptions options;
  options.timestamp_type = TimestampType::kLogAppendTime;
  options.log_append_time_ms = 5555;
  const Bytes bytes = three_records(options);
  const RecordBatchView batch = parse(bytes);
  EXPECT_EQ(batch.header().max_timestamp, 5555);
  EXPECT_EQ(batch.header().timestamp_type(), TimestampType::kLogAppendTime);
  RecordIterator it(batch);
  while (it.next()) EXPECT_EQ(it.record().timestamp, 5555);
  EXPECT_TRUE(it.status().ok());
}

TEST(RecordBatch, OffsetsMayHaveGaps) {
  BatchOptions options;
  options.base_offset = 10;
  RecordBatchBuilder builder(options);
  builder.append_at(12, "a", "b", 1);
  builder.append_at(17, "a", "b", 1);
  builder.set_last_offset(20);
  const Bytes bytes = builder.build();
  const RecordBatchView batch = parse(bytes);
  EXPECT_EQ(batch.header().last_offset(), 20);
  EXPECT_EQ(batch.header().record_count, 2);
  RecordIterator it(batch);
  ASSERT_TRUE(it.next());
  EXPECT_EQ(it.record().offset, 12);
  ASSERT_TRUE(it.next());
  EXPECT_EQ(it.record().offset, 17);
}

TEST(RecordBatch, EmptyBatchKeepsItsOffsets) {
  RecordBatchBuilder builder;
  builder.set_last_offset(5);
  const Bytes bytes = builder.build();
  EXPECT_EQ(bytes.size(), kBatchHeaderSize);
  const RecordBatchView batch = parse(bytes);
  EXPECT_TRUE(batch.crc_ok());
  RecordIterator it(batch);
  EXPECT_FALSE(it.next());
  EXPECT_TRUE(it.status().ok());
}

TEST(RecordBatch, LeaderPatchLeavesTheCrcAlone) {
  Bytes bytes = three_records();
  set_base_offset_and_epoch(bytes.data(), 123456789, 42);
  const RecordBatchView batch = parse(bytes);
  EXPECT_TRUE(batch.crc_ok());
  EXPECT_EQ(batch.header().base_offset, 123456789);
  EXPECT_EQ(batch.header().partition_leader_epoch, 42);
  bytes[70] ^= 1;
  EXPECT_FALSE(parse(bytes).crc_ok());
}

void expect_corrupt(const Bytes& bytes, ErrorKind kind = ErrorKind::kCorrupt) {
  Result<RecordBatchView> parsed = RecordBatchView::parse(bytes);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().kind, kind);
}

TEST(RecordBatch, SenselessHeadersAreRefused) {
  const Bytes good = three_records();
  for (size_t size = 0; size < good.size(); size++) expect_corrupt(good.substr(0, size));
  const auto with = [&](auto change) {
    BatchHeader header = BatchHeader::read(good.data());
    change(header);
    Bytes bytes = good;
    header.write(bytes.data());
    return bytes;
  };
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  expect_corrupt(with([](BatchHeader& h) { h.batch_length = 48; }));
  expect_corrupt(with([](BatchHeader& h) { h.batch_length = -1; }));
  expect_corrupt(with([](BatchHeader& h) { h.batch_length = kMax; }));
  expect_corrupt(with([](BatchHeader& h) { h.magic = 3; }));
  expect_corrupt(with([](BatchHeader& h) { h.magic = -1; }));
  expect_corrupt(with([](BatchHeader& h) { h.magic = 1; }), ErrorKind::kUnsupported);
  expect_corrupt(with([](BatchHeader& h) { h.base_offset = -1; }));
  expect_corrupt(with([](BatchHeader& h) { h.last_offset_delta = -1; }));
  expect_corrupt(with([](BatchHeader& h) { h.base_offset = std::numeric_limits<int64_t>::max(); }));
  expect_corrupt(with([](BatchHeader& h) { h.record_count = -1; }));
  expect_corrupt(with([](BatchHeader& h) { h.record_count = 4; }));
  expect_corrupt(with([](BatchHeader& h) { h.attributes = 5; }));
  EXPECT_TRUE(RecordBatchView::parse(with([](BatchHeader& h) { h.record_count = 0; })).ok());
}

// Too small a count leaves bytes, too large a count runs out of them.
TEST(RecordBatch, WrongCountsAreFoundByReading) {
  for (const Codec codec : kCodecs) {
    for (const int32_t count : {0, 2, 4}) {
      BatchOptions options;
      options.compression = codec;
      Bytes bytes = three_records(options);
      BatchHeader header = BatchHeader::read(bytes.data());
      header.record_count = count;
      header.last_offset_delta = 5;
      header.write(bytes.data());
      RecordIterator it(parse(bytes));
      int32_t read = 0;
      while (it.next()) read++;
      EXPECT_EQ(read, std::min(count, 3));
      EXPECT_FALSE(it.status().ok());
    }
  }
}

TEST(RecordBatch, SenselessRecordsAreRefused) {
  // The error of a record with this body; adds the length.
  const auto error_of = [](ByteView body, std::optional<int32_t> length = std::nullopt) {
    Bytes bytes(kBatchHeaderSize, '\0');
    append_varint(bytes, length.value_or(static_cast<int32_t>(body.size())));
    bytes.append(body);
    BatchHeader header;
    header.batch_length = static_cast<int32_t>(bytes.size() - kBatchLogOverhead);
    header.record_count = 1;
    header.write(bytes.data());
    RecordIterator it(parse(bytes));
    while (it.next()) {
    }
    return !it.status().ok();
  };
  const Bytes good("\x00\x00\x00\x02k\x02v\x00", 8);
  EXPECT_FALSE(error_of(good));
  EXPECT_TRUE(error_of(good, 9));
  EXPECT_TRUE(error_of(good, 7));
  EXPECT_TRUE(error_of(good, 0));
  EXPECT_TRUE(error_of(good, -1));
  EXPECT_TRUE(error_of(good, std::numeric_limits<int32_t>::max()));
  EXPECT_TRUE(error_of(Bytes("\x00\x00\x00\x02k\x7ev\x00", 8)));      // value beyond the record
  EXPECT_TRUE(error_of(Bytes("\x00\x00\x00\x02k\x02v\x01", 8)));      // header count -1
  EXPECT_TRUE(error_of(Bytes("\x00\x00\x00\x02k\x02v\x02", 8)));      // a missing header
  EXPECT_TRUE(error_of(Bytes("\x00\x00\x00\x02k\x02v\x02\x01\x01", 10)));  // header key null
  EXPECT_FALSE(error_of(Bytes("\x00\x00\x00\x02k\x02v\x02\x00\x01", 10)));
  EXPECT_TRUE(error_of(Bytes("\x00\x00\x00\x02k\x02v\xfe\xff\xff\xff\x0f", 12)));  // two thousand million headers
  EXPECT_FALSE(error_of(Bytes("\x00\x00\x00\x03\x05\x00", 6)));  // any negative length is null
}

TEST(BatchIterator, WalksAndStopsAtACut) {
  const Bytes one = three_records();
  const Bytes all = one + one + one.substr(0, 30);
  BatchIterator it(all);
  ASSERT_TRUE(it.next());
  EXPECT_EQ(it.position(), 0u);
  ASSERT_TRUE(it.next());
  EXPECT_EQ(it.position(), one.size());
  EXPECT_FALSE(it.next());
  EXPECT_FALSE(it.status().ok());
  EXPECT_EQ(it.rest().size(), 30u);
  EXPECT_EQ(it.position(), 2 * one.size());

  BatchIterator whole(ByteView(all).substr(0, 2 * one.size()));
  int batches = 0;
  while (whole.next()) batches++;
  EXPECT_EQ(batches, 2);
  EXPECT_TRUE(whole.status().ok());
}

TEST(ControlRecords, MarkersReadBack) {
  for (const bool committed : {false, true}) {
    const Bytes bytes = build_end_transaction_batch(50, 7, 1234, 99, 3, {committed, 11});
    const RecordBatchView batch = parse(bytes);
    EXPECT_TRUE(batch.header().is_control());
    EXPECT_TRUE(batch.header().is_transactional());
    EXPECT_EQ(batch.header().base_sequence, kNoSequence);
    EXPECT_EQ(*control_batch_type(batch), committed ? ControlRecordType::kCommit : ControlRecordType::kAbort);
    RecordIterator it(batch);
    ASSERT_TRUE(it.next());
    Result<EndTransactionMarker> marker = parse_end_transaction_marker(it.record());
    ASSERT_TRUE(marker.ok());
    EXPECT_EQ(marker->committed, committed);
    EXPECT_EQ(marker->coordinator_epoch, 11);
  }
}

TEST(ControlRecords, OtherTypesAndBadKeys) {
  const Bytes bytes = build_control_batch(1, 2, 3, ControlRecordType::kLeaderChange, "value");
  const RecordBatchView batch = parse(bytes);
  EXPECT_FALSE(batch.header().is_transactional());
  EXPECT_EQ(*control_batch_type(batch), ControlRecordType::kLeaderChange);
  RecordIterator it(batch);
  ASSERT_TRUE(it.next());
  EXPECT_EQ(it.record().value, "value");
  EXPECT_FALSE(parse_end_transaction_marker(it.record()).ok());

  EXPECT_FALSE(parse_control_record_key(std::nullopt).ok());
  EXPECT_FALSE(parse_control_record_key("abc").ok());
  EXPECT_FALSE(parse_control_record_key(ByteView("\xff\xff\0\0", 4)).ok());
  EXPECT_EQ(*parse_control_record_key(ByteView("\0\0\0\x20", 4)), ControlRecordType::kUnknown);
  EXPECT_EQ(*parse_control_record_key(ByteView("\0\x01\0\x01zz", 6)), ControlRecordType::kCommit);
  const Bytes plain = three_records();
  EXPECT_FALSE(control_batch_type(parse(plain)).ok());
}

}  // namespace
}  // namespace milena
