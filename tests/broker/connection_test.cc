// Properties of every connection: the known requests, the order of the responses, the causes of closing.
#include "base/log.h"
#include "broker/api_registry.h"
#include "broker/clients/call.h"
#include "broker/node_fixture.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

BROKER_TESTS(ConnectionTest);

// A response larger than a frame's size field, of one repeated block.
class HugeCall : public CallBase {
 public:
  using CallBase::CallBase;
  void answer(int blocks) {
    const auto block = std::make_shared<const Bytes>(1 << 20, 'x');
    Writer writer;
    start_answer(writer);
    for (int i = 0; i < blocks; ++i) {
      Payload again;
      again.append(SharedBytes{block, *block});
      writer.write_raw(std::move(again));
    }
    finish_answer(std::move(writer));
  }
};

class CountingTransport : public Transport {
 public:
  void send(Payload answer) override { sent = answer.size(); }
  void send_nothing() override {}
  void pause(int64_t) override {}
  void close(std::string why) override { reason = std::move(why); }
  uint64_t sent = 0;
  std::string reason;
};

ApiVersionsRequest api_versions_request() {
  ApiVersionsRequest request;
  request.client_software_name = "test";
  request.client_software_version = "1.0";
  return request;
}

// Header version 1: key, version, correlation id, a null client id; then the test's body.
Bytes raw_request(int16_t key, int16_t version, int32_t correlation_id, ByteView body) {
  Bytes frame;
  append_big_endian(frame, key);
  append_big_endian(frame, version);
  append_big_endian(frame, correlation_id);
  append_big_endian<int16_t>(frame, -1);
  frame.append(body);
  return frame;
}

