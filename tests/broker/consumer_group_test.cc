// Consumer groups (KIP-848) through the whole broker. The state machine has its own tests in tests/coordinator.
#include "broker/group_fixture.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/list_groups.h"

namespace milena::broker::broker_test {
namespace {

class ConsumerGroupTest : public GroupFixture {
 protected:
  static ConsumerGroupHeartbeatRequest joining(ByteView member, ByteView group = "g") {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = group;
    request.member_id = member;
    request.rebalance_timeout_ms = 30'000;
    request.subscribed_topic_names.emplace().push_back("t");
    request.topic_partitions.emplace();
    return request;
  }
  static ConsumerGroupHeartbeatRequest beating(ByteView member, int32_t epoch) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.member_epoch = epoch;
    return request;
  }
  ConsumerGroupHeartbeatResponse ask(const ConsumerGroupHeartbeatRequest& request) {
    return client().ask<ConsumerGroupHeartbeatResponse>(request, 1);
  }
  static size_t partition_count(const ConsumerGroupHeartbeatResponse& response) {
    size_t count = 0;
    if (!response.assignment) return count;
    for (const auto& topic : response.assignment->topic_partitions) count += topic.partitions.size();
    return count;
  }
  ConsumerGroupDescribeResponse::DescribedGroup describe(ByteView group) {
    ConsumerGroupDescribeRequest request;
    request.group_ids = {group};
    auto response = client().ask<ConsumerGroupDescribeResponse>(request, 1);
    EXPECT_EQ(response.groups.size(), 1u);
    return response.groups.empty() ? ConsumerGroupDescribeResponse::DescribedGroup{} : response.groups[0];
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, ConsumerGroupTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(ConsumerGroupTest, AMemberIsAssignedListedDescribedAndLeaves) {
  auto joined = ask(joining("m"));
  EXPECT_EQ(joined.error_code, ErrorCode::kNone);
  EXPECT_EQ(joined.member_epoch, 2);
  EXPECT_EQ(partition_count(joined), 4u);
  EXPECT_EQ(ask(beating("m", 2)).error_code, ErrorCode::kNone);
  EXPECT_EQ(ask(beating("m", 7)).error_code, ErrorCode::kFencedMemberEpoch);
  EXPECT_EQ(ask(beating("somebody", 2)).error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("g", 0, 5, "m", 2), ErrorCode::kNone);
  EXPECT_EQ(commit("g", 0, 5, "m", 1), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(committed("g", 0), 5);

  auto described = describe("g");
  EXPECT_EQ(described.error_code, ErrorCode::kNone);
  EXPECT_EQ(described.group_state, "Stable");
  EXPECT_EQ(described.group_epoch, 2);
  ASSERT_EQ(described.members.size(), 1u);
  EXPECT_EQ(described.members[0].client_host, "/127.0.0.1");
  ASSERT_EQ(described.members[0].assignment.topic_partitions.size(), 1u);
  EXPECT_EQ(described.members[0].assignment.topic_partitions[0].topic_name, "t");
  EXPECT_EQ(describe("nobody").error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(describe("").error_code, ErrorCode::kInvalidGroupId);

  ListGroupsRequest list;
  list.types_filter = {"consumer"};
  auto listed = client().ask<ListGroupsResponse>(list, 5);
  ASSERT_EQ(listed.groups.size(), 1u);
  EXPECT_EQ(listed.groups[0].group_state, "Stable");

  EXPECT_EQ(ask(beating("m", -1)).member_epoch, -1);
  EXPECT_EQ(describe("g").group_state, "Empty");
}

TEST_P(ConsumerGroupTest, GroupsAreThereAgainAfterARestart) {
  ask(joining("m"));
  auto before = describe("g");
  ASSERT_NO_FATAL_FAILURE(restart());
  auto after = describe("g");
  EXPECT_EQ(after, before);
  EXPECT_EQ(ask(beating("m", 2)).error_code, ErrorCode::kNone);
  EXPECT_EQ(describe("g").group_epoch, 2) << "the hash of the topics is the same";
}

TEST_P(ConsumerGroupTest, NewPartitionsComeWithTheNextHeartbeat) {
  ask(joining("m"));
  CreatePartitionsRequest grow;
  grow.timeout_ms = 1000;
  auto& topic = grow.topics.emplace_back();
  topic.name = "t";
  topic.count = 6;
  topic.assignments.reset();
  ASSERT_EQ(client().ask<CreatePartitionsResponse>(grow, 3).results.at(0).error_code, ErrorCode::kNone);
  // The first assignment may be less than group.consumer.assignment.interval.ms ago.
  node().advance(1'000);
  EXPECT_EQ(partition_count(ask(beating("m", 2))), 6u);
}

TEST_P(ConsumerGroupTest, AnEmptyGroupIdIsRefusedInKafkasWords) {
  auto refused = ask(joining("m", ""));
  EXPECT_EQ(refused.error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(refused.error_message, "GroupId can't be empty.");
}

class ClassicOnlyTest : public ConsumerGroupTest {
 protected:
  void SetUp() override {
    node().set("group.coordinator.rebalance.protocols", "classic");
    GroupFixture::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, ClassicOnlyTest, testing::Values(1), testing::PrintToStringParamName());

TEST_P(ClassicOnlyTest, TheProtocolCanBeSwitchedOff) {
  EXPECT_EQ(ask(joining("m")).error_code, ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(describe("g").error_code, ErrorCode::kUnsupportedVersion);
}

}  // namespace
}  // namespace milena::broker::broker_test
