// DescribeQuorum tells how far each broker is that follows the metadata log.
#include "broker/cluster_harness.h"
#include "broker/controller/quorum_observers.h"
#include "protocol/messages/describe_quorum.h"

namespace milena::broker_test {
namespace {

constexpr Uuid kDirectory{0, 7};

TEST(QuorumObservers, AreForgottenAfterASessionOfSilence) {
  QuorumObservers observers;
  observers.note_fetch(2, kDirectory, 10, 10, 1000);
  observers.note_fetch(3, kDirectory, 10, 10, 2000);
  EXPECT_EQ(observers.list(1000 + QuorumObservers::kSession_ms).size(), 2u);
  auto left = observers.list(1001 + QuorumObservers::kSession_ms);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, 3);
}

TEST(QuorumObservers, AreCaughtUpWithTheFetchThatReachesWhatTheLeaderHad) {
  QuorumObservers observers;
  observers.note_fetch(2, kDirectory, 5, 10, 1000);
  EXPECT_EQ(observers.list(1000)[0].last_caught_up_ms, -1);
  observers.note_fetch(2, kDirectory, 10, 12, 2000);  // all there was at 1000
  EXPECT_EQ(observers.list(2000)[0].last_caught_up_ms, 1000);
  observers.note_fetch(2, kDirectory, 12, 12, 3000);
  EXPECT_EQ(observers.list(3000)[0].last_caught_up_ms, 3000);
  EXPECT_EQ(observers.list(3000)[0].log_end_offset, 12);
}

TEST(QuorumObservers, AreBounded) {
  QuorumObservers observers;
  for (int32_t id = 0; id < 3000; id++) observers.note_fetch(id, kDirectory, 1, 1, id);
  auto left = observers.list(3000);
  ASSERT_EQ(left.size(), QuorumObservers::kMost);
  EXPECT_EQ(left.front().id, 2000);
}

TEST(QuorumObserversOfACluster, AreDescribedAtEachBroker) {
  ClusterHarness cluster(3);
  ASSERT_NO_FATAL_FAILURE(cluster.start_all());
  // Each has a fetch waiting behind the last record.
  cluster.advance(1000);
  for (int node = 1; node <= 3; node++) {
    DescribeQuorumRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic_name = "__cluster_metadata";
    topic.partitions.push_back({0});
    TestClient& client = cluster.node(node).connect();
    client.start(request, 2);
    ASSERT_TRUE(cluster.until([&] { return client.has_answer(); }));
    auto response = client.take<DescribeQuorumResponse>(2);
    const auto& partition = response.topics.at(0).partitions.at(0);
    ASSERT_EQ(partition.observers.size(), 2u) << "asked at " << node;
    for (size_t i = 0; i < 2; i++) {
      const auto& observer = partition.observers[i];
      EXPECT_EQ(observer.replica_id, static_cast<int32_t>(i) + 2);
      EXPECT_EQ(observer.log_end_offset, partition.current_voters.at(0).log_end_offset);
      EXPECT_NE(observer.replica_directory_id, Uuid());
      EXPECT_GT(observer.last_fetch_timestamp, 0);
      EXPECT_EQ(observer.last_caught_up_timestamp, observer.last_fetch_timestamp);
    }
  }
}

}  // namespace
}  // namespace milena::broker_test
