// Moves of replicas between directories: events during a move, and the state after a stop, a deletion or a loss of
// power.
#include "base/forgetful_file_system.h"
#include "broker/moves_fixture.h"

namespace milena::broker::broker_test {
namespace {

using base_test::ForgetfulFileSystem;

INSTANTIATE_TEST_SUITE_P(Shards, MovesTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(MovesTest, ACopyOfADeletedTopicIsNotTakenForTheNewOnes) {
  begin_slow_move("t");
  kill();
  make_anew_while_away("t", to_);
  start();
  for (int i = 0; i < 20; i++) node().advance(1000);
  EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"new"});
  EXPECT_EQ(count_in(to_, "-future"), 0);
  EXPECT_EQ(count_in(to_, "-stray"), 1);
}

// A power failure may leave records without the partition.metadata with their topic id.
TEST_P(MovesTest, ANamelessLogIsNotTakenForOneThatTheMetadataHasElsewhere) {
  begin_slow_move("t");
  finish_move("t");
  stop();
  make_anew_while_away("t", to_);
  std::filesystem::remove(to_ + "/t-0/partition.metadata");
  start();
  EXPECT_NE(place_of("t"), to_);
  EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"new"});
  EXPECT_EQ(count_in(to_, "-stray"), 1);
}

// The same where nothing of the new topic is on a disk yet: its directory is made later.
TEST_P(MovesTest, ANamelessLogIsNotTakenForOneWhoseDirectoryIsNotMadeYet) {
  begin_slow_move("t");
  finish_move("t");
  stop();
  make_anew_without("t", to_);
  for (const int i : {0, 1, 2}) ASSERT_TRUE(dir(i) == to_ || count_in(dir(i), "t-0") == 0);
  kill();
  bring_back(to_);
  std::filesystem::remove(to_ + "/t-0/partition.metadata");
  start();
  EXPECT_NE(place_of("t"), to_);
  EXPECT_EQ(count_in(to_, "-stray"), 1);
  EXPECT_TRUE(values_from("t", 0, 0).empty());
  EXPECT_EQ(produce("t", 0, {"new"}).base_offset, 0);
}

// After a clean stop nothing was lost, and the metadata has the replica there.
TEST_P(MovesTest, ANamelessLogWhereTheMetadataHasItIsTheReplica) {
  begin_slow_move("t");
  finish_move("t");
  stop();
  const std::string name = to_ + "/t-0/partition.metadata";
  std::filesystem::remove(name);
  start();
  EXPECT_EQ(place_of("t"), to_);
  EXPECT_EQ(list_offset("t", 0, -2).offset, 0);
  EXPECT_EQ(list_offset("t", 0, -1).offset, 6);
  EXPECT_EQ(count_in(to_, "-stray"), 0);
  EXPECT_TRUE(std::filesystem::exists(name));
}

// The mark of a clean stop says nothing of a log that the stop did not know: its topic was deleted while its disk
// failed, and the power took its name.
TEST_P(MovesTest, ANamelessLogThatACleanStopDidNotKnowIsNotTaken) {
  begin_slow_move("t");
  finish_move("t");
  stop();
  make_anew_without("t", to_);
  const std::string place = place_of("t");
  stop();
  std::filesystem::remove_all(place + "/t-0");
  std::filesystem::copy(to_ + "-away/t-0", place + "/t-0");
  std::filesystem::remove(place + "/t-0/partition.metadata");
  start();
  EXPECT_EQ(list_offset("t", 0, -1).offset, 0);
  EXPECT_GE(count_in(place, "-stray"), 1);
}

// A recovery trusts records below the recovery point, and checkpoints only have names.
TEST_P(MovesTest, WhatCheckpointsSayOfADeletedTopicIsNotSaidOfTheNewOne) {
  begin_slow_move("t");
  finish_move("t");
  stop();
  const std::string checkpoint = to_ + "/recovery-point-offset-checkpoint";
  ASSERT_EQ(posix_file_system().read_file(checkpoint).value(), "0\n1\nt 0 6\n");
  make_anew_without("t", to_);
  kill();
  bring_back(to_);
  start();
  EXPECT_EQ(posix_file_system().read_file(checkpoint).value(), "0\n0\n");
  EXPECT_NE(place_of("t"), to_);
  EXPECT_EQ(count_in(to_, "-stray"), 1);
  EXPECT_EQ(produce("t", 0, {"new"}).base_offset, 0);
}

