// Client telemetry (KIP-714): subscriptions, the times of pushes, what is pushed.
#include "broker/node_fixture.h"
#include "protocol/compression/compression.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/get_telemetry_subscriptions.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/push_telemetry.h"

namespace milena::broker::broker_test {
namespace {

constexpr int8_t kSubscriptionType = 16;

Bytes proto(int number, ByteView inside) {
  Bytes bytes(1, static_cast<char>(number << 3 | 2));
  for (size_t size = inside.size();; size >>= 7) {
    bytes.push_back(static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0)));
    if (size <= 0x7f) break;
  }
  return bytes.append(inside);
}

// One gauge or sum with one integer.
Bytes metric(ByteView name, int64_t value, int kind = 5) {
  Bytes number(1, static_cast<char>(6 << 3 | 1));
  number.append(reinterpret_cast<const char*>(&value), sizeof value);
  return proto(1, name) + proto(kind, proto(1, number));
}
Bytes metrics_data(const std::vector<Bytes>& metrics) {
  Bytes scope;
  for (const Bytes& each : metrics) scope += proto(2, each);
  return proto(1, proto(2, scope));
}

class TelemetryTest : public NodeFixture {
 protected:
  void subscribe(ByteView name, const std::vector<std::pair<ByteView, ByteView>>& configs) {
    IncrementalAlterConfigsRequest request;
    auto& altered = request.resources.emplace_back();
    altered.resource_type = kSubscriptionType;
    altered.resource_name = name;
    for (const auto& [key, value] : configs) altered.configs.push_back({key, 0, value});
    auto response = client().ask<IncrementalAlterConfigsResponse>(request, 1);
    ASSERT_EQ(response.responses.at(0).error_code, ErrorCode::kNone)
        << response.responses.at(0).error_message.value_or("");
  }
  GetTelemetrySubscriptionsResponse get(const Uuid& id = {}) {
    GetTelemetrySubscriptionsRequest request;
    request.client_instance_id = id;
    return client().ask<GetTelemetrySubscriptionsResponse>(request, 0);
  }
  ErrorCode push(const Uuid& id, int32_t subscription, std::optional<ByteView> metrics, Codec codec = Codec::kNone,
                 bool terminating = false) {
    PushTelemetryRequest request;
    request.client_instance_id = id;
    request.subscription_id = subscription;
    request.terminating = terminating;
    request.compression_type = static_cast<int8_t>(codec);
    request.metrics = metrics;
    return client().ask<PushTelemetryResponse>(request, 0).error_code;
  }
  TelemetryCounts counts() {
    TelemetryCounts all;
    for (size_t i = 0; i < node().node().shard_count(); i++) {
      const TelemetryCounts& some = node().node().shard(i).telemetry().counts();
      all.pushes += some.pushes;
      all.metrics += some.metrics;
      all.points += some.points;
      all.errors += some.errors;
      all.throttled += some.throttled;
    }
    return all;
  }
  std::map<Bytes, double> values(const Uuid& id) {
    for (size_t i = 0; i < node().node().shard_count(); i++) {
      if (const auto* found = node().node().shard(i).telemetry().values(id)) return *found;
    }
    return {};
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, TelemetryTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(TelemetryTest, NobodyIsSubscribedAtFirst) {
  auto answer = get();
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_FALSE(answer.client_instance_id.is_zero());
  EXPECT_EQ(answer.push_interval_ms, 300'000);
  EXPECT_EQ(answer.telemetry_max_bytes, 1'048'576);
  EXPECT_TRUE(answer.delta_temporality);
  EXPECT_TRUE(answer.requested_metrics.empty());
  EXPECT_EQ(answer.accepted_compression_types, (std::vector<int8_t>{4, 3, 1, 2}));
}

// Otherwise every librdkafka client asks in vain, and prints that its instance id has changed.
TEST_P(TelemetryTest, IsOfferedWhileThereIsASubscription) {
  auto offered = [&](int16_t key) {
    ApiVersionsRequest request;
    request.client_software_name = request.client_software_version = "test";
    auto keys = client().ask<ApiVersionsResponse>(request, 4).api_keys;
    return std::any_of(keys.begin(), keys.end(), [key](const auto& api) { return api.api_key == key; });
  };
  EXPECT_FALSE(offered(71) || offered(72));
  subscribe("s", {{"metrics", "*"}});
  EXPECT_TRUE(offered(71) && offered(72));
  IncrementalAlterConfigsRequest request;
  auto& altered = request.resources.emplace_back();
  altered.resource_type = kSubscriptionType;
  altered.resource_name = "s";
  altered.configs.push_back({"metrics", 1, std::nullopt});
  client().ask<IncrementalAlterConfigsResponse>(request, 1);
  EXPECT_FALSE(offered(71) || offered(72));
}

TEST_P(TelemetryTest, SubscriptionsAreThoseThatMatch) {
  subscribe("mine", {{"metrics", "b.,a."}, {"interval.ms", "1000"}, {"match", "client_source_address=127\\..*"}});
  subscribe("others", {{"metrics", "z."}, {"match", "client_id=somebody else"}});
  auto answer = get();
  EXPECT_EQ(answer.requested_metrics, (std::vector<Bytes>{"a.", "b."}));
  EXPECT_EQ(answer.push_interval_ms, 1000);
  subscribe("all", {{"metrics", "*"}});
  auto anew = get(answer.client_instance_id);  // at once: the subscriptions have changed
  EXPECT_EQ(anew.error_code, ErrorCode::kNone);
  EXPECT_EQ(anew.requested_metrics, (std::vector<Bytes>{"*"}));
  EXPECT_NE(anew.subscription_id, answer.subscription_id);
}

TEST_P(TelemetryTest, PushesHaveTheirTime) {
  subscribe("s", {{"metrics", "*"}, {"interval.ms", "1000"}});
  node().advance(10'000);
  auto answer = get();
  const Uuid id = answer.client_instance_id;
  EXPECT_EQ(get(id).error_code, ErrorCode::kThrottlingQuotaExceeded);
  // The first push may come at any time.
  EXPECT_EQ(push(id, answer.subscription_id + 1, ""), ErrorCode::kUnknownSubscriptionId);
  EXPECT_EQ(get(id).error_code, ErrorCode::kNone);  // at once, to learn the right one
  EXPECT_EQ(push(id, answer.subscription_id, ""), ErrorCode::kThrottlingQuotaExceeded);
  node().advance(1000);
  EXPECT_EQ(push(id, answer.subscription_id, ""), ErrorCode::kNone);
  EXPECT_EQ(push(id, answer.subscription_id, "", Codec::kNone, true), ErrorCode::kNone);
  EXPECT_EQ(push(id, answer.subscription_id, ""), ErrorCode::kInvalidRequest);  // it announced its end
  EXPECT_EQ(push({}, answer.subscription_id, ""), ErrorCode::kInvalidRequest);
}

TEST_P(TelemetryTest, PushesOfEveryCodecAreRead) {
  subscribe("s", {{"metrics", "*"}, {"interval.ms", "100"}});
  node().advance(10'000);
  auto answer = get();
  const Bytes data = metrics_data({metric("a", 7), metric("b", -3, 7)});
  uint64_t pushes = 0;
  for (Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    node().advance(100);
    Bytes sent = codec == Codec::kNone ? data : compress(codec, default_level(codec), data);
    EXPECT_EQ(push(answer.client_instance_id, answer.subscription_id, sent, codec), ErrorCode::kNone)
        << codec_name(codec);
    pushes++;
  }
  EXPECT_EQ(counts().pushes, pushes);
  EXPECT_EQ(counts().points, 2 * pushes);
  EXPECT_EQ(values(answer.client_instance_id), (std::map<Bytes, double>{{"a", 7}, {"b", -3}}));
}

TEST_P(TelemetryTest, BadPushesAreRefused) {
  node().set("telemetry.max.bytes", "1000");
  restart();
  subscribe("s", {{"metrics", "*"}, {"interval.ms", "100"}});
  node().advance(10'000);
  auto answer = get();
  auto refused = [&](ByteView bytes, Codec codec) {
    node().advance(100);
    return push(answer.client_instance_id, answer.subscription_id, bytes, codec);
  };
  EXPECT_EQ(refused(Bytes(1001, 'x'), Codec::kNone), ErrorCode::kTelemetryTooLarge);
  EXPECT_EQ(refused(compress(Codec::kGzip, -1, Bytes(100'000, 'x')), Codec::kGzip), ErrorCode::kTelemetryTooLarge);
  EXPECT_EQ(refused("no metrics", Codec::kNone), ErrorCode::kInvalidRecord);
  EXPECT_EQ(refused("no zstd", Codec::kZstd), ErrorCode::kInvalidRecord);
  EXPECT_EQ(refused("x", static_cast<Codec>(9)), ErrorCode::kUnsupportedCompressionType);
  EXPECT_EQ(counts().metrics, 0u);
}

TEST_P(TelemetryTest, AnInstanceGoesWithItsConnection) {
  subscribe("s", {{"metrics", "*"}, {"interval.ms", "1000"}});
  node().advance(10'000);
  TestClient& other = node().connect(0);
  GetTelemetrySubscriptionsRequest request;
  auto answer = other.ask<GetTelemetrySubscriptionsResponse>(request, 0);
  request.client_instance_id = answer.client_instance_id;
  EXPECT_EQ(other.ask<GetTelemetrySubscriptionsResponse>(request, 0).error_code, ErrorCode::kThrottlingQuotaExceeded);
  other.disconnect();
  node().run();
  EXPECT_EQ(get(answer.client_instance_id).error_code, ErrorCode::kNone);
}

// librdkafka sends null if it has no metrics.
TEST_P(TelemetryTest, NullIsAPushOfNothing) {
  subscribe("all", {{"metrics", "*"}, {"interval.ms", "1000"}});
  const auto subscription = get();
  EXPECT_EQ(push(subscription.client_instance_id, subscription.subscription_id, std::nullopt), ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::broker::broker_test
