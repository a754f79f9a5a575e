// The node's HTTP service: sessions, health.
#include <fmt/core.h>

#include "broker/http_fixture.h"
#include "broker/operations/http_session.h"
#include "broker/replica/replica_manager.h"
#include "broker/storage/log_directories.h"

namespace milena::broker::broker_test {
namespace {

class HttpServiceTest : public HttpFixture {};
INSTANTIATE_TEST_SUITE_P(Shards, HttpServiceTest, testing::Values(1, 4), testing::PrintToStringParamName());

using testing::HasSubstr;
using testing::StartsWith;

TEST_P(HttpServiceTest, SaysThatItLivesAndIsReady) {
  EXPECT_THAT(get("/livez"), HasSubstr("\r\n\r\nalive\n"));
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get("/readyz"), HasSubstr("\"ready\": true"));
  EXPECT_THAT(get("/"), HasSubstr("/metrics"));
  EXPECT_THAT(get("/nothing"), StartsWith("HTTP/1.1 404 "));
}

TEST_P(HttpServiceTest, IsNotReadyWhileItStartsAndStops) {
  HttpService starting({&node().node().shard(0).executor()}, "1.2.3");
  HttpConnection connection(starting, 0);
  connection.get("/livez");
  EXPECT_THAT(connection.received, StartsWith("HTTP/1.1 200 "));
  connection.received.clear();
  connection.get("/readyz");
  EXPECT_THAT(connection.received, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(connection.received, HasSubstr("the broker is starting"));
  connection.received.clear();
  connection.get("/metrics");
  EXPECT_THAT(connection.received, StartsWith("HTTP/1.1 503 "));

  service_->stop();
  EXPECT_THAT(get("/readyz"), HasSubstr("the broker is stopping"));
}

TEST_P(HttpServiceTest, NamesWhatCannotBeUsed) {
  log::LogDirectory& directory = *node().partition("t", 0).directory();
  node().partition("t", 2).take_offline(make_error(ErrorKind::kDenied, "a file cannot be read"));
  node().run();
  const Bytes answer = get("/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("1 partitions cannot be used: t-2"));
  EXPECT_TRUE(directory.online());
  EXPECT_EQ(sample(get("/metrics"), "milena_partitions_offline"), "1");
}

class TwoDisksTest : public HttpFixture {
 protected:
  void SetUp() override {
    node().set("log.dirs", node().directory() + "/disk0," + node().directory() + "/disk1");
    HttpFixture::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, TwoDisksTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(TwoDisksTest, NamesAFailedDirectoryAndWhatWasInIt) {
  int32_t lost = 0;
  while (lost < 4 && !node().partition("t", lost).directory()->path().ends_with("disk1")) lost++;
  ASSERT_LT(lost, 4);
  node().node().shard(0).replicas().directory_failed(*node().partition("t", lost).directory());
  node().run();
  const Bytes answer = get("/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("disk1 has failed"));
  EXPECT_THAT(answer, HasSubstr("partitions cannot be used: "));
  EXPECT_THAT(answer, HasSubstr(fmt::format("t-{}", lost)));
  const Bytes page = get("/metrics");
  EXPECT_EQ(sample(page, "milena_directory_online{path=\"" + node().directory() + "/disk1\"}"), "0");
  EXPECT_NE(sample(page, "milena_partitions_without_leader"), "0");
}

TEST_P(HttpServiceTest, GoesOnWithAConnectionOrEndsIt) {
  HttpConnection connection(*service_, 0);
  connection.get("/livez");
  connection.get("/livez");
  EXPECT_FALSE(connection.closed);
  connection.received.clear();
  connection.get("/livez", "Connection: close\r\n");
  EXPECT_THAT(connection.received, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(connection.closed);
  EXPECT_EQ(connection.close_reason, "") << "nothing is wrong";
}

TEST_P(HttpServiceTest, AnswersHeadWithoutTheBody) {
  HttpConnection connection(*service_, 0);
  connection.request("HEAD /livez HTTP/1.1\r\n\r\n");
  EXPECT_THAT(connection.received, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(connection.received, testing::EndsWith("\r\n\r\n"));
}

TEST_P(HttpServiceTest, SaysWhyItRefuses) {
  HttpConnection connection(*service_, 0);
  connection.request("\x16\x03\x01 no HTTP");
  EXPECT_THAT(connection.received, StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(connection.closed);

  // A request that net/ cut off for being too large.
  HttpConnection large(*service_, 0);
  large.request("POST /livez HTTP/1.1\r\nContent-Length: 100000\r\n\r\nhalf of it");
  EXPECT_THAT(large.received, StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(large.closed);
}

TEST_P(HttpServiceTest, DoesNotWaitForEverForARequest) {
  HttpConnection connection(*service_, 0);
  node().advance(HttpSession::kPatience_ms - 1);
  EXPECT_FALSE(connection.closed);
  connection.get("/livez");
  node().advance(HttpSession::kPatience_ms - 1);
  EXPECT_FALSE(connection.closed) << "the time begins anew with each answer";
  node().advance(1);
  EXPECT_TRUE(connection.closed);
}

TEST_P(HttpServiceTest, AnAnswerMayComeWhenTheConnectionIsGone) {
  HttpConnection connection(*service_, node().shard_count() - 1);
  connection.get("/metrics");
  connection.disconnect();
  node().run();
  EXPECT_EQ(connection.received, "");
}

}  // namespace
}  // namespace milena::broker::broker_test
