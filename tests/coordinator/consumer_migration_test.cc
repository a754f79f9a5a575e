// Classic members in consumer groups, and groups that change their kind while they have members.
#include <gtest/gtest.h>

#include "coordinator/consumer_harness.h"
#include "coordinator/group/consumer_protocol.h"
#include "protocol/writer.h"

namespace milena::coordinator {
namespace {

std::string assignment(const Owned& owned, const std::string& user_data = {}) {
  ConsumerProtocolAssignment value;
  for (const auto& [topic, partitions] : owned) {
    auto& one = value.assigned_partitions.emplace_back();
    one.topic = topic;
    one.partitions.assign(partitions.begin(), partitions.end());
  }
  if (!user_data.empty()) value.user_data = user_data;
  return std::string("\0\1", 2) + write_message(value, 1);
}

Owned parse(ByteView bytes) {
  Owned owned;
  const auto value = read_assignment(bytes);
  EXPECT_TRUE(value.has_value());
  if (!value) return owned;
  for (const auto& topic : value->assigned_partitions) {
    owned[topic.topic].insert(topic.partitions.begin(), topic.partitions.end());
  }
  return owned;
}

class Migration : public testing::Test {
 protected:
  explicit Migration(GroupConfig config = ConsumerHarness::instant_config()) : h(std::move(config)) {
    h.add_topic("t", 4);
  }

  // A classic group of one member that has all partitions.
  std::string classic_group(const std::string& user_data = {}) {
    auto [member, token] = h.join_new({.protocols = {{"range", ask::subscription_of({"t"})}}});
    h.sync(
        {.member = member, .generation = 1, .assignments = {{member, assignment({{"t", {0, 1, 2, 3}}}, user_data)}}});
    EXPECT_EQ(h.state(), "Stable");
    return member;
  }
  AnswerToken rejoin(const std::string& member, const Owned& owned = {}) {
    return h.join({.member = member, .protocols = {{"range", ask::subscription_of({"t"}, owned)}}});
  }
  Owned sync(const std::string& member, int32_t generation) {
    const auto token = h.sync({.member = member, .generation = generation, .type = "consumer", .protocol = "range"});
    const auto answer = h.answer<SyncGroupResponse>(token);
    EXPECT_EQ(answer.error_code, ErrorCode::kNone);
    return answer.error_code == ErrorCode::kNone ? parse(answer.assignment) : Owned{};
  }
  // Through upgrade and reconciliation: the classic member "c" has 0 and 1, the consumer "m" 2 and 3.
  std::string mixed_group() {
    const std::string classic = classic_group();
    EXPECT_EQ(h.join_consumer("m").error_code, ErrorCode::kNone);
    EXPECT_EQ(h.heartbeat(classic, 1), ErrorCode::kRebalanceInProgress);
    auto joined = h.answer<JoinGroupResponse>(rejoin(classic, {{"t", {0, 1, 2, 3}}}));
    EXPECT_EQ(sync(classic, joined.generation_id), (Owned{{"t", {0, 1}}}));
    EXPECT_EQ(h.heartbeat(classic, joined.generation_id), ErrorCode::kRebalanceInProgress);
    joined = h.answer<JoinGroupResponse>(rejoin(classic, {{"t", {0, 1}}}));
    EXPECT_EQ(joined.generation_id, 2);
    EXPECT_EQ(sync(classic, 2), (Owned{{"t", {0, 1}}}));
    EXPECT_EQ(h.heartbeat(classic, 2), ErrorCode::kNone);
    h.settle_group();
    EXPECT_EQ(h.has("m"), (Owned{{"t", {2, 3}}}));
    EXPECT_EQ(h.consumer_state(), "Stable");
    return classic;
  }

