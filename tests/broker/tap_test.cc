// /tap for the requests of one client.
#include "broker/operations/tap.h"

#include <nlohmann/json.hpp>

#include "broker/http_fixture.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Tap, WritesALineForEachRequest) {
  const Writer::Errors errors = {{ErrorCode::kNotLeaderOrFollower, 2}};
  TappedRequest request{.time_ms = 3'723'004, .client_id = "\x1b[2J\xff", .peer = "10.0.0.5:1", .api = "Fetch",
                        .version = 12, .bytes = 100, .answer_bytes = 200, .errors = &errors, .duration_ns = 1'234'567};
  EXPECT_EQ(tapped_text(request),
            "01:02:03.004  10.0.0.5:1  Fetch v12  100 -> 200 bytes  1.234 ms  NOT_LEADER_OR_FOLLOWER x2\n");
  request.refusal = "it is\nold";
  EXPECT_THAT(tapped_text(request), HasSubstr("refused: it is\\nold\n"));
  const Bytes json = tapped_json(request);
  EXPECT_THAT(json, testing::EndsWith("}\n"));
  EXPECT_TRUE(nlohmann::json::accept(json)) << json;
  EXPECT_THAT(json, Not(HasSubstr("\x1b")));
}

// Of all clients, as those that read /tap see one.
TEST(Tap, TheLogHasRequestsAtTrace) {
  const LogLevel before = log_level();
  auto noted_at = [](LogLevel level) {
    Taps taps;
    set_log_level(level);
    testing::internal::CaptureStdout();
    if (taps.any()) taps.note({.peer = "10.0.0.5:1", .api = "Fetch", .version = 12, .refusal = "old"});
    return testing::internal::GetCapturedStdout();
  };
  const std::string traced = noted_at(LogLevel::kTrace), debugged = noted_at(LogLevel::kDebug);
  set_log_level(before);
  EXPECT_THAT(traced, HasSubstr("TRACE"));
  EXPECT_THAT(traced, HasSubstr("10.0.0.5:1  Fetch v12  0 -> "));
  EXPECT_THAT(traced, testing::EndsWith("  refused: old\n"));
  EXPECT_EQ(debugged, "");
}

class TapTest : public HttpFixture {
 protected:
  // The usual client id of the tests' connections.
  static constexpr char kTarget[] = "/tap?client-id=test&format=json";

  size_t taps() {
    size_t all = 0;
    for (size_t i = 0; i < node().node().shard_count(); i++) all += node().node().shard(i).taps().size();
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, TapTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(TapTest, TellsOfTheRequestsOfOneClientUntilTheReaderGoes) {
  HttpConnection reader(*service_, 0);
  reader.get(kTarget);
  HttpConnection other(*service_, 0);
  other.get("/tap?client-id=somebody-else");
  node().run();
  EXPECT_THAT(reader.received, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reader.received, HasSubstr("Transfer-Encoding: chunked\r\n"));
  reader.received.clear();
  client().ask<MetadataResponse>(MetadataRequest(), 9);
  node().run();
  EXPECT_THAT(reader.received, HasSubstr("\"api\":\"Metadata\",\"version\":9"));
  EXPECT_THAT(other.received, Not(HasSubstr("Metadata")));
  reader.disconnect();
  other.disconnect();
  node().run();
  EXPECT_EQ(taps(), 0u);
  client().ask<MetadataResponse>(MetadataRequest(), 9);
}

TEST_P(TapTest, EndsAfterSoManyRequests) {
  HttpConnection reader(*service_, 0);
  reader.get(std::string(kTarget) + "&count=2");
  node().run();
  for (int i = 0; i < 3; i++) client().ask<MetadataResponse>(MetadataRequest(), 9);
  node().run();
  EXPECT_THAT(reader.received, testing::EndsWith("0\r\n\r\n"));
  EXPECT_TRUE(reader.closed);
  EXPECT_EQ(taps(), 0u);
}

TEST_P(TapTest, WhatASlowReaderDoesNotTakeIsLeftOutAndCounted) {
  HttpConnection reader(*service_, 0);
  reader.get(kTarget);
  node().run();
  reader.unsent = 1 << 20;
  for (int i = 0; i < 3; i++) client().ask<MetadataResponse>(MetadataRequest(), 9);
  node().run();
  EXPECT_THAT(reader.received, Not(HasSubstr("Metadata")));
  reader.unsent = 0;
  client().ask<MetadataResponse>(MetadataRequest(), 9);
  node().run();
  EXPECT_THAT(reader.received, HasSubstr("{\"left_out\":3}\n{\"time\""));
}

TEST_P(TapTest, RefusesWhatItCannotDo) {
  EXPECT_THAT(get("/tap"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(get("/tap?client-id=a&count=0"), StartsWith("HTTP/1.1 400 "));
  std::vector<std::unique_ptr<HttpConnection>> readers;
  for (size_t i = 0; i <= Taps::kMax; i++) {
    readers.push_back(std::make_unique<HttpConnection>(*service_, 0));
    readers.back()->get(kTarget);
    node().run();
  }
  EXPECT_THAT(readers.back()->received, StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(taps(), Taps::kMax * node().node().shard_count());
}

}  // namespace
}  // namespace milena::broker::broker_test
