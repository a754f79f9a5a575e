// Several log directories: placement of replicas, moves during use, and failing disks.
#include <filesystem>
#include <fstream>
#include <set>

#include "broker/node_fixture.h"
#include "broker/storage/log_directories.h"
#include "broker/storage/replica_mover.h"
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

class LogDirsTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().set("log.dirs", dir(0) + "," + dir(1) + "," + dir(2));
    start();
  }
  std::string dir(int i) { return node().directory() + "/disk" + std::to_string(i); }

  DescribeLogDirsResponse describe(int16_t version = 5) {
    DescribeLogDirsRequest request;
    request.topics.reset();
    return client().ask<DescribeLogDirsResponse>(request, version);
  }
  // Path -> replicas, "t-0" or "t-0 future".
  std::map<std::string, std::set<std::string>> placed() {
    std::map<std::string, std::set<std::string>> found;
    for (const auto& result : describe().results) {
      EXPECT_EQ(result.error_code, ErrorCode::kNone);
      auto& names = found[Bytes(result.log_dir)];
      for (const auto& topic : result.topics) {
        for (const auto& p : topic.partitions) {
          names.insert(topic.name + "-" + std::to_string(p.partition_index) + (p.is_future_key ? " future" : ""));
        }
      }
    }
    return found;
  }
  std::string place_of(const std::string& replica) {
    for (const auto& [path, names] : placed()) {
      if (names.contains(replica)) return path;
    }
    return "";
  }
  ErrorCode move(const std::string& topic, int32_t partition, const std::string& to) {
    AlterReplicaLogDirsRequest request;
    auto& into = request.dirs.emplace_back();
    into.path = to;
    auto& moved = into.topics.emplace_back();
    moved.name = topic;
    moved.partitions = {partition};
    auto response = client().ask<AlterReplicaLogDirsResponse>(request, 2);
    if (response.results.size() != 1 || response.results[0].partitions.size() != 1) {
      ADD_FAILURE() << "not one answer";
      return ErrorCode::kUnknownServerError;
    }
    return response.results[0].partitions[0].error_code;
  }
  std::string other_than(const std::string& path) { return path == dir(0) ? dir(1) : dir(0); }
  std::set<std::string> names_in(const std::string& path) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path)) names.insert(entry.path().filename());
    return names;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, LogDirsTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(LogDirsTest, AReplicaNamedTwiceGoesToTheLastPlace) {
  create_topic("t", 1);
  AlterReplicaLogDirsRequest request;
  const std::string nowhere = "/no/such/place", here = place_of("t-0");
  for (const std::string* path : {&nowhere, &here}) {
    auto& into = request.dirs.emplace_back();
    into.path = *path;
    into.topics.push_back({"t", {0, 0}});
    into.topics.push_back({"nothing of it", {}});
  }
  auto response = client().ask<AlterReplicaLogDirsResponse>(request, 2);
  ASSERT_EQ(response.results.size(), 1u);
  ASSERT_EQ(response.results[0].partitions.size(), 1u);
  EXPECT_EQ(response.results[0].partitions[0].error_code, ErrorCode::kNone);
}

TEST_P(LogDirsTest, NewPartitionsGoWhereTheFewestAre) {
  create_topic("t", 7);
  create_topic("u", 2);
  for (const auto& [path, names] : placed()) EXPECT_EQ(names.size(), 3u) << path;
  // Each has its own id, one cluster's, and its own checkpoints.
  std::set<std::string> ids;
  for (int i = 0; i < 3; i++) {
    std::ifstream in(dir(i) + "/meta.properties");
    std::string text(std::istreambuf_iterator<char>(in), {});
    ids.insert(text.substr(text.find("directory.id=")));
  }
  EXPECT_EQ(ids.size(), 3u);
  const metadata::PartitionImage* image = node().topic("t")->partition(3);
  EXPECT_NE(image->directory(1), kDirectoryUnassigned);
  for (int32_t p = 0; p < 7; p++) produce("t", p, {"a"});
  auto before = placed();
  for (bool clean : {true, false}) {
    if (clean) restart();
    else kill_and_start();
    EXPECT_EQ(placed(), before);
    for (int32_t p = 0; p < 7; p++) EXPECT_EQ(values_from("t", p, 0).size(), 1u);
  }
  restart();
  for (int i = 0; i < 3; i++) EXPECT_TRUE(names_in(dir(i)).contains("replication-offset-checkpoint"));
}