TEST_P(ConnectionTest, AnAnswerThatIsTooLargeForAFrameEndsTheConnection) {
  for (const int blocks : {2'047, 2'048}) {
    CountingTransport transport;
    auto connection = std::make_shared<ConnectionState>();
    connection->transport = &transport;
    HugeCall call(node().node().shard(0), connection, Frame{});
    call.set_header(*find_handler(static_cast<int16_t>(ApiKey::kOffsetFetch), false), 9, 1, "");
    call.answer(blocks);
    EXPECT_EQ(transport.sent > 0, blocks == 2'047) << transport.sent;
    EXPECT_EQ(transport.reason.substr(0, 25), blocks == 2'047 ? "" : "the answer to OffsetFetch");
  }
}

TEST_P(ConnectionTest, ALogAtDebugTellsWhoIsConnected) {
  const LogLevel before = log_level();
  set_log_level(LogLevel::kDebug);
  testing::internal::CaptureStdout();
  TestClient& other = node().connect(0);
  ApiVersionsRequest request;
  request.client_software_name = "some-client";
  request.client_software_version = "1.2";
  other.ask<ApiVersionsResponse>(request, 3);
  other.ask<MetadataResponse>(MetadataRequest{}, 9);
  other.ask<MetadataResponse>(MetadataRequest{}, 9);
  set_log_level(before);
  std::string lines = testing::internal::GetCapturedStdout();
  EXPECT_NE(lines.find("connected to PLAINTEXT"), std::string::npos) << lines;
  size_t introduced = lines.find("with some-client 1.2");
  EXPECT_NE(introduced, std::string::npos) << lines;
  EXPECT_EQ(lines.find("with some-client 1.2", introduced + 1), std::string::npos) << "once is enough: " << lines;
}

TEST_P(ConnectionTest, ApiVersionsNamesWhatIsRegisteredAndNothingElse) {
  for (int16_t version = 0; version <= 4; version++) {
    auto response = client().ask<ApiVersionsResponse>(api_versions_request(), version);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    std::vector<ApiEntry> expected = api_registry();  // telemetry is not offered without a subscription
    std::erase_if(expected, [](const ApiEntry& api) {
      return api.key == ApiKey::kGetTelemetrySubscriptions || api.key == ApiKey::kPushTelemetry ||
             !is_offered(api, false);
    });
    ASSERT_EQ(response.api_keys.size(), expected.size());
    for (size_t i = 0; i < expected.size(); i++) {
      EXPECT_EQ(response.api_keys[i].api_key, static_cast<int16_t>(expected[i].key));
      EXPECT_EQ(response.api_keys[i].min_version, expected[i].min_version);
      EXPECT_EQ(response.api_keys[i].max_version, expected[i].max_version);
    }
  }
}

TEST_P(ConnectionTest, ApiVersionsTellsFeaturesWithTheirLevels) {
  auto response = client().ask<ApiVersionsResponse>(api_versions_request(), 4);
  bool has_metadata_version = false;
  for (const auto& feature : response.finalized_features) {
    EXPECT_GT(feature.max_version_level, 0);
    has_metadata_version |= feature.name == "metadata.version";
  }
  EXPECT_TRUE(has_metadata_version);
  EXPECT_GE(response.finalized_features_epoch, 0);
  // Clients before version 4 treat a minimum level of 0 as an error.
  auto older = client().ask<ApiVersionsResponse>(api_versions_request(), 3);
  for (const auto& feature : older.supported_features) EXPECT_GT(feature.min_version, 0) << feature.name;
  EXPECT_LE(older.supported_features.size(), response.supported_features.size());
}

TEST_P(ConnectionTest, ApiVersionsOfTheFutureIsAnsweredInVersion0) {
  // The header of a future version has tagged fields: here none.
  client().start_raw(raw_request(18, 99, 1, Bytes("\x00\x02x\x02y\x00", 6)));
  auto response = client().take<ApiVersionsResponse>(0);
  EXPECT_EQ(response.error_code, ErrorCode::kUnsupportedVersion);
  // Enough to ask again.
  ASSERT_EQ(response.api_keys.size(), 1u);
  EXPECT_EQ(response.api_keys[0].api_key, 18);
  EXPECT_EQ(response.api_keys[0].max_version, 4);
  EXPECT_FALSE(client().closed());
}

TEST_P(ConnectionTest, ApiVersionsOfTheFutureWithoutTheTagsOfItsHeaderCloses) {
  client().start_raw(raw_request(18, 99, 1, ""));
  EXPECT_TRUE(client().closed());
}

TEST_P(ConnectionTest, ApiVersionsRefusesSoftwareNamesOfOtherCharacters) {
  ApiVersionsRequest request = api_versions_request();
  request.client_software_name = "a b";
  EXPECT_EQ(client().ask<ApiVersionsResponse>(request, 3).error_code, ErrorCode::kInvalidRequest);
  request.client_software_name = "-a";
  EXPECT_EQ(client().ask<ApiVersionsResponse>(request, 3).error_code, ErrorCode::kInvalidRequest);
}

TEST_P(ConnectionTest, UnknownKeyOrVersionCloses) {
  for (auto [key, version] : {std::pair<int16_t, int16_t>{999, 0}, {-1, 0}, {3, 99}, {3, -1}, {7, 0}}) {
    TestClient& fresh = node().connect();
    fresh.start_raw(raw_request(key, version, 1, ""));
    EXPECT_TRUE(fresh.closed()) << key << " " << version;
    EXPECT_FALSE(fresh.has_answer());
    EXPECT_FALSE(fresh.close_reason().empty());
  }
}

TEST_P(ConnectionTest, ABodyThatIsNoneCloses) {
  const std::vector<Bytes> garbage = {
      "",                                       // nothing at all
      Bytes("\x00", 1),                         // less than a header
      raw_request(3, 1, 1, ""),                 // a missing body
      raw_request(3, 1, 1, "\x7f\xff\xff\xff"),  // an array with a claimed two billion elements
      raw_request(0, 3, 1, "\xff\xff\x00\x01"),  // cut off within its fields
      raw_request(12, 0, 1, "\x7f\xff" "abc"),   // a string longer than the frame
  };
  for (const Bytes& frame : garbage) {
    TestClient& fresh = node().connect();
    fresh.start_raw(frame);
    EXPECT_TRUE(fresh.closed()) << frame.size();
    EXPECT_FALSE(fresh.has_answer());
  }
  // Other clients do not notice.
  EXPECT_EQ(client().ask<ApiVersionsResponse>(api_versions_request(), 3).error_code, ErrorCode::kNone);
}

TEST_P(ConnectionTest, RandomFramesNeverHarmTheNode) {
  uint64_t state = 42;
  auto next = [&state] { return state = state * 6364136223846793005ull + 1442695040888963407ull, state >> 33; };
  for (int round = 0; round < 300; round++) {
    const ApiEntry& api = api_registry()[next() % api_registry().size()];
    auto version = static_cast<int16_t>(api.min_version + next() % (api.max_version - api.min_version + 1));
    Bytes body;
    for (uint64_t left = next() % 64; left > 0; left--) body.push_back(static_cast<char>(next() % 4 == 0 ? next() : 0));
    TestClient& fresh = node().connect(round);
    fresh.start_raw(raw_request(static_cast<int16_t>(api.key), version, 1, body));
    // Time for any waits that it caused.
    if (!fresh.closed() && !fresh.has_answer()) node().advance(1000);
    fresh.disconnect();
  }
  EXPECT_EQ(client().ask<ApiVersionsResponse>(api_versions_request(), 3).error_code, ErrorCode::kNone);
}

TEST_P(ConnectionTest, AnswersKeepTheOrderOfTheRequests) {
  create_topic("t");
  // The first parks; the requests behind it wait for its response.
  client().queue(fetch_request("t", 0, 0, 500), kFetchVersion);
  client().queue(api_versions_request(), 3);
  client().queue(MetadataRequest{}, 9);
  client().run_now();
  EXPECT_FALSE(client().has_answer());
  node().advance(500);
  ASSERT_EQ(client().answer_count(), 3u);
  EXPECT_EQ(only_partition(client().take<FetchResponse>(kFetchVersion)).error_code, ErrorCode::kNone);
  EXPECT_EQ(client().take<ApiVersionsResponse>(3).error_code, ErrorCode::kNone);
  EXPECT_EQ(client().take<MetadataResponse>(9).brokers.size(), 1u);
}

TEST_P(ConnectionTest, PipelinedProducesReachTheLogInOrder) {
  create_topic("t");
  std::vector<Bytes> batches;
  for (int i = 0; i < 50; i++) batches.push_back(batch_of({std::to_string(i)}, 1));
  for (const Bytes& batch : batches) client().queue(produce_request("t", 0, batch, 9, 1), 9);
  client().run_now();
  for (int i = 0; i < 50; i++) EXPECT_EQ(only_partition(client().take<ProduceResponse>(9)).base_offset, i);
  std::vector<std::string> values = values_from("t", 0, 0);
  ASSERT_EQ(values.size(), 50u);
  for (int i = 0; i < 50; i++) EXPECT_EQ(values[static_cast<size_t>(i)], std::to_string(i));
}

TEST_P(ConnectionTest, AClientThatGoesAwayLeavesNothingBehind) {
  create_topic("t");
  TestClient& other = node().connect(1);
  other.start(fetch_request("t", 0, 0, 60'000), kFetchVersion);
  EXPECT_EQ(node().partition("t", 0).waiters().size(), 1u);
  other.disconnect();
  node().run();
  EXPECT_EQ(node().partition("t", 0).waiters().size(), 0u);
  produce("t", 0, {"a"});
  node().advance(60'000);
}

}  // namespace
}  // namespace milena::broker::broker_test
