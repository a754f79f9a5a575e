// DescribeQuorum returns the progress of each broker that follows the metadata log.
#include "broker/cluster_harness.h"
#include "broker/controller/observers_of_metadata.h"
#include "protocol/messages/describe_quorum.h"

namespace milena::broker::broker_test {
namespace {

constexpr Uuid kDirectory{0, 7};

constexpr int64_t kSession_ms = 300'000;

TEST(ObserversOfMetadata, AreForgottenAfterASessionOfSilence) {
  ObserversOfMetadata observers;
  observers.note_fetch(2, kDirectory, 10, 10, 1, 1000);
  observers.note_fetch(3, kDirectory, 10, 10, 1, 2000);
  EXPECT_EQ(observers.list(1000 + kSession_ms).size(), 2u);
  const auto left = observers.list(1001 + kSession_ms);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, 3);
}

TEST(ObserversOfMetadata, AreCaughtUpWithTheFetchThatReachesWhatTheLeaderHad) {
  ObserversOfMetadata observers;
  observers.note_fetch(2, kDirectory, 5, 10, 1000, 1);
  EXPECT_EQ(observers.list(1)[0].caught_up_ms, -1);
  observers.note_fetch(2, kDirectory, 10, 12, 2000, 2);  // everything as of 1000
  EXPECT_EQ(observers.list(2)[0].caught_up_ms, 1000);
  observers.note_fetch(2, kDirectory, 12, 12, 3000, 3);
  EXPECT_EQ(observers.list(3)[0].caught_up_ms, 3000);
  EXPECT_EQ(observers.list(3)[0].log_end_offset, 12);
}

TEST(ObserversOfMetadata, AreBounded) {
  ObserversOfMetadata observers;
  for (int32_t id = 0; id < 3000; id++) observers.note_fetch(id, kDirectory, 1, 1, id, id);
  EXPECT_EQ(observers.list(3000).size(), 1000u);
}

TEST(ObserversOfMetadataInACluster, AreDescribedAtEachBroker) {
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
}  // namespace milena::broker::broker_test
