// A full disk never ends the node. Records are refused, everything else continues with the reserve, and all recovers
// when there is space.
#include "broker/full_files.h"
#include "broker/node_fixture.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/init_producer_id.h"

namespace milena::broker::broker_test {
namespace {

using Room = FullFiles::Room;

class FullDiskTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().use_files(files_);
    start();
  }

  CreateTopicsRequest creation(ByteView name, int32_t timeout_ms) {
    CreateTopicsRequest request;
    request.timeout_ms = timeout_ms;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 1;
    topic.replication_factor = 1;
    return request;
  }
  ErrorCode delete_records(ByteView name, int64_t offset) {
    DeleteRecordsRequest request;
    request.topics.push_back({name, {{0, offset}}});
    const auto answer = client().ask<DeleteRecordsResponse>(request, 2);
    return answer.topics.at(0).partitions.at(0).error_code;
  }
  ErrorCode delete_topic(ByteView name) {
    DeleteTopicsRequest request;
    request.topics.push_back({name, {}});
    request.timeout_ms = 60'000;
    return client().ask<DeleteTopicsResponse>(request, 6).responses.at(0).error_code;
  }
  // The reserves are checked once a second.
  void look_for_room() { node().advance(1'000); }

  FullFiles files_;
};
INSTANTIATE_TEST_SUITE_P(Shards, FullDiskTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(FullDiskTest, RecordsAreRefusedUntilThereIsRoom) {
  create_topic("t");
  ASSERT_EQ(produce("t", 0, {"a"}).error_code, ErrorCode::kNone);
  files_.fill();
  EXPECT_EQ(produce("t", 0, {"b"}).error_code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"a"});
  // Records use nothing of the reserve.
  EXPECT_TRUE(files_.full());
  files_.fill(Room::kPlenty);
  EXPECT_EQ(produce("t", 0, {"c"}).base_offset, 1);
}

TEST_P(FullDiskTest, TopicsAndRecordsAreDeletedFromTheReserve) {
  create_topic("t");
  create_topic("victim");
  ASSERT_EQ(produce("t", 0, {"a", "b"}).error_code, ErrorCode::kNone);
  ASSERT_EQ(produce("victim", 0, {"a"}).error_code, ErrorCode::kNone);
  files_.fill();
  EXPECT_EQ(delete_topic("victim"), ErrorCode::kNone);
  EXPECT_FALSE(files_.full());
  // The reserve is not for records.
  EXPECT_EQ(produce("t", 0, {"c"}).error_code, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(delete_records("t", 1), ErrorCode::kNone);
  EXPECT_EQ(list_offset("t", 0, -2).offset, 1);
  look_for_room();
  EXPECT_EQ(produce("t", 0, {"c"}).error_code, ErrorCode::kKafkaStorageError);
  files_.fill(Room::kPlenty);
  look_for_room();
  EXPECT_EQ(produce("t", 0, {"c"}).base_offset, 2);
  // The reserve is complete again.
  files_.fill();
  EXPECT_TRUE(files_.full());
  EXPECT_EQ(delete_topic("t"), ErrorCode::kNone);
}

TEST_P(FullDiskTest, RetentionGoesOn) {
  create_topic("t", 1, {{"retention.ms", "1000"}});
  ASSERT_EQ(produce("t", 0, {"a", "b"}).error_code, ErrorCode::kNone);
  files_.fill();
  node().advance(10 * 60'000);
  EXPECT_EQ(list_offset("t", 0, -2).offset, 2);
}

// Without a reserve, too, a request is answered.
TEST_P(FullDiskTest, ACreationThatCannotBeWrittenIsRefused) {
  files_.fill(Room::kNone);
  client().start(creation("t", 60'000), 7);
  EXPECT_FALSE(client().has_answer());
  node().advance(3'000);
  auto answer = client().take<CreateTopicsResponse>(7);
  ASSERT_EQ(answer.topics.size(), 1u);
  EXPECT_EQ(answer.topics[0].error_code, ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(answer.topics[0].topic_id.is_zero());
  EXPECT_EQ(answer.topics[0].num_partitions, -1);
  EXPECT_EQ(node().topic("t"), nullptr);
  // The client's own timeout, if shorter.
  client().start(creation("t", 200), 7);
  node().advance(300);
  EXPECT_EQ(client().take<CreateTopicsResponse>(7).topics.at(0).error_code, ErrorCode::kKafkaStorageError);

  files_.fill(Room::kPlenty);
  EXPECT_EQ(try_create_topic("t", 1).error_code, ErrorCode::kNone);
  node().advance(10'000);
  EXPECT_EQ(produce("t", 0, {"a"}).error_code, ErrorCode::kNone);
}

// Waits for space that is free soon.
TEST_P(FullDiskTest, ACreationWaitsForRoomThatComesSoon) {
  files_.fill(Room::kNone);
  client().start(creation("t", 60'000), 7);
  files_.fill(Room::kPlenty);
  node().advance(300);
  EXPECT_EQ(client().take<CreateTopicsResponse>(7).topics.at(0).error_code, ErrorCode::kNone);
}

TEST_P(FullDiskTest, OtherDecisionsThatCannotBeWrittenAreRefused) {
  create_topic("t");
  files_.fill(Room::kNone);
  IncrementalAlterConfigsRequest request;
  request.resources.push_back({2, "t", {{"retention.ms", 0, "1000"}}});
  client().start(request, 1);
  node().advance(3'000);
  EXPECT_EQ(client().take<IncrementalAlterConfigsResponse>(1).responses.at(0).error_code,
            ErrorCode::kKafkaStorageError);
  InitProducerIdRequest id;
  id.transactional_id.reset();
  client().start(id, 4);
  node().advance(3'000);
  EXPECT_NE(client().take<InitProducerIdResponse>(4).error_code, ErrorCode::kNone);
  files_.fill(Room::kPlenty);
  EXPECT_EQ(client().ask<InitProducerIdResponse>(id, 4).error_code, ErrorCode::kNone);
}

TEST_P(FullDiskTest, TheNodeStopsAndStartsOnAFullDisk) {
  create_topic("t");
  ASSERT_EQ(produce("t", 0, {"a"}).error_code, ErrorCode::kNone);
  for (const bool killed : {false, true}) {
    SCOPED_TRACE(killed);
    files_.fill();
    if (killed) kill_and_start(); else restart();
    EXPECT_EQ(values_from("t", 0, 0).at(0), "a");
    files_.fill(Room::kPlenty);
    look_for_room();
    EXPECT_EQ(produce("t", 0, {"b"}).error_code, ErrorCode::kNone);
  }
  // A stop leaves no files that Kafka does not know.
  client_gone();
  node().stop();
  for (const auto& file : std::filesystem::recursive_directory_iterator(node().directory())) {
    EXPECT_NE(file.path().filename(), log::DiskReserve::kFileName);
  }
}

}  // namespace
}  // namespace milena::broker::broker_test
