// Changes during open transactions: topics are deleted, levels of transaction.version change, settings are altered.
#include "broker/transaction_fixture.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/update_features.h"

namespace milena::broker::broker_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int8_t kBrokerResource = 4;

class TransactionChangesTest : public TransactionFixture {
 protected:
  void delete_topic(ByteView name) {
    DeleteTopicsRequest request;
    request.timeout_ms = 1000;
    request.topic_names.push_back(name);
    ASSERT_EQ(client().ask<DeleteTopicsResponse>(request, 4).responses.at(0).error_code, ErrorCode::kNone);
  }
  void delete_records(ByteView name, int64_t offset) {
    DeleteRecordsRequest request;
    request.topics.push_back({name, {{0, offset}}});
    auto response = client().ask<DeleteRecordsResponse>(request, 2);
    ASSERT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  }
  void set_transaction_version(int16_t level) {
    UpdateFeaturesRequest request;
    auto& update = request.feature_updates.emplace_back();
    update.feature = "transaction.version";
    update.max_version_level = level;
    update.upgrade_type = level < level_ ? 2 : 1;
    auto response = client().ask<UpdateFeaturesResponse>(request, 2);
    ASSERT_EQ(response.error_code, ErrorCode::kNone) << response.error_message.value_or("");
    level_ = level;
  }
  void alter_broker(ByteView name, ByteView value) {
    IncrementalAlterConfigsRequest request;
    auto& altered = request.resources.emplace_back();
    altered.resource_type = kBrokerResource;
    altered.configs.push_back({name, 0, value});
    ASSERT_EQ(client().ask<IncrementalAlterConfigsResponse>(request, 1).responses.at(0).error_code, ErrorCode::kNone);
  }
  ListOffsetsResponse::ListOffsetsPartitionResponse committed_offset_at(int64_t timestamp) {
    ListOffsetsRequest request;
    request.replica_id = -1;
    request.isolation_level = 1;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    ListOffsetsRequest::ListOffsetsPartition asked;
    asked.timestamp = timestamp;
    topic.partitions.push_back(asked);
    return client().ask<ListOffsetsResponse>(request, 8).topics.at(0).partitions.at(0);
  }
  size_t producers_of(ByteView topic) {
    DescribeProducersRequest request;
    request.topics.push_back({topic, {0}});
    return client().ask<DescribeProducersResponse>(request, 0).topics.at(0).partitions.at(0).active_producers.size();
  }

  int16_t level_ = 2;
};
INSTANTIATE_TEST_SUITE_P(Shards, TransactionChangesTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(TransactionChangesTest, ATransactionEndsThoughOneOfItsTopicsIsGone) {
  create_topic("gone", 2);
  Producer producer = new_producer("tx");
  for (bool commit : {true, false}) {
    if (!commit) create_topic("gone", 2);
    write(producer, "gone", 1, {"gone"});
    write(producer, "t", 0, {commit ? "kept" : "dropped"});
    delete_topic("gone");
    EXPECT_EQ(end(producer, commit).error_code, ErrorCode::kNone);
    EXPECT_EQ(describe("tx").transaction_state, commit ? "CompleteCommit" : "CompleteAbort");
  }
  EXPECT_THAT(committed_values("t", 0), ElementsAre("kept"));
}

TEST_P(TransactionChangesTest, ATransactionOfATopicThatIsGoneTimesOut) {
  create_topic("gone");
  auto response = init("slow", 1'000);
  Producer producer{"slow", response.producer_id, response.producer_epoch, {}};
  write(producer, "gone", 0, {"gone"});
  delete_topic("gone");
  node().advance(30'000);
  node().advance(1'000);
  EXPECT_EQ(describe("slow").transaction_state, "CompleteAbort");
  EXPECT_EQ(init("slow").error_code, ErrorCode::kNone);
}

// The decision is in the log and the marker is not: when the log is loaded the topic is deleted.
TEST_P(TransactionChangesTest, ATopicIsGoneAfterARestart) {
  create_topic("gone");
  Producer producer = new_producer("tx");
  write(producer, "gone", 0, {"gone"});
  write(producer, "t", 0, {"kept"});
  delete_topic("gone");
  kill_and_start();
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_EQ(describe("tx").transaction_state, "CompleteCommit");
  EXPECT_THAT(committed_values("t", 0), ElementsAre("kept"));
}

TEST_P(TransactionChangesTest, DeletedRecordsOfAnOpenTransactionDoNotHoldReaders) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"a"});
  produce("t", 0, {"plain"});
  delete_records("t", 1);
  FetchRequest request = fetch_request("t", 0, 1);
  request.isolation_level = 1;
  auto out = only_partition(client().ask<FetchResponse>(request, kFetchVersion));
  EXPECT_EQ(out.last_stable_offset, 1);  // it stays open
  kill_and_start();
  EXPECT_EQ(end(producer, false).error_code, ErrorCode::kNone);
  out = only_partition(client().ask<FetchResponse>(request, kFetchVersion));
  EXPECT_EQ(out.last_stable_offset, 3);
  EXPECT_THAT(visible(out), ElementsAre("plain"));
}

TEST_P(TransactionChangesTest, AReaderOfCommittedRecordsIsWokenByAnAbort) {
  Producer producer = new_producer("tx");
  write(producer, "t", 2, {"gone"});
  TestClient& reader = node().connect(1);
  FetchRequest request = fetch_request("t", 2, 0, 10'000);
  request.isolation_level = 1;
  reader.start(request, kFetchVersion);
  node().run();
  EXPECT_FALSE(reader.has_answer());
  end(producer, false);
  node().run();
  ASSERT_TRUE(reader.has_answer());
  auto out = only_partition(reader.take<FetchResponse>(kFetchVersion));
  EXPECT_THAT(visible(out), IsEmpty());
  EXPECT_EQ(out.last_stable_offset, 2);
  ASSERT_EQ(out.aborted_transactions->size(), 1u);
}

TEST_P(TransactionChangesTest, TimesAreLookedUpBelowTheLastStableOffset) {
  constexpr int64_t kGreatest = -3;
  produce("t", 0, {"plain"});
  const int64_t before_ms = node().clock().wall_ms();
  node().advance(10);
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"open"});
  EXPECT_EQ(list_offset("t", 0, kGreatest).offset, 1);
  EXPECT_EQ(list_offset("t", 0, before_ms + 1).offset, 1);
  // The record with the greatest timestamp is not visible for this reader; Kafka does not look for the next one.
  EXPECT_EQ(committed_offset_at(kGreatest).offset, -1);
  EXPECT_EQ(committed_offset_at(before_ms + 1).offset, -1);
  EXPECT_EQ(committed_offset_at(before_ms).offset, 0);
  node().advance(10);
  end(producer, true);
  EXPECT_EQ(committed_offset_at(before_ms + 1).offset, 1);
  EXPECT_EQ(committed_offset_at(kGreatest).offset, 2);  // the marker is a record, too
}

