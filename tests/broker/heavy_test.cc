// Requests that take long: their work runs beside the loop, and the response is the same.
#include "broker/node_fixture.h"
#include "broker/transaction_fixture.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/list_groups.h"

namespace milena::broker::broker_test {
namespace {

using testing::ElementsAre;

class HeavyTest : public TransactionFixture {
 protected:
  // Records of a megabyte each that compress to almost nothing.
  Bytes bomb(int records) {
    BatchOptions options;
    options.compression = Codec::kZstd;
    return batch_of(std::vector<std::string>(static_cast<size_t>(records), std::string(1 << 20, '0')),
                    node().clock().wall_ms(), options);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, HeavyTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(HeavyTest, ABatchThatHoldsMuchIsCheckedElsewhere) {
  create_topic("heavy");
  EXPECT_EQ(produce_batch("heavy", 0, bomb(1)).error_code, ErrorCode::kNone);
  EXPECT_EQ(node().computations(), 0);
  ProduceOut out = produce_batch("heavy", 0, bomb(20));
  EXPECT_EQ(out.error_code, ErrorCode::kNone);
  EXPECT_EQ(out.base_offset, 1);
  EXPECT_EQ(node().computations(), 1);
  // Errors are found there as well.
  Bytes broken = bomb(20);
  BatchHeader header = BatchHeader::read(broken.data());
  header.record_count = 19;
  header.last_offset_delta = 18;
  header.write(broken.data());
  seal_batch(broken.data(), broken.size());
  EXPECT_EQ(produce_batch("heavy", 0, broken).error_code, ErrorCode::kInvalidRecord);
  EXPECT_EQ(node().computations(), 2);
  EXPECT_EQ(produce("heavy", 0, {"light"}).base_offset, 21);
}

TEST_P(HeavyTest, ALookUpByTimeInSuchABatchIsDoneElsewhere) {
  create_topic("heavy");
  const int64_t early_ms = node().clock().wall_ms();
  produce("heavy", 0, {"first"});
  node().advance(1000);
  BatchOptions options;
  options.compression = Codec::kZstd;
  RecordBatchBuilder builder(options);
  for (int i = 0; i < 4; i++) builder.append(std::nullopt, std::string(1 << 20, '0'), early_ms + 1000 + i);
  ASSERT_EQ(produce_batch("heavy", 0, builder.build()).error_code, ErrorCode::kNone);
  const int before = node().computations();
  EXPECT_EQ(list_offset("heavy", 0, early_ms).offset, 0);
  EXPECT_EQ(node().computations(), before);
  EXPECT_EQ(list_offset("heavy", 0, early_ms + 1003).offset, 4);
  EXPECT_EQ(list_offset("heavy", 0, -3).offset, 4);
  EXPECT_GT(node().computations(), before);
  EXPECT_EQ(list_offset("heavy", 0, early_ms + 1004).offset, -1);
}

TEST_P(HeavyTest, APatternThatTakesLongIsMatchedElsewhere) {
  for (int i = 0; i < 20; i++) create_topic("orders-" + std::string(200, 'x') + std::to_string(i));
  find_coordinator("group");
  const auto beat = [&](ByteView pattern, int32_t epoch, ByteView member) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = "group";
    request.member_id = member;
    request.member_epoch = epoch;
    request.rebalance_timeout_ms = 60'000;
    request.topic_partitions.emplace();
    request.subscribed_topic_regex = pattern;
    return client().ask<ConsumerGroupHeartbeatResponse>(request, 1);
  };
  const int before = node().computations();
  auto light = beat("orders-.*0", 0, "m");
  ASSERT_EQ(light.error_code, ErrorCode::kNone) << light.error_message.value_or("");
  EXPECT_EQ(light.assignment->topic_partitions.size(), 2u);
  EXPECT_EQ(node().computations(), before);
  const ByteView heavy = "orders-(x{0,100}){10}x*[0-9]+";
  auto first = beat(heavy, light.member_epoch, "m");
  ASSERT_EQ(first.error_code, ErrorCode::kNone) << first.error_message.value_or("");
  EXPECT_EQ(node().computations(), before + 1);
  EXPECT_LE(first.heartbeat_interval_ms, 1000);
  node().advance(5000);  // for the interval of assignments
  auto second = beat(heavy, first.member_epoch, "m");
  ASSERT_EQ(second.error_code, ErrorCode::kNone);
  EXPECT_EQ(second.assignment->topic_partitions.size(), 20u);
  EXPECT_EQ(node().computations(), before + 1);
}

TEST_P(HeavyTest, TransactionsAreListedByPatternElsewhere) {
  for (const char* id : {"a-1", "a-2", "b-1"}) new_producer(id);
  ListTransactionsRequest request;
  request.transactional_id_pattern = "a-.*";
  // Megabytes of filters are answered once.
  std::vector<std::string> names;
  for (int i = 0; i < 20'000; i++) names.push_back("State" + std::to_string(i % 10'000));
  for (const std::string& name : names) request.state_filters.push_back(name);
  request.state_filters.push_back("Empty");
  for (int64_t i = 20'000; i >= 0; i--) request.producer_id_filters.push_back(i);
  const int before = node().computations();
  auto response = client().ask<ListTransactionsResponse>(request, 2);
  EXPECT_EQ(response.error_code, ErrorCode::kNone);
  EXPECT_EQ(response.unknown_state_filters.size(), 10'000u);
  std::vector<std::string> ids;
  for (const auto& state : response.transaction_states) ids.emplace_back(state.transactional_id);
  std::sort(ids.begin(), ids.end());
  EXPECT_THAT(ids, ElementsAre("a-1", "a-2"));
  EXPECT_EQ(node().computations(), before + 2);
  request.transactional_id_pattern = "([";
  EXPECT_EQ(client().ask<ListTransactionsResponse>(request, 2).error_code, ErrorCode::kInvalidRegularExpression);
}

TEST_P(HeavyTest, FiltersOfAListOfGroupsAreReadElsewhere) {
  ListGroupsRequest request;
  std::vector<std::string> names;
  for (int i = 0; i < 20'000; i++) names.push_back("State" + std::to_string(i));
  request.states_filter.assign(names.begin(), names.end());
  const int before = node().computations();
  EXPECT_TRUE(client().ask<ListGroupsResponse>(request, 5).groups.empty());
  EXPECT_EQ(node().computations(), before + 1);
}

}  // namespace
}  // namespace milena::broker::broker_test
