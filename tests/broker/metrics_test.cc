// /metrics of a node, in all names and both formats.
#include <fmt/core.h>

#include <set>
#include <sstream>

#include "base/file.h"
#include "broker/http_fixture.h"
#include "broker/operations/lag_clock.h"
#include "broker/operations/metric_table.h"
#include "broker/sasl_client.h"
#include "protocol/messages/delete_topics.h"

namespace milena::broker::broker_test {
namespace {

class MetricsTest : public HttpFixture {
 protected:
  void commit(ByteView group, int32_t partition, int64_t offset) {
    OffsetCommitRequest request;
    request.group_id = group;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    OffsetCommitRequest::OffsetCommitRequestPartition committed;
    committed.partition_index = partition;
    committed.committed_offset = offset;
    topic.partitions.push_back(committed);
    const auto response = client().ask<OffsetCommitResponse>(request, 7);
    ASSERT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, MetricsTest, testing::Values(1, 4), testing::PrintToStringParamName());

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_P(MetricsTest, CountsWhatClientsWriteAndRead) {
  ASSERT_EQ(produce("t", 1, {"a", "b", "c"}).error_code, ErrorCode::kNone);
  ASSERT_EQ(produce("t", 2, {"d"}).error_code, ErrorCode::kNone);
  ASSERT_EQ(values_from("t", 1, 0).size(), 3u);
  const Bytes page = get("/metrics");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(page, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_EQ(sample(page, "milena_topic_records_in_total{topic=\"t\"}"), "4");
  EXPECT_EQ(sample(page, "milena_records_in_total"), "4");
  EXPECT_EQ(sample(page, "milena_topic_produce_requests_total{topic=\"t\"}"), "2");
  EXPECT_EQ(sample(page, "milena_topic_produce_failures_total{topic=\"t\"}"), "0");
  EXPECT_EQ(sample(page, "milena_requests_total{api=\"Produce\",version=\"9\"}"), "2");
  EXPECT_EQ(sample(page, "milena_request_errors_total{api=\"Produce\",error=\"NONE\"}"), "2");
  EXPECT_EQ(sample(page, "milena_partition_log_end_offset{topic=\"t\",partition=\"1\"}"), "3");
  EXPECT_EQ(sample(page, "milena_partition_high_watermark{topic=\"t\",partition=\"2\"}"), "1");
  const Bytes batch = batch_of({"a", "b", "c"}, node().clock().wall_ms());
  EXPECT_EQ(sample(page, "milena_topic_bytes_out_total{topic=\"t\"}"), fmt::format("{}", batch.size()));
  EXPECT_EQ(sample(page, "milena_partition_size_bytes{topic=\"t\",partition=\"1\"}"), fmt::format("{}", batch.size()));
}

TEST_P(MetricsTest, CountsErrorsByTheirNames) {
  EXPECT_EQ(produce_batch("t", 77, batch_of({"x"}, 1)).error_code, ErrorCode::kUnknownTopicOrPartition);
  Bytes damaged = batch_of({"x"}, 1);
  damaged.back() ^= 1;
  EXPECT_EQ(produce_batch("t", 0, damaged).error_code, ErrorCode::kCorruptMessage);
  const Bytes page = get("/metrics");
  EXPECT_EQ(sample(page, "milena_request_errors_total{api=\"Produce\",error=\"UNKNOWN_TOPIC_OR_PARTITION\"}"), "1");
  EXPECT_EQ(sample(page, "milena_request_errors_total{api=\"Produce\",error=\"CORRUPT_MESSAGE\"}"), "1");
  EXPECT_EQ(sample(page, "milena_topic_produce_failures_total{topic=\"t\"}"), "1");
  EXPECT_EQ(sample(page, "milena_topic_records_in_total{topic=\"t\"}"), "0");
}

TEST_P(MetricsTest, ARepeatedBatchIsNotCountedAgain) {
  const Bytes batch = sequenced_batch({"a"}, node().clock().wall_ms(), 5, 0, 0);
  ASSERT_EQ(produce_batch("t", 0, batch).error_code, ErrorCode::kNone);
  ASSERT_EQ(produce_batch("t", 0, batch).error_code, ErrorCode::kNone);
  EXPECT_EQ(sample(get("/metrics"), "milena_topic_records_in_total{topic=\"t\"}"), "1");
}

TEST_P(MetricsTest, TellsHowFarGroupsAre) {
  ASSERT_EQ(produce("t", 1, {"a", "b", "c"}).error_code, ErrorCode::kNone);
  commit("g", 1, 1);
  const std::string labels = "{group=\"g\",topic=\"t\",partition=\"1\"}";
  const Bytes page = get("/metrics?names=milena,exporter");
  EXPECT_EQ(sample(page, "milena_group_committed_offset" + labels), "1");
  EXPECT_EQ(sample(page, "milena_group_lag" + labels), "2");
  EXPECT_EQ(sample(page, "milena_group_lag_read_committed" + labels), "2");
  EXPECT_EQ(sample(page, "milena_group_lag_seconds" + labels), "") << "the first scrape cannot know";
  EXPECT_EQ(sample(page, "milena_group_members{group=\"g\"}"), "0");
  EXPECT_EQ(sample(page, "kafka_consumergroup_lag{consumergroup=\"g\",partition=\"1\",topic=\"t\"}"), "2");
  EXPECT_EQ(sample(page, "kafka_consumergroup_lag_sum{consumergroup=\"g\",topic=\"t\"}"), "2");
  EXPECT_EQ(sample(page, "kafka_topic_partition_current_offset{topic=\"t\",partition=\"1\"}"), "3");

  node().advance(10'000);
  EXPECT_EQ(sample(get("/metrics"), "milena_group_lag_seconds" + labels), "10");
  commit("g", 1, 3);
  EXPECT_EQ(sample(get("/metrics"), "milena_group_lag_seconds" + labels), "0");
  EXPECT_EQ(sample(get("/metrics"), "milena_group_lag" + labels), "0");
}

TEST_P(MetricsTest, ADeletedTopicIsGoneButWhatWasWrittenToItStaysCounted) {
  ASSERT_EQ(produce("t", 0, {"a", "b"}).error_code, ErrorCode::kNone);
  DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topic_names = {"t"};
  ASSERT_EQ(client().ask<DeleteTopicsResponse>(request, 5).responses.at(0).error_code, ErrorCode::kNone);
  const Bytes page = get("/metrics");
  EXPECT_THAT(page, Not(HasSubstr("topic=\"t\"")));
  EXPECT_EQ(sample(page, "milena_records_in_total"), "2");
}

TEST_P(MetricsTest, LogsThatNobodyUsedSinceTheStartAreKnownFromTheCheckpoints) {
  ASSERT_EQ(produce("t", 1, {"a", "b", "c"}).error_code, ErrorCode::kNone);
  service_.reset();
  restart();
  begin_service();
  const Bytes page = get("/metrics");
  EXPECT_EQ(sample(page, "milena_partition_log_end_offset{topic=\"t\",partition=\"1\"}"), "3");
  EXPECT_EQ(sample(page, "milena_partition_high_watermark{topic=\"t\",partition=\"1\"}"), "3");
  EXPECT_EQ(node().partition("t", 1).log_if_open(), nullptr) << "a scrape opens no log";
}

TEST_P(MetricsTest, FiguresOfPartitionsAndGroupsAreLimited) {
  commit("g", 0, 0);
  service_.reset();
  client_gone();
  node().stop();
  node().set("milena.metrics.partitions.max", "2");
  node().set("milena.metrics.groups.max", "0");
  start();
  begin_service();
  const Bytes page = get("/metrics");
  EXPECT_THAT(page, Not(HasSubstr("milena_group_lag{")));
  EXPECT_EQ(sample(page, "milena_groups_left_out"), "1");
  size_t shown = 0;
  for (size_t at = 0; (at = page.find("\nmilena_partition_log_end_offset{", at)) != Bytes::npos; at++) shown++;
  EXPECT_EQ(shown, 2u);
}

TEST_P(MetricsTest, ScrapesThatComeTogetherAreAllAnswered) {
  std::vector<std::unique_ptr<HttpConnection>> connections;
  for (int i = 0; i < 9; i++) {
    connections.push_back(std::make_unique<HttpConnection>(*service_, i % node().shard_count()));
    connections.back()->get(i % 2 == 0 ? "/metrics" : "/public_metrics");
  }
  node().run();
  for (int i = 0; i < 9; i++) {
    EXPECT_THAT(connections[static_cast<size_t>(i)]->received,
                HasSubstr(i % 2 == 0 ? "milena_topics" : "redpanda_cluster_topics"));
  }
}

TEST_P(MetricsTest, UnknownNamesAreRefused) {
  EXPECT_THAT(get("/metrics?names=milena,zabbix"), StartsWith("HTTP/1.1 400 "));
}

class AuthenticationMetricsTest : public MetricsTest {
 protected:
  void SetUp() override {
    node().set("listeners", "PLAINTEXT://:9092,SASL_PLAINTEXT://:9094");
    node().set("sasl.enabled.mechanisms", "PLAIN");
    node().set("listener.name.sasl_plaintext.plain.sasl.jaas.config",
               "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"a\" user_bob=\"b\";");
    node().set("connections.max.reauth.ms", "5000");
    MetricsTest::SetUp();
  }
  TestClient& connect() { return node().connect(0, "SASL_PLAINTEXT", security::SecurityProtocol::kSaslPlaintext); }
};
INSTANTIATE_TEST_SUITE_P(Shards, AuthenticationMetricsTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(AuthenticationMetricsTest, CountsWhoShowsWhoItIsAndWhoDoesNot) {
  TestClient& alice = connect();
  log_in_plain(alice, "alice", "a");
  log_in_plain(connect(), "bob", "b");
  TestClient& wrong = connect();
  shake_hands(wrong, "PLAIN");
  send_token(wrong, plain_token("alice", "x"));
  connect().start(SaslHandshakeRequest{"GSSAPI"}, 1);
  // A request that is no SASL is no failed authentication.
  connect().start_raw("GET / HTTP/1.1");
  node().advance(2000);
  log_in_plain(alice, "alice", "a");
  node().advance(2000);
  shake_hands(alice, "PLAIN");
  send_token(alice, plain_token("bob", "b"));
  TestClient& late = connect();
  log_in_plain(late, "alice", "a");
  node().advance(5001);
  late.start_raw(std::string("\0\x03\0\x09\0\0\0\0\0\0", 10));
  EXPECT_TRUE(late.closed());

  const Bytes page = get("/metrics?names=milena,jmx");
  const std::string kafkas = "kafka_server_socket_server_metrics_", on = "{listener=\"SASL_PLAINTEXT\"}";
  for (const auto& [name, success, failure] :
       {std::tuple("authentication", "3", "2"), std::tuple("reauthentication", "1", "1")}) {
    const std::string ours = fmt::format("milena_{}s_total{{listener=\"SASL_PLAINTEXT\",result=", name);
    EXPECT_EQ(sample(page, ours + "\"success\"}"), success);
    EXPECT_EQ(sample(page, ours + "\"failure\"}"), failure);
    EXPECT_EQ(sample(page, kafkas + "successful_" + name + "_total" + on), success);
    EXPECT_EQ(sample(page, kafkas + "failed_" + name + "_total" + on), failure);
  }
  EXPECT_EQ(sample(page, "milena_sessions_expired_total" + on), "1");
  EXPECT_EQ(sample(page, kafkas + "expired_connections_killed_count" + on), "1");
  EXPECT_EQ(sample(page, "milena_authentications_total{listener=\"PLAINTEXT\",result=\"success\"}"), "0");
}

// A series twice, or a metric's lines apart from each other, would make a scraper throw the page away.
TEST_P(MetricsTest, EveryPageIsWellFormed) {
  ASSERT_EQ(produce("t", 1, {"a"}).error_code, ErrorCode::kNone);
  ASSERT_EQ(values_from("t", 1, 0).size(), 1u);
  commit("g", 1, 0);
  commit(ByteView("\xff\"\n", 3), 1, 0);
  for (const auto& [names, accept] :
       {std::pair("milena,jmx,jmx-bare,exporter,redpanda", ""),
        std::pair("milena,jmx,exporter,redpanda", "Accept: application/openmetrics-text\r\n")}) {
    const Bytes page = get(fmt::format("/metrics?names={}", names), accept);
    std::set<std::string> families, series;
    std::istringstream lines(page.substr(page.find("\r\n\r\n") + 4));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# TYPE ")) {
        EXPECT_TRUE(families.insert(line.substr(7, line.find(' ', 7) - 7)).second) << line;
      }
      if (line.starts_with("#")) continue;
      const size_t end = line.rfind(' ');
      ASSERT_NE(end, std::string::npos) << line;
      EXPECT_TRUE(series.insert(line.substr(0, end)).second) << line;
    }
    EXPECT_GT(series.size(), 300u);
    EXPECT_EQ(page.ends_with("# EOF\n"), *accept != '\0');
  }
}

// A partition may lose its leader between two slices of a collection.
TEST(NodeFigures, WhatWasSeenTwiceIsToldOnce) {
  NodeFigures figures;
  figures.partitions.push_back({.name = {"t", 1}, .leader = 1});
  figures.partitions.push_back({.name = {"t", 0}});
  figures.partitions.push_back({.name = {"t", 1}, .offline = true});
  figures.complete();
  ASSERT_EQ(figures.partitions.size(), 2u);
  EXPECT_EQ(figures.partitions[1].name, (TopicPartition{"t", 1}));
  EXPECT_EQ(figures.partitions[1].leader, 1);
}

TEST(MetricTable, NamesAreValidAndUnique) {
  std::set<std::string> names;
  for (const MetricSet& set : metric_sets()) {
    for (const MetricRow& row : set.rows()) {
      const std::string name = row.name.name;
      EXPECT_TRUE(names.insert(name).second) << name;
      EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << name;
      EXPECT_EQ(row.name.type == http::MetricType::kCounter,
                name.ends_with("_total") && row.name.type != http::MetricType::kGauge)
          << name;
    }
  }
}

TEST(MetricTable, ThePageInDocsIsTheOneOfTheTable) {
  auto page = posix_file_system().read_file(MILENA_GOLDEN_DIR "/../../docs/metrics.md");
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_TRUE(*page == metric_reference()) << "write it anew: milena --metric-reference >docs/metrics.md";
}

const TopicPartition kPartition{"t", 0};

TEST(LagClock, EstimatesBetweenTheMomentsThatItHasSeen) {
  LagClock clock;
  clock.begin_round();
  clock.note(kPartition, 100, 10'000);
  EXPECT_EQ(clock.seconds_behind(kPartition, 100, 10'000), 0.0);
  EXPECT_EQ(clock.seconds_behind(kPartition, 50, 10'000), std::nullopt);
  clock.begin_round();
  clock.note(kPartition, 200, 20'000);
  EXPECT_EQ(clock.seconds_behind(kPartition, 150, 21'000), 6.0);
  EXPECT_EQ(clock.seconds_behind(kPartition, 100, 21'000), 11.0);
  EXPECT_EQ(clock.seconds_behind(kPartition, 50, 21'000), 11.0) << "at least so long";
  EXPECT_EQ(clock.seconds_behind(kPartition, 200, 21'000), 0.0);
  EXPECT_EQ(clock.seconds_behind({"other", 0}, 0, 21'000), std::nullopt);
}

TEST(LagClock, KeepsWhatItNeedsAndNoMore) {
  LagClock clock;
  for (int64_t i = 0; i < 10'000; i++) {
    clock.begin_round();
    clock.note(kPartition, i, i * 1000);
  }
  // The first times are forgotten last.
  EXPECT_NEAR(*clock.seconds_behind(kPartition, 100, 9'999'000), 9899, 1);
  clock.begin_round();
  clock.begin_round();
  EXPECT_EQ(clock.size(), 0u) << "of a partition that is named no more nothing is kept";
}

TEST(LagClock, BeginsAnewWhenTheLogIsCut) {
  LagClock clock;
  clock.begin_round();
  clock.note(kPartition, 100, 10'000);
  clock.note(kPartition, 10, 20'000);
  EXPECT_EQ(clock.seconds_behind(kPartition, 5, 20'000), std::nullopt);
}

}  // namespace
}  // namespace milena::broker::broker_test