// Both kinds of producers continue, whatever the level was when their transaction began.
TEST_P(TransactionChangesTest, TheLevelOfTransactionsChangesUnderOpenOnes) {
  Producer old = new_producer("old"), modern = new_producer("modern");
  std::vector<std::string> kept_old, kept_modern;
  int number = 0;
  for (int16_t level : {1, 0, 2, 0, 1, 2}) {
    for (bool reload : {false, true}) {
      const std::string value = std::to_string(++number);
      const bool commit = number % 3 != 0;
      ASSERT_EQ(add_partition(old, "t", 0), ErrorCode::kNone) << number;
      ASSERT_EQ(write(old, "t", 0, {value}, kOldProduce).error_code, ErrorCode::kNone) << number;
      ASSERT_EQ(write(modern, "t", 1, {value}).error_code, ErrorCode::kNone) << number;
      ASSERT_EQ(txn_commit(modern, "g", 1, number), ErrorCode::kNone) << number;
      set_transaction_version(level);
      if (reload) kill_and_start();
      ASSERT_EQ(end(old, commit, 4).error_code, ErrorCode::kNone) << number;
      ASSERT_EQ(end(modern, commit).error_code, ErrorCode::kNone) << number;
      if (!commit) continue;
      kept_old.push_back(value);
      kept_modern.push_back(value);
      EXPECT_EQ(committed("g", 1), number);
    }
  }
  EXPECT_EQ(committed_values("t", 0), kept_old);
  EXPECT_EQ(committed_values("t", 1), kept_modern);
}

TEST_P(TransactionChangesTest, VerificationIsSwitchedOffAndOnWithoutARestart) {
  Producer producer = new_producer("tx");
  alter_broker("transaction.partition.verification.enable", "false");
  // Whether the partition was added is no longer verified; the coordinator does not know this transaction.
  EXPECT_EQ(write(producer, "t", 0, {"hanging"}, kOldProduce).error_code, ErrorCode::kNone);
  EXPECT_EQ(describe("tx").transaction_state, "Empty");
  alter_broker("transaction.partition.verification.enable", "true");
  EXPECT_EQ(write(producer, "t", 1, {"refused"}, kOldProduce).error_code, ErrorCode::kInvalidTxnState);
  kill_and_start();
  EXPECT_EQ(write(producer, "t", 2, {"refused"}, kOldProduce).error_code, ErrorCode::kInvalidTxnState);
}

TEST_P(TransactionChangesTest, SilentProducersAreForgottenByTheAlteredSetting) {
  Producer producer = new_producer("tx");
  write(producer, "t", 0, {"a"});
  end(producer, true);
  node().advance(3'600'000);
  EXPECT_EQ(producers_of("t"), 1u);
  alter_broker("producer.id.expiration.ms", "1000");
  node().advance(3'600'000);
  EXPECT_EQ(producers_of("t"), 0u);
}

}  // namespace
}  // namespace milena::broker::broker_test
