// Directories of new partitions: not created with the topic, but on first use, whatever happens before.
#include <filesystem>
#include <fstream>
#include <set>

#include "broker/node_fixture.h"
#include "broker/replica/replica_manager.h"
#include "broker/storage/new_directories.h"
#include "log/format/partition_metadata.h"
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_log_dirs.h"

namespace milena::broker::broker_test {
namespace {

constexpr int64_t kSoon_ms = 1000;

class NewDirectoriesTest : public NodeFixture {
 protected:
  std::string data() { return node().directory() + "/data"; }
  // Directories of partitions below log.dirs, in any state.
  std::set<std::string> directories() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(data())) {
      std::string name = entry.path().filename();
      if (entry.is_directory() && name != "__cluster_metadata-0") names.insert(name);
    }
    return names;
  }
  std::set<std::string> files_of(const std::string& partition) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(data() + "/" + partition)) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  Uuid id_in(const std::string& partition) {
    auto content = posix_file_system().read_file(data() + "/" + partition + "/partition.metadata");
    auto id = content ? log::decode_partition_metadata(*content) : Result<Uuid>(content.error());
    EXPECT_TRUE(id) << partition;
    return id ? *id : Uuid{};
  }
  size_t unmade() {
    size_t all = 0;
    for (size_t i = 0; i < node().node().shard_count(); i++)
      all += node().node().shard(i).replicas().new_directories().size();
    return all;
  }
  void delete_topic(ByteView name) {
    DeleteTopicsRequest request;
    request.timeout_ms = 1000;
    request.topic_names.push_back(name);
    auto response = client().ask<DeleteTopicsResponse>(request, 4);
    ASSERT_EQ(response.responses[0].error_code, ErrorCode::kNone);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, NewDirectoriesTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(NewDirectoriesTest, AreMadeByTheFirstAppendOrSomeTimeLater) {
  create_topic("t", 50);
  EXPECT_TRUE(directories().empty());
  produce("t", 7, {"a"});
  EXPECT_EQ(directories(), std::set<std::string>{"t-7"});
  EXPECT_EQ(id_in("t-7"), topic_id("t"));
  node().advance(kSoon_ms);
  EXPECT_EQ(directories().size(), 50u);
  EXPECT_EQ(unmade(), 0u);
  EXPECT_EQ(id_in("t-49"), topic_id("t"));
  EXPECT_EQ(files_of("t-49"), std::set<std::string>{"partition.metadata"});
  for (int32_t p : {7, 49}) {
    produce("t", p, {"b"});
    EXPECT_EQ(values_from("t", p, 0).back(), "b");
  }
}

TEST_P(NewDirectoriesTest, AreDescribedAsEmptyWithoutBeingMade) {
  create_topic("t", 3);
  DescribeLogDirsRequest request;
  request.topics.reset();
  auto response = client().ask<DescribeLogDirsResponse>(request, 5);
  ASSERT_EQ(response.results.size(), 1u);
  ASSERT_EQ(response.results[0].topics.size(), 1u);
  EXPECT_EQ(response.results[0].topics[0].partitions.size(), 3u);
  for (const auto& partition : response.results[0].topics[0].partitions) {
    EXPECT_EQ(partition.partition_size, 0);
    EXPECT_EQ(partition.offset_lag, 0);
  }
  EXPECT_TRUE(directories().empty());
}

TEST_P(NewDirectoriesTest, OfATopicThatIsDeletedBeforeAreNeverMade) {
  create_topic("t", 50);
  produce("t", 0, {"a"});
  delete_topic("t");
  ASSERT_EQ(directories().size(), 1u);
  EXPECT_TRUE(directories().begin()->ends_with("-delete"));
  EXPECT_EQ(unmade(), 0u);
  create_topic("t", 2);
  node().advance(kSoon_ms);
  EXPECT_EQ(directories().size(), 3u);
  EXPECT_EQ(id_in("t-0"), topic_id("t"));
  delete_topic("t");
  node().advance(100'000);
  EXPECT_TRUE(directories().empty());
}

TEST_P(NewDirectoriesTest, AreNotMissedAfterAKillOrAStop) {
  create_topic("t", 20);
  const Uuid id = topic_id("t");
  kill_and_start();
  EXPECT_EQ(topic_id("t"), id);
  EXPECT_TRUE(directories().empty());
  EXPECT_TRUE(values_from("t", 0, 0).empty());
  produce("t", 1, {"a"});
  EXPECT_EQ(directories(), (std::set<std::string>{"t-0", "t-1"}));
  restart();
  EXPECT_EQ(directories().size(), 20u);
  EXPECT_EQ(values_from("t", 1, 0), std::vector<std::string>{"a"});
  produce("t", 2, {"b"});
  kill_and_start();
  EXPECT_EQ(values_from("t", 1, 0), std::vector<std::string>{"a"});
  EXPECT_EQ(values_from("t", 2, 0), std::vector<std::string>{"b"});
  node().advance(kSoon_ms);
  EXPECT_EQ(directories().size(), 20u);
  for (int p = 0; p < 20; p++) EXPECT_EQ(id_in("t-" + std::to_string(p)), id);
}

// After a kill those that are there may lack their partition.metadata, and are gone through again.
TEST_P(NewDirectoriesTest, OfATopicThatIsDeletedRightAfterAKillGo) {
  create_topic("t", 3);
  node().advance(kSoon_ms);
  ASSERT_EQ(directories().size(), 3u);
  kill_and_start();
  ASSERT_EQ(unmade(), 3u);
  delete_topic("t");
  for (const std::string& name : directories()) EXPECT_TRUE(name.ends_with("-delete")) << name;
  node().advance(100'000);
  EXPECT_TRUE(directories().empty());
}

// Kafka reports each partition without one as an error when it takes over.
TEST_P(NewDirectoriesTest, AreThereAfterAStopInOrder) {
  create_topic("t", 20);
  ASSERT_TRUE(directories().empty());
  node().stop();
  EXPECT_EQ(directories().size(), 20u);
  client_gone();
  start();
  EXPECT_EQ(id_in("t-19"), topic_id("t"));
  EXPECT_EQ(unmade(), 0u);
}

TEST_P(NewDirectoriesTest, ThatAreEmptyAreNotOpenedAfterAKill) {
  create_topic("t", 5);
  node().advance(kSoon_ms);
  produce("t", 4, {"a"});
  node().kill();
  // As if the machine had failed while they were created.
  std::filesystem::remove(data() + "/t-1/partition.metadata");
  std::ofstream(data() + "/t-2/partition.metadata", std::ios::trunc);
  client_gone();
  start();
  EXPECT_EQ(files_of("t-0"), std::set<std::string>{"partition.metadata"});
  produce("t", 2, {"b"});
  node().advance(kSoon_ms);
  for (int p = 0; p < 5; p++) EXPECT_EQ(id_in("t-" + std::to_string(p)), topic_id("t"));
  EXPECT_EQ(values_from("t", 4, 0), std::vector<std::string>{"a"});
  EXPECT_EQ(values_from("t", 2, 0), std::vector<std::string>{"b"});
  EXPECT_TRUE(values_from("t", 1, 0).empty());
}

class NewDirectoriesOnTwoDisksTest : public NewDirectoriesTest {
 protected:
  void SetUp() override {
    node().set("log.dirs", disk(0) + "," + disk(1));
    start();
  }
  std::string disk(int i) { return node().directory() + "/disk" + std::to_string(i); }
  int32_t partition_on(const std::string& path) {
    for (int32_t p = 0; p < 2; p++) {
      if (node().partition("t", p).directory()->path() == path) return p;
    }
    ADD_FAILURE() << "none in " << path;
    return 0;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, NewDirectoriesOnTwoDisksTest, testing::Values(1, 4),
                         testing::PrintToStringParamName());

TEST_P(NewDirectoriesOnTwoDisksTest, ThatCannotBeMadeTakeTheirDiskOffline) {
  create_topic("t", 2);
  const int32_t victim = partition_on(disk(1));
  std::ofstream(disk(1) + "/t-" + std::to_string(victim)) << "a file where the directory is to be";
  node().advance(kSoon_ms);
  EXPECT_EQ(node().topic("t")->partition(victim)->leader, metadata::kNoLeader);
  EXPECT_EQ(produce("t", 1 - victim, {"a"}).error_code, ErrorCode::kNone);
}

TEST_P(NewDirectoriesOnTwoDisksTest, AreMadeForAMove) {
  create_topic("t", 2);
  const int32_t moved = partition_on(disk(1));
  const std::string name = "t-" + std::to_string(moved);
  AlterReplicaLogDirsRequest request;
  auto& into = request.dirs.emplace_back();
  const std::string to = disk(0);
  into.path = to;
  auto& topic = into.topics.emplace_back();
  topic.name = "t";
  topic.partitions = {moved};
  auto response = client().ask<AlterReplicaLogDirsResponse>(request, 2);
  EXPECT_EQ(response.results[0].partitions[0].error_code, ErrorCode::kNone);
  node().run();
  EXPECT_EQ(node().partition("t", moved).directory()->path(), disk(0));
  produce("t", moved, {"a"});
  node().advance(100'000);
  EXPECT_TRUE(std::filesystem::exists(disk(0) + "/" + name));
  EXPECT_FALSE(std::filesystem::exists(disk(1) + "/" + name));
  kill_and_start();
  EXPECT_EQ(values_from("t", moved, 0), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace milena::broker::broker_test
