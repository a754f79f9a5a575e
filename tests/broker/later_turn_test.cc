// A lack of memory in a later turn of a request closes its connection and nothing else, as in the turn when it came.
#include "broker/later_turn.h"

#include <new>

#include "broker/api_registry.h"
#include "broker/clients/call.h"
#include "broker/node_fixture.h"
#include "broker/router.h"
#include "protocol/message_allocation.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/describe_log_dirs.h"

namespace milena::broker::broker_test {
namespace {

using milena::allocation::ScarceMemory;

// A connection that only records its end.
struct ClosedOrNot final : Transport {
  void send(Payload) override { ADD_FAILURE() << "answered"; }
  void send_nothing() override { ADD_FAILURE() << "answered"; }
  void pause(int64_t) override {}
  void authenticated() override {}
  void close(std::string) override { closed = true; }
  bool closed = false;
};

// Takes more than a slice for each visit; the second one of a shard is out of memory.
struct Visited {
  TopicPartitionId id;
  ManualClock* clock = nullptr;
  int* visits = nullptr;
};
void visit(Shard&, Visited& item) {
  item.clock->advance(10);
  if (++*item.visits == 2) throw std::bad_alloc();
}

class LaterTurnTest : public NodeFixture {
 protected:
  using AnyCall = Call<ApiVersionsRequest, ApiVersionsResponse>;

  std::shared_ptr<CallBase> new_call(Transport& transport) {
    auto state = std::make_shared<ConnectionState>();
    state->transport = &transport;
    auto call = std::make_shared<AnyCall>(node().node().shard(0), state, Frame{});
    call->set_header(*find_handler(static_cast<int16_t>(ApiKey::kApiVersions), false), 3, 1, "");
    return call;
  }
  std::vector<Visited> items(int* visits) {
    std::vector<Visited> all;
    for (int32_t i = 0; i < 20; i++) all.push_back({{Uuid{1, 2}, i}, &node().clock(), visits});
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, LaterTurnTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(LaterTurnTest, AVisitWithoutMemoryEndsItsRequestAlone) {
  Shard& shard = node().node().shard(0);
  for (const bool here : {false, true}) {
    SCOPED_TRACE(here);
    ClosedOrNot connection;
    int visits = 0;
    auto done = [call = new_call(connection)](std::vector<Visited>) { ADD_FAILURE() << "done without all visits"; };
    if (here) {
      Router::visit_each_here<Visited>(shard, items(&visits), &visit, std::move(done));
    } else {
      shard.router().visit_each<Visited>(shard, items(&visits), &visit, std::move(done));
    }
    EXPECT_FALSE(connection.closed);
    node().run();
    EXPECT_TRUE(connection.closed);
    EXPECT_GE(visits, 2);
  }
  create_topic("others");
  EXPECT_EQ(produce("others", 0, {"x"}).error_code, ErrorCode::kNone);
}

// `done` builds the answer.
TEST_P(LaterTurnTest, AnAnswerWithoutMemoryEndsItsRequestAlone) {
  Shard& shard = node().node().shard(0);
  ClosedOrNot connection;
  int visits = 2;
  shard.router().visit_each<Visited>(shard, items(&visits), &visit,
                                     [call = new_call(connection)](std::vector<Visited>) { throw std::bad_alloc(); });
  node().run();
  EXPECT_TRUE(connection.closed);
  EXPECT_EQ(visits, 22);
}

TEST_P(LaterTurnTest, AComputationWithoutMemoryEndsItsRequestAlone) {
  Shard& shard = node().node().shard(0);
  for (const bool at_work : {true, false}) {
    SCOPED_TRACE(at_work);
    ClosedOrNot connection;
    run_or_drop(
        shard.executor(), &Executor::run_computation,
        [at_work] {
          if (at_work) throw std::bad_alloc();
        },
        [at_work, call = new_call(connection)] {
          EXPECT_FALSE(at_work);
          throw std::bad_alloc();
        });
    EXPECT_FALSE(connection.closed);
    node().run();
    EXPECT_TRUE(connection.closed);
  }
}

// All shards are visited, one turn later.
TEST_P(LaterTurnTest, DirectoriesThatDoNotFitIntoMemory) {
  create_topic("wide", 2'000);
  TestClient& asking = node().connect(0);
  asking.queue(DescribeLogDirsRequest{.topics = std::nullopt}, 4);
  {
    ScarceMemory scarce(16'384);
    asking.run_now();
  }
  EXPECT_TRUE(asking.closed());
  EXPECT_EQ(client().ask<DescribeLogDirsResponse>(DescribeLogDirsRequest{.topics = std::nullopt}, 4).error_code,
            ErrorCode::kNone);
}

// The fetch waits, and is woken by a record when there is not enough memory to read all its partitions again. Its
// session must not stay in use.
TEST_P(LaterTurnTest, AFetchThatIsWokenWithoutMemory) {
  constexpr int32_t kPartitions = 400;
  create_topic("wide", kPartitions);
  FetchRequest all = fetch_request("wide", 0, 0);
  all.session_epoch = 0;
  for (int32_t p = 1; p < kPartitions; p++) {
    auto asked = all.topics[0].partitions[0];
    asked.partition = p;
    all.topics[0].partitions.push_back(asked);
  }
  const int32_t session = client().ask<FetchResponse>(all, kFetchVersion).session_id;
  ASSERT_NE(session, 0);

  FetchRequest more;
  more.max_wait_ms = 10'000;
  more.min_bytes = 1;
  more.max_bytes = 1 << 20;
  more.session_id = session;
  more.session_epoch = 1;
  TestClient& waiting = node().connect(0);
  waiting.start(more, kFetchVersion);
  ASSERT_FALSE(waiting.has_answer());
  ASSERT_FALSE(waiting.closed());
  client().queue(produce_request("wide", 7, batch_of({"x"}, node().clock().wall_ms()), 9, -1), 9);
  {
    ScarceMemory scarce(32'768);
    node().run();
  }
  EXPECT_TRUE(waiting.closed());
  EXPECT_EQ(only_partition(client().take<ProduceResponse>(9)).error_code, ErrorCode::kNone);

  more.session_epoch = 2;
  const auto answer = client().ask<FetchResponse>(more, kFetchVersion);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  ASSERT_EQ(answer.responses.size(), 1u);
  EXPECT_EQ(records_of(answer.responses[0].partitions.at(0).records).values, std::vector<std::string>{"x"});
}

}  // namespace
}  // namespace milena::broker::broker_test