TEST_P(LogDirsTest, DescribesEachVersion) {
  create_topic("t", 3);
  produce("t", 0, {"a"});
  for (int16_t version = 0; version <= 5; version++) {
    auto response = describe(version);
    ASSERT_EQ(response.results.size(), 3u);
    EXPECT_EQ(response.results[0].log_dir, dir(0));
    if (version < 4) continue;
    EXPECT_GT(response.results[0].total_bytes, response.results[0].usable_bytes);
  }
  DescribeLogDirsRequest request;
  request.topics.emplace();
  auto& topic = request.topics->emplace_back();
  topic.topic = "t";
  topic.partitions = {0, 9};
  size_t found = 0;
  for (const auto& result : client().ask<DescribeLogDirsResponse>(request, 4).results) {
    for (const auto& each : result.topics) {
      ASSERT_EQ(each.partitions.size(), 1u);
      EXPECT_GT(each.partitions[0].partition_size, 0);
      found++;
    }
  }
  EXPECT_EQ(found, 1u);
}

TEST_P(LogDirsTest, AReplicaMovesWhileItIsUsed) {
  create_topic("t", 1);
  std::string large(200'000, 'x');
  for (int i = 0; i < 40; i++) produce("t", 0, {large + std::to_string(i)});
  std::string from = place_of("t-0"), to = other_than(from);
  ASSERT_EQ(move("t", 0, to), ErrorCode::kNone);
  for (int i = 0; i < 5; i++) produce("t", 0, {"during" + std::to_string(i)});
  EXPECT_EQ(place_of("t-0"), to);
  EXPECT_FALSE(names_in(from).contains("t-0"));
  EXPECT_TRUE(names_in(to).contains("t-0"));
  EXPECT_EQ(values_from("t", 0, 40).size(), 5u);
  EXPECT_EQ(produce("t", 0, {"after"}).base_offset, 45);
  EXPECT_EQ(node().topic("t")->partition(0)->directory(1), node().partition("t", 0).directory()->id());
  node().advance(70'000);
  for (const std::string& name : names_in(from)) EXPECT_EQ(name.find("t-0"), std::string::npos) << name;
  for (bool clean : {true, false}) {
    if (clean) restart();
    else kill_and_start();
    EXPECT_EQ(place_of("t-0"), to);
    EXPECT_EQ(values_from("t", 0, 40).size(), 6u);
  }
}

TEST_P(LogDirsTest, AMoveSurvivesAStopAtAnyPoint) {
  create_topic("t", 1);
  std::string large(300'000, 'x');
  for (int i = 0; i < 20; i++) produce("t", 0, {large + std::to_string(i)});
  std::string to = other_than(place_of("t-0"));
  for (int turns = 0; turns < 24; turns++) {
    std::string from = place_of("t-0");
    to = other_than(from);
    AlterReplicaLogDirsRequest request;
    auto& into = request.dirs.emplace_back();
    into.path = to;
    auto& moved = into.topics.emplace_back();
    moved.name = "t";
    moved.partitions = {0};
    client().queue(request, 2);
    node().run_turns(turns);
    bool clean = turns % 2 == 0;
    if (clean) restart();
    else kill_and_start();
    std::string now = place_of("t-0");
    EXPECT_TRUE(now == from || now == to) << now;
    EXPECT_EQ(place_of("t-0 future"), "");
    EXPECT_EQ(list_offset("t", 0, -1).offset, 20 + turns);
    EXPECT_EQ(produce("t", 0, {"n"}).base_offset, 20 + turns);
    EXPECT_EQ(values_from("t", 0, 20).size(), static_cast<size_t>(turns) + 1);
  }
}

TEST_P(LogDirsTest, RefusesWhatCannotMove) {
  create_topic("t", 1);
  EXPECT_EQ(move("t", 0, "/nowhere"), ErrorCode::kLogDirNotFound);
  EXPECT_EQ(move("t", 5, dir(1)), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(move("x", 0, dir(1)), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(move("t", 0, place_of("t-0")), ErrorCode::kNone);
}

TEST_P(LogDirsTest, AReplicaIsMadeWhereItWasWantedBeforeItCame) {
  for (const int wanted : {2, 0, 1}) {
    const std::string topic = "t" + std::to_string(wanted);
    EXPECT_EQ(move(topic, 0, dir(0)), ErrorCode::kUnknownTopicOrPartition);
    EXPECT_EQ(move(topic, 0, dir(wanted)), ErrorCode::kUnknownTopicOrPartition);  // the last one counts
    create_topic(topic, 1);
    EXPECT_EQ(place_of(topic + "-0"), dir(wanted));
    EXPECT_EQ(produce(topic, 0, {"a"}).error_code, ErrorCode::kNone);
  }
  restart();
  for (const int wanted : {2, 0, 1}) EXPECT_EQ(place_of("t" + std::to_string(wanted) + "-0"), dir(wanted));
  for (int i = 0; i < 3; i++) {
    const metadata::TopicImage* topic = node().topic("t" + std::to_string(i));
    EXPECT_EQ(topic->partition(0)->directory(1), node().partition(topic->name, 0).directory()->id()) << i;
  }
}

TEST_P(LogDirsTest, ADeletedTopicTakesItsMoveWithIt) {
  create_topic("t", 1);
  produce("t", 0, {"a"});
  std::string from = place_of("t-0"), to = other_than(from);
  ASSERT_EQ(move("t", 0, to), ErrorCode::kNone);
  DeleteTopicsRequest request;
  request.topic_names = {"t"};
  request.timeout_ms = 1000;
  auto response = client().ask<DeleteTopicsResponse>(request, 5);
  ASSERT_EQ(response.responses.size(), 1u);
  ASSERT_EQ(response.responses[0].error_code, ErrorCode::kNone);
  node().advance(70'000);
  for (const std::string& path : {from, to}) {
    for (const std::string& name : names_in(path)) EXPECT_EQ(name.find("t-0"), std::string::npos) << name;
  }
}

TEST_P(LogDirsTest, AFailingDirectoryTakesOnlyItsOwnPartitionsOffline) {
  create_topic("t", 6);
  for (int32_t p = 0; p < 6; p++) produce("t", p, {"a"});
  log::LogDirectory* failed = nullptr;
  for (const auto& directory : node().node().shard(0).node().directories->all()) {
    if (directory->path() == dir(1)) failed = directory.get();
  }
  int32_t victim = -1;
  for (int32_t p = 0; p < 6; p++) {
    if (node().partition("t", p).directory() == failed) victim = p;
  }
  ASSERT_GE(victim, 0);
  node().partition("t", victim).take_offline(make_error(ErrorKind::kIo, "the disk is gone"));
  node().run();
  int online = 0;
  for (int32_t p = 0; p < 6; p++) {
    const metadata::PartitionImage* image = node().topic("t")->partition(p);
    if (image->directory(1) == failed->id()) {
      EXPECT_EQ(image->leader, metadata::kNoLeader);
      EXPECT_NE(produce_batch("t", p, batch_of({"b"}, 1)).error_code, ErrorCode::kNone);
    } else {
      online++;
      EXPECT_EQ(produce("t", p, {"b"}).error_code, ErrorCode::kNone);
    }
  }
  EXPECT_EQ(online, 4);
  size_t errors = 0;
  for (const auto& result : describe().results) errors += result.error_code == ErrorCode::kKafkaStorageError ? 1 : 0;
  EXPECT_EQ(errors, 1u);
  // New ones are placed in the others; after a restart the directory is back with its contents.
  create_topic("u", 4);
  for (int32_t p = 0; p < 4; p++) EXPECT_NE(node().partition("u", p).directory(), failed);
  restart();
  for (int32_t p = 0; p < 6; p++) EXPECT_GE(values_from("t", p, 0).size(), 1u);
  for (int32_t p = 0; p < 6; p++) EXPECT_EQ(produce("t", p, {"c"}).error_code, ErrorCode::kNone);
}

TEST_P(LogDirsTest, ADirectoryThatIsNotThereAtTheStartIsLeftOut) {
  create_topic("t", 6);
  for (int32_t p = 0; p < 6; p++) produce("t", p, {"a"});
  client_gone();
  node().stop();
  std::filesystem::rename(dir(2), dir(2) + "-away");
  std::ofstream(dir(2)) << "a file where the directory was";
  start();
  int online = 0;
  for (int32_t p = 0; p < 6; p++) online += node().topic("t")->partition(p)->leader == 1 ? 1 : 0;
  EXPECT_EQ(online, 4);
  restart();
  client_gone();
  node().stop();
  std::filesystem::remove(dir(2));
  std::filesystem::rename(dir(2) + "-away", dir(2));
  start();
  for (int32_t p = 0; p < 6; p++) EXPECT_EQ(values_from("t", p, 0).size(), 1u);
}

TEST_P(LogDirsTest, ACordonedDirectoryGetsNothingNew) {
  client_gone();
  node().stop();
  node().set("cordoned.log.dirs", dir(1));
  start();
  create_topic("t", 6);
  EXPECT_TRUE(placed()[dir(1)].empty());
  EXPECT_NE(move("t", 0, dir(1)), ErrorCode::kNone);
  for (const auto& result : describe().results) EXPECT_EQ(result.is_cordoned, result.log_dir == dir(1));
}

TEST_P(LogDirsTest, WithAllDirectoriesCordonedNewReplicasArePlacedByHandOnly) {
  auto cordon = [&](ByteView value) {
    IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = 4;
    resource.resource_name = "1";
    auto& config = resource.configs.emplace_back();
    config.name = "cordoned.log.dirs";
    config.value = value;
    auto response = client().ask<IncrementalAlterConfigsResponse>(request, 1);
    ASSERT_EQ(response.responses[0].error_code, ErrorCode::kNone);
    node().run();
  };
  auto grow = [&](std::optional<std::vector<int32_t>> by_hand) {
    CreatePartitionsRequest request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = "before";
    topic.count = 2;
    topic.assignments.reset();
    if (by_hand) topic.assignments.emplace().emplace_back().broker_ids = *by_hand;
    return client().ask<CreatePartitionsResponse>(request, 3).results[0].error_code;
  };
  create_topic("before");
  cordon("*");
  EXPECT_EQ(try_create_topic("t", 3).error_code, ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(grow(std::nullopt), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(grow(std::vector<int32_t>{1}), ErrorCode::kNone);
  EXPECT_EQ(produce("before", 1, {"a"}).error_code, ErrorCode::kNone);
  restart();  // it lasts
  EXPECT_EQ(try_create_topic("t", 3).error_code, ErrorCode::kInvalidReplicationFactor);
  cordon(dir(0) + "," + dir(2));
  create_topic("t", 3);
  for (int32_t p = 0; p < 3; p++) EXPECT_EQ(node().partition("t", p).directory()->path(), dir(1));
}

using LogDirsDeathTest = LogDirsTest;
INSTANTIATE_TEST_SUITE_P(Shards, LogDirsDeathTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(LogDirsDeathTest, TheNodeEndsWithTheDirectoryOfTheMetadata) {
  create_topic("t", 3);
  for (int32_t p = 0; p < 3; p++) {
    if (node().partition("t", p).directory()->path() != dir(0)) continue;
    EXPECT_EXIT(
        {
          node().partition("t", p).take_offline(make_error(ErrorKind::kIo, "the disk is gone"));
          node().run();
        },
        testing::ExitedWithCode(1), "");
  }
}

TEST_P(LogDirsTest, ADirectoryOfAnotherClusterOrACopyIsRefused) {
  client_gone();
  node().stop();
  std::filesystem::copy_file(dir(0) + "/meta.properties", dir(1) + "/meta.properties",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(node().try_start().ok());
  std::ofstream(dir(1) + "/meta.properties") << "version=1\nnode.id=1\ncluster.id=another\n";
  EXPECT_FALSE(node().try_start().ok());
}

}  // namespace
}  // namespace milena::broker::broker_test
