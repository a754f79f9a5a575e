// A replica after a move: its producers and its log start offset are those of the original, and leftovers in other
// directories are not taken for it.
#include "broker/moves_fixture.h"

namespace milena::broker::broker_test {
namespace {

class MovedReplicaTest : public MovesTest {};
INSTANTIATE_TEST_SUITE_P(Shards, MovedReplicaTest, testing::Values(1, 4), testing::PrintToStringParamName());

// The original lost records below the copy's first one: the two have no records in common.
TEST_P(MovedReplicaTest, ACopyIsKeptWhoseOriginalEndsBeforeItBegins) {
  create_topic("t");
  produce("t", 0, {"0", "1", "2", "3"});
  ASSERT_EQ(delete_records("t", 4), ErrorCode::kNone);
  produce("t", 0, {"4"});
  from_ = place_of("t");
  to_ = other_than(from_);
  const std::string copy = to_ + "/t-0.0123456789abcdef0123456789abcdef-future";
  kill();
  std::filesystem::copy(from_ + "/t-0", copy);
  std::filesystem::rename(copy + "/00000000000000000000.log", copy + "/00000000000000000004.log");
  std::filesystem::resize_file(from_ + "/t-0/00000000000000000000.log", 0);
  std::filesystem::remove(from_ + "/recovery-point-offset-checkpoint");
  std::filesystem::remove(from_ + "/log-start-offset-checkpoint");
  start();
  for (int i = 0; i < 5; i++) node().advance(1000);
  EXPECT_EQ(place_of("t"), from_);
  EXPECT_EQ(count_in(to_, "-future") + count_in(to_, "-stray"), 1);
  EXPECT_EQ(produce("t", 0, {"goes on"}).error_code, ErrorCode::kNone);
}

// Its response was lost, its records are deleted, the partition has moved: the retry is a duplicate all the same.
TEST_P(MovedReplicaTest, ABatchThatIsSentAgainAfterAMoveIsADuplicate) {
  create_topic("t");
  const BatchOptions by{.producer_id = 7, .producer_epoch = 0, .base_sequence = 0};
  RecordBatchBuilder builder(by);
  builder.append("k", "once", node().clock().wall_ms());
  const Bytes batch = builder.build();
  ASSERT_EQ(produce_batch("t", 0, batch).base_offset, 0);
  ASSERT_EQ(delete_records("t", 1), ErrorCode::kNone);
  const std::string to = other_than(place_of("t"));
  move("t", to);
  for (int i = 0; i < 20 && place_of("t") != to; i++) node().advance(1000);
  ASSERT_EQ(place_of("t"), to);
  EXPECT_EQ(produce_batch("t", 0, batch).base_offset, 0);
  kill_and_start();
  EXPECT_EQ(produce_batch("t", 0, batch).base_offset, 0);
  EXPECT_EQ(list_offset("t", 0, -1).offset, 1);
}

TEST_P(MovedReplicaTest, ALogStartOffsetSurvivesAKillRightAfterTheMove) {
  create_topic("t");
  for (const char* value : {"0", "1", "2"}) produce("t", 0, {value});
  ASSERT_EQ(delete_records("t", 1), ErrorCode::kNone);
  node().advance(70'000);  // the checkpoint of the old directory has it
  const std::string to = other_than(place_of("t"));
  client().queue(move_request("t", to), 2);
  for (int i = 0; i < 1000 && place_of("t") != to; i++) node().run_turns(1);
  ASSERT_EQ(place_of("t"), to);
  kill_and_start();
  EXPECT_EQ(place_of("t"), to);
  EXPECT_EQ(list_offset("t", 0, -2).offset, 1);
}

// While the disk with a moved replica is away, leftovers in its old directory are not taken for it.
TEST_P(MovedReplicaTest, AnOriginalIsNotServedWhileTheDiskOfItsCopyIsAway) {
  begin_slow_move("t");
  const std::string old = node().directory() + "/old";
  std::filesystem::copy(from_ + "/t-0", old);
  finish_move("t");
  EXPECT_EQ(produce("t", 0, {"moved"}).base_offset, 6);
  node().advance(70'000);
  stop();
  std::filesystem::rename(old, from_ + "/t-0");
  std::filesystem::rename(to_, to_ + "-away");
  std::ofstream(to_) << "a file where the directory was";
  start();
  EXPECT_NE(produce("t", 0, {"lost"}).error_code, ErrorCode::kNone);
  stop();
  std::filesystem::remove(to_);
  std::filesystem::rename(to_ + "-away", to_);
  start();
  EXPECT_EQ(place_of("t"), to_);
  EXPECT_EQ(values_from("t", 0, 6), std::vector<std::string>{"moved"});
}

// Its removal was interrupted: the move had been sent elsewhere.
TEST_P(MovedReplicaTest, ACopyWithoutItsBeginningIsBegunAnew) {
  begin_slow_move("t", {{"segment.bytes", "1048576"}});
  node().advance(2500);
  ASSERT_EQ(place_of("t"), from_);
  kill();
  int segments = 0;
  for (const auto& entry : std::filesystem::directory_iterator(to_)) {
    if (!entry.path().filename().string().ends_with("-future")) continue;
    segments = count_in(entry.path(), ".log");
    std::filesystem::remove(entry.path() / "00000000000000000000.log");
  }
  ASSERT_GT(segments, 1);
  start();
  finish_move("t");
  EXPECT_EQ(list_offset("t", 0, -2).offset, 0);
  for (int offset = 0; offset < 6; offset++) EXPECT_FALSE(values_from("t", 0, offset).empty()) << offset;
}

// The state after a loss of power in the second of two moves: the metadata has a directory without the replica, and one
// of the two directories with files should have been deleted.
TEST_P(MovedReplicaTest, OfTwoLogsTheOneThatGoesFurtherIsTheReplica) {
  for (const bool longer_first : {true, false}) {
    const std::string topic = longer_first ? "first" : "second";
    create_topic(topic);
    produce(topic, 0, {"0"});
    const std::string old = node().directory() + "/old-" + topic;
    from_ = place_of(topic);
    std::filesystem::copy(from_ + "/" + topic + "-0", old);
    produce(topic, 0, {"1"});
    kill();
    std::vector<std::string> others;
    for (int i = 0; i < 3; i++) {
      if (dir(i) != from_) others.push_back(dir(i));
    }
    std::filesystem::rename(from_ + "/" + topic + "-0", others[longer_first ? 0 : 1] + "/" + topic + "-0");
    std::filesystem::rename(old, others[longer_first ? 1 : 0] + "/" + topic + "-0");
    start();
    EXPECT_EQ(list_offset(topic, 0, -1).offset, 2);
  }
}

}  // namespace
}  // namespace milena::broker::broker_test
