// How group coordinators write: records of one turn as one batch, or after a linger; no response is sent before its
// record is in the log. And effects of altered settings.
#include <fstream>

#include "broker/group_fixture.h"
#include "coordinator/group/java_string.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/list_groups.h"
#include "protocol/records/record_iterator.h"

namespace milena::broker::broker_test {
namespace {

constexpr int16_t kCommitVersion = 9, kOffsetFetchVersion = 9;

class GroupAppendTest : public GroupFixture {
 protected:
  Partition& log_of(ByteView group) {
    return node().partition("__consumer_offsets", coordinator::coordinator_partition(group, 5));
  }
  int64_t record_count(ByteView group) { return log_of(group).log()->log_end_offset(); }
  int batch_count(ByteView group) {
    auto read = log_of(group).log()->read(0, 1 << 20, record_count(group), true);
    EXPECT_TRUE(read.ok());
    const Bytes bytes = read->batches.flatten().value();
    BatchIterator batches(bytes);
    int count = 0;
    while (batches.next()) ++count;
    return count;
  }
  std::vector<std::string> names_;
  // Three commits of one turn, over connections of their own.
  std::vector<TestClient*> commit_together() {
    std::vector<TestClient*> clients;
    for (int32_t i = 0; i < 3; ++i) {
      clients.push_back(&node().connect(0));
      clients.back()->queue(commit_request("g", i, 100 + i), kCommitVersion);
    }
    node().run();
    return clients;
  }
  void expect_committed(const std::vector<TestClient*>& clients) {
    for (TestClient* one : clients) {
      EXPECT_EQ(error_of(one->take<OffsetCommitResponse>(kCommitVersion)), ErrorCode::kNone);
    }
    for (int32_t i = 0; i < 3; ++i) EXPECT_EQ(committed("g", i), 100 + i);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, GroupAppendTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(GroupAppendTest, WhatComesInOneTurnIsOneBatchAndWaitsForNothing) {
  const auto clients = commit_together();
  expect_committed(clients);
  EXPECT_EQ(record_count("g"), 3);
  EXPECT_EQ(batch_count("g"), 1);
  commit("g", 0, 200);
  EXPECT_EQ(batch_count("g"), 2);
  ASSERT_NO_FATAL_FAILURE(restart());
  EXPECT_EQ(committed("g", 0), 200);
  EXPECT_EQ(committed("g", 2), 102);
}

TEST_P(GroupAppendTest, LargeDecisionsGoByThemselvesAndInOrder) {
  std::vector<TestClient*> clients;
  for (int round = 0; round < 3; ++round) {
    clients.push_back(&node().connect(0));
    OffsetCommitRequest request = commit_request("g", 0, round);
    for (int32_t i = 1; round == 1 && i < 1'000; ++i) {
      auto one = request.topics[0].partitions[0];
      one.partition_index = i % 4;
      one.committed_metadata = "a note that makes the record longer than it would be without, by a good deal";
      request.topics[0].partitions.push_back(one);
    }
    clients.back()->queue(request, kCommitVersion);
  }
  node().run();
  for (TestClient* one : clients) EXPECT_TRUE(one->has_answer());
  EXPECT_EQ(batch_count("g"), 3);
  EXPECT_EQ(committed("g", 0), 2);
  ASSERT_NO_FATAL_FAILURE(restart());
  EXPECT_EQ(committed("g", 0), 2);
  EXPECT_EQ(committed("g", 3), 1);
}

// Kafka's max.message.bytes applies to each record of a decision, whatever else is in its batch.
TEST_P(GroupAppendTest, ALargeRecordIsRefusedInAnyCompany) {
  const auto join = [&](int32_t epoch, size_t topics) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = "g";
    request.member_id = "m";
    request.member_epoch = epoch;
    request.rebalance_timeout_ms = 30'000;
    names_.resize(topics);
    auto& subscribed = request.subscribed_topic_names.emplace();
    for (size_t i = 0; i < topics; ++i) {
      names_[i] = "a topic of which nobody has heard and nobody will " + std::to_string(i);
      subscribed.push_back(names_[i]);
    }
    request.topic_partitions.emplace();
    return client().ask<ConsumerGroupHeartbeatResponse>(request, 1).error_code;
  };
  // The end of the classic group comes first in the batch.
  commit("g", 0, 1);
  const std::string member = join_alone(client(), "g");
  LeaveGroupRequest leave;
  leave.group_id = "g";
  leave.members.push_back({.member_id = member, .group_instance_id = std::nullopt, .reason = std::nullopt});
  client().ask<LeaveGroupResponse>(leave, 5);
  const int64_t records = record_count("g");
  EXPECT_EQ(join(0, 60'000), ErrorCode::kUnknownServerError);
  EXPECT_EQ(record_count("g"), records);
  EXPECT_EQ(join(0, 100), ErrorCode::kNone);
  EXPECT_EQ(committed("g", 0), 1);
}

class GroupLingerTest : public GroupAppendTest {
 protected:
  void SetUp() override {
    node().set("group.coordinator.append.linger.ms", "5");
    GroupFixture::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, GroupLingerTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(GroupLingerTest, AnswersWaitForTheAppend) {
  const auto clients = commit_together();
  // A read that depends on unwritten records waits, too.
  TestClient& reader = node().connect(0);
  reader.start(committed_request("g", 1), kOffsetFetchVersion);
  node().advance(4);
  EXPECT_EQ(record_count("g"), 0);
  for (TestClient* one : clients) EXPECT_FALSE(one->has_answer());
  EXPECT_FALSE(reader.has_answer());
  // Within the linger of the first.
  TestClient& late = node().connect(0);
  late.start(commit_request("g", 3, 103), kCommitVersion);
  node().advance(1);
  EXPECT_TRUE(late.has_answer());
  EXPECT_EQ(offset_in(reader.take<OffsetFetchResponse>(kOffsetFetchVersion)), 101);
  EXPECT_EQ(batch_count("g"), 1);
  EXPECT_EQ(record_count("g"), 4);
  expect_committed(clients);
}

TEST_P(GroupLingerTest, AnOrderlyStopWritesWhatWasGathered) {
  TestClient& one = node().connect(0);
  one.start(commit_request("g", 0, 7), kCommitVersion);
  EXPECT_FALSE(one.has_answer());
  ASSERT_NO_FATAL_FAILURE(restart());
  TestClient& reader = node().connect(0);
  EXPECT_EQ(offset_in(reader.ask<OffsetFetchResponse>(committed_request("g", 0), kOffsetFetchVersion)), 7);
}

// A node whose only directory fails ends; with two of them it continues with the other one.
class GroupDiskTest : public GroupLingerTest {
 protected:
  void SetUp() override {
    node().set("log.dirs", node().directory() + "/data," + node().directory() + "/other");
    GroupLingerTest::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, GroupDiskTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(GroupDiskTest, WhatWasNotAppendedIsNotBelieved) {
  TestClient& one = node().connect(0);
  std::string group;
  for (int i = 0; i < 20 && group.empty(); ++i) {
    const std::string candidate = "group" + std::to_string(i);
    one.start(commit_request(candidate, 0, 1), kCommitVersion);
    node().advance(5);
    EXPECT_EQ(error_of(one.take<OffsetCommitResponse>(kCommitVersion)), ErrorCode::kNone);
    if (log_of(candidate).directory()->path() == node().directory() + "/other") group = candidate;
  }
  ASSERT_FALSE(group.empty());
  one.start(commit_request(group, 0, 2), kCommitVersion);
  EXPECT_FALSE(one.has_answer());
  log_of(group).take_offline(make_error(ErrorKind::kIo, "the disk is gone"));
  node().advance(5);
  EXPECT_EQ(error_of(one.take<OffsetCommitResponse>(kCommitVersion)), ErrorCode::kNotCoordinator);
}

// Nothing was ever written to it, so it was not loaded yet.
TEST_P(GroupDiskTest, APartOfTheGroupsThatIsGoneHidesNoOther) {
  TestClient& one = node().connect(0);
  const std::string other = node().directory() + "/other";
  std::string kept;
  for (int i = 0; i < 20 && kept.empty(); ++i) {
    const std::string candidate = "group" + std::to_string(i);
    if (log_of(candidate).directory()->path() != other) kept = candidate;
  }
  ASSERT_FALSE(kept.empty());
  one.start(commit_request(kept, 0, 1), kCommitVersion);
  node().advance(5);
  EXPECT_EQ(error_of(one.take<OffsetCommitResponse>(kCommitVersion)), ErrorCode::kNone);
  int gone = 0;
  for (int32_t index = 0; index < 5; ++index) {
    Partition& partition = node().partition("__consumer_offsets", index);
    if (partition.directory()->path() != other) continue;
    partition.take_offline(make_error(ErrorKind::kIo, "the disk is gone"));
    ++gone;
  }
  ASSERT_GT(gone, 0);
  const auto listed = one.ask<ListGroupsResponse>(ListGroupsRequest{}, 5);
  EXPECT_EQ(listed.error_code, ErrorCode::kNone);
  ASSERT_EQ(listed.groups.size(), 1u);
  EXPECT_EQ(listed.groups[0].group_id, kept);
}

class GroupNoLingerTest : public GroupAppendTest {
 protected:
  void SetUp() override {
    node().set("group.coordinator.append.linger.ms", "0");
    GroupFixture::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, GroupNoLingerTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(GroupNoLingerTest, EveryDecisionIsABatch) {
  const auto clients = commit_together();
  expect_committed(clients);
  EXPECT_EQ(batch_count("g"), 3);
}

class GroupCompressionTest : public GroupAppendTest {
 protected:
  void SetUp() override {
    node().set("offsets.topic.compression.codec", "1");
    GroupFixture::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, GroupCompressionTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(GroupCompressionTest, BatchesAreCompressedAndLoaded) {
  expect_committed(commit_together());
  auto read = log_of("g").log()->read(0, 1 << 20, 3, true);
  ASSERT_TRUE(read.ok());
  const Bytes bytes = read->batches.flatten().value();
  BatchIterator batches(bytes);
  ASSERT_TRUE(batches.next());
  EXPECT_EQ(batches.batch().header().compression(), Codec::kGzip);
  ASSERT_NO_FATAL_FAILURE(restart());
  EXPECT_EQ(committed("g", 2), 102);
}

class GroupSettingsTest : public GroupFixture {
 protected:
  static constexpr int8_t kBrokers = 4, kGroups = 32;

  ErrorCode alter(int8_t type, ByteView resource, ByteView name, ByteView value) {
    IncrementalAlterConfigsRequest request;
    auto& altered = request.resources.emplace_back();
    altered.resource_type = type;
    altered.resource_name = resource;
    altered.configs.push_back({name, 0, value});
    return client().ask<IncrementalAlterConfigsResponse>(request, 1).responses.at(0).error_code;
  }
  ConsumerGroupHeartbeatResponse beat(int32_t epoch) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = "g";
    request.member_id = "m";
    request.member_epoch = epoch;
    if (epoch == 0) {
      request.rebalance_timeout_ms = 30'000;
      request.subscribed_topic_names.emplace().push_back("t");
      request.topic_partitions.emplace();
    }
    return client().ask<ConsumerGroupHeartbeatResponse>(request, 1);
  }
  void grow_topic(int32_t count) {
    CreatePartitionsRequest grow;
    grow.timeout_ms = 1000;
    auto& topic = grow.topics.emplace_back();
    topic.name = "t";
    topic.count = count;
    topic.assignments.reset();
    ASSERT_EQ(client().ask<CreatePartitionsResponse>(grow, 3).results.at(0).error_code, ErrorCode::kNone);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, GroupSettingsTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(GroupSettingsTest, TheAssignmentIntervalIsAlteredWhileGroupsLive) {
  ASSERT_EQ(beat(0).member_epoch, 2);
  grow_topic(5);
  EXPECT_FALSE(beat(2).assignment) << "the last assignment is less than a second ago";
  // Of all brokers, and then of this one.
  ASSERT_EQ(alter(kBrokers, "", "group.consumer.assignment.interval.ms", "0"), ErrorCode::kNone);
  EXPECT_EQ(beat(2).member_epoch, 3);
  ASSERT_EQ(alter(kBrokers, "1", "group.consumer.assignment.interval.ms", "15000"), ErrorCode::kNone);
  grow_topic(6);
  node().advance(4'000);
  EXPECT_EQ(beat(3).member_epoch, 3);
  // The group's own setting overrides both.
  ASSERT_EQ(alter(kGroups, "g", "consumer.assignment.interval.ms", "0"), ErrorCode::kNone);
  EXPECT_EQ(beat(3).member_epoch, 4);
  EXPECT_EQ(alter(kGroups, "g", "consumer.assignment.interval.ms", "15001"), ErrorCode::kInvalidConfig);
}

TEST_P(GroupSettingsTest, AGroupHasItsOwnTimes) {
  ASSERT_EQ(beat(0).heartbeat_interval_ms, 5'000);
  ASSERT_EQ(alter(kGroups, "g", "consumer.heartbeat.interval.ms", "7000"), ErrorCode::kNone);
  EXPECT_EQ(beat(2).heartbeat_interval_ms, 7'000);
  EXPECT_EQ(alter(kGroups, "g", "consumer.heartbeat.interval.ms", "4999"), ErrorCode::kInvalidConfig);
  ASSERT_EQ(alter(kGroups, "g", "consumer.session.timeout.ms", "60000"), ErrorCode::kNone);
  EXPECT_EQ(beat(2).heartbeat_interval_ms, 7'000);
  node().advance(59'000);
  EXPECT_EQ(beat(2).error_code, ErrorCode::kNone) << "the session is the group's, from its last heartbeat on";
  node().advance(61'000);
  EXPECT_EQ(beat(2).error_code, ErrorCode::kUnknownMemberId);
}

TEST_P(GroupSettingsTest, WhatIsFixedAtStartIsRefused) {
  for (const char* name : {"group.max.size", "group.consumer.session.timeout.ms", "group.coordinator.append.linger.ms",
                           "group.initial.rebalance.delay.ms", "offsets.retention.minutes"}) {
    EXPECT_EQ(alter(kBrokers, "", name, "100000"), ErrorCode::kInvalidRequest) << name;
  }
}

class GroupGraceTest : public GroupSettingsTest {};
INSTANTIATE_TEST_SUITE_P(Shards, GroupGraceTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(GroupGraceTest, AMemberThatOnlySentItsFirstHeartbeat) {
  TestClient& one = node().connect(1);
  ConsumerGroupHeartbeatRequest request;
  request.group_id = "g";
  request.member_id = "m";
  request.rebalance_timeout_ms = 30'000;
  request.subscribed_topic_names.emplace().push_back("t");
  request.topic_partitions.emplace();
  const int32_t epoch = one.ask<ConsumerGroupHeartbeatResponse>(request, 1).member_epoch;
  one.disconnect();
  node().run();
  // The heartbeat interval, and the time for a new connection.
  node().advance(8'000);
  EXPECT_EQ(beat(epoch).error_code, ErrorCode::kUnknownMemberId);
}

TEST_P(GroupGraceTest, AMemberWhoseJoinIsParked) {
  TestClient& one = node().connect(0);
  TestClient& two = node().connect(1);
  const std::string first = join_alone(one, "g");
  const std::string second = new_member(two, "g");
  two.start(join_request("g", second), kJoinVersion);
  EXPECT_FALSE(two.has_answer());
  two.disconnect();
  node().run();
  node().advance(6'400);  // its session is 10 s
  // It is no longer waited for: the first is alone in the next generation.
  auto again = one.ask<JoinGroupResponse>(join_request("g", first), kJoinVersion);
  EXPECT_EQ(again.error_code, ErrorCode::kNone);
  EXPECT_EQ(again.members.size(), 1u);
}

TEST_P(GroupGraceTest, AfterARestartTheSessionCounts) {
  TestClient& one = node().connect(0);
  const std::string member = join_alone(one, "g");
  ASSERT_NO_FATAL_FAILURE(restart());
  TestClient& stranger = node().connect(0);
  EXPECT_EQ(heartbeat(stranger, "other", "nobody", 1), ErrorCode::kUnknownMemberId);
  stranger.disconnect();
  node().run();
  node().advance(9'000);
  EXPECT_EQ(heartbeat(node().connect(0), "g", member, 1), ErrorCode::kNone);
}

// Every client retries at once, and each time the whole log would be read.
TEST_P(GroupAppendTest, ALogThatCannotBeLoadedIsNotReadForEachRequest) {
  commit("g", 0, 5);
  commit("g", 1, 6);
  const std::string log = log_of("g").log()->directory() + "/00000000000000000000.log";
  auto flip_length = [&] {  // of the first record: the header is unchanged
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(61);
    const int was = file.get();
    file.seekp(61);
    file.put(static_cast<char>(was ^ 0x55));
  };
  auto ask = [&] { return error_of(client().ask<OffsetCommitResponse>(commit_request("g", 2, 7), kCommitVersion)); };
  client_gone();
  node().stop();
  flip_length();
  start();
  EXPECT_EQ(ask(), ErrorCode::kNotCoordinator);
  flip_length();
  EXPECT_EQ(ask(), ErrorCode::kNotCoordinator);
  for (int i = 0; i < 5 && ask() != ErrorCode::kNone; i++) node().advance(1000);
  EXPECT_EQ(ask(), ErrorCode::kNone);
  EXPECT_EQ(committed("g", 1), 6);
}

}  // namespace
}  // namespace milena::broker::broker_test
