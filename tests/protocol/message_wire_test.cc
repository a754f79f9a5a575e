// Reader, Writer, headers and single messages, against bytes written down by hand.

#include <gtest/gtest.h>

#include "protocol/api_key.h"
#include "protocol/error_code.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offsets/consumer_group_member_metadata.h"
#include "protocol/payload_equal.h"
#include "protocol/reader.h"
#include "protocol/request_header.h"
#include "protocol/writer.h"

namespace milena {
namespace {

using namespace std::string_literals;  // NOLINT: ""s keeps zero bytes

TEST(MessageReader, VarintsOfAllLengths) {
  for (const uint32_t value : {0u, 1u, 127u, 128u, 16383u, 16384u, 0x7fffffffu, 0xffffffffu}) {
    Writer writer;
    writer.write_unsigned_varint(value);
    const Bytes bytes = writer.take_bytes();
    Reader reader(bytes);
    EXPECT_EQ(reader.read_unsigned_varint(), value);
    EXPECT_TRUE(reader.ok() && reader.remaining() == 0);
  }
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{1}, INT64_MIN, INT64_MAX, int64_t{-300}}) {
    Writer writer;
    writer.write_varlong(value);
    writer.write_varint(static_cast<int32_t>(value));
    const Bytes bytes = writer.take_bytes();
    Reader reader(bytes);
    EXPECT_EQ(reader.read_varlong(), value);
    EXPECT_EQ(reader.read_varint(), static_cast<int32_t>(value));
    EXPECT_TRUE(reader.ok() && reader.remaining() == 0);
  }
}

TEST(MessageReader, EndlessVarintFails) {
  const Bytes bytes("\xff\xff\xff\xff\xff\x01"s);
  Reader reader(bytes);
  reader.read_unsigned_varint();
  EXPECT_FALSE(reader.ok());
}

