// Requests that take long: their work runs beside the loop, and the response is the same.
#include <set>

#include "broker/node_fixture.h"
#include "broker/transaction_fixture.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/offset_delete.h"

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

// The names of many groups, or transactions: another client's records are written meanwhile.
TEST_P(HeavyTest, ManyNamesTakeManyTurns) {
  constexpr size_t kNames = 3'000;
  commit("g-7", 0, 7);
  new_producer("g-7");
  std::vector<std::string> names;
  for (size_t i = 0; i < kNames; i++) names.push_back("g-" + std::to_string(i));
  const std::set<std::string> all(names.begin(), names.end());
  const auto ask = [&]<class Response>(Response, const auto& request, int16_t version) {
    TestClient& other = node().connect(0);
    client().queue(request, version);
    node().clock().tick_at_each_look(1);
    node().run_turns(1);
    other.queue(produce_request("t", 0, batch_of({"x"}, node().clock().wall_ms()), 9, -1), 9);
    for (int turns = 0; turns < 10 && !other.has_answer(); turns++) node().run_turns(1);
    EXPECT_TRUE(other.has_answer());
    EXPECT_FALSE(client().has_answer()) << "the produce request had to wait for all names";
    node().clock().tick_at_each_look(0);
    node().run();
    return client().take<Response>(version);
  };

  DescribeGroupsRequest groups;
  groups.groups.assign(names.begin(), names.end());
  const auto described = ask(DescribeGroupsResponse(), groups, 5);
  std::set<std::string> answered;
  for (const auto& group : described.groups) {
    EXPECT_EQ(group.group_state, group.group_id == "g-7" ? "Empty" : "Dead");
    answered.emplace(group.group_id);
  }
  EXPECT_EQ(described.groups.size(), kNames);
  EXPECT_EQ(answered, all);

  DescribeTransactionsRequest transactions;
  transactions.transactional_ids.assign(names.begin(), names.end());
  const auto states = ask(DescribeTransactionsResponse(), transactions, 0).transaction_states;
  ASSERT_EQ(states.size(), kNames);
  for (size_t i = 0; i < kNames; i++) {
    EXPECT_EQ(states[i].transactional_id, names[i]);
    EXPECT_EQ(states[i].error_code, i == 7 ? ErrorCode::kNone : ErrorCode::kTransactionalIdNotFound);
  }

  DeleteGroupsRequest deletion;
  deletion.groups_names.assign(names.begin(), names.end());
  answered.clear();
  for (const auto& group : ask(DeleteGroupsResponse(), deletion, 2).results) {
    EXPECT_EQ(group.error_code, group.group_id == "g-7" ? ErrorCode::kNone : ErrorCode::kGroupIdNotFound);
    answered.emplace(group.group_id);
  }
  EXPECT_EQ(answered, all);
}

// A topic is once in the answer, with the partitions that are unknown before the others.
TEST_P(HeavyTest, OffsetsOfATopicThatIsNamedOftenAreDeletedInOneAnswer) {
  commit("g", 0, 7);
  OffsetDeleteRequest request;
  request.group_id = "g";
  request.topics.resize(20'000);
  for (size_t i = 0; i < request.topics.size(); i++) {
    request.topics[i].name = i % 2 == 0 ? "t" : "nobody";
    request.topics[i].partitions.push_back({i == 0 ? 0 : static_cast<int32_t>(i + 100)});
  }
  const auto answer = client().ask<OffsetDeleteResponse>(request, 0);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  ASSERT_EQ(answer.topics.size(), 2u);
  for (const auto& topic : answer.topics) {
    EXPECT_EQ(topic.partitions.size(), 10'000u);
    for (const auto& partition : topic.partitions)
      EXPECT_EQ(partition.error_code,
                partition.partition_index == 0 ? ErrorCode::kNone : ErrorCode::kUnknownTopicOrPartition);
  }
  EXPECT_EQ(answer.topics[0].partitions.back().partition_index, 0);
  EXPECT_EQ(committed("g", 0), -1);
}

}  // namespace
}  // namespace milena::broker::broker_test