TEST_P(MovesTest, AConfigurationAlteredDuringAMoveHolds) {
  begin_slow_move("t", {{"retention.ms", "3600000"}});
  alter("t", "retention.ms", "-1");
  finish_move("t");
  node().advance(7'200'000);  // several rounds of retention
  EXPECT_EQ(list_offset("t", 0, -2).offset, 0);
  EXPECT_EQ(node().partition("t", 0).log()->config().retention_ms, -1);
}

// A turn copies what a second allows, even of a log that is small.
TEST_P(MovesTest, ASmallLogMovesAtTheRateToo) {
  alter_rate("100");
  create_topic("t");
  for (const char* key : {"0", "1", "2"}) put("t", key, "v");
  from_ = place_of("t");
  to_ = other_than(from_);
  move("t", to_);
  node().run();
  EXPECT_EQ(place_of("t"), from_);
  finish_move("t");
  EXPECT_EQ(list_offset("t", 0, -1).offset, 3);
}

// At a byte a second the copy of one turn would take days.
TEST_P(MovesTest, ARateThatIsAlteredDuringAMoveHolds) {
  alter_rate("1");
  begin_slow_move("t");
  for (int i = 0; i < 20; i++) node().advance(1000);
  EXPECT_EQ(place_of("t"), from_);
  alter_rate("100000000");
  finish_move("t");
}

TEST_P(MovesTest, AMoveThatIsUnderWayMayBeSentElsewhere) {
  begin_slow_move("t");
  std::string first = to_;
  for (int i = 0; i < 3; i++) {
    if (dir(i) != from_ && dir(i) != first) to_ = dir(i);
  }
  move("t", to_);
  finish_move("t");
  node().run();
  EXPECT_EQ(count_in(first, "-future"), 0);
  EXPECT_EQ(list_offset("t", 0, -1).offset, 6);
  EXPECT_FALSE(values_from("t", 0, 5).empty());
}

TEST_P(MovesTest, ADeletionThatEmptiesTheLogDoesNotEndTheMove) {
  begin_slow_move("t");
  ASSERT_EQ(delete_records("t", 6), ErrorCode::kNone);
  finish_move("t");
  EXPECT_EQ(list_offset("t", 0, -2).offset, 6);
  EXPECT_EQ(list_offset("t", 0, -1).leader_epoch, 0);
  EXPECT_EQ(produce("t", 0, {"after"}).base_offset, 6);
  kill_and_start();
  EXPECT_EQ(values_from("t", 0, 6), std::vector<std::string>{"after"});
}

TEST_P(MovesTest, AMoveEndsUnderWritesThatAreAllSynced) {
  create_topic("t", 1, {{"flush.messages", "1"}});
  produce("t", 0, {"0"});
  from_ = place_of("t");
  to_ = other_than(from_);
  std::vector<TestClient*> writers;
  for (int i = 0; i < 8; i++) writers.push_back(&node().connect(i));
  client().queue(move_request("t", to_), 2);
  int written = 0;
  for (int turn = 0; turn < 400 && place_of("t") != to_; turn++) {
    for (TestClient* writer : writers) {
      while (writer->has_answer()) {
        EXPECT_EQ(only_partition(writer->take<ProduceResponse>(9)).error_code, ErrorCode::kNone);
        written++;
      }
      if (writer->idle()) {
        writer->queue(produce_request("t", 0, batch_of({"w"}, node().clock().wall_ms()), 9, -1), 9);
      }
    }
    node().run_turns(1);
  }
  EXPECT_EQ(place_of("t"), to_);
  EXPECT_GT(written, 0);
  node().run();
  for (TestClient* writer : writers) {
    while (writer->has_answer()) {
      EXPECT_EQ(only_partition(writer->take<ProduceResponse>(9)).error_code, ErrorCode::kNone);
      written++;
    }
  }
  EXPECT_EQ(client().take<AlterReplicaLogDirsResponse>(2).results.size(), 1u);
  EXPECT_EQ(list_offset("t", 0, -1).offset, written + 1);
}

