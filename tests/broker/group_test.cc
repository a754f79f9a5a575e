// Groups through the whole broker: coordinators, members, offsets, and the same state after a restart. The state
// machine has its own tests in tests/coordinator.
#include "broker/group_fixture.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/offset_delete.h"

namespace milena::broker::broker_test {
namespace {

class GroupTest : public GroupFixture {};
INSTANTIATE_TEST_SUITE_P(Shards, GroupTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(GroupTest, TheFirstQuestionForACoordinatorIsAnswered) {
  for (int16_t version = 0; version <= 6; version++) {
    FindCoordinatorRequest request;
    request.key = "some-group";
    request.coordinator_keys = {"some-group", "another"};
    auto response = client().ask<FindCoordinatorResponse>(request, version);
    if (version < 4) {
      EXPECT_EQ(response.error_code, ErrorCode::kNone);
      EXPECT_EQ(response.node_id, 1);
      EXPECT_EQ(response.host, "127.0.0.1");
      EXPECT_EQ(response.port, 9092);
      continue;
    }
    ASSERT_EQ(response.coordinators.size(), 2u);
    for (const auto& one : response.coordinators) {
      EXPECT_EQ(one.error_code, ErrorCode::kNone);
      EXPECT_EQ(one.node_id, 1);
      EXPECT_EQ(one.port, 9092);
    }
    EXPECT_EQ(response.coordinators[1].key, "another");
  }
  EXPECT_EQ(node().topic("__consumer_offsets")->partition_count(), 5);
}

TEST_P(GroupTest, OneMemberJoinsAndLeaves) {
  std::string member = join_alone(client(), "g");
  EXPECT_EQ(heartbeat(client(), "g", member, 1), ErrorCode::kNone);
  EXPECT_EQ(heartbeat(client(), "g", member, 2), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(heartbeat(client(), "g", "somebody", 1), ErrorCode::kUnknownMemberId);
  LeaveGroupRequest leave;
  leave.group_id = "g";
  leave.members.push_back({member, std::nullopt, std::nullopt});
  auto left = client().ask<LeaveGroupResponse>(leave, 5);
  EXPECT_EQ(left.error_code, ErrorCode::kNone);
  ASSERT_EQ(left.members.size(), 1u);
  EXPECT_EQ(left.members[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(heartbeat(client(), "g", member, 1), ErrorCode::kUnknownMemberId);
}

TEST_P(GroupTest, AMemberWhoseClientHangsUpIsRemovedSoon) {
  TestClient& one = node().connect(0);
  TestClient& two = node().connect(1);
  std::string first = join_alone(one, "g");
  std::string other = join_alone(two, "h");
  one.disconnect();
  two.disconnect();
  node().run();
  // A third of the session, which is 10 s, and the time for a new connection.
  node().advance(6'300);
  EXPECT_EQ(heartbeat(client(), "g", first, 1), ErrorCode::kNone);
  // That showed that the member is alive, over another connection.
  node().advance(100);
  EXPECT_EQ(heartbeat(client(), "h", other, 1), ErrorCode::kUnknownMemberId);
  node().advance(6'400);
  EXPECT_EQ(heartbeat(client(), "g", first, 1), ErrorCode::kNone);
}

TEST_P(GroupTest, AMemberWhoseConnectionWeCloseKeepsItsSession) {
  TestClient& one = node().connect(0);
  std::string member = join_alone(one, "g");
  one.dropped_by_broker();
  node().run();
  node().advance(9'000);
  EXPECT_EQ(heartbeat(client(), "g", member, 1), ErrorCode::kNone);
}

TEST_P(GroupTest, ASecondMemberMakesARebalance) {
  TestClient& one = node().connect(0);
  TestClient& two = node().connect(1);
  std::string first = join_alone(one, "g");
  std::string second = new_member(two, "g");
  two.start(join_request("g", second), kJoinVersion);
  EXPECT_FALSE(two.has_answer());
  EXPECT_EQ(heartbeat(one, "g", first, 1), ErrorCode::kRebalanceInProgress);
  auto again = one.ask<JoinGroupResponse>(join_request("g", first), kJoinVersion);
  auto joined = two.take<JoinGroupResponse>(kJoinVersion);
  EXPECT_EQ(again.error_code, ErrorCode::kNone);
  EXPECT_EQ(joined.error_code, ErrorCode::kNone);
  EXPECT_EQ(again.generation_id, 2);
  EXPECT_EQ(joined.generation_id, 2);
  EXPECT_EQ(again.leader, first);
  EXPECT_EQ(again.members.size(), 2u);
  EXPECT_TRUE(joined.members.empty());

  // The follower waits for the leader's assignment.
  two.start(sync_request("g", second, 2), kSyncVersion);
  EXPECT_FALSE(two.has_answer());
  SyncGroupRequest sync = sync_request("g", first, 2);
  sync.assignments.push_back({first, "a"});
  sync.assignments.push_back({second, "b"});
  EXPECT_EQ(one.ask<SyncGroupResponse>(sync, kSyncVersion).assignment, "a");
  EXPECT_EQ(two.take<SyncGroupResponse>(kSyncVersion).assignment, "b");
  EXPECT_EQ(heartbeat(one, "g", first, 2), ErrorCode::kNone);
  EXPECT_EQ(heartbeat(two, "g", second, 2), ErrorCode::kNone);
}

TEST_P(GroupTest, AMemberThatFallsSilentIsPutOut) {
  TestClient& one = node().connect(0);
  std::string member = join_alone(one, "g");
  node().advance(9'000);
  EXPECT_EQ(heartbeat(one, "g", member, 1), ErrorCode::kNone);
  node().advance(9'000);
  EXPECT_EQ(heartbeat(one, "g", member, 1), ErrorCode::kNone);
  node().advance(11'000);
  EXPECT_EQ(heartbeat(one, "g", member, 1), ErrorCode::kUnknownMemberId);
}

TEST_P(GroupTest, OffsetsInEveryVersion) {
  for (int16_t version = OffsetCommitRequest::kMinVersion; version <= OffsetCommitRequest::kMaxVersion; version++) {
    OffsetCommitRequest request = commit_request("g", 0, 100 + version);
    if (version >= 10) request.topics[0].topic_id = topic_id("t");
    EXPECT_EQ(error_of(client().ask<OffsetCommitResponse>(request, version)), ErrorCode::kNone) << version;
    EXPECT_EQ(committed("g", 0), 100 + version);
  }
  int64_t last = committed("g", 0);
  for (int16_t version = OffsetFetchRequest::kMinVersion; version <= OffsetFetchRequest::kMaxVersion; version++) {
    OffsetFetchRequest request = committed_request("g", 0);
    if (version >= 10) request.groups[0].topics->at(0).topic_id = topic_id("t");
    request.group_id = "g";
    request.topics->push_back({"t", {0, 1}});
    auto response = client().ask<OffsetFetchResponse>(request, version);
    if (version >= 8) {
      EXPECT_EQ(offset_in(response), last) << version;
      continue;
    }
    ASSERT_EQ(response.topics.size(), 1u);
    ASSERT_EQ(response.topics[0].partitions.size(), 2u);
    EXPECT_EQ(response.topics[0].partitions[0].committed_offset, last);
    EXPECT_EQ(response.topics[0].partitions[0].metadata, "note");
    EXPECT_EQ(response.topics[0].partitions[1].committed_offset, -1);
  }
}

TEST_P(GroupTest, CommitsOfStrangersAreRefused) {
  std::string member = join_alone(client(), "g");
  EXPECT_EQ(commit("g", 0, 5, member, 1), ErrorCode::kNone);
  EXPECT_EQ(commit("g", 0, 6, member, 2), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(commit("g", 0, 6, "somebody", 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("g", 0, 6), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("g", 9, 6, member, 1), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(committed("g", 0), 5);
}

TEST_P(GroupTest, OffsetsAndGroupsAreThereAgainAfterRestartAndKill) {
  for (int i = 0; i < 20; i++) {
    std::string group = "group-" + std::to_string(i);
    EXPECT_EQ(commit(group, i % 4, 1000 + i), ErrorCode::kNone);
  }
  auto check = [&](int64_t base) {
    for (int i = 0; i < 20; i++) {
      std::string group = "group-" + std::to_string(i);
      EXPECT_EQ(committed(group, i % 4), base + i) << group;
      EXPECT_EQ(committed(group, (i + 1) % 4), -1);
    }
  };
  restart();
  check(1000);
  for (int i = 0; i < 20; i++) commit("group-" + std::to_string(i), i % 4, 2000 + i);
  kill_and_start();
  check(2000);
  restart();
  check(2000);
}

TEST_P(GroupTest, AGroupGoesOnAfterAKill) {
  std::string member = join_alone(client(), "g");
  EXPECT_EQ(commit("g", 0, 5, member, 1), ErrorCode::kNone);
  kill_and_start();
  // The member does not notice: its generation is in the log.
  EXPECT_EQ(heartbeat(client(), "g", member, 1), ErrorCode::kNone);
  EXPECT_EQ(commit("g", 0, 6, member, 1), ErrorCode::kNone);
  // And its session timeout runs.
  node().advance(11'000);
  EXPECT_EQ(heartbeat(client(), "g", member, 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(committed("g", 0), 6);
}

TEST_P(GroupTest, GroupsAreListedDescribedAndDeleted) {
  std::string member = join_alone(client(), "alive");
  EXPECT_EQ(commit("offsets-only", 0, 5), ErrorCode::kNone);
  auto listed = client().ask<ListGroupsResponse>(ListGroupsRequest{}, 5);
  std::map<std::string, std::string> states;
  for (const auto& group : listed.groups) states[group.group_id] = group.group_state;
  EXPECT_EQ(states, (std::map<std::string, std::string>{{"alive", "Stable"}, {"offsets-only", "Empty"}}));

  DescribeGroupsRequest describe;
  describe.groups = {"alive", "offsets-only", "unknown"};
  auto described = client().ask<DescribeGroupsResponse>(describe, 5);
  ASSERT_EQ(described.groups.size(), 3u);
  std::map<std::string, DescribeGroupsResponse::DescribedGroup> by_id;  // the order is unspecified
  for (const auto& group : described.groups) by_id[group.group_id] = group;
  EXPECT_EQ(by_id["alive"].group_state, "Stable");
  EXPECT_EQ(by_id["alive"].protocol_type, "consumer");
  ASSERT_EQ(by_id["alive"].members.size(), 1u);
  EXPECT_EQ(by_id["alive"].members[0].member_id, member);
  EXPECT_EQ(by_id["alive"].members[0].member_assignment, "mine");
  EXPECT_EQ(by_id["alive"].members[0].client_id, "test");
  EXPECT_EQ(by_id["offsets-only"].group_state, "Empty");
  EXPECT_EQ(by_id["unknown"].group_state, "Dead");

  DeleteGroupsRequest remove;
  remove.groups_names = {"alive", "offsets-only", "unknown", "alive", "unknown"};
  auto removed = client().ask<DeleteGroupsResponse>(remove, 2);
  EXPECT_EQ(removed.results.size(), 3u);
  std::map<std::string, ErrorCode> errors;
  for (const auto& one : removed.results) errors[one.group_id] = one.error_code;
  EXPECT_EQ(errors["alive"], ErrorCode::kNonEmptyGroup);
  EXPECT_EQ(errors["offsets-only"], ErrorCode::kNone);
  EXPECT_EQ(errors["unknown"], ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(committed("offsets-only", 0), -1);
  kill_and_start();
  EXPECT_EQ(committed("offsets-only", 0), -1);
}

// A few bytes of the request cause four thousand of the response.
TEST_P(GroupTest, WhatIsNamedTooOftenIsRefused) {
  OffsetCommitRequest written = commit_request("g", 0, 7);
  const std::string note(4'000, 'x');
  written.topics[0].partitions[0].committed_metadata = note;
  EXPECT_EQ(error_of(client().ask<OffsetCommitResponse>(written, 9)), ErrorCode::kNone);
  commit("h", 0, 8);

  OffsetFetchRequest asked = committed_request("g", 0);
  asked.groups[0].topics->at(0).partition_indexes.assign(100'000, 0);
  asked.groups.push_back(committed_request("h", 0).groups[0]);
  auto answer = client().ask<OffsetFetchResponse>(asked, 9);
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[0].error_code, ErrorCode::kUnknownServerError);
  EXPECT_TRUE(answer.groups[0].topics.empty());
  EXPECT_LT(client().last_answer_size(), 10'000u);

  // Everything, again and again.
  asked.groups.assign(100'000, {});
  for (auto& group : asked.groups) {
    group.group_id = "g";
    group.topics.reset();
  }
  answer = client().ask<OffsetFetchResponse>(asked, 9);
  EXPECT_EQ(answer.groups.front().error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.groups.back().error_code, ErrorCode::kUnknownServerError);
  EXPECT_LT(client().last_answer_size(), 110u << 20);
  EXPECT_EQ(committed("g", 0), 7) << "it holds for one request alone";
}

TEST_P(GroupTest, AGroupThatIsDescribedTooOftenIsRefused) {
  const std::string member = new_member(client(), "g");
  JoinGroupRequest join = join_request("g", member);
  const std::string metadata(100'000, 'x');
  join.protocols[0].metadata = metadata;
  const auto joined = client().ask<JoinGroupResponse>(join, kJoinVersion);
  EXPECT_EQ(joined.error_code, ErrorCode::kNone);
  SyncGroupRequest sync = sync_request("g", member, 1);
  EXPECT_EQ(client().ask<SyncGroupResponse>(sync, kSyncVersion).error_code, ErrorCode::kNone);
  DescribeGroupsRequest request;
  request.groups.assign(2'000, "g");
  const auto answer = client().ask<DescribeGroupsResponse>(request, 5);
  ASSERT_EQ(answer.groups.size(), 2'000u);
  EXPECT_EQ(answer.groups.front().error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.groups.back().error_code, ErrorCode::kUnknownServerError);
  EXPECT_LT(client().last_answer_size(), 110u << 20);
}

TEST_P(GroupTest, OffsetsAreDeleted) {
  commit("g", 0, 5);
  commit("g", 1, 6);
  OffsetDeleteRequest request;
  request.group_id = "g";
  request.topics.push_back({"t", {{0}}});
  auto response = client().ask<OffsetDeleteResponse>(request, 0);
  EXPECT_EQ(response.error_code, ErrorCode::kNone);
  ASSERT_EQ(response.topics.size(), 1u);
  EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(committed("g", 0), -1);
  EXPECT_EQ(committed("g", 1), 6);
}

TEST_P(GroupTest, OffsetsOfADeletedTopicAreForgotten) {
  commit("g", 0, 5);
  DeleteTopicsRequest request;
  request.timeout_ms = 1000;
  request.topic_names = {"t"};
  client().ask<DeleteTopicsResponse>(request, 5);
  create_topic("t", 4);
  EXPECT_EQ(committed("g", 0), -1);
  kill_and_start();
  EXPECT_EQ(committed("g", 0), -1);
}

TEST_P(GroupTest, AWaitingMemberIsAnsweredWhenTheNodeStops) {
  TestClient& one = node().connect(0);
  TestClient& two = node().connect(1);
  join_alone(one, "g");
  std::string second = new_member(two, "g");
  two.start(join_request("g", second), kJoinVersion);
  for (size_t i = 0; i < node().node().shard_count(); i++) node().node().shard(i).close();
  node().run();
  EXPECT_EQ(two.take<JoinGroupResponse>(kJoinVersion).error_code, ErrorCode::kCoordinatorNotAvailable);
}

}  // namespace
}  // namespace milena::broker::broker_test
