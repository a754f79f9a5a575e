// CreateTopics, DeleteTopics and CreatePartitions. The expected error codes are Kafka 4.3.1's for the same requests.
#include "metadata/controller.h"
#include "metadata/metadata_fixture.h"

namespace milena::metadata {
namespace {

using namespace milena::metadata::testing;  // NOLINT
using CreatableTopic = CreateTopicsRequest::CreatableTopic;
using TopicResult = CreateTopicsResponse::CreatableTopicResult;

CreatableTopic creatable(ByteView name, int32_t partitions = -1, int16_t replicas = -1) {
  CreatableTopic topic;
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = replicas;
  return topic;
}

CreatableTopic assigned(ByteView name, std::vector<std::pair<int32_t, std::vector<int32_t>>> assignments) {
  CreatableTopic topic = creatable(name);
  for (auto& [number, brokers] : assignments) {
    auto& assignment = topic.assignments.emplace_back();
    assignment.partition_index = number;
    assignment.broker_ids = brokers;
  }
  return topic;
}

CreatableTopic configured(ByteView name, std::vector<std::pair<ByteView, std::optional<ByteView>>> configs) {
  CreatableTopic topic = creatable(name);
  for (const auto& [key, value] : configs) {
    auto& config = topic.configs.emplace_back();
    config.name = key;
    config.value = value;
  }
  return topic;
}

CreateTopicsRequest request_of(std::vector<CreatableTopic> topics, bool validate_only = false) {
  CreateTopicsRequest request;
  request.topics = std::move(topics);
  request.validate_only = validate_only;
  return request;
}

// Creates, applies, and returns the only result.
TopicResult create(Controller& controller, CreatableTopic topic) {
  const auto effects = controller.create_topics(request_of({std::move(topic)}));
  controller.apply(effects.records);
  EXPECT_EQ(effects.response.topics.size(), 1u);
  const TopicResult& result = effects.response.topics.front();
  EXPECT_EQ(result.error_code == ErrorCode::kNone, !effects.records.empty());
  EXPECT_EQ(result.error_code == ErrorCode::kNone, !result.error_message.has_value());
  return result;
}

ErrorCode code_of(Controller& controller, CreatableTopic topic) {
  return create(controller, std::move(topic)).error_code;
}

TEST(CreateTopics, WritesTopicConfigsPartitions) {
  Controller controller = one_node_controller();
  CreatableTopic topic = configured("t", {{"retention.ms", "1000"}, {"cleanup.policy", "compact"}});
  topic.num_partitions = 2;
  topic.replication_factor = 1;
  const auto effects = controller.create_topics(request_of({topic}));
  EXPECT_TRUE(effects.atomic);
  const Uuid id{100, 1};
  PartitionRecord first = partition(id, 0), second = partition(id, 1);
  EXPECT_EQ(effects.records,
            (MetadataRecords{testing::topic("t", id), config(ResourceType::kTopic, "t", "cleanup.policy", "compact"),
                             config(ResourceType::kTopic, "t", "retention.ms", "1000"), first, second}));
  const TopicResult& result = effects.response.topics.at(0);
  EXPECT_EQ(result.name, "t");
  EXPECT_EQ(result.topic_id, id);
  EXPECT_EQ(result.num_partitions, 2);
  EXPECT_EQ(result.replication_factor, 1);
  ASSERT_TRUE(result.configs);
  EXPECT_EQ(result.configs->size(), 33u);
  std::map<Bytes, std::pair<Bytes, int>> told;
  for (const auto& each : *result.configs) told[each.name] = {*each.value, each.config_source};
  EXPECT_EQ(told.at("retention.ms"), (std::pair<Bytes, int>("1000", 1)));
  EXPECT_EQ(told.at("min.insync.replicas"), (std::pair<Bytes, int>("1", 3)));
  EXPECT_EQ(told.at("segment.ms"), (std::pair<Bytes, int>("604800000", 5)));
  controller.apply(effects.records);
  EXPECT_EQ(controller.image().find_topic("t")->partition_count(), 2);
}

TEST(CreateTopics, TakesTheDefaultsOfTheCluster) {
  ControllerSettings settings;
  settings.num_partitions = 3;
  Controller controller = one_node_controller(settings);
  EXPECT_EQ(create(controller, creatable("t")).num_partitions, 3);
  EXPECT_EQ(create(controller, creatable("u")).replication_factor, 1);
}

TEST(CreateTopics, ValidatesOnlyWhenAsked) {
  Controller controller = one_node_controller();
  const auto effects =
      controller.create_topics(request_of({creatable("t", 4, 1), creatable("", 1, 1)}, true));
  EXPECT_TRUE(effects.records.empty());
  EXPECT_EQ(effects.response.topics.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(effects.response.topics.at(0).num_partitions, 4);
  EXPECT_EQ(effects.response.topics.at(1).error_code, ErrorCode::kInvalidTopicException);
}

TEST(CreateTopics, ChecksNames) {
  Controller controller = one_node_controller();
  for (const Bytes& name : {Bytes(""), Bytes("."), Bytes(".."), Bytes(250, 'a'), Bytes("bad name"),
                            Bytes("\xc3\xa4"), Bytes("a/b")}) {
    EXPECT_EQ(code_of(controller, creatable(name)), ErrorCode::kInvalidTopicException) << name;
  }
  for (const Bytes& name :
       {Bytes(249, 'a'), Bytes("_"), Bytes("-"), Bytes("A.b_C-9"), Bytes("__consumer_offsets")}) {
    EXPECT_EQ(code_of(controller, creatable(name)), ErrorCode::kNone) << name;
  }
  EXPECT_EQ(code_of(controller, creatable("__cluster_metadata")), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code_of(controller, creatable("-")), ErrorCode::kTopicAlreadyExists);
}

TEST(CreateTopics, RefusesCollidingNames) {
  Controller controller = one_node_controller();
  EXPECT_EQ(code_of(controller, creatable("a.b_c")), ErrorCode::kNone);
  EXPECT_EQ(code_of(controller, creatable("a_b.c")), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(code_of(controller, creatable("a.b_c")), ErrorCode::kTopicAlreadyExists);
  // Also one that was there before this controller.
  Controller later(copy(controller.image()), {}, [] { return Uuid{200, 1}; });
  EXPECT_EQ(code_of(later, creatable("a_b_c")), ErrorCode::kInvalidTopicException);
  DeleteTopicsRequest deletion;
  deletion.timeout_ms = 1000;
  deletion.topic_names = {"a.b_c"};
  later.apply(later.delete_topics(deletion, 5).records);
  EXPECT_EQ(code_of(later, creatable("a_b_c")), ErrorCode::kNone);
}

TEST(CreateTopics, ChecksNumbers) {
  Controller controller = one_node_controller();
  for (const int32_t count : {0, -2, INT32_MIN}) {
    EXPECT_EQ(code_of(controller, creatable("t", count, 1)), ErrorCode::kInvalidPartitions) << count;
  }
  for (const int16_t replicas : {0, -2, 2, 3}) {
    EXPECT_EQ(code_of(controller, creatable("t", 1, replicas)), ErrorCode::kInvalidReplicationFactor)
        << replicas;
  }
  EXPECT_EQ(code_of(controller, creatable("t", 0, 0)), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(code_of(controller, creatable("t", 10001, 1)), ErrorCode::kPolicyViolation);
  EXPECT_EQ(code_of(controller, creatable("t", 10000, 1)),
            ErrorCode::kPolicyViolation);  // one more record for the topic
  EXPECT_EQ(code_of(controller, creatable("t", INT32_MAX, 1)), ErrorCode::kPolicyViolation);
  EXPECT_EQ(code_of(controller, creatable("t", 9999, 1)), ErrorCode::kNone);
}

TEST(CreateTopics, RefusesTooLargeRequestsAsAWhole) {
  Controller controller = one_node_controller();
  const auto effects =
      controller.create_topics(request_of({creatable("a", 6000, 1), creatable("b", 4000, 1)}));
  EXPECT_TRUE(effects.records.empty());
  ASSERT_EQ(effects.response.topics.size(), 2u);
  for (const TopicResult& result : effects.response.topics) {
    EXPECT_EQ(result.error_code, ErrorCode::kPolicyViolation);
    EXPECT_TRUE(result.topic_id.is_zero());
    EXPECT_EQ(result.num_partitions, -1);
  }
}

TEST(CreateTopics, ChecksAssignments) {
  Controller controller = one_node_controller();
  EXPECT_EQ(create(controller, assigned("a", {{1, {1}}, {0, {1}}})).num_partitions, 2);
  CreatableTopic counted = assigned("b", {{0, {1}}});
  counted.num_partitions = 1;
  EXPECT_EQ(code_of(controller, counted), ErrorCode::kInvalidRequest);
  CreatableTopic replicated = assigned("b", {{0, {1}}});
  replicated.replication_factor = 1;
  EXPECT_EQ(code_of(controller, replicated), ErrorCode::kInvalidRequest);
  const std::vector<std::vector<std::pair<int32_t, std::vector<int32_t>>>> bad{
      {{0, {1}}, {2, {1}}}, {{1, {1}}},  {{0, {1}}, {0, {1}}}, {{0, {}}},          {{0, {1, 1}}},
      {{0, {2}}},           {{0, {-1}}}, {{-1, {1}}},          {{0, {1}}, {1, {}}}};
  for (const auto& assignments : bad) {
    EXPECT_EQ(code_of(controller, assigned("b", assignments)), ErrorCode::kInvalidReplicaAssignment);
  }
}

TEST(CreateTopics, ChecksConfigsBeforeNumbers) {
  Controller controller = one_node_controller();
  CreatableTopic topic = configured("t", {{"nope", "1"}});
  topic.num_partitions = 0;
  EXPECT_EQ(code_of(controller, topic), ErrorCode::kInvalidConfig);
  EXPECT_EQ(code_of(controller, configured("t", {{"retention.ms", std::nullopt}})),
            ErrorCode::kInvalidConfig);
  EXPECT_EQ(
      code_of(controller, configured("t", {{"min.compaction.lag.ms", "9"}, {"max.compaction.lag.ms", "8"}})),
      ErrorCode::kInvalidConfig);
  // The last of a name wins.
  EXPECT_EQ(code_of(controller, configured("t", {{"retention.ms", "1"}, {"retention.ms", "2"}})),
            ErrorCode::kNone);
  EXPECT_EQ(controller.image().configs(ResourceType::kTopic, "t").at("retention.ms"), "2");
}

TEST(CreateTopics, AnswersEveryTopicOnce) {
  Controller controller = one_node_controller();
  const auto effects = controller.create_topics(
      request_of({creatable("dup"), creatable("z"), creatable("dup"), creatable("bad!"), creatable("a")}));
  std::vector<std::pair<Bytes, ErrorCode>> answers;
  for (const TopicResult& result : effects.response.topics)
    answers.emplace_back(result.name, result.error_code);
  EXPECT_EQ(answers, (std::vector<std::pair<Bytes, ErrorCode>>{{"z", ErrorCode::kNone},
                                                               {"bad!", ErrorCode::kInvalidTopicException},
                                                               {"a", ErrorCode::kNone},
                                                               {"dup", ErrorCode::kInvalidRequest}}));
  EXPECT_EQ(effects.records.size(), 4u);
}

TEST(CreateTopics, NeedsABrokerThatIsUp) {
  Controller controller(MetadataImage(), {}, counting_uuids());
  EXPECT_EQ(code_of(controller, creatable("t")), ErrorCode::kInvalidReplicationFactor);
  controller.apply({broker(1, 1, true)});
  EXPECT_EQ(code_of(controller, creatable("t")), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(code_of(controller, assigned("t", {{0, {1}}})), ErrorCode::kInvalidReplicaAssignment);
}

TEST(CreateTopics, SpreadsReplicasOverBrokers) {
  Controller controller(MetadataImage(), {}, counting_uuids());
  controller.apply({broker(1, 1), broker(2, 2), broker(3, 3, true)});
  EXPECT_EQ(code_of(controller, creatable("t", 4, 3)), ErrorCode::kNone);
  std::map<int32_t, int> leaders;
  for (const PartitionImage& partition : controller.image().find_topic("t")->partitions) {
    ++leaders[partition.leader];
    EXPECT_EQ(partition.replicas.size(), 3u);
    EXPECT_EQ(partition.isr.size(), 2u);
    EXPECT_EQ(partition.leader, partition.replicas[0]);
    EXPECT_EQ(partition.directory(3), (Uuid{7, 3}));
  }
  EXPECT_EQ(leaders, (std::map<int32_t, int>{{1, 2}, {2, 2}}));
}

TEST(AutoCreate, GivesInternalTopicsTheirShape) {
  Controller controller = one_node_controller();
  const std::vector<ByteView> names{"__consumer_offsets", "plain", "__transaction_state"};
  const auto effects = controller.auto_create_topics(names);
  controller.apply(effects.records);
  for (const TopicResult& result : effects.response.topics)
    EXPECT_EQ(result.error_code, ErrorCode::kNone) << result.name;
  EXPECT_EQ(controller.image().find_topic("__consumer_offsets")->partition_count(), 50);
  EXPECT_EQ(controller.image().configs(ResourceType::kTopic, "__consumer_offsets"),
            (config::ConfigMap{
                {"cleanup.policy", "compact"}, {"compression.type", "producer"}, {"segment.bytes", "104857600"}}));
  EXPECT_EQ(controller.image().find_topic("plain")->partition_count(), 1);
  EXPECT_TRUE(controller.image().configs(ResourceType::kTopic, "plain").empty());
  EXPECT_EQ(controller.auto_create_topics(names).response.topics.at(0).error_code,
            ErrorCode::kTopicAlreadyExists);
}

// --- DeleteTopics

DeleteTopicsRequest::DeleteTopicState by_name(ByteView name) {
  return {name, Uuid()};
}
DeleteTopicsRequest::DeleteTopicState by_id(Uuid id) {
  return {std::nullopt, id};
}

struct DeleteFixture : ::testing::Test {
  Controller controller = one_node_controller();
  Uuid a, b;

  void SetUp() override {
    a = create(controller, creatable("a")).topic_id;
    b = create(controller, creatable("b")).topic_id;
  }
  ControllerEffects<DeleteTopicsResponse> remove(std::vector<DeleteTopicsRequest::DeleteTopicState> topics) {
    DeleteTopicsRequest request;
    request.timeout_ms = 1000;
    request.topics = std::move(topics);
    return controller.delete_topics(request, 6);
  }
  std::vector<std::pair<Bytes, ErrorCode>> codes(const ControllerEffects<DeleteTopicsResponse>& effects) {
    std::vector<std::pair<Bytes, ErrorCode>> list;
    for (const auto& result : effects.response.responses)
      list.emplace_back(result.name.value_or("-"), result.error_code);
    return list;
  }
};
using Codes = std::vector<std::pair<Bytes, ErrorCode>>;

TEST_F(DeleteFixture, ByNameAndById) {
  const auto effects = remove({by_name("a"), by_id(b)});
  EXPECT_EQ(codes(effects), (Codes{{"a", ErrorCode::kNone}, {"b", ErrorCode::kNone}}));
  EXPECT_EQ(effects.response.responses.at(0).topic_id, a);
  EXPECT_EQ(effects.records, (MetadataRecords{remove_topic(a), remove_topic(b)}));
  controller.apply(effects.records);
  EXPECT_EQ(controller.image().topic_count(), 0u);
}

TEST_F(DeleteFixture, WhatIsNotThere) {
  const auto effects = remove({by_name("nope"), by_id(Uuid{5, 5}), by_name(""), by_name("bad!")});
  EXPECT_EQ(codes(effects), (Codes{{"nope", ErrorCode::kUnknownTopicOrPartition},
                                   {"-", ErrorCode::kUnknownTopicId},
                                   {"", ErrorCode::kUnknownTopicOrPartition},
                                   {"bad!", ErrorCode::kUnknownTopicOrPartition}}));
  EXPECT_TRUE(effects.records.empty());
}

TEST_F(DeleteFixture, WhatIsNamedWrongly) {
  EXPECT_EQ(codes(remove({by_id(Uuid())})), (Codes{{"-", ErrorCode::kInvalidRequest}}));
  EXPECT_EQ(codes(remove({{"a", a}})), (Codes{{"a", ErrorCode::kInvalidRequest}}));
  EXPECT_EQ(codes(remove({by_name("a"), by_name("b"), by_name("a")})),
            (Codes{{"a", ErrorCode::kInvalidRequest}, {"b", ErrorCode::kNone}}));
  EXPECT_EQ(codes(remove({by_id(a), by_id(a)})), (Codes{{"-", ErrorCode::kInvalidRequest}}));
  EXPECT_EQ(codes(remove({by_name("nope"), by_name("nope")})), (Codes{{"nope", ErrorCode::kInvalidRequest}}));
  for (const auto& both : {remove({by_name("a"), by_id(a)}), remove({by_id(a), by_name("a")})}) {
    EXPECT_EQ(codes(both), (Codes{{"a", ErrorCode::kInvalidRequest}}));
    EXPECT_EQ(both.response.responses.at(0).topic_id, a);
    EXPECT_TRUE(both.records.empty());
  }
}

TEST_F(DeleteFixture, OldVersionsNameByNameOnly) {
  DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topic_names = {"a", "nope"};
  const auto effects = controller.delete_topics(request, 3);
  EXPECT_EQ(codes(effects), (Codes{{"a", ErrorCode::kNone}, {"nope", ErrorCode::kUnknownTopicOrPartition}}));
}

TEST(DeleteTopics, CanBeDisabled) {
  ControllerSettings settings;
  settings.delete_topic_enable = false;
  Controller controller = one_node_controller(settings);
  create(controller, creatable("a"));
  DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topic_names = {"a", "a"};
  EXPECT_EQ(controller.delete_topics(request, 2).response.responses.at(0).error_code,
            ErrorCode::kInvalidRequest);
  const auto effects = controller.delete_topics(request, 3);
  EXPECT_EQ(effects.response.responses.size(), 2u);
  EXPECT_EQ(effects.response.responses.at(0).error_code, ErrorCode::kTopicDeletionDisabled);
  EXPECT_TRUE(effects.records.empty());
}

// --- CreatePartitions

ErrorCode grow(Controller& controller, ByteView name, int32_t count,
               std::optional<std::vector<std::vector<int32_t>>> assignments = std::nullopt,
               bool validate_only = false) {
  CreatePartitionsRequest request;
  request.timeout_ms = 1000;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.count = count;
  topic.assignments.reset();
  if (assignments) {
    topic.assignments.emplace();
    for (const auto& brokers : *assignments) topic.assignments->emplace_back().broker_ids = brokers;
  }
  request.validate_only = validate_only;
  const auto effects = controller.create_partitions(request);
  controller.apply(effects.records);
  return effects.response.results.at(0).error_code;
}

TEST(CreatePartitions, AddsPartitions) {
  Controller controller = one_node_controller();
  create(controller, creatable("t"));
  EXPECT_EQ(grow(controller, "t", 3), ErrorCode::kNone);
  EXPECT_EQ(controller.image().find_topic("t")->partition_count(), 3);
  EXPECT_EQ(controller.image().find_partition("t", 2)->leader, 1);
  EXPECT_EQ(grow(controller, "t", 4, {{{1}}}), ErrorCode::kNone);
  EXPECT_EQ(grow(controller, "t", 6, {{{1}, {1}}}, true), ErrorCode::kNone);
  EXPECT_EQ(controller.image().find_topic("t")->partition_count(), 4);
}

TEST(CreatePartitions, ChecksWhatKafkaChecks) {
  Controller controller = one_node_controller();
  create(controller, creatable("t", 3));
  for (const int32_t count : {3, 2, 0, -1})
    EXPECT_EQ(grow(controller, "t", count), ErrorCode::kInvalidPartitions) << count;
  EXPECT_EQ(grow(controller, "nope", 3), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(grow(controller, "", 3), ErrorCode::kUnknownTopicOrPartition);
  const std::vector<std::vector<std::vector<int32_t>>> bad{{{1}},      {{1}, {1}, {1}}, {},
                                                           {{1}, {2}}, {{1}, {1, 1}},   {{1}, {}}};
  for (const auto& assignments : bad) {
    EXPECT_EQ(grow(controller, "t", 5, assignments), ErrorCode::kInvalidReplicaAssignment);
  }
  EXPECT_EQ(grow(controller, "t", 20'000), ErrorCode::kUnknownServerError);
  EXPECT_EQ(grow(controller, "t", INT32_MAX), ErrorCode::kUnknownServerError);
  EXPECT_EQ(controller.image().find_topic("t")->partition_count(), 3);
  EXPECT_EQ(grow(controller, "t", 10'003), ErrorCode::kNone);
}

TEST(CreatePartitions, AnswersEveryTopicOnce) {
  Controller controller = one_node_controller();
  create(controller, creatable("a"));
  create(controller, creatable("b"));
  CreatePartitionsRequest request;
  request.timeout_ms = 1000;
  for (const auto& [name, count] : std::vector<std::pair<ByteView, int32_t>>{{"a", 2}, {"b", 2}, {"a", 3}}) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.count = count;
    topic.assignments.reset();
  }
  const auto effects = controller.create_partitions(request);
  ASSERT_EQ(effects.response.results.size(), 2u);
  EXPECT_EQ(effects.response.results.at(0).name, "a");
  EXPECT_EQ(effects.response.results.at(0).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(effects.response.results.at(1).error_code, ErrorCode::kNone);
  EXPECT_EQ(effects.records.size(), 1u);
}

TEST(Topics, WithoutTimeNothingIsDone) {
  Controller controller = one_node_controller();
  for (const int32_t timeout_ms : {0, -1}) {
    CreateTopicsRequest creation;
    creation.timeout_ms = timeout_ms;
    creation.topics.emplace_back().name = "a";
    const auto created = controller.create_topics(creation);
    EXPECT_TRUE(created.records.empty());
    ASSERT_EQ(created.response.topics.size(), 1u);
    EXPECT_EQ(created.response.topics[0].error_code, ErrorCode::kRequestTimedOut);
    DeleteTopicsRequest deletion;
    deletion.timeout_ms = timeout_ms;
    deletion.topic_names = {"a"};
    const auto deleted = controller.delete_topics(deletion, 5);
    ASSERT_EQ(deleted.response.responses.size(), 1u);
    EXPECT_EQ(deleted.response.responses[0].error_code, ErrorCode::kRequestTimedOut);
    CreatePartitionsRequest growth;
    growth.timeout_ms = timeout_ms;
    growth.topics.emplace_back().name = "a";
    const auto grown = controller.create_partitions(growth);
    ASSERT_EQ(grown.response.results.size(), 1u);
    EXPECT_EQ(grown.response.results[0].error_code, ErrorCode::kRequestTimedOut);
  }
}

}  // namespace
}  // namespace milena::metadata
