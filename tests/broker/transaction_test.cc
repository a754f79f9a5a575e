// Transactions end to end in one node: from the producer's first request to consumers and groups.
#include <filesystem>

#include "broker/transaction_fixture.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/write_txn_markers.h"

namespace milena::broker::broker_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TransactionTest : public TransactionFixture {
 protected:
  // One marker, without partitions yet.
  static WriteTxnMarkersRequest marker_of(const Producer& producer, bool committed) {
    WriteTxnMarkersRequest request;
    auto& marker = request.markers.emplace_back();
    marker.producer_id = producer.producer_id;
    marker.producer_epoch = producer.epoch;
    marker.transaction_result = committed;
    return request;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, TransactionTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(TransactionTest, TheCoordinatorIsFoundAndItsTopicMade) {
  auto coordinator = find_transaction_coordinator("some id");
  EXPECT_EQ(coordinator.error_code, ErrorCode::kNone);
  EXPECT_EQ(coordinator.node_id, 1);
  ASSERT_NE(node().topic("__transaction_state"), nullptr);
  EXPECT_EQ(node().topic("__transaction_state")->partition_count(), 5);
}

TEST_P(TransactionTest, ACommittedTransactionBecomesVisibleWhole) {
  Producer producer = new_producer("tx");
  EXPECT_EQ(write(producer, "t", 0, {"a", "b"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(write(producer, "t", 1, {"c"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(write(producer, "t", 0, {"d"}).error_code, ErrorCode::kNone);
  EXPECT_THAT(committed_values("t", 0), IsEmpty());
  EXPECT_EQ(describe("tx").transaction_state, "Ongoing");
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_THAT(committed_values("t", 0), ElementsAre("a", "b", "d"));
  EXPECT_THAT(committed_values("t", 1), ElementsAre("c"));
  EXPECT_EQ(describe("tx").transaction_state, "CompleteCommit");
}

// After its wait for a sync the coordinator appends to its own log at once.
TEST_P(TransactionTest, TransactionsEndWhereEachRecordIsSyncedFirst) {
  node().set("log.flush.interval.messages", "1");
  restart();
  Producer producer = new_producer("tx");
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(write(producer, "t", 0, {"a"}).error_code, ErrorCode::kNone);
    EXPECT_EQ(end(producer, i != 1).error_code, ErrorCode::kNone);
  }
  EXPECT_THAT(committed_values("t", 0), ElementsAre("a", "a"));
  EXPECT_EQ(describe("tx").transaction_state, "CompleteCommit");
}

TEST_P(TransactionTest, AnAbortedTransactionIsNeverSeen) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"gone"});
  EXPECT_EQ(end(producer, false).error_code, ErrorCode::kNone);
  write(producer, "t", 0, {"kept"});
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_THAT(committed_values("t", 0), ElementsAre("kept"));
}

// Records are not returned if it is unknown whether they were aborted.
TEST_P(TransactionTest, WithoutTheIndexOfAbortedTransactionsNothingIsRead) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"gone"});
  EXPECT_EQ(end(producer, false).error_code, ErrorCode::kNone);
  produce("t", 0, {"kept"});
  restart();
  EXPECT_EQ(only_partition(client().ask<FetchResponse>(fetch_request("t", 0, 0), kFetchVersion)).error_code,
            ErrorCode::kNone);
  ASSERT_TRUE(std::filesystem::remove(node().directory() + "/data/t-0/00000000000000000000.txnindex"));
  FetchRequest request = fetch_request("t", 0, 0);
  request.isolation_level = 1;
  const auto out = only_partition(client().ask<FetchResponse>(request, kFetchVersion));
  EXPECT_EQ(out.error_code, ErrorCode::kKafkaStorageError);
  EXPECT_FALSE(out.records && out.records->size() > 0);
}

TEST_P(TransactionTest, TheFirstProtocolAddsPartitionsItself) {
  Producer producer = new_producer("tx");
  // Written without having been added: refused, and nothing is in the log.
  EXPECT_EQ(write(producer, "t", 0, {"early"}, kOldProduce).error_code, ErrorCode::kInvalidTxnState);
  producer.sequences.clear();
  EXPECT_EQ(add_partition(producer, "t", 0), ErrorCode::kNone);
  EXPECT_EQ(write(producer, "t", 0, {"a"}, kOldProduce).error_code, ErrorCode::kNone);
  EXPECT_EQ(end(producer, true, 3).error_code, ErrorCode::kNone);
  EXPECT_THAT(committed_values("t", 0), ElementsAre("a"));
  // The epoch stays, and the sequence goes on.
  EXPECT_EQ(add_partition(producer, "t", 0), ErrorCode::kNone);
  EXPECT_EQ(write(producer, "t", 0, {"b"}, kOldProduce).error_code, ErrorCode::kNone);
  EXPECT_EQ(end(producer, false, 3).error_code, ErrorCode::kNone);
  EXPECT_THAT(committed_values("t", 0), ElementsAre("a"));
}

TEST_P(TransactionTest, PartitionsThatAreNotThereCannotBeAdded) {
  Producer producer = new_producer("tx");
  EXPECT_EQ(add_partition(producer, "no such topic", 0), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(add_partition(producer, "t", 99), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(describe("tx").transaction_state, "Empty");
}

TEST_P(TransactionTest, ASecondProducerOfTheIdFencesTheFirst) {
  Producer first = new_producer("tx");
  write(first, "t", 0, {"first"});
  // The new producer aborts the old one's transaction before it may begin.
  Producer second;
  for (int tries = 0; tries < 10 && second.producer_id < 0; tries++) {
    auto response = init("tx");
    if (response.error_code == ErrorCode::kNone)
      second = Producer{"tx", response.producer_id, response.producer_epoch, {}};
    else EXPECT_EQ(response.error_code, ErrorCode::kConcurrentTransactions);
    node().advance(50);
  }
  ASSERT_GE(second.producer_id, 0);
  EXPECT_EQ(write(first, "t", 0, {"zombie"}).error_code, ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(end(first, true).error_code, ErrorCode::kProducerFenced);
  EXPECT_EQ(write(second, "t", 0, {"second"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(end(second, true).error_code, ErrorCode::kNone);
  EXPECT_THAT(committed_values("t", 0), ElementsAre("second"));
}

TEST_P(TransactionTest, AReaderOfCommittedRecordsIsWokenByTheMarker) {
  Producer producer = new_producer("tx");
  write(producer, "t", 2, {"a"});
  TestClient& reader = node().connect(1);
  FetchRequest request = fetch_request("t", 2, 0, 10'000);
  request.isolation_level = 1;
  reader.start(request, kFetchVersion);
  EXPECT_FALSE(reader.has_answer());
  end(producer, true);
  node().run();
  ASSERT_TRUE(reader.has_answer());
  EXPECT_THAT(visible(only_partition(reader.take<FetchResponse>(kFetchVersion))), ElementsAre("a"));
}

TEST_P(TransactionTest, TransactionsThatTakeTooLongAreAborted) {
  auto response = init("slow", 1'000);
  ASSERT_EQ(response.error_code, ErrorCode::kNone);
  Producer producer{"slow", response.producer_id, response.producer_epoch, {}};
  write(producer, "t", 0, {"slow"});
  node().advance(30'000);
  node().advance(1'000);
  EXPECT_EQ(describe("slow").transaction_state, "CompleteAbort");
  produce("t", 0, {"after"});
  EXPECT_THAT(committed_values("t", 0), ElementsAre("after"));
  EXPECT_NE(end(producer, true).error_code, ErrorCode::kNone);
}

TEST_P(TransactionTest, OffsetsOfATransactionCountWhenItCommits) {
  commit("g", 0, 3);
  Producer producer = new_producer("tx");
  EXPECT_EQ(txn_commit(producer, "g", 0, 10), ErrorCode::kNone);
  EXPECT_EQ(committed("g", 0), 3);
  OffsetFetchRequest stable = committed_request("g", 0);
  stable.require_stable = true;
  auto waiting = client().ask<OffsetFetchResponse>(stable, 9);
  EXPECT_EQ(waiting.groups.at(0).topics.at(0).partitions.at(0).error_code, ErrorCode::kUnstableOffsetCommit);
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_EQ(committed("g", 0), 10);
  EXPECT_EQ(offset_in(client().ask<OffsetFetchResponse>(stable, 9)), 10);

  EXPECT_EQ(txn_commit(producer, "g", 0, 20), ErrorCode::kNone);
  EXPECT_EQ(end(producer, false).error_code, ErrorCode::kNone);
  EXPECT_EQ(committed("g", 0), 10);
}

TEST_P(TransactionTest, ACommitOfNoOffsetsBeginsNothing) {
  Producer producer = new_producer("tx");
  TxnOffsetCommitRequest request = txn_commit_request(producer, "g", 0, 10);
  request.topics.clear();
  EXPECT_TRUE(client().ask<TxnOffsetCommitResponse>(request, 5).topics.empty());
  EXPECT_EQ(describe("tx").transaction_state, "Empty");
}

TEST_P(TransactionTest, OffsetsOfTheFirstProtocolWantTheGroupAdded) {
  Producer producer = new_producer("tx");
  EXPECT_EQ(txn_commit(producer, "g", 0, 10, "", -1, 3), ErrorCode::kInvalidTxnState);
  AddOffsetsToTxnRequest request;
  request.transactional_id = producer.id;
  request.producer_id = producer.producer_id;
  request.producer_epoch = producer.epoch;
  request.group_id = "g";
  EXPECT_EQ(client().ask<AddOffsetsToTxnResponse>(request, 3).error_code, ErrorCode::kNone);
  EXPECT_EQ(txn_commit(producer, "g", 0, 10, "", -1, 3), ErrorCode::kNone);
  EXPECT_EQ(end(producer, true, 3).error_code, ErrorCode::kNone);
  EXPECT_EQ(committed("g", 0), 10);
}

TEST_P(TransactionTest, OnlyMembersOfTheGenerationCommitOffsets) {
  std::string member = join_alone(client(), "g");
  Producer producer = new_producer("tx");
  EXPECT_EQ(txn_commit(producer, "g", 0, 1, member, 2), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(txn_commit(producer, "g", 0, 1, "stranger", 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(txn_commit(producer, "g", 0, 1, member, 1), ErrorCode::kNone);
  // A client without member id and generation is accepted: clients before KIP-447 send none.
  EXPECT_EQ(txn_commit(producer, "g", 0, 2), ErrorCode::kNone);
  EXPECT_EQ(txn_commit(producer, "new group", 0, 2, "", 7), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_EQ(committed("g", 0), 2);
}

// Members of consumer groups send their epoch; producers get a generation error if it is wrong.
TEST_P(TransactionTest, MembersOfConsumerGroupsCommitInTheirEpoch) {
  ConsumerGroupHeartbeatRequest join;
  join.group_id = "modern";
  join.member_id = "m";
  join.rebalance_timeout_ms = 30'000;
  join.subscribed_topic_names.emplace().push_back("t");
  join.topic_partitions.emplace();
  auto joined = client().ask<ConsumerGroupHeartbeatResponse>(join, 1);
  ASSERT_EQ(joined.error_code, ErrorCode::kNone);
  Producer producer = new_producer("tx");
  EXPECT_EQ(txn_commit(producer, "modern", 0, 1, "m", joined.member_epoch + 1), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(txn_commit(producer, "modern", 0, 1, "m", joined.member_epoch - 1), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(txn_commit(producer, "modern", 0, 1, "stranger", joined.member_epoch), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(txn_commit(producer, "modern", 0, 7, "m", joined.member_epoch), ErrorCode::kNone);
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_EQ(committed("modern", 0), 7);
}

TEST_P(TransactionTest, ARestartInTheMiddleChangesNothing) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"a"});
  EXPECT_EQ(txn_commit(producer, "g", 0, 10), ErrorCode::kNone);
  restart();
  EXPECT_THAT(committed_values("t", 0), IsEmpty());
  EXPECT_EQ(committed("g", 0), -1);
  EXPECT_EQ(write(producer, "t", 0, {"b"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_THAT(committed_values("t", 0), ElementsAre("a", "b"));
  EXPECT_EQ(committed("g", 0), 10);
  kill_and_start();
  EXPECT_THAT(committed_values("t", 0), ElementsAre("a", "b"));
  EXPECT_EQ(committed("g", 0), 10);
}

TEST_P(TransactionTest, AKillInTheMiddleChangesNothing) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"a"});
  write(producer, "t", 1, {"x"});
  EXPECT_EQ(txn_commit(producer, "g", 0, 10), ErrorCode::kNone);
  kill_and_start();
  EXPECT_EQ(write(producer, "t", 0, {"b"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(end(producer, false).error_code, ErrorCode::kNone);
  EXPECT_EQ(write(producer, "t", 0, {"c"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(txn_commit(producer, "g", 0, 11), ErrorCode::kNone);
  kill_and_start();
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  kill_and_start();
  EXPECT_THAT(committed_values("t", 0), ElementsAre("c"));
  EXPECT_THAT(committed_values("t", 1), IsEmpty());
  EXPECT_EQ(committed("g", 0), 11);
}

TEST_P(TransactionTest, ListOffsetsEndsBeforeAnOpenTransaction) {
  produce("t", 0, {"plain"});
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"open"});
  ListOffsetsRequest request;
  request.replica_id = -1;
  request.isolation_level = 1;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  ListOffsetsRequest::ListOffsetsPartition asked;
  asked.timestamp = -1;
  topic.partitions.push_back(asked);
  auto latest = [&] { return client().ask<ListOffsetsResponse>(request, 8).topics.at(0).partitions.at(0).offset; };
  EXPECT_EQ(latest(), 1);
  end(producer, true);
  EXPECT_EQ(latest(), 3);
}

TEST_P(TransactionTest, ProducersAreDescribed) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"a", "b"});
  DescribeProducersRequest request;
  request.topics.push_back({"t", {0, 77}});
  auto response = client().ask<DescribeProducersResponse>(request, 0);
  const auto& found = response.topics.at(0).partitions.at(0);
  EXPECT_EQ(found.error_code, ErrorCode::kNone);
  ASSERT_EQ(found.active_producers.size(), 1u);
  EXPECT_EQ(found.active_producers[0].producer_id, producer.producer_id);
  EXPECT_EQ(found.active_producers[0].last_sequence, 1);
  EXPECT_EQ(found.active_producers[0].coordinator_epoch, -1);
  EXPECT_EQ(found.active_producers[0].current_txn_start_offset, 0);
  EXPECT_EQ(response.topics[0].partitions.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(response.topics[0].partitions.at(1).error_message, std::nullopt);
}

TEST_P(TransactionTest, TransactionsAreListed) {
  Producer producer = new_producer("one");
  new_producer("two");
  write(producer, "t", 0, {"a"});
  ListTransactionsRequest request;
  EXPECT_EQ(client().ask<ListTransactionsResponse>(request, 0).transaction_states.size(), 2u);
  request.state_filters = {"Ongoing", "Nonsense"};
  auto filtered = client().ask<ListTransactionsResponse>(request, 0);
  ASSERT_EQ(filtered.transaction_states.size(), 1u);
  EXPECT_EQ(filtered.transaction_states[0].transactional_id, "one");
  EXPECT_THAT(filtered.unknown_state_filters, ElementsAre("Nonsense"));
}

TEST_P(TransactionTest, ATransactionWithoutItsIdIsRefused) {
  Producer producer = new_producer("tx");
  Bytes batch = transactional_batch(producer, "t", 0, {"a"});
  ProduceRequest request = produce_request("t", 0, batch, 9, -1);
  EXPECT_EQ(only_partition(client().ask<ProduceResponse>(request, 9)).error_code,
            ErrorCode::kTransactionalIdAuthorizationFailed);
}

// An epoch of no coordinator would fence the real one until it reaches that epoch.
TEST_P(TransactionTest, AMarkerOfACoordinatorToComeIsRefused) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"a"});
  WriteTxnMarkersRequest request = marker_of(producer, false);
  request.markers[0].coordinator_epoch = INT32_MAX;
  request.markers[0].topics.push_back({"t", {0}});
  auto response = client().ask<WriteTxnMarkersResponse>(request, 1);
  ASSERT_EQ(response.markers.size(), 1u);
  EXPECT_EQ(response.markers[0].topics[0].partitions[0].error_code, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_EQ(describe("tx").transaction_state, "CompleteCommit");
  EXPECT_THAT(committed_values("t", 0), ElementsAre("a"));
}

// The second protocol requires a marker's epoch above that of the records; a repeated marker is no error.
TEST_P(TransactionTest, MarkersOfTheSecondProtocolHaveALargerEpoch) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"a"});
  WriteTxnMarkersRequest request = marker_of(producer, true);
  auto& marker = request.markers[0];
  marker.transaction_version = 2;
  marker.topics.push_back({"t", {0, 50}});
  marker.topics.push_back({"t", {50}});
  marker.topics.push_back({"u", {}});
  auto write_marker = [&] {
    auto response = client().ask<WriteTxnMarkersResponse>(request, 2);
    EXPECT_EQ(response.markers.at(0).topics.size(), 1u);
    EXPECT_EQ(response.markers.at(0).topics.at(0).partitions.size(), 2u);
    EXPECT_EQ(response.markers.at(0).topics.at(0).partitions.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);
    return response.markers.at(0).topics.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(write_marker(), ErrorCode::kInvalidProducerEpoch);
  request.markers[0].producer_epoch++;
  EXPECT_EQ(write_marker(), ErrorCode::kNone);
  EXPECT_EQ(write_marker(), ErrorCode::kNone);
  request.markers[0].producer_epoch--;
  EXPECT_EQ(write_marker(), ErrorCode::kInvalidProducerEpoch);
  EXPECT_THAT(committed_values("t", 0), ElementsAre("a"));
}

}  // namespace
}  // namespace milena::broker::broker_test
