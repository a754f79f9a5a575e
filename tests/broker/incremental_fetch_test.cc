// Incremental fetch sessions (KIP-227) through the whole broker: the state of a session, and responses with changes
// only.
#include "broker/node_fixture.h"

namespace milena::broker::broker_test {
namespace {

class IncrementalFetchTest : public NodeFixture {
 protected:
  static constexpr int16_t kVersion = 13;

  static FetchRequest::FetchPartition wanted(int32_t partition, int64_t offset) {
    FetchRequest::FetchPartition asked;
    asked.partition = partition;
    asked.fetch_offset = offset;
    asked.partition_max_bytes = 1 << 20;
    return asked;
  }
  FetchRequest session_request(int32_t session_id, int32_t epoch) {
    FetchRequest request;
    request.min_bytes = 1;
    request.session_id = session_id;
    request.session_epoch = epoch;
    return request;
  }
  FetchRequest full_request(ByteView name, int32_t partitions) {
    FetchRequest request = session_request(0, 0);
    auto& topic = request.topics.emplace_back();
    topic.topic = name;
    topic.topic_id = topic_id(name);
    for (int32_t p = 0; p < partitions; p++) topic.partitions.push_back(wanted(p, 0));
    return request;
  }
  // Creates a session over these partitions, read from 0, and returns its id.
  int32_t open_session(ByteView name, int32_t partitions) {
    auto response = client().ask<FetchResponse>(full_request(name, partitions), kVersion);
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    EXPECT_NE(response.session_id, 0);
    return response.session_id;
  }
  static std::vector<int32_t> partitions_in(const FetchResponse& response) {
    std::vector<int32_t> all;
    for (const auto& topic : response.responses) {
      for (const auto& partition : topic.partitions) all.push_back(partition.partition_index);
    }
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, IncrementalFetchTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(IncrementalFetchTest, AnIdleFetchOverAThousandPartitionsIsSmall) {
  create_topic("wide", 1000);
  auto full = client().ask<FetchResponse>(full_request("wide", 1000), kVersion);
  EXPECT_EQ(partitions_in(full).size(), 1000u);
  for (int32_t epoch = 1; epoch <= 3; epoch++) {
    auto idle = client().ask<FetchResponse>(session_request(full.session_id, epoch), kVersion);
    EXPECT_EQ(idle.error_code, ErrorCode::kNone);
    EXPECT_TRUE(partitions_in(idle).empty());
    EXPECT_LE(client().last_answer_size(), 200u);
  }
  // One of them changes: one is returned.
  produce("wide", 567, {"a"});
  auto news = client().ask<FetchResponse>(session_request(full.session_id, 4), kVersion);
  EXPECT_EQ(partitions_in(news), std::vector<int32_t>{567});
}

TEST_P(IncrementalFetchTest, WaitsAsASessionlessFetchDoes) {
  create_topic("t", 3);
  int32_t session = open_session("t", 3);
  FetchRequest request = session_request(session, 1);
  request.max_wait_ms = 10'000;
  TestClient& reader = node().connect(1);
  reader.start(request, kVersion);
  EXPECT_FALSE(reader.has_answer());
  produce("t", 2, {"a"});
  ASSERT_TRUE(reader.has_answer());
  auto response = reader.take<FetchResponse>(kVersion);
  EXPECT_EQ(partitions_in(response), std::vector<int32_t>{2});
  EXPECT_EQ(records_of(response.responses[0].partitions[0].records).values, std::vector<std::string>{"a"});
}

TEST_P(IncrementalFetchTest, ARequestNamesOnlyWhatChanges) {
  create_topic("t", 3);
  produce("t", 0, {"a", "b"});
  produce("t", 1, {"c"});
  int32_t session = open_session("t", 2);
  // The reader has read all of partition 0, not of 1.
  FetchRequest request = session_request(session, 1);
  request.topics.push_back({"t", topic_id("t"), {wanted(0, 2)}});
  auto response = client().ask<FetchResponse>(request, kVersion);
  EXPECT_EQ(partitions_in(response), std::vector<int32_t>{1});
  // It also wants partition 2 from now on.
  request = session_request(session, 2);
  request.topics.push_back({"t", topic_id("t"), {wanted(1, 1), wanted(2, 0)}});
  response = client().ask<FetchResponse>(request, kVersion);
  EXPECT_EQ(partitions_in(response), std::vector<int32_t>{2});  // new: its watermark is news
  produce("t", 2, {"d"});
  response = client().ask<FetchResponse>(session_request(session, 3), kVersion);
  EXPECT_EQ(partitions_in(response), std::vector<int32_t>{2});
}

TEST_P(IncrementalFetchTest, ForgottenPartitionsAreNotTold) {
  create_topic("t", 3);
  int32_t session = open_session("t", 3);
  FetchRequest request = session_request(session, 1);
  request.forgotten_topics_data.push_back({"t", topic_id("t"), {1}});
  EXPECT_TRUE(partitions_in(client().ask<FetchResponse>(request, kVersion)).empty());
  for (int32_t p : {0, 1, 2}) produce("t", p, {"x"});
  auto response = client().ask<FetchResponse>(session_request(session, 2), kVersion);
  EXPECT_THAT(partitions_in(response), testing::UnorderedElementsAre(0, 2));
}

TEST_P(IncrementalFetchTest, EpochsAreCounted) {
  create_topic("t", 1);
  int32_t session = open_session("t", 1);
  auto error_with = [&](int32_t id, int32_t epoch) {
    auto response = client().ask<FetchResponse>(session_request(id, epoch), kVersion);
    EXPECT_TRUE(response.responses.empty());
    return response.error_code;
  };
  EXPECT_EQ(error_with(session, 2), ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(error_with(session, 1), ErrorCode::kNone);
  EXPECT_EQ(error_with(session, 1), ErrorCode::kInvalidFetchSessionEpoch);  // a repeated request
  EXPECT_EQ(error_with(session, 2), ErrorCode::kNone);
  EXPECT_EQ(error_with(session + 1, 1), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(error_with(-5, 1), ErrorCode::kFetchSessionIdNotFound);
}

TEST_P(IncrementalFetchTest, ASessionIsClosedByItsFinalEpoch) {
  create_topic("t", 1);
  int32_t session = open_session("t", 1);
  FetchRequest last = session_request(session, -1);
  auto closed = client().ask<FetchResponse>(last, kVersion);
  EXPECT_EQ(closed.error_code, ErrorCode::kNone);
  EXPECT_EQ(closed.session_id, 0);
  EXPECT_EQ(client().ask<FetchResponse>(session_request(session, 1), kVersion).error_code,
            ErrorCode::kFetchSessionIdNotFound);
}

TEST_P(IncrementalFetchTest, NamesAndIdsDoNotMix) {
  create_topic("t", 1);
  int32_t by_id = open_session("t", 1);
  EXPECT_EQ(client().ask<FetchResponse>(session_request(by_id, 1), 12).error_code,
            ErrorCode::kFetchSessionTopicIdError);
  auto named = client().ask<FetchResponse>(full_request("t", 1), 12);
  EXPECT_NE(named.session_id, 0);
  EXPECT_EQ(client().ask<FetchResponse>(session_request(named.session_id, 1), 13).error_code,
            ErrorCode::kFetchSessionTopicIdError);
  EXPECT_EQ(client().ask<FetchResponse>(session_request(named.session_id, 1), 12).error_code, ErrorCode::kNone);
}

TEST_P(IncrementalFetchTest, ASessionMayBeUsedFromAnyConnection) {
  create_topic("t", 1);
  int32_t session = open_session("t", 1);
  for (int32_t epoch = 1; epoch <= 4; epoch++) {
    TestClient& other = node().connect(epoch);
    EXPECT_EQ(other.ask<FetchResponse>(session_request(session, epoch), kVersion).error_code, ErrorCode::kNone);
  }
}

TEST_P(IncrementalFetchTest, AClientThatGoesAwayWhileWaitingFreesItsSession) {
  create_topic("t", 1);
  int32_t session = open_session("t", 1);
  FetchRequest request = session_request(session, 1);
  request.max_wait_ms = 60'000;
  TestClient& reader = node().connect(1);
  reader.start(request, kVersion);
  EXPECT_EQ(client().ask<FetchResponse>(session_request(session, 2), kVersion).error_code,
            ErrorCode::kInvalidFetchSessionEpoch);  // another request uses it
  reader.disconnect();
  node().run();
  EXPECT_EQ(client().ask<FetchResponse>(session_request(session, 2), kVersion).error_code, ErrorCode::kNone);
}

TEST_P(IncrementalFetchTest, APartitionInErrorIsToldEachTimeAndAgainWhenItIsWell) {
  create_topic("t", 2);
  produce("t", 0, {"a"});
  int32_t session = open_session("t", 2);
  FetchRequest request = session_request(session, 1);
  request.topics.push_back({"t", topic_id("t"), {wanted(0, 99)}});
  for (int i = 0; i < 2; i++) {
    auto response = client().ask<FetchResponse>(request, kVersion);
    ASSERT_EQ(partitions_in(response), std::vector<int32_t>{0});
    EXPECT_EQ(response.responses[0].partitions[0].error_code, ErrorCode::kOffsetOutOfRange);
    request = session_request(session, 2 + i);
  }
  request = session_request(session, 3);
  request.topics.push_back({"t", topic_id("t"), {wanted(0, 1)}});
  auto response = client().ask<FetchResponse>(request, kVersion);
  ASSERT_EQ(partitions_in(response), std::vector<int32_t>{0});
  EXPECT_EQ(response.responses[0].partitions[0].error_code, ErrorCode::kNone);
}

TEST_P(IncrementalFetchTest, APartitionThatGaveDataGoesToTheEndOfTheQueue) {
  create_topic("t", 3);
  Bytes batch = batch_of({std::string(1000, 'x')}, 1);
  for (int32_t p : {0, 1, 2}) produce_batch("t", p, batch);
  FetchRequest request = full_request("t", 3);
  request.max_bytes = 1;  // fits one partition's first batch
  auto response = client().ask<FetchResponse>(request, kVersion);
  int32_t session = response.session_id;
  std::vector<int32_t> served;
  auto note_served = [&] {
    for (const auto& partition : response.responses.at(0).partitions) {
      if (partition.records && !partition.records->empty()) served.push_back(partition.partition_index);
    }
  };
  note_served();
  for (int32_t epoch = 1; epoch <= 2; epoch++) {
    request = session_request(session, epoch);
    request.max_bytes = 1;
    response = client().ask<FetchResponse>(request, kVersion);
    note_served();
  }
  // No partition starves, even though the reader never moves on.
  EXPECT_THAT(served, testing::UnorderedElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace milena::broker::broker_test