TEST_P(MovesTest, ADirectoryThatFailsLeavesTheCopyOfItsReplica) {
  begin_slow_move("t");
  node().partition("t", 0).take_offline(make_error(ErrorKind::kIo, "the disk is gone"));
  node().run();
  node().advance(70'000);
  EXPECT_EQ(count_in(to_, "-future"), 1);
  // The move continues when the original is back.
  restart();
  finish_move("t");
  EXPECT_EQ(values_from("t", 0, 5).size(), 1u);
}

// The copy cannot be closed in order. Tasks that wait for the clock still hold the move.
TEST_P(MovesTest, AStopEndsAMoveWhoseCopyIsGone) {
  begin_slow_move("t");
  for (const auto& entry : std::filesystem::directory_iterator(to_)) {
    if (entry.path().filename().string().ends_with("-future")) std::filesystem::remove_all(entry.path());
  }
  stop();
  start();
  EXPECT_EQ(place_of("t"), from_);
  EXPECT_EQ(values_from("t", 0, 5).size(), 1u);
}

TEST_P(MovesTest, AMoveThatFailsAtItsEndLeavesEverythingAsItWas) {
  begin_slow_move("t", {{"flush.messages", "1"}});
  std::filesystem::create_directories(to_ + "/t-0/in the way");
  for (int i = 0; i < 20; i++) node().advance(1000);
  EXPECT_EQ(place_of("t"), from_);
  EXPECT_EQ(count_in(to_, "-future"), 0);
  EXPECT_EQ(node().topic("t")->partition(0)->directory(1), node().partition("t", 0).directory()->id());
  EXPECT_EQ(produce("t", 0, {"after"}).base_offset, 6);  // its sync is no longer delayed
}

// The state after a loss of power when only one of two file systems had synced the end of a move.
TEST_P(MovesTest, ACopyWithoutItsOriginalIsTheReplica) {
  begin_slow_move("t");
  finish_move("t");
  stop();
  const std::string unique = ".0123456789abcdef0123456789abcdef";
  std::filesystem::copy(to_ + "/t-0", from_ + "/t-0" + unique + "-delete");
  std::filesystem::rename(to_ + "/t-0", to_ + "/t-0" + unique + "-future");
  start();
  EXPECT_EQ(place_of("t"), to_);
  EXPECT_EQ(list_offset("t", 0, -1).offset, 6);
  EXPECT_EQ(values_from("t", 0, 5).size(), 1u);
  restart();
  EXPECT_EQ(list_offset("t", 0, -1).offset, 6);
}

TEST_P(MovesTest, WhatIsToBeDeletedStaysWhereItIsTheOnlyCopy) {
  begin_slow_move("t");
  finish_move("t");
  node().advance(70'000);
  stop();
  const std::string gone = from_ + "/t-0.0123456789abcdef0123456789abcdef-delete";
  std::filesystem::rename(to_ + "/t-0", gone);
  start();
  node().advance(70'000);
  EXPECT_EQ(count_in(from_, "-stray"), 1);
}

TEST_P(MovesTest, ACopyIsNotRemovedForAnOriginalThatLostRecords) {
  begin_slow_move("t");
  stop();
  // The disk was replaced, or repaired by a tool that emptied it.
  for (const auto& entry : std::filesystem::directory_iterator(from_ + "/t-0")) {
    if (entry.path().filename() != "partition.metadata") std::filesystem::remove(entry.path());
  }
  start();
  node().advance(10'000);
  EXPECT_EQ(count_in(to_, "-future"), 1);
}

// A failure of the machine took a segment of the copy and not the next one: both are copied again.
TEST_P(MovesTest, WhatACopyLacksIsCopiedAgain) {
  begin_slow_move("t", {{"segment.bytes", "1048576"}});
  for (int i = 0; i < 2; i++) node().advance(1000);
  ASSERT_EQ(place_of("t"), from_);
  kill();
  std::string copy;
  for (const auto& entry : std::filesystem::directory_iterator(to_)) {
    if (entry.path().string().ends_with("-future")) copy = entry.path();
  }
  ASSERT_TRUE(std::filesystem::exists(copy + "/00000000000000000001.log"));
  std::filesystem::resize_file(copy + "/00000000000000000000.log", 0);
  start();
  finish_move("t");
  log::PartitionLog& log = *node().partition("t", 0).log();
  EXPECT_EQ(log.log_end_offset(), 6);
  EXPECT_GT(log.bytes_between(0, 6).value(), 6 * 700'000u);
}

// A record may be copied before its tombstone, and compaction could remove the tombstone before it is copied.
TEST_P(MovesTest, NothingIsCompactedDuringAMove) {
  stop();
  node().set("log.cleaner.backoff.ms", "100");
  start();
  begin_slow_move("t", {{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}});
  auto roll_and_wait = [&] {
    ASSERT_TRUE(node().partition("t", 0).log()->roll().ok());
    put("t", "last", "v");
    for (int i = 0; i < 3; i++) node().advance(200);
  };
  roll_and_wait();
  ASSERT_EQ(place_of("t"), from_);
  EXPECT_EQ(node().partition("t", 0).log()->first_dirty_offset(), 0);
  finish_move("t");
  roll_and_wait();
  EXPECT_GT(node().partition("t", 0).log()->first_dirty_offset(), 0);
}

// Records that compaction removes meanwhile, tombstones among them, must not stay in the copy.
TEST_P(MovesTest, ACopyIsBegunAnewWhereItsOriginalWasCompactedWithoutIt) {
  stop();
  node().set("log.cleaner.backoff.ms", "100");
  start();
  begin_slow_move("t", {{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}});
  for (int i = 0; i < 2; i++) node().advance(1000);
  kill();
  start_without(to_);
  put("t", "k0", "v");
  ASSERT_TRUE(node().partition("t", 0).log()->roll().ok());
  put("t", "last", "v");
  auto size = [&] {
    log::PartitionLog& log = *node().partition("t", 0).log();
    return log.bytes_between(0, log.log_end_offset()).value();
  };
  for (int i = 0; i < 20 && size() > 6 * 700'000; i++) node().advance(200);
  const uint64_t compacted = size();
  ASSERT_LT(compacted, 6u * 700'000);
  stop();
  bring_back(to_);
  start();
  finish_move("t");
  EXPECT_EQ(size(), compacted);
}

// A node on a disk that loses unsynced data, with all acknowledged records synced: flush.messages=1.
class MoveOnForgetfulDiskTest : public MovesTest {
 protected:
  void SetUp() override {
    node().use_files(disk_);
    MovesTest::SetUp();
    disk_.settle();
  }
  void TearDown() override {
    if (node().running()) kill();
  }
  ForgetfulFileSystem disk_;
};
INSTANTIATE_TEST_SUITE_P(Shards, MoveOnForgetfulDiskTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(MoveOnForgetfulDiskTest, TheReplicaSurvivesALossOfPowerAtAnyTurn) {
  create_topic("t", 1, {{"flush.messages", "1"}});
  int64_t acknowledged = 0;
  for (; acknowledged < 5; acknowledged++) produce("t", 0, {std::to_string(acknowledged)});
  for (int turns = 0; turns < 40; turns++) {
    for (int mode = 0; mode < 4; mode++) {
      from_ = place_of("t");
      to_ = other_than(from_);
      TestClient& writer = node().connect(0);
      client().queue(move_request("t", to_), 2);
      for (int turn = 0; turn < turns; turn++) {
        if (writer.idle()) writer.queue(produce_request("t", 0, batch_of({"w"}, node().clock().wall_ms()), 9, -1), 9);
        node().run_turns(1);
        while (writer.has_answer()) {
          auto out = only_partition(writer.take<ProduceResponse>(9));
          ASSERT_EQ(out.error_code, ErrorCode::kNone);
          acknowledged = std::max(acknowledged, out.base_offset + 1);
        }
      }
      kill();
      // Each of the two disks has synced its last names, or has not.
      disk_.lose_power([&](const std::string& path, size_t changes) {
        if (path == from_) return (mode & 1) != 0 ? changes : 0;
        if (path == to_) return (mode & 2) != 0 ? changes : 0;
        return size_t{0};
      });
      start();
      int64_t next = produce("t", 0, {"after"}).base_offset;
      ASSERT_GE(next, acknowledged) << turns << " turns, mode " << mode;
      ASSERT_EQ(list_offset("t", 0, -2).offset, 0) << turns << " turns, mode " << mode;
      acknowledged = next + 1;
      ASSERT_EQ(values_from("t", 0, 0).size(), static_cast<size_t>(acknowledged)) << turns << " turns, mode " << mode;
      ASSERT_NE(place_of("t"), "");
    }
  }
}

}  // namespace
}  // namespace milena::broker::broker_test
