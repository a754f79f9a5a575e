// Produced record sets: validated, and accepted ones read back, down-converted and iterated like from a disk.
#include <zlib.h>

#include <algorithm>

#include "fuzz_input.h"
#include "protocol/records/control_records.h"
#include "protocol/records/down_conversion.h"
#include "protocol/records/legacy_messages.h"
#include "protocol/records/produce_validation.h"
#include "protocol/records/record_iterator.h"

namespace milena::fuzz {
namespace {

constexpr int64_t kNow = 1700000000000;

// A fuzzer cannot guess checksums and lengths.
void repair(Bytes& set) {
  if (set.size() <= kBatchAttributesPosition) return;
  store_big_endian(set.data() + 8, static_cast<int32_t>(set.size() - kBatchLogOverhead));
  if (set[kBatchMagicPosition] == 2 && set.size() >= kBatchHeaderSize) {
    store_big_endian(set.data(), int64_t{0});
    seal_batch(set.data(), set.size());
  } else {
    const ByteView covered = ByteView(set).substr(kBatchMagicPosition);
    store_big_endian(set.data() + kBatchLogOverhead,
                     static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(covered.data()), covered.size())));
  }
}

ProduceLimits limits_from(Input& input) {
  ProduceLimits limits;
  const uint8_t choice = input.choice();
  if (choice & 1) limits.compression = static_cast<Codec>((choice >> 1) % (kMaxCodec + 1));
  if (choice & 0x10) limits.timestamp_type = TimestampType::kLogAppendTime;
  if (choice & 0x20) limits.compacted = true;
  if (choice & 0x40) limits.timestamp_before_max_ms = 1000;
  if (choice & 0x80) limits.max_message_bytes = 1000;
  return limits;
}

// Like the log and its readers with bytes from a disk.
void read_back(ByteView bytes) {
  BatchIterator batches(bytes);
  while (batches.next()) {
    (void)batches.batch().crc_ok();
    if (batches.batch().header().is_control()) (void)control_batch_type(batches.batch());
    for (const auto content : {RecordIterator::Content::kFull, RecordIterator::Content::kSkip}) {
      RecordIterator records(batches.batch(), content, 8 << 20);
      while (records.next()) {
        for (const RecordHeader& header : records.record().headers) (void)header.key.size();
        (void)parse_end_transaction_marker(records.record());
      }
    }
  }
  for (const int8_t magic : {0, 1}) (void)down_convert(bytes, magic, 0, 1 << 20);
}

void accepted(const ProduceValidation& validation) {
  if (validation.bytes().empty()) return;
  Result<RecordBatchView> batch = RecordBatchView::parse(validation.bytes());
  CHECK(batch.ok(), "{}", batch.error().message);
  CHECK(batch->bytes().size() == validation.bytes().size());
  CHECK(batch->crc_ok());
  RecordIterator records(*batch, RecordIterator::Content::kSkip);
  int32_t count = 0;
  while (records.next()) count++;
  CHECK(records.status().ok(), "{}", records.status().error().message);
  CHECK(count == validation.header.record_count && count == validation.header.last_offset_delta + 1);
}

}  // namespace
}  // namespace milena::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace milena;
  fuzz::Input input(data, size);
  const ProduceLimits limits = fuzz::limits_from(input);
  const auto version = static_cast<int16_t>(input.choice() % 14);
  Bytes set(input.rest());
  if (version % 2 == 0) fuzz::repair(set);
  fuzz::read_back(set);
  const ProduceValidation validation = validate_produced_records({set, version, "t", 0}, limits, fuzz::kNow);
  if (validation.ok()) {
    fuzz::accepted(validation);
  } else {
    CHECK(!validation.detail.empty());
  }
  return 0;
}