  ConsumerHarness h;
};

TEST_F(Migration, AClassicGroupBecomesAConsumerGroupWhileItRuns) {
  const std::string classic = mixed_group();
  EXPECT_EQ(h.state(), "none") << "there is no classic group any more";
  EXPECT_TRUE(h.member_of(classic).uses_classic_protocol());
  h.reload();
  EXPECT_EQ(h.state(), "none");
  EXPECT_EQ(h.consumer_state(), "Stable");
  EXPECT_EQ(h.heartbeat(classic, 2), ErrorCode::kNone);
}

TEST_F(Migration, WhoWaitsInAClassicRebalanceIsSentBack) {
  const std::string first = classic_group();
  const auto [second, token] = h.join_new({.protocols = {{"range", ask::subscription_of({"t"})}}});
  EXPECT_FALSE(h.answered(token));
  h.join_consumer("m");
  EXPECT_EQ(h.answer<JoinGroupResponse>(token).error_code, ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(h.group_of().members().size(), 3u);
}

// Its assignment is no longer reported, but not revoked either.
TEST_F(Migration, WhatAMemberOfAFailedRebalanceHasIsKnownToTheUpgrade) {
  const std::string first = classic_group();
  const auto [second, token] = h.join_new({.protocols = {{"range", ask::subscription_of({"t"})}}});
  rejoin(first);
  EXPECT_EQ(h.state(), "CompletingRebalance");
  h.leave({{second, std::nullopt}});
  EXPECT_EQ(h.state(), "PreparingRebalance");
  h.join_consumer("m");
  EXPECT_EQ(h.has(first), (Owned{{"t", {0, 1, 2, 3}}}));
}

TEST_F(Migration, AnUpgradeThatCannotBeWrittenLeavesTheClassicGroup) {
  const std::string first = classic_group();
  const auto [second, token] = h.join_new({.protocols = {{"range", ask::subscription_of({"t"})}}});
  h.fail_next_append(ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(h.join_consumer("m").error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(h.consumer_state(), "none");
  EXPECT_EQ(h.answer<JoinGroupResponse>(token).error_code, ErrorCode::kRebalanceInProgress);
  const auto again = rejoin(second);
  rejoin(first);
  EXPECT_EQ(h.answer<JoinGroupResponse>(again).error_code, ErrorCode::kNone);
}

TEST_F(Migration, CustomAssignorsAndOtherProtocolsAreNotUpgraded) {
  classic_group("user data");
  auto answer = h.join_consumer("m");
  EXPECT_EQ(answer.error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(
      answer.error_message,
      "Cannot upgrade classic group g to consumer group because an unsupported custom assignor is in use. Please refer "
      "to the documentation or switch to a default assignor before re-attempting the upgrade.");
  EXPECT_EQ(h.state(), "Stable");

  h.stable_group(1, {.group = "connect", .type = "connect"});
  auto beat = ConsumerHarness::joining("m");
  beat.group = "connect";
  answer = h.beat(beat);
  EXPECT_EQ(
      answer.error_message,
      "Cannot upgrade classic group connect to consumer group because the group does not use the consumer embedded "
      "protocol.");
}

TEST_F(Migration, MalformedSubscriptionsAreNotUpgraded) {
  h.stable_group(1);
  EXPECT_EQ(h.join_consumer("m").error_message,
            "Cannot upgrade classic group g to consumer group because the embedded consumer protocol is malformed.");
}

TEST_F(Migration, TheLastConsumerThatLeavesLeavesAClassicGroup) {
  const std::string classic = mixed_group();
  h.leave_consumer("m");
  EXPECT_EQ(h.consumer_state(), "none");
  EXPECT_EQ(h.state(), "PreparingRebalance");
  EXPECT_EQ(h.heartbeat(classic, 2), ErrorCode::kRebalanceInProgress);
  const auto joined = h.answer<JoinGroupResponse>(rejoin(classic));
  EXPECT_EQ(joined.error_code, ErrorCode::kNone);
  EXPECT_EQ(joined.leader, classic);
  EXPECT_EQ(joined.generation_id, 3);
}

TEST_F(Migration, ADowngradedGroupIsClassicAfterAReload) {
  const std::string classic = mixed_group();
  h.leave_consumer("m");
  h.reload();
  EXPECT_EQ(h.state(), "Stable");
  EXPECT_EQ(h.consumer_state(), "none");
  EXPECT_EQ(parse(h.shard().find_group("g")->members().at(classic).assignment), (Owned{{"t", {0, 1}}}));
}

TEST_F(Migration, AConsumerThatDiesLeavesAClassicGroup) {
  const std::string classic = mixed_group();
  for (int i = 0; i < 6 && h.state() == "none"; ++i) {
    h.advance(8'000);
    h.heartbeat(classic, 2);
  }
  EXPECT_EQ(h.state(), "PreparingRebalance");
}

TEST_F(Migration, AStaticConsumerThatComesBackAsClassicDowngradesTheGroup) {
  auto beat = ConsumerHarness::joining("m");
  beat.instance = "i";
  h.beat(beat);
  const auto token = h.join({.instance = "i", .protocols = {{"range", ask::subscription_of({"t"})}}});
  const auto joined = h.answer<JoinGroupResponse>(token);
  EXPECT_EQ(joined.error_code, ErrorCode::kNone);
  EXPECT_EQ(h.consumer_state(), "none");
  EXPECT_EQ(h.state(), "Stable");
  h.reload();
  EXPECT_EQ(h.state(), "Stable");
  EXPECT_EQ(parse(h.shard().find_group("g")->members().at(joined.member_id).assignment), (Owned{{"t", {0, 1, 2, 3}}}));
}

TEST_F(Migration, WhoSomebodyIsCountsBeforeWhatItSays) {
  auto beat = ConsumerHarness::joining("m");
  beat.instance = "i";
  h.beat(beat);
  const auto join = [&](const std::string& member, const std::string& instance) {
    return h.answer<JoinGroupResponse>(h.join({.member = member, .instance = instance, .protocols = {{"range", "?"}}}))
        .error_code;
  };
  EXPECT_EQ(join("somebody else", "i"), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(join("somebody", "unheard of"), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(join("m", "i"), ErrorCode::kUnknownServerError);
  EXPECT_EQ(join("", "i"), ErrorCode::kUnknownServerError);
  EXPECT_EQ(h.group_of().members().size(), 1u);
  EXPECT_EQ(h.group_of().find_static("i")->id, "m");
}

TEST_F(Migration, ClassicMembersMustJoinAgainInTime) {
  const std::string classic = mixed_group();
  h.grow_topic("t", 6);
  h.beat("m");
  EXPECT_EQ(h.heartbeat(classic, 2), ErrorCode::kRebalanceInProgress);
  // It sends heartbeats, but never rejoins: its rebalance timeout is 60 s.
  for (int i = 0; i < 12; ++i) {
    h.advance(5'000);
    h.beat("m");
    if (h.group_of().find_member(classic) != nullptr) h.heartbeat(classic, 2);
  }
  EXPECT_EQ(h.group_of().find_member(classic), nullptr);
}

TEST_F(Migration, ClassicMembersMustSyncInTime) {
  const std::string classic = mixed_group();
  rejoin(classic, {{"t", {0, 1}}});
  for (int i = 0; i < 12; ++i) {
    h.advance(5'000);
    h.beat("m");
    if (h.group_of().find_member(classic) != nullptr) h.heartbeat(classic, h.member_of(classic).epoch);
  }
  EXPECT_EQ(h.group_of().find_member(classic), nullptr);
}

TEST_F(Migration, ClassicRequestsAreFencedByEpoch) {
  const std::string classic = mixed_group();
  EXPECT_EQ(h.heartbeat(classic, 1), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(h.heartbeat("m", 2), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.heartbeat("x", 2), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.answer<SyncGroupResponse>(h.sync({.member = classic, .generation = 1})).error_code,
            ErrorCode::kIllegalGeneration);
  EXPECT_EQ(h.answer<SyncGroupResponse>(h.sync({.member = classic, .generation = 2, .protocol = "other"})).error_code,
            ErrorCode::kInconsistentGroupProtocol);
  const auto refused = h.answer<JoinGroupResponse>(h.join({.member = classic, .type = "connect"}));
  EXPECT_EQ(refused.error_code, ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(refused.member_id, "");  // a classic group would return it
  const auto left = h.leave({{"x", std::nullopt}, {classic, std::nullopt}});
  EXPECT_EQ(left.members[0].error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(left.members[1].error_code, ErrorCode::kNone);
  EXPECT_EQ(h.group_of().find_member(classic), nullptr);
}

TEST_F(Migration, AnEmptyConsumerGroupBecomesClassicWithoutMuchAdo) {
  h.join_consumer("m");
  h.leave_consumer("m");
  EXPECT_EQ(h.consumer_state(), "Empty");
  EXPECT_EQ(h.answer<JoinGroupResponse>(rejoin("unheard of")).error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.consumer_state(), "Empty");
  classic_group();
  EXPECT_EQ(h.consumer_state(), "none");
  h.reload();
  EXPECT_EQ(h.state(), "Stable");
  EXPECT_EQ(h.consumer_state(), "none");
}

TEST_F(Migration, AnEmptyClassicGroupKeepsItsOffsetsAsAConsumerGroup) {
  const std::string classic = classic_group();
  EXPECT_EQ(h.commit({.member = classic, .generation = 1, .offset = 42}), ErrorCode::kNone);
  h.leave({{classic, std::nullopt}});
  h.join_consumer("m");
  EXPECT_EQ(h.state(), "none");
  EXPECT_EQ(h.fetch().committed_offset, 42);
  h.reload();
  EXPECT_EQ(h.consumer_state(), "Stable");
  EXPECT_EQ(h.fetch().committed_offset, 42);
}

class NoDowngrade : public Migration {
 protected:
  static GroupConfig without_downgrade() {
    GroupConfig config = ConsumerHarness::instant_config();
    config.consumer.migration.downgrade = false;
    return config;
  }
  NoDowngrade() : Migration(without_downgrade()) {}
};

// No member is left whose heartbeat would compute a new assignment.
TEST_F(NoDowngrade, ClassicMembersAloneTakeOverAndNoticeNewPartitions) {
  const std::string classic = mixed_group();
  h.leave_consumer("m");
  EXPECT_EQ(h.consumer_state(), "Assigning");
  EXPECT_EQ(h.heartbeat(classic, 2), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(h.answer<JoinGroupResponse>(rejoin(classic)).generation_id, 3);
  EXPECT_EQ(sync(classic, 3), (Owned{{"t", {0, 1, 2, 3}}}));
  EXPECT_EQ(h.heartbeat(classic, 3), ErrorCode::kNone);
  h.grow_topic("t", 5);
  EXPECT_EQ(h.heartbeat(classic, 3), ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(h.answer<JoinGroupResponse>(rejoin(classic)).generation_id, 4);
  EXPECT_EQ(sync(classic, 4), (Owned{{"t", {0, 1, 2, 3, 4}}}));
}

class NoMigration : public Migration {
 protected:
  static GroupConfig without_migration() {
    GroupConfig config = ConsumerHarness::instant_config();
    config.consumer.migration = {false, false};
    return config;
  }
  NoMigration() : Migration(without_migration()) {}
};

TEST_F(NoMigration, EachKindKeepsToItself) {
  classic_group();
  EXPECT_EQ(h.join_consumer("m").error_message,
            "Cannot upgrade classic group g to consumer group because online upgrade is disabled.");
  auto beat = ConsumerHarness::joining("m");
  beat.group = "modern";
  h.beat(beat);
  const auto token = h.join({.group = "modern", .protocols = {{"range", ask::subscription_of({"t"})}}});
  EXPECT_EQ(h.answer<JoinGroupResponse>(token).error_code, ErrorCode::kInconsistentGroupProtocol);
}

}  // namespace
}  // namespace milena::coordinator
