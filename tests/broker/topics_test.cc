// Metadata, CreateTopics, DeleteTopics, CreatePartitions: topics are created, usable at once, and deleted.
#include <functional>

#include "base/log.h"
#include "broker/node_fixture.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

BROKER_TESTS(TopicsTest);

MetadataRequest metadata_of(std::vector<ByteView> names, bool may_create = true) {
  MetadataRequest request;
  for (ByteView name : names) {
    auto& topic = request.topics->emplace_back();
    topic.name = name;
  }
  request.allow_auto_topic_creation = may_create;
  return request;
}

TEST_P(TopicsTest, TheLogTellsOfTopicsThatCameWentAndChanged) {
  auto lines_of = [](const std::function<void()>& act) {
    const LogLevel before = log_level();
    testing::internal::CaptureStdout();
    set_log_level(LogLevel::kInfo);
    act();
    set_log_level(before);
    return testing::internal::GetCapturedStdout();
  };
  auto has = [](const std::string& lines, const char* text) { return lines.find(text) != std::string::npos; };
  std::string lines = lines_of([&] { create_topic("t", 3, {{"retention.ms", "1000"}}); });
  EXPECT_TRUE(has(lines, "Topic t created with 3 partitions")) << lines;
  EXPECT_FALSE(has(lines, "altered")) << lines;
  lines = lines_of([&] { restart(); });
  EXPECT_TRUE(has(lines, "1 topics with 3 partitions; clients connect to")) << lines;
  EXPECT_FALSE(has(lines, "created")) << "a start tells nothing of what was: " << lines;
  lines = lines_of([&] {
    IncrementalAlterConfigsRequest request;
    auto& altered = request.resources.emplace_back();
    altered.resource_type = 2;
    altered.resource_name = "t";
    altered.configs.push_back({"retention.ms", 0, "2000"});
    client().ask<IncrementalAlterConfigsResponse>(request, 1);
  });
  EXPECT_TRUE(has(lines, "Topic t altered: retention.ms=2000")) << lines;
  lines = lines_of([&] {
    CreatePartitionsRequest request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.count = 5;
    topic.assignments.reset();
    client().ask<CreatePartitionsResponse>(request, 3);
  });
  EXPECT_TRUE(has(lines, "Topic t altered: 5 partitions")) << lines;
  lines = lines_of([&] {
    DeleteTopicsRequest request;
    request.timeout_ms = 1000;
    request.topic_names = {"t"};
    client().ask<DeleteTopicsResponse>(request, 5);
  });
  EXPECT_TRUE(has(lines, "Topic t deleted")) << lines;
}

TEST_P(TopicsTest, FirstAnswerAboutAnAutoCreatedTopicHasItsLeader) {
  for (int16_t version = 0; version <= 13; version++) {
    std::string name = "auto-" + std::to_string(version);
    auto response = client().ask<MetadataResponse>(metadata_of({name}), version);
    ASSERT_EQ(response.topics.size(), 1u);
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::kNone);
    EXPECT_EQ(response.topics[0].name, name);
    ASSERT_EQ(response.topics[0].partitions.size(), 1u);
    EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::kNone);
    EXPECT_EQ(response.topics[0].partitions[0].leader_id, 1);
    EXPECT_EQ(response.topics[0].partitions[0].isr_nodes.to_vector(), std::vector<int32_t>{1});
    EXPECT_EQ(produce(name, 0, {"at once"}).error_code, ErrorCode::kNone);
  }
}

TEST_P(TopicsTest, MetadataNamesTheAddressTheClientCameTo) {
  auto response = client().ask<MetadataResponse>(metadata_of({}), 12);
  ASSERT_EQ(response.brokers.size(), 1u);
  EXPECT_EQ(response.brokers[0].node_id, 1);
  EXPECT_EQ(response.brokers[0].host, "127.0.0.1");
  EXPECT_EQ(response.brokers[0].port, 9092);
  EXPECT_EQ(response.controller_id, 1);
  EXPECT_EQ(response.cluster_id->size(), 22u);
  EXPECT_TRUE(response.topics.empty());
}

TEST_P(TopicsTest, ManyAskingForTheSameNewTopicGetTheSameTopic) {
  std::vector<TestClient*> clients;
  for (int i = 0; i < 8; i++) {
    clients.push_back(&node().connect(i));
    clients.back()->queue(metadata_of({"shared"}), 12);
  }
  node().run();
  Uuid id = topic_id("shared");
  for (TestClient* one : clients) {
    auto response = one->take<MetadataResponse>(12);
    ASSERT_EQ(response.topics.size(), 1u);
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::kNone);
    EXPECT_EQ(response.topics[0].topic_id, id);
    EXPECT_EQ(response.topics[0].partitions.size(), 1u);
  }
}

