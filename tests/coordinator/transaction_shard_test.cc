#include <gtest/gtest.h>

#include <limits>

#include "coordinator/transaction/transaction_records.h"
#include "coordinator/transaction_harness.h"

namespace milena::coordinator {
namespace {

TEST(TransactionShard, NewIdGetsANewProducerIdThenEpochsRise) {
  TransactionHarness h;
  const InitProducerIdResponse first = h.init("a");
  EXPECT_EQ(first.error_code, ErrorCode::kNone);
  EXPECT_EQ(first.producer_id, 1000);
  EXPECT_EQ(first.producer_epoch, 0);
  const InitProducerIdResponse again = h.init("a");
  EXPECT_EQ(again.producer_id, 1000);
  EXPECT_EQ(again.producer_epoch, 1);
  EXPECT_EQ(h.init("b").producer_id, 1001);
  EXPECT_EQ(h.state("a"), "Empty");
}

TEST(TransactionShard, TimeoutsOutsideTheLimitsAreRefused) {
  TransactionHarness h(TransactionConfig{.max_timeout_ms = 5'000});
  EXPECT_EQ(h.init("a", -1, -1, 5, 5'001).error_code, ErrorCode::kInvalidTransactionTimeout);
  EXPECT_EQ(h.init("a", -1, -1, 5, 0).error_code, ErrorCode::kInvalidTransactionTimeout);
  EXPECT_EQ(h.init("a", -1, -1, 5, 5'000).error_code, ErrorCode::kNone);
  EXPECT_EQ(h.init("").error_code, ErrorCode::kInvalidRequest);
}

TEST(TransactionShard, ResumingProducerIsKnownByItsLastEpoch) {
  TransactionHarness h;
  h.init("a");
  EXPECT_EQ(h.init("a", 1000, 0).producer_epoch, 1);
  EXPECT_EQ(h.init("a", 1000, 0).producer_epoch, 1) << "asked again: the same epoch";
  EXPECT_EQ(h.init("a", 1000, 1).producer_epoch, 2);
  EXPECT_EQ(h.init("a", 1000, 0).error_code, ErrorCode::kProducerFenced);
  EXPECT_EQ(h.init("a", 1000, 0, 3).error_code, ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(h.init("a", 7, 2).error_code, ErrorCode::kProducerFenced);
  EXPECT_EQ(h.init("new", 7, 2).producer_epoch, 0) << "an id that was forgotten: the client starts anew";
}

TEST(TransactionShard, CommitUnderVersionZero) {
  TransactionHarness h;
  h.init("a");
  EXPECT_EQ(h.end("a", 1000, 0), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(h.add("a", 1000, 0, {3, 1}), ErrorCode::kNone);
  EXPECT_EQ(h.add_offsets("a", 1000, 0), ErrorCode::kNone);
  EXPECT_EQ(h.state("a"), "Ongoing");
  EXPECT_EQ(h.end("a", 1000, 0), ErrorCode::kNone);
  ASSERT_EQ(h.markers().size(), 1u);
  const TransactionMarkers markers = h.markers().front();
  EXPECT_TRUE(markers.committed);
  EXPECT_EQ(markers.producer_epoch, 0);
  EXPECT_EQ(markers.transaction_version, 0);
  EXPECT_EQ(markers.coordinator_epoch, h.coordinator_epoch());
  EXPECT_EQ(markers.partitions, (std::vector<TopicPartitions>{{"__consumer_offsets", {7}}, {"t", {1, 3}}}));
  EXPECT_EQ(h.state("a"), "PrepareCommit");
  for (bool commit : {true, false}) EXPECT_EQ(h.end("a", 1000, 0, commit), ErrorCode::kConcurrentTransactions);
  EXPECT_EQ(h.add("a", 1000, 0), ErrorCode::kConcurrentTransactions);
  EXPECT_EQ(h.init("a").error_code, ErrorCode::kConcurrentTransactions);
  h.answer_markers();
  EXPECT_EQ(h.state("a"), "CompleteCommit");
  EXPECT_EQ(h.end("a", 1000, 0), ErrorCode::kNone) << "asked again";
  EXPECT_EQ(h.end("a", 1000, 0, false), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(h.add("a", 1000, 0), ErrorCode::kNone) << "the next transaction, in the same epoch";
}

TEST(TransactionShard, WrongIdsAndEpochs) {
  TransactionHarness h;
  h.init("a");
  EXPECT_EQ(h.add("?", 1000, 0), ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(h.add("", 1000, 0), ErrorCode::kInvalidRequest);
  EXPECT_EQ(h.add("a", 1, 0), ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(h.add("a", 1000, 1), ErrorCode::kProducerFenced);
  EXPECT_EQ(h.add("a", 1000, 1, {0}, 1), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(h.add_offsets("a", 1000, 1, 7, 1), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(h.end("?", 1000, 0), ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(h.end("", 1000, 0), ErrorCode::kInvalidRequest);
  EXPECT_EQ(h.end("a", 1, 0), ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(h.end("a", 1000, 1), ErrorCode::kProducerFenced);
  EXPECT_EQ(h.end("a", 1000, 1, true, 1), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(h.end_2("a", 1000, 1).error_code, ErrorCode::kProducerFenced);
  EXPECT_EQ(h.end_2("a", 1, 0).error_code, ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(h.verify("", 1000, 0), ErrorCode::kInvalidRequest);
  EXPECT_EQ(h.verify("?", 1000, 0), ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(h.verify("a", 1000, 3), ErrorCode::kProducerFenced);
  EXPECT_EQ(h.verify("a", 1000, 0), ErrorCode::kTransactionAbortable);
  h.add("a", 1000, 0, {4});
  EXPECT_EQ(h.verify("a", 1000, 0, 4), ErrorCode::kNone);
  h.end("a", 1000, 0);
  EXPECT_EQ(h.verify("a", 1000, 0, 4), ErrorCode::kConcurrentTransactions);
}

TEST(TransactionShard, EndUnderVersionTwoRaisesTheEpoch) {
  TransactionHarness h;
  h.init("a");
  h.add("a", 1000, 0, {0}, 4);
  const EndTxnResponse committed = h.end_2("a", 1000, 0);
  EXPECT_EQ(committed.error_code, ErrorCode::kNone);
  EXPECT_EQ(committed.producer_id, 1000);
  EXPECT_EQ(committed.producer_epoch, 1);
  EXPECT_EQ(h.markers().front().producer_epoch, 1);
  EXPECT_EQ(h.markers().front().transaction_version, 2);
  EXPECT_EQ(h.end_2("a", 1000, 0).error_code, ErrorCode::kConcurrentTransactions);
  h.answer_markers();
  EXPECT_EQ(h.end_2("a", 1000, 0).producer_epoch, 1) << "asked again: answered again";
  EXPECT_EQ(h.end_2("a", 1000, 0, false).error_code, ErrorCode::kInvalidTxnState);
  EXPECT_EQ(h.end_2("a", 1000, 1).error_code, ErrorCode::kInvalidTxnState) << "nothing to commit";
  EXPECT_EQ(h.add("a", 1000, 0, {0}, 4), ErrorCode::kProducerFenced);
}

// Found by the simulator (seed 165): a zombie of version 2 got the epoch of a new producer of version 1.
TEST(TransactionShard, ZombieIsNotGivenTheEpochOfItsSuccessor) {
  TransactionHarness h;
  h.init("a");
  EXPECT_EQ(h.init("a").producer_epoch, 1);
  h.add("a", 1000, 1);
  h.end("a", 1000, 1, false);
  h.answer_markers();
  EXPECT_EQ(h.end_2("a", 1000, 0, false).error_code, ErrorCode::kProducerFenced);
}

TEST(TransactionShard, EmptyAbortUnderVersionTwo) {
  TransactionHarness h;
  h.init("a");
  EXPECT_EQ(h.end_2("a", 1000, 0).error_code, ErrorCode::kInvalidTxnState);
  EXPECT_EQ(h.end_2("a", 1000, 0, false).producer_epoch, 1);
  EXPECT_TRUE(h.markers().empty());
  EXPECT_EQ(h.state("a"), "CompleteAbort");
  EXPECT_EQ(h.end_2("a", 1000, 0, false).producer_epoch, 1) << "a retry";
  EXPECT_EQ(h.end_2("a", 1000, 1, false).producer_epoch, 2) << "not a retry";
  h.add("a", 1000, 2, {0}, 4);
  h.end_2("a", 1000, 2);
  h.answer_markers();
  EXPECT_EQ(h.end_2("a", 1000, 3, false).producer_epoch, 4);
}

TEST(TransactionShard, NewcomerAbortsAndFences) {
  for (int16_t level : {0, 1, 2}) {
    TransactionHarness h;
    h.set_transaction_version(level);
    h.init("a");
    h.add("a", 1000, 0);
    EXPECT_EQ(h.init("a").error_code, ErrorCode::kConcurrentTransactions);
    EXPECT_EQ(h.state("a"), "PrepareAbort");
    EXPECT_FALSE(h.markers().front().committed);
    EXPECT_EQ(h.markers().front().producer_epoch, 1);
    EXPECT_EQ(h.end("a", 1000, 0), ErrorCode::kProducerFenced);
    EXPECT_EQ(h.init("a").error_code, ErrorCode::kConcurrentTransactions);
    h.answer_markers();
    EXPECT_EQ(h.init("a").producer_epoch, 2);
    EXPECT_EQ(h.end("a", 1000, 0), ErrorCode::kProducerFenced);
  }
}

TEST(TransactionShard, TimedOutTransactionIsAborted) {
  TransactionHarness h;
  h.init("a", -1, -1, 5, 30'000);
  EXPECT_FALSE(h.shard().next_deadline_ms() < h.now().steady_ms + 3'600'000) << "nothing open: nothing to look for";
  h.add("a", 1000, 0);
  h.advance(30'000);
  EXPECT_EQ(h.state("a"), "Ongoing");
  h.advance(10'000);
  EXPECT_EQ(h.state("a"), "PrepareAbort");
  h.answer_markers();
  EXPECT_EQ(h.state("a"), "CompleteAbort");
  EXPECT_EQ(h.end("a", 1000, 0), ErrorCode::kProducerFenced);
}

TEST(TransactionShard, ManyThatTimedOutAreNotOneAppend) {
  TransactionHarness h;
  constexpr int64_t kMany = 1'200;
  for (int64_t i = 0; i < kMany; ++i) {
    h.init("id" + std::to_string(i), -1, -1, 5, 30'000);
    h.add("id" + std::to_string(i), 1000 + i, 0);
  }
  h.advance(50'000);
  EXPECT_EQ(h.markers().size(), static_cast<size_t>(kMany));
  EXPECT_LE(h.largest_append(), 500u);
}

TEST(TransactionShard, WithoutATimeoutNothingIsAborted) {
  TransactionHarness h(TransactionConfig{.max_timeout_ms = std::numeric_limits<int32_t>::max()});
  h.init("two-phase", -1, -1, 5, std::numeric_limits<int32_t>::max());
  h.init("long", -1, -1, 5, std::numeric_limits<int32_t>::max() - 1);
  h.add("two-phase", 1000, 0);
  h.add("long", 1001, 0);
  h.advance(int64_t{std::numeric_limits<int32_t>::max()} + 20'000);
  EXPECT_EQ(h.state("two-phase"), "Ongoing");
  EXPECT_EQ(h.state("long"), "PrepareAbort");
}

TEST(TransactionShard, MarkersAreTriedAgainUntilEachPartitionHasItsOwn) {
  TransactionHarness h;
  h.init("a");
  h.add("a", 1000, 0, {0, 1, 2});
  h.end("a", 1000, 0);
  const MarkerToken token = h.markers().front().token;
  h.markers().clear();
  const std::vector<MarkerResult> results = {{"t", 0, ErrorCode::kNone}, {"t", 1, ErrorCode::kNotLeaderOrFollower}};
  h.run(h.shard().markers_written(token, results, h.now()));
  EXPECT_TRUE(h.markers().empty()) << "not at once";
  h.advance(100);
  ASSERT_EQ(h.markers().size(), 1u);
  EXPECT_EQ(h.markers().front().partitions, (std::vector<TopicPartitions>{{"t", {1, 2}}}));
  EXPECT_EQ(h.describe("a").topics.at(0).partitions, (std::vector<int32_t>{1, 2}));
  h.answer_markers(ErrorCode::kTransactionCoordinatorFenced);
  h.advance(9'000);
  EXPECT_TRUE(h.markers().empty()) << "it will be refused for as long as this is the coordinator";
  h.advance(1'000);
  h.answer_markers(ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(h.state("a"), "CompleteCommit") << "the producer has gone on there";
  h.run(h.shard().markers_written(token, results, h.now()));
  EXPECT_EQ(h.state("a"), "CompleteCommit");
}

TEST(TransactionShard, ReloadWritesTheMarkersAgain) {
  TransactionHarness h;
  h.init("a");
  h.init("b");
  h.add("a", 1000, 0);
  h.add("b", 1001, 0, {1}, 4);
  h.end("a", 1000, 0);
  h.end_2("b", 1001, 0, false);
  h.reload();
  ASSERT_EQ(h.markers().size(), 2u);
  EXPECT_TRUE(h.markers()[0].committed);
  EXPECT_FALSE(h.markers()[1].committed);
  EXPECT_EQ(h.markers()[1].producer_epoch, 1);
  EXPECT_EQ(h.markers()[1].coordinator_epoch, h.coordinator_epoch());
  h.answer_all_markers();
  EXPECT_EQ(h.state("a"), "CompleteCommit");
  EXPECT_EQ(h.state("b"), "CompleteAbort");
}

TEST(TransactionShard, FailedAppendsChangeNothing) {
  TransactionHarness h;
  h.fail_next_append(ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(h.init("a").error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(h.state("a"), "none");
  const int64_t id = h.init("a").producer_id;
  h.fail_next_append(ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(h.add("a", id, 0), ErrorCode::kNotCoordinator);
  EXPECT_EQ(h.state("a"), "Empty");
  h.add("a", id, 0);
  h.fail_next_append(ErrorCode::kMessageTooLarge);
  EXPECT_EQ(h.end("a", id, 0), ErrorCode::kUnknownServerError);
  EXPECT_TRUE(h.markers().empty()) << "a decision that nobody knows of";
  EXPECT_EQ(h.state("a"), "Ongoing");
  EXPECT_EQ(h.end("a", id, 0), ErrorCode::kNone);
  h.fail_next_append(ErrorCode::kKafkaStorageError);
  h.answer_markers();
  EXPECT_EQ(h.state("a"), "PrepareCommit");
  h.advance(100);
  EXPECT_EQ(h.state("a"), "CompleteCommit") << "the end is tried again";
  EXPECT_TRUE(h.markers().empty());
}

TEST(TransactionShard, ExhaustedEpochBringsANewProducerId) {
  TransactionHarness h;
  TransactionMetadata old;
  old.producer_id = 5;
  old.previous_producer_id = 5;
  old.producer_epoch = 32'766;
  old.timeout_ms = 60'000;
  old.last_update_ms = h.now().wall_ms;
  h.append(make_transaction_record("a", old, 2));
  h.reload();
  EXPECT_EQ(h.init("a", 5, 32'765).error_code, ErrorCode::kUnknownServerError);
  const InitProducerIdResponse turned = h.init("a", 5, 32'766);
  EXPECT_EQ(turned.producer_id, 1000);
  EXPECT_EQ(turned.producer_epoch, 0);
  EXPECT_EQ(h.init("a", 5, 32'766).producer_id, 1000) << "asked again";
  EXPECT_EQ(h.init("a", 5, 1).error_code, ErrorCode::kProducerFenced);

  h.append(make_transaction_record("b", old, 2));
  h.reload();
  h.add("b", 5, 32'766, {0}, 4);
  const EndTxnResponse ended = h.end_2("b", 5, 32'766);
  EXPECT_EQ(ended.producer_id, 1001);
  EXPECT_EQ(ended.producer_epoch, 0);
  EXPECT_EQ(h.markers().front().producer_id, 5);
  EXPECT_EQ(h.markers().front().producer_epoch, 32'767);
  h.reload();
  h.answer_markers();
  EXPECT_EQ(h.shard().find("b")->producer_id, 1001);
  EXPECT_EQ(h.end_2("b", 5, 32'766).producer_id, 1001) << "asked again, after a reload";
  EXPECT_EQ(h.add("b", 1001, 0, {0}, 4), ErrorCode::kNone);
}

TEST(TransactionShard, FencedAtTheLastEpoch) {
  for (int16_t level : {0, 2}) {
    TransactionHarness h;
    h.set_transaction_version(level);
    TransactionMetadata old;
    old.producer_id = 5;
    old.producer_epoch = 32'766;
    old.state = TransactionState::kOngoing;
    old.partitions.add("t", 0);
    old.timeout_ms = 1;
    old.start_ms = old.last_update_ms = h.now().wall_ms;
    h.append(make_transaction_record("a", old, level));
    h.reload();
    h.advance(10'000);
    ASSERT_EQ(h.markers().size(), 1u);
    EXPECT_EQ(h.markers().front().producer_epoch, 32'767);
    h.answer_markers();
    const InitProducerIdResponse next = h.init("a");
    EXPECT_EQ(next.producer_id, 1000);
    EXPECT_EQ(next.producer_epoch, level == 2 ? 1 : 0)
        << "the end had brought the id, with epoch 0, or the request does";
  }
}

TEST(TransactionShard, RequestsWaitForProducerIds) {
  TransactionHarness h;
  h.hold_ids(true);
  const AnswerToken first = h.send_init("a");
  const AnswerToken second = h.send_init("a");
  EXPECT_FALSE(h.answered(first));
  h.give_ids();
  EXPECT_EQ(h.answer<InitProducerIdResponse>(first).producer_epoch, 0);
  EXPECT_EQ(h.answer<InitProducerIdResponse>(second).producer_epoch, 1) << "whoever is later fences";
  EXPECT_EQ(h.answer<InitProducerIdResponse>(second).producer_id, 1000);
  const AnswerToken refused = h.send_init("b");
  h.give_ids(ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(h.answer<InitProducerIdResponse>(refused).error_code, ErrorCode::kCoordinatorLoadInProgress);
  const AnswerToken lost = h.send_init("b");
  h.reload();
  EXPECT_EQ(h.answer<InitProducerIdResponse>(lost).error_code, ErrorCode::kNotCoordinator);
}

TEST(TransactionShard, UnusedIdsExpire) {
  TransactionHarness h(TransactionConfig{.id_expiration_ms = 7'200'000});
  h.init("a");
  h.init("b", -1, -1, 5, 900'000);
  h.advance(3'600'000);
  h.add("b", 1001, 0);
  EXPECT_EQ(h.state("a"), "Empty");
  h.advance(3'600'000);
  EXPECT_EQ(h.state("a"), "none");
  EXPECT_EQ(h.state("b"), "PrepareAbort");
  h.reload();
  EXPECT_EQ(h.state("a"), "none");
  EXPECT_EQ(h.add("a", 1000, 0), ErrorCode::kInvalidProducerIdMapping);
}

// More than fit at once, and the log refuses all of them: they wait for the next check, not for the next millisecond.
TEST(TransactionShard, ExpiryThatFailsIsNotTriedAgainAtOnce) {
  TransactionHarness h(TransactionConfig{.id_expiration_ms = 3'000'000});
  for (int i = 0; i < 2'100; ++i) h.init("id" + std::to_string(i));
  h.fail_next_append(ErrorCode::kKafkaStorageError);
  h.advance(3'600'000);
  EXPECT_EQ(h.state("id0"), "Empty");
  EXPECT_GE(h.shard().next_deadline_ms(), h.now().steady_ms + 3'000'000);
  h.advance(3'600'000);
  EXPECT_EQ(h.state("id0"), "none");
}

TEST(TransactionShard, DescribeAndList) {
  TransactionHarness h;
  h.init("orders-1");
  h.init("orders-2");
  h.init("bills");
  h.add("orders-2", 1001, 0, {5, 2});
  h.advance(1'000);
  const auto described = h.describe("orders-2");
  EXPECT_EQ(described.error_code, ErrorCode::kNone);
  EXPECT_EQ(described.transaction_state, "Ongoing");
  EXPECT_EQ(described.producer_id, 1001);
  EXPECT_EQ(described.transaction_timeout_ms, 60'000);
  EXPECT_EQ(described.transaction_start_time_ms, h.now().wall_ms - 1'000);
  EXPECT_EQ(described.topics.at(0).partitions, (std::vector<int32_t>{2, 5}));
  EXPECT_EQ(h.describe("?").error_code, ErrorCode::kTransactionalIdNotFound);
  EXPECT_EQ(h.describe("").error_code, ErrorCode::kInvalidRequest);

  const auto ids = [&](const ListTransactionsRequest& request) {
    std::vector<std::string> listed;
    for (const auto& state : h.list(request).transaction_states) listed.push_back(state.transactional_id);
    return listed;
  };
  EXPECT_EQ(ids({}), (std::vector<std::string>{"bills", "orders-1", "orders-2"}));
  EXPECT_EQ(ids({.state_filters = {"Ongoing"}}), (std::vector<std::string>{"orders-2"}));
  EXPECT_EQ(ids({.producer_id_filters = {1000, 1002}}), (std::vector<std::string>{"bills", "orders-1"}));
  EXPECT_EQ(ids({.state_filters = {"Ongoing"}, .duration_filter = 1'000}), (std::vector<std::string>{}));
  EXPECT_EQ(ids({.state_filters = {"Ongoing"}, .duration_filter = 999}), (std::vector<std::string>{"orders-2"}));
  EXPECT_EQ(ids({.transactional_id_pattern = "orders"}), (std::vector<std::string>{}));
  EXPECT_EQ(ids({.transactional_id_pattern = "orders-[12]"}), (std::vector<std::string>{"orders-1", "orders-2"}));
  EXPECT_EQ(ids({.state_filters = {"Open"}}), (std::vector<std::string>{}));
  EXPECT_EQ(h.list({.state_filters = {"Open"}}).unknown_state_filters, (std::vector<Bytes>{"Open"}));
  EXPECT_EQ(h.list({.transactional_id_pattern = "(["}).error_code, ErrorCode::kInvalidRegularExpression);
}

TEST(TransactionShard, RecordsOfBothVersions) {
  TransactionMetadata metadata;
  metadata.producer_id = 9;
  metadata.previous_producer_id = 8;
  metadata.next_producer_id = 10;
  metadata.producer_epoch = 3;
  metadata.timeout_ms = 77;
  metadata.state = TransactionState::kPrepareCommit;
  metadata.partitions.add("t", 1);
  metadata.start_ms = 11;
  metadata.last_update_ms = 12;
  metadata.client_transaction_version = 2;
  for (int16_t level : {1, 2}) {
    const CoordinatorRecord record = make_transaction_record("id", metadata, level);
    EXPECT_EQ(record.value->substr(0, 2), ByteView("\0\1", 2));
    EXPECT_EQ(parse_transaction_record(record.key, ByteView(*record.value))->metadata, metadata);
  }
  const CoordinatorRecord old = make_transaction_record("id", metadata, 0);
  EXPECT_EQ(old.value->substr(0, 2), ByteView("\0\0", 2));
  TransactionMetadata lesser = metadata;
  lesser.previous_producer_id = lesser.next_producer_id = -1;
  lesser.client_transaction_version = 0;
  EXPECT_EQ(parse_transaction_record(old.key, ByteView(*old.value))->metadata, lesser);
  EXPECT_FALSE(parse_transaction_record(make_transaction_tombstone("id").key, std::nullopt)->metadata.has_value());
  EXPECT_FALSE(parse_transaction_record("", std::nullopt).ok());
  EXPECT_FALSE(parse_transaction_record(ByteView("\0\1\0\0", 4), std::nullopt).ok());
  EXPECT_FALSE(parse_transaction_record(old.key, ByteView("\0\2", 2)).ok());
  EXPECT_FALSE(parse_transaction_record(old.key, ByteView(*old.value).substr(0, 20)).ok());
}

TEST(TransactionShard, UnreadableRecordsAreLeftAlone) {
  TransactionHarness h;
  h.init("a");
  h.append({Bytes("\0\5x", 3), Bytes("?")});
  h.append({h.log().front().key, Bytes("\0\7", 2)});
  // The state Dead is never written.
  h.append(make_transaction_record("dead", {.producer_id = 1, .state = TransactionState::kDead}, 0));
  h.reload();
  EXPECT_EQ(h.state("dead"), "none");
  EXPECT_EQ(h.init("dead").error_code, ErrorCode::kNone);
  EXPECT_EQ(h.state("a"), "Empty");
}

}  // namespace
}  // namespace milena::coordinator
