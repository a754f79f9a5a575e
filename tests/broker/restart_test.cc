// Acknowledged records are there after a stop and after a kill; ids that were given out are not given out again.
#include <set>

#include "broker/node_fixture.h"
#include "metadata/replayer.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/init_producer_id.h"

namespace milena::broker::broker_test {
namespace {

class RestartTest : public NodeFixture {
 protected:
  int64_t new_producer_id(TestClient& from) {
    InitProducerIdRequest request;
    request.transactional_id.reset();
    auto response = from.ask<InitProducerIdResponse>(request, 4);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    return response.producer_id;
  }
  std::string cluster_id() {
    return client().ask<DescribeClusterResponse>(DescribeClusterRequest{}, 1).cluster_id;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, RestartTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(RestartTest, NoProducerIdRepeatsOverAHundredKills) {
  std::set<int64_t> seen;
  size_t given = 0;
  for (int round = 0; round <= 100; round++) {
    for (int i = 0; i < 3; i++, given++) seen.insert(new_producer_id(node().connect(i)));
    // Some are requested, but the node is killed before the response.
    TestClient& hasty = node().connect(round);
    InitProducerIdRequest request;
    request.transactional_id.reset();
    hasty.queue(request, 4);
    kill_and_start();
  }
  EXPECT_EQ(seen.size(), given);
  EXPECT_FALSE(seen.contains(-1));
}

TEST_P(RestartTest, ProducerIdsGoOnAcrossTheirBlocks) {
  std::set<int64_t> seen;
  for (int i = 0; i < 2500; i++) seen.insert(new_producer_id(client()));
  EXPECT_EQ(seen.size(), 2500u);
}

TEST_P(RestartTest, RecordsAndTopicsAreThereAgain) {
  std::string cluster = cluster_id();
  create_topic("t", 8, {{"retention.ms", "123456789"}});
  Uuid id = topic_id("t");
  for (int32_t p = 0; p < 8; p++) produce("t", p, {"a" + std::to_string(p), "b"});
  for (bool clean : {true, false, true, false, false}) {
    if (clean) {
      restart();
    } else {
      kill_and_start();
    }
    EXPECT_EQ(cluster_id(), cluster);
    EXPECT_EQ(topic_id("t"), id);
    for (int32_t p = 0; p < 8; p++) {
      std::vector<std::string> values = values_from("t", p, 0);
      ASSERT_GE(values.size(), 2u);
      EXPECT_EQ(values[0], "a" + std::to_string(p));
      EXPECT_EQ(fetch("t", p, 0).high_watermark, static_cast<int64_t>(values.size()));
      produce("t", p, {"more"});
      EXPECT_EQ(values_from("t", p, 0).size(), values.size() + 1);
    }
  }
}

TEST_P(RestartTest, AStopInOrderFencesTheBrokerInTheMetadataLog) {
  create_topic("t");
  produce("t", 0, {"a"});
  for (int round = 0; round < 2; round++) {
    client_gone();
    node().stop();
    Bytes log = posix_file_system()
                    .read_file(node().directory() + "/data/__cluster_metadata-0/00000000000000000000.log")
                    .take();
    metadata::MetadataRecords last;
    BatchIterator batches(log);
    while (batches.next()) {
      if (!batches.batch().header().is_control()) last = metadata::decode_metadata_batch(batches.batch()).take();
    }
    ASSERT_FALSE(last.empty());
    const auto* change = std::get_if<BrokerRegistrationChangeRecord>(&last.back());
    ASSERT_NE(change, nullptr);
    EXPECT_EQ(change->fenced, 1);
    start();
    EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"a"});
  }
}

TEST_P(RestartTest, ATornTailIsCutAndTheRestStays) {
  create_topic("t");
  produce("t", 0, {"a"});
  produce("t", 0, {"b"});
  node().kill();
  std::string log = node().directory() + "/data/t-0/00000000000000000000.log";
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 3);
  node().start();
  TestClient& fresh = node().connect();
  auto out = only_partition(fresh.ask<FetchResponse>(fetch_request("t", 0, 0), kFetchVersion));
  EXPECT_EQ(records_of(out.records).values, std::vector<std::string>{"a"});
  EXPECT_EQ(out.high_watermark, 1);
}

TEST_P(RestartTest, TheDirectoryIsFreeAgainAfterAKillAndNotBefore) {
  ManualClock clock;
  ManualExecutor executor(clock);
  config::Settings settings;
  ASSERT_TRUE(settings.set("log.dirs", node().directory() + "/data").ok());
  auto second = Node::start(settings, {&executor});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, testing::HasSubstr(node().directory() + "/data"));
  kill_and_start();
  create_topic("t");
}

TEST_P(RestartTest, AnotherNodesDirectoryIsRefused) {
  node().stop();
  node().set("node.id", "2");
  Status started = node().try_start();
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, testing::HasSubstr("node.id"));
}

TEST_P(RestartTest, SmallSegmentsOverManyKills) {
  create_topic("t", 1, {{"segment.bytes", "1048576"}});
  int64_t next = 0;
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 8; i++) {
      auto out = produce("t", 0, {std::string(60'000, 'x') + std::to_string(next)});
      ASSERT_EQ(out.error_code, ErrorCode::kNone);
      ASSERT_EQ(out.base_offset, next);
      next++;
    }
    kill_and_start();
  }
  int64_t at = 0;
  while (at < next) {
    ReadBack back = records_of(fetch("t", 0, at).records);
    ASSERT_FALSE(back.values.empty()) << at;
    for (size_t i = 0; i < back.values.size(); i++) {
      if (back.offsets[i] < at) continue;
      ASSERT_EQ(back.offsets[i], at);
      EXPECT_EQ(back.values[i], std::string(60'000, 'x') + std::to_string(at));
      at++;
    }
  }
}

}  // namespace
}  // namespace milena::broker::broker_test