TEST_P(TopicsTest, NothingIsCreatedThatShouldNotBe) {
  auto response = client().ask<MetadataResponse>(metadata_of({"not-wanted"}, false), 12);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::kUnknownTopicOrPartition);
  std::string long_name(250, 'a');
  for (ByteView name : {ByteView("a b"), ByteView("."), ByteView(".."), ByteView(""), ByteView(long_name)}) {
    response = client().ask<MetadataResponse>(metadata_of({name}), 12);
    ASSERT_EQ(response.topics.size(), 1u);
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::kInvalidTopicException) << name;
  }
  EXPECT_EQ(node().topic("not-wanted"), nullptr);
  MetadataRequest all;
  all.topics.reset();
  EXPECT_TRUE(client().ask<MetadataResponse>(all, 12).topics.empty());
}

TEST_P(TopicsTest, AutoCreationCanBeSwitchedOff) {
  node().set("auto.create.topics.enable", "false");
  restart();
  auto response = client().ask<MetadataResponse>(metadata_of({"t"}), 12);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(node().topic("t"), nullptr);
}

TEST_P(TopicsTest, MetadataByIdAndOfAll) {
  create_topic("a", 2);
  create_topic("b", 1);
  MetadataRequest by_id;
  auto& known = by_id.topics->emplace_back();
  known.name.reset();
  known.topic_id = topic_id("a");
  auto& unknown = by_id.topics->emplace_back();
  unknown.name.reset();
  unknown.topic_id = Uuid{7, 7};
  auto response = client().ask<MetadataResponse>(by_id, 12);
  ASSERT_EQ(response.topics.size(), 2u);
  EXPECT_EQ(response.topics[0].name, "a");
  EXPECT_EQ(response.topics[0].partitions.size(), 2u);
  EXPECT_EQ(response.topics[1].error_code, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(response.topics[1].topic_id, (Uuid{7, 7}));

  MetadataRequest all;
  all.topics.reset();
  EXPECT_EQ(client().ask<MetadataResponse>(all, 12).topics.size(), 2u);
  // Version 0 has no null; there an empty list asks for all, and later it asks for none.
  EXPECT_EQ(client().ask<MetadataResponse>(metadata_of({}), 0).topics.size(), 2u);
  EXPECT_EQ(client().ask<MetadataResponse>(metadata_of({}), 1).topics.size(), 0u);
}

TEST_P(TopicsTest, CreatedTopicsCanBeUsedWhenTheAnswerIsThere) {
  auto created = try_create_topic("t", 7, {{"retention.ms", "1000"}});
  EXPECT_EQ(created.error_code, ErrorCode::kNone);
  EXPECT_EQ(created.num_partitions, 7);
  EXPECT_EQ(created.replication_factor, 1);
  EXPECT_EQ(created.topic_id, topic_id("t"));
  for (int32_t p = 0; p < 7; p++) {
    EXPECT_EQ(produce("t", p, {"v" + std::to_string(p)}).base_offset, 0);
    EXPECT_EQ(values_from("t", p, 0), std::vector<std::string>{"v" + std::to_string(p)});
  }
  EXPECT_EQ(produce("t", 7, {"x"}).error_code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_P(TopicsTest, CreateTopicsRefuses) {
  create_topic("t");
  EXPECT_EQ(try_create_topic("t", 1).error_code, ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(try_create_topic("a/b", 1).error_code, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(try_create_topic("zero", 0).error_code, ErrorCode::kInvalidPartitions);
  EXPECT_EQ(try_create_topic("config", 1, {{"retention.ms", "soon"}}).error_code, ErrorCode::kInvalidConfig);
  CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "replicated";
  topic.num_partitions = 1;
  topic.replication_factor = 3;
  auto response = client().ask<CreateTopicsResponse>(request, 7);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::kInvalidReplicationFactor);
  EXPECT_FALSE(response.topics[0].error_message->empty());
  for (ByteView name : {"zero", "config", "replicated"}) EXPECT_EQ(node().topic(name), nullptr);
}

TEST_P(TopicsTest, ValidateOnlyCreatesNothing) {
  CreateTopicsRequest request;
  request.validate_only = true;
  auto& topic = request.topics.emplace_back();
  topic.name = "maybe";
  topic.num_partitions = 3;
  topic.replication_factor = 1;
  EXPECT_EQ(client().ask<CreateTopicsResponse>(request, 7).topics[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(node().topic("maybe"), nullptr);
}

TEST_P(TopicsTest, DefaultsOfTheBrokerForPartitionsAndReplicas) {
  CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "defaults";
  topic.num_partitions = -1;
  topic.replication_factor = -1;
  auto response = client().ask<CreateTopicsResponse>(request, 5);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(response.topics[0].num_partitions, 1);
}

TEST_P(TopicsTest, ADeletedTopicIsGoneAndItsNameIsFree) {
  create_topic("t", 3);
  produce("t", 1, {"old"});
  Uuid old_id = topic_id("t");
  DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topic_names = {"t", "never"};
  auto response = client().ask<DeleteTopicsResponse>(request, 5);
  ASSERT_EQ(response.responses.size(), 2u);
  std::map<std::string, ErrorCode> errors;
  for (const auto& one : response.responses) errors[*one.name] = one.error_code;
  EXPECT_EQ(errors["t"], ErrorCode::kNone);
  EXPECT_EQ(errors["never"], ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(produce("t", 1, {"x"}).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(fetch("t", 1, 0).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_FALSE(std::filesystem::exists(node().directory() + "/data/t-1"));

  create_topic("t", 3);
  EXPECT_NE(topic_id("t"), old_id);
  EXPECT_TRUE(values_from("t", 1, 0).empty());
  EXPECT_EQ(produce("t", 1, {"new"}).base_offset, 0);
  // Files set aside are removed after a while; the new topic's files stay.
  node().advance(600'000);
  for (const auto& entry : std::filesystem::directory_iterator(node().directory() + "/data")) {
    EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::HasSubstr("-delete")));
  }
  EXPECT_EQ(values_from("t", 1, 0), std::vector<std::string>{"new"});
  restart();
  EXPECT_EQ(values_from("t", 1, 0), std::vector<std::string>{"new"});
}

TEST_P(TopicsTest, DeleteById) {
  create_topic("t");
  DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topics.push_back({std::nullopt, topic_id("t")});
  request.topics.push_back({std::nullopt, Uuid{9, 9}});
  auto response = client().ask<DeleteTopicsResponse>(request, 6);
  ASSERT_EQ(response.responses.size(), 2u);
  std::map<bool, ErrorCode> errors;
  for (const auto& one : response.responses) errors[one.topic_id == Uuid{9, 9}] = one.error_code;
  EXPECT_EQ(errors[false], ErrorCode::kNone);
  EXPECT_EQ(errors[true], ErrorCode::kUnknownTopicId);
  EXPECT_EQ(node().topic("t"), nullptr);
}

TEST_P(TopicsTest, WhoWaitsForADeletedTopicIsTold) {
  create_topic("t");
  TestClient& reader = node().connect(1);
  reader.start(fetch_request("t", 0, 0, 60'000), kFetchVersion);
  EXPECT_FALSE(reader.has_answer());
  DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topic_names = {"t"};
  client().ask<DeleteTopicsResponse>(request, 5);
  ASSERT_TRUE(reader.has_answer());
  EXPECT_NE(only_partition(reader.take<FetchResponse>(kFetchVersion)).error_code, ErrorCode::kNone);
}

TEST_P(TopicsTest, PartitionsAreAddedAndCanBeUsed) {
  create_topic("t", 2);
  auto grow = [&](ByteView name, int32_t count) {
    CreatePartitionsRequest request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.count = count;
    topic.assignments.reset();
    auto response = client().ask<CreatePartitionsResponse>(request, 3);
    EXPECT_EQ(response.results.size(), 1u);
    return response.results.empty() ? ErrorCode::kUnknownServerError : response.results[0].error_code;
  };
  EXPECT_EQ(produce("t", 4, {"x"}).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(grow("t", 5), ErrorCode::kNone);
  for (int32_t p = 0; p < 5; p++) EXPECT_EQ(produce("t", p, {"x"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(grow("t", 5), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(grow("t", 3), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(grow("never", 3), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(node().topic("t")->partition_count(), 5);
  kill_and_start();
  EXPECT_EQ(node().topic("t")->partition_count(), 5);
  EXPECT_EQ(values_from("t", 4, 0), std::vector<std::string>{"x"});
}

}  // namespace
}  // namespace milena::broker::broker_test