TEST(MessageReader, StaysFailed) {
  const Bytes bytes("\x01\x02\x03"s);
  Reader reader(bytes);
  EXPECT_EQ(reader.read_int32(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.read_int8(), 0);
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(MessageReader, NullWhereNoneIsAllowedFails) {
  const Bytes null_string("\xff\xff"s);
  Reader reader(null_string);
  ByteView text;
  reader.read_string(text);
  EXPECT_FALSE(reader.ok());

  const Bytes null_array("\xff\xff\xff\xff"s);
  Reader arrays(null_array);
  std::vector<int32_t> numbers;
  arrays.read_array(numbers);
  EXPECT_FALSE(arrays.ok());
}

TEST(MessageReader, CompactStringLongerThanAShortFails) {
  Writer writer;
  writer.write_unsigned_varint(32768 + 1);
  writer.write_raw(Bytes(32768, 'x'));
  const Bytes bytes = writer.take_bytes();
  Reader reader(bytes);
  reader.set_flexible(true);
  ByteView text;
  reader.read_string(text);
  EXPECT_FALSE(reader.ok());
}

TEST(MessageReader, KnownTagMustUseUpItsBytes) {
  // FetchRequest 12, tag 0 (cluster id): a compact string "a" in a tag that claims a byte more.
  FetchRequest request;
  request.cluster_id = "a";
  Bytes bytes = write_message(request, 12);
  FetchRequest again;
  ASSERT_TRUE(read_message(bytes, 12, again));
  ASSERT_EQ(bytes.substr(bytes.size() - 5), "\x01\x00\x02\x02\x61"s);
  bytes[bytes.size() - 3] = 3;
  bytes.push_back('b');
  EXPECT_FALSE(read_message(bytes, 12, again));
}

TEST(MessageWriter, SplicesWithoutCopying) {
  auto frame = std::make_shared<const Bytes>(100, 'r');
  FetchResponse response;
  auto& partition = response.responses.emplace_back().partitions.emplace_back();
  partition.records.emplace().append(SharedBytes{frame, *frame});
  Writer writer;
  writer.write_int32(0);
  response.write(writer, 16);
  writer.overwrite_int32(0, static_cast<int32_t>(writer.size() - 4));
  const uint64_t size = writer.size();
  const Payload payload = writer.take();
  EXPECT_EQ(payload.size(), size);
  bool shared = false;
  for (const Chunk& chunk : payload.chunks()) {
    const auto* bytes = std::get_if<SharedBytes>(&chunk);
    shared = shared || (bytes && bytes->view.data() == frame->data() && bytes->view.size() == 100);
  }
  EXPECT_TRUE(shared);
  const Bytes flat = payload.flatten().take();
  EXPECT_EQ(load_big_endian<int32_t>(flat.data()), static_cast<int32_t>(flat.size() - 4));
  FetchResponse again;
  ASSERT_TRUE(read_message(ByteView(flat).substr(4), 16, again));
  EXPECT_TRUE(again == response);
  EXPECT_EQ(writer.size(), 0u);
}

TEST(MessageWriter, CutsStringsThatTheWireCannotHold) {
  Writer writer;
  writer.write_string(Bytes(40000, 'x'));
  EXPECT_EQ(writer.size(), 2u + 32767u);
}

TEST(MessageHeader, VersionsAsInKafka) {
  EXPECT_EQ(request_header_version(ApiKey::kApiVersions, 2), 1);
  EXPECT_EQ(request_header_version(ApiKey::kApiVersions, 3), 2);
  EXPECT_EQ(response_header_version(ApiKey::kApiVersions, 3), 0);
  EXPECT_EQ(response_header_version(ApiKey::kFetch, 11), 0);
  EXPECT_EQ(response_header_version(ApiKey::kFetch, 12), 1);
  EXPECT_EQ(request_header_version(ApiKey::kSaslHandshake, 1), 1);
}

TEST(MessageHeader, ApiVersionsRequestAsAClientSendsIt) {
  // key 18, version 3, correlation 7, client id "rdkafka" (not compact), no tags; then "librdkafka", "2.3.0", no tags
  const Bytes frame = "\x00\x12\x00\x03\x00\x00\x00\x07\x00\x07rdkafka\x00\x0blibrdkafka\x06"s + "2.3.0\x00"s;
  Reader reader(frame);
  RequestHeader header;
  header.read(reader);
  EXPECT_EQ(header.api_key, 18);
  EXPECT_EQ(header.api_version, 3);
  EXPECT_EQ(header.correlation_id, 7);
  EXPECT_EQ(header.client_id, "rdkafka");
  ApiVersionsRequest request;
  request.read(reader, header.api_version);
  EXPECT_TRUE(reader.ok() && reader.remaining() == 0);
  EXPECT_EQ(request.client_software_name, "librdkafka");
  EXPECT_EQ(request.client_software_version, "2.3.0");
  Writer writer;
  header.write(writer);
  request.write(writer, 3);
  EXPECT_EQ(writer.take_bytes(), frame);
}

TEST(MessageHeader, UnknownKeysAndVersionsReadTheirBeginning) {
  for (const Bytes& frame :
       {"\x03\xe7\x00\x00\x00\x00\x00\x05\x00\x01x"s, "\x00\x12\x00\x63\x00\x00\x00\x05\x00\x01x\x00"s}) {
    Reader reader(frame);
    RequestHeader header;
    header.read(reader);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(header.correlation_id, 5);
    EXPECT_EQ(header.client_id, "x");
  }
}

TEST(MessageTable, NamesAndRanges) {
  ASSERT_NE(find_api(0), nullptr);
  EXPECT_EQ(find_api(0)->name, "Produce");
  EXPECT_EQ(find_api(4), nullptr);
  EXPECT_EQ(find_api(-1), nullptr);
  EXPECT_EQ(find_api(1000), nullptr);
  EXPECT_EQ(find_api(ApiKey::kInitProducerId)->max_version, 5);
  EXPECT_TRUE(find_api(ApiKey::kFetch)->on_broker && find_api(ApiKey::kFetch)->on_controller);
  EXPECT_FALSE(find_api(ApiKey::kVote)->on_broker);
  EXPECT_EQ(api_name(static_cast<ApiKey>(999)), "unknown");
}

TEST(MessageTable, ErrorNames) {
  EXPECT_EQ(error_name(ErrorCode::kUnknownServerError), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(error_name(ErrorCode::kShareSessionLimitReached), "SHARE_SESSION_LIMIT_REACHED");
  EXPECT_EQ(static_cast<int>(ErrorCode::kInvalidRecord), 87);
  EXPECT_EQ(error_name(ErrorCode::kInvalidRecord), "INVALID_RECORD");
  EXPECT_EQ(error_name(static_cast<ErrorCode>(134)), "UNKNOWN_ERROR_CODE");
  EXPECT_EQ(error_message(ErrorCode::kNone), "");
}

TEST(MessageNullability, NullBecomesEmptyWhereTheVersionKnowsNoNull) {
  MetadataRequest request;
  request.topics.reset();
  EXPECT_EQ(write_message(request, 0), "\x00\x00\x00\x00"s);
  EXPECT_EQ(write_message(request, 1), "\xff\xff\xff\xff"s);
  MetadataRequest again;
  ASSERT_TRUE(read_message("\x00\x00\x00\x00"s, 0, again));
  ASSERT_TRUE(again.topics.has_value());
  EXPECT_TRUE(again.topics->empty());
}

TEST(MessageNullability, ReadingGivesDefaultsToWhatTheVersionLacks) {
  FetchRequest request;
  request.max_bytes = 5;
  request.rack_id = "left from before";
  const Bytes bytes = write_message(FetchRequest(), 0);
  ASSERT_TRUE(read_message(bytes, 0, request));
  EXPECT_EQ(request.max_bytes, INT32_MAX);
  EXPECT_EQ(request.rack_id, "");
}

// In a tagged field Kafka marks a null structure with varint 0, elsewhere with byte -1.
TEST(MessageNullability, NullStructureInATaggedField) {
  ConsumerGroupMemberMetadataValue value;
  ASSERT_TRUE(value.classic_member_metadata.has_value());
  EXPECT_EQ(write_message(value, 0), "\x01\x01\x01\x01\x01\x01\xff\xff\xff\xff\x01\x00"s);
  value.classic_member_metadata.reset();
  const Bytes bytes = write_message(value, 0);
  EXPECT_EQ(bytes, "\x01\x01\x01\x01\x01\x01\xff\xff\xff\xff\x01\x01\x00\x01\x00"s);
  ConsumerGroupMemberMetadataValue again;
  ASSERT_TRUE(read_message(bytes, 0, again));
  EXPECT_FALSE(again.classic_member_metadata.has_value());
}

}  // namespace
}  // namespace milena
