// The classic protocol, request by request: the responses, and the resulting state of the group.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/shard_harness.h"

namespace milena::coordinator {
namespace {

using Join = ShardHarness::Join;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

JoinGroupResponse joined_with(ShardHarness& h, AnswerToken token) { return h.answer<JoinGroupResponse>(token); }
SyncGroupResponse synced_with(ShardHarness& h, AnswerToken token) { return h.answer<SyncGroupResponse>(token); }
ErrorCode join_error_of(ShardHarness& h, const Join& what) { return joined_with(h, h.join(what)).error_code; }

TEST(JoinGroup, AFirstMemberGetsItsIdThenLeadsTheFirstGenerationAtOnce) {
  ShardHarness h;
  const auto first = joined_with(h, h.join({}));
  EXPECT_EQ(first.error_code, ErrorCode::kMemberIdRequired);
  EXPECT_EQ(first.member_id, "client-id1");
  EXPECT_EQ(h.state(), "Empty");

  const auto second = joined_with(h, h.join({.member = first.member_id}));
  EXPECT_EQ(second.error_code, ErrorCode::kNone);
  EXPECT_EQ(second.generation_id, 1);
  EXPECT_EQ(second.leader, "client-id1");
  EXPECT_EQ(second.protocol_name, "range");
  EXPECT_EQ(second.protocol_type, "consumer");
  EXPECT_FALSE(second.skip_assignment);
  ASSERT_EQ(second.members.size(), 1u);
  EXPECT_EQ(second.members[0].member_id, "client-id1");
  EXPECT_EQ(second.members[0].metadata, "meta");
  EXPECT_EQ(h.state(), "CompletingRebalance");
}

TEST(JoinGroup, OldVersionsJoinInOneStep) {
  ShardHarness h;
  const auto answer = joined_with(h, h.join({.version = 3}));
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.generation_id, 1);
}

TEST(JoinGroup, VersionZeroHasTheSessionTimeoutForItsRebalanceTimeout) {
  ShardHarness h;
  h.join({.session_ms = 7'000, .rebalance_ms = -1, .version = 0});
  EXPECT_EQ(h.shard().find_group("g")->rebalance_timeout_ms(), 7'000);
}

TEST(JoinGroup, RefusesWhatKafkaRefuses) {
  ShardHarness h;
  h.stable_group(1);
  const struct {
    const char* what;
    Join join;
    ErrorCode error;
    const char* member_id;
  } cases[] = {
      {"no group", {.group = "", .member = "m"}, ErrorCode::kInvalidGroupId, "m"},
      {"session too short", {.member = "m", .session_ms = 5'999}, ErrorCode::kInvalidSessionTimeout, "m"},
      {"session too long", {.session_ms = 1'800'001}, ErrorCode::kInvalidSessionTimeout, ""},
      {"member of an unknown group", {.group = "new", .member = "m"}, ErrorCode::kUnknownMemberId, "m"},
      {"unknown member", {.member = "m"}, ErrorCode::kUnknownMemberId, "m"},
      {"unknown instance", {.member = "m", .instance = "i"}, ErrorCode::kUnknownMemberId, "m"},
      {"another type", {.type = "connect"}, ErrorCode::kInconsistentGroupProtocol, ""},
      {"no common protocol", {.protocols = {{"sticky", ""}}}, ErrorCode::kInconsistentGroupProtocol, ""},
      {"no protocol", {.group = "n1", .protocols = {}}, ErrorCode::kInconsistentGroupProtocol, ""},
      {"no type", {.group = "n2", .type = ""}, ErrorCode::kInconsistentGroupProtocol, ""},
  };
  for (const auto& c : cases) {
    const auto answer = joined_with(h, h.join(c.join));
    EXPECT_EQ(answer.error_code, c.error) << c.what;
    EXPECT_EQ(answer.member_id, c.member_id) << c.what;
    EXPECT_EQ(answer.generation_id, -1) << c.what;
  }
  EXPECT_EQ(h.state(), "Stable");
}

TEST(JoinGroup, ASecondMemberWaitsUntilTheFirstRejoins) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  const auto [two, token] = h.join_new();
  EXPECT_FALSE(h.answered(token));
  EXPECT_EQ(h.state(), "PreparingRebalance");
  EXPECT_EQ(h.heartbeat(one, 1), ErrorCode::kRebalanceInProgress);

  const AnswerToken again = h.join({.member = one});
  EXPECT_EQ(joined_with(h, token).generation_id, 2);
  EXPECT_TRUE(joined_with(h, token).members.empty());
  EXPECT_EQ(joined_with(h, again).members.size(), 2u);
  EXPECT_EQ(joined_with(h, again).leader, one);
}

TEST(JoinGroup, WhoDoesNotRejoinInTimeIsRemovedAndAnotherLeads) {
  ShardHarness h;
  const std::string one = h.stable_group(1, {.session_ms = 600'000})[0];
  const auto [two, token] = h.join_new({.session_ms = 600'000});
  h.advance(59'999);
  EXPECT_FALSE(h.answered(token));
  h.advance(1);
  const auto answer = joined_with(h, token);
  EXPECT_EQ(answer.leader, two);
  EXPECT_EQ(answer.generation_id, 2);
  EXPECT_EQ(answer.members.size(), 1u);
  EXPECT_EQ(h.heartbeat(one, 2), ErrorCode::kUnknownMemberId);
}

TEST(JoinGroup, TheProtocolWithMostVotesWins) {
  ShardHarness h;
  const auto [one, t1] = h.join_new({.protocols = {{"a", "1a"}, {"b", "1b"}, {"c", ""}}});
  const auto [two, t2] = h.join_new({.protocols = {{"b", "2b"}, {"a", "2a"}}});
  const auto [three, t3] = h.join_new({.protocols = {{"d", ""}, {"b", "3b"}, {"a", "3a"}}});
  const AnswerToken leader = h.join({.member = one, .protocols = {{"a", "1a"}, {"b", "1b"}, {"c", ""}}});
  EXPECT_EQ(joined_with(h, t2).protocol_name, "b");
  ASSERT_EQ(joined_with(h, leader).members.size(), 3u);
  for (const auto& member : joined_with(h, leader).members) EXPECT_EQ(member.metadata.back(), 'b');
}

TEST(JoinGroup, AFollowerThatRejoinsUnchangedGetsThePresentGeneration) {
  ShardHarness h;
  const auto members = h.stable_group(2);
  const std::string leader = *h.shard().find_group("g")->leader();
  const std::string follower = leader == members[0] ? members[1] : members[0];
  const auto same = joined_with(h, h.join({.member = follower}));
  EXPECT_EQ(same.error_code, ErrorCode::kNone);
  EXPECT_EQ(same.generation_id, h.shard().find_group("g")->generation());
  EXPECT_EQ(h.state(), "Stable");

  const AnswerToken changed = h.join({.member = follower, .protocols = {{"range", "new"}}});
  EXPECT_FALSE(h.answered(changed));
  EXPECT_EQ(h.state(), "PreparingRebalance");
}

TEST(JoinGroup, TheLeaderThatRejoinsStartsARebalance) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  EXPECT_EQ(joined_with(h, h.join({.member = one})).generation_id, 2);
  EXPECT_EQ(h.state(), "CompletingRebalance");
  // Its response was lost: it retries and gets the same, including the members.
  const auto repeated = joined_with(h, h.join({.member = one}));
  EXPECT_EQ(repeated.generation_id, 2);
  EXPECT_EQ(repeated.members.size(), 1u);
}

TEST(JoinGroup, AnIdThatIsNeverUsedExpiresAndHoldsUpNobody) {
  ShardHarness h;
  const std::string one = h.stable_group(1, {.rebalance_ms = 300'000})[0];
  h.join({});  // gets an id and vanishes
  const auto ghost = h.shard().find_group("g")->is_pending("client-id2");
  EXPECT_TRUE(ghost);
  const AnswerToken again = h.join({.member = one, .rebalance_ms = 300'000});
  EXPECT_FALSE(h.answered(again));
  h.advance(10'000);
  EXPECT_EQ(joined_with(h, again).generation_id, 2);
}

TEST(JoinGroup, APendingIdWithAnInstanceIdIsNotAMember) {
  ShardHarness h;
  const std::string id = joined_with(h, h.join({})).member_id;
  EXPECT_EQ(join_error_of(h, {.member = id, .instance = "i"}), ErrorCode::kUnknownServerError);
}

TEST(JoinGroup, MaxSizeIsKept) {
  ShardHarness h({.max_size = 2});
  h.stable_group(2);
  const auto refused = joined_with(h, h.join({}));
  EXPECT_EQ(refused.error_code, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(refused.member_id, "");
}

TEST(JoinGroup, NobodyWaitsForWhoIsRefused) {
  ShardHarness h({.max_size = 2});
  const std::string one = h.stable_group(1)[0];
  const std::string two = joined_with(h, h.join({})).member_id;
  const std::string three = joined_with(h, h.join({})).member_id;
  const AnswerToken t1 = h.join({.member = one}), t2 = h.join({.member = two});
  EXPECT_FALSE(h.answered(t1));
  EXPECT_EQ(join_error_of(h, {.member = three}), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(joined_with(h, t1).generation_id, 2);
  EXPECT_EQ(joined_with(h, t2).generation_id, 2);
}

TEST(JoinGroup, AGroupLoadedAboveMaxSizeShrinks) {
  ShardHarness h;
  const auto members = h.stable_group(3);
  h.config().max_size = 2;
  h.reload();
  EXPECT_EQ(h.state(), "PreparingRebalance");
  const AnswerToken t0 = h.join({.member = members[0]});
  const AnswerToken t1 = h.join({.member = members[1]});
  EXPECT_EQ(join_error_of(h, {.member = members[2]}), ErrorCode::kGroupMaxSizeReached);
  h.advance(60'000);
  EXPECT_EQ(joined_with(h, t0).error_code, ErrorCode::kNone);
  EXPECT_EQ(joined_with(h, t1).error_code, ErrorCode::kNone);
}

TEST(JoinGroup, TheInitialDelayGathersMembersAndIsExtendedByNewcomers) {
  ShardHarness h({.initial_rebalance_delay_ms = 3'000});
  const auto [one, t1] = h.join_new();
  h.advance(2'000);
  const auto [two, t2] = h.join_new();
  h.advance(2'000);  // the first delay has passed; the new member has extended it
  EXPECT_FALSE(h.answered(t1));
  h.advance(2'000);
  EXPECT_EQ(joined_with(h, t1).generation_id, 1);
  EXPECT_EQ(joined_with(h, t2).generation_id, 1);
}

TEST(JoinGroup, TheInitialDelayEndsWithTheRebalanceTimeout) {
  ShardHarness h({.initial_rebalance_delay_ms = 3'000});
  const auto [one, first] = h.join_new({.rebalance_ms = 7'000});
  for (int i = 0; i < 7; ++i) {
    h.advance(1'000);
    if (!h.answered(first)) h.join_new({.rebalance_ms = 7'000});
  }
  EXPECT_TRUE(h.answered(first));
}

TEST(JoinGroup, ANewMemberThatNobodyAnswersIsLetGoAfterFiveMinutes) {
  ShardHarness h;
  h.stable_group(1, {.session_ms = 1'800'000, .rebalance_ms = 1'700'000});
  const auto [two, token] = h.join_new({.session_ms = 1'800'000});
  h.advance(299'999);
  EXPECT_FALSE(h.answered(token));
  h.advance(1);
  EXPECT_EQ(joined_with(h, token).error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(joined_with(h, token).member_id, "");
}

TEST(JoinGroup, AskedTwiceInARebalanceTheFirstQuestionIsAnsweredToo) {
  ShardHarness h;
  h.stable_group(1);
  const auto [two, first] = h.join_new();
  const AnswerToken second = h.join({.member = two});
  EXPECT_EQ(joined_with(h, first).error_code, ErrorCode::kRebalanceInProgress);
  EXPECT_FALSE(h.answered(second));
}

TEST(SyncGroup, FollowersWaitForTheLeader) {
  ShardHarness h;
  const auto [one, t1] = h.join_new();
  const auto [two, t2] = h.join_new();
  h.join({.member = one});
  const std::string leader = joined_with(h, t2).leader;
  const std::string follower = leader == one ? two : one;
  const AnswerToken waiting = h.sync({.member = follower, .generation = 2});
  EXPECT_FALSE(h.answered(waiting));
  const AnswerToken leading = h.sync({.member = leader, .generation = 2, .assignments = {{one, "A"}, {two, "B"}}});
  EXPECT_EQ(synced_with(h, waiting).assignment, follower == one ? "A" : "B");
  EXPECT_EQ(synced_with(h, leading).assignment, leader == one ? "A" : "B");
  EXPECT_EQ(synced_with(h, leading).protocol_name, "range");
  EXPECT_EQ(synced_with(h, leading).protocol_type, "consumer");
  EXPECT_EQ(h.state(), "Stable");
  // Again, once stable.
  EXPECT_EQ(synced_with(h, h.sync({.member = one, .generation = 2})).assignment, "A");
}

TEST(SyncGroup, RefusesWhatKafkaRefuses) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  const struct {
    const char* what;
    ShardHarness::Sync sync;
    ErrorCode error;
  } cases[] = {
      {"no group", {.group = "", .member = one}, ErrorCode::kInvalidGroupId},
      {"unknown group", {.group = "other", .member = one}, ErrorCode::kUnknownMemberId},
      {"unknown member", {.member = "m"}, ErrorCode::kUnknownMemberId},
      {"old generation", {.member = one, .generation = 0}, ErrorCode::kIllegalGeneration},
      {"next generation", {.member = one, .generation = 2}, ErrorCode::kIllegalGeneration},
      {"unknown instance", {.member = one, .instance = "i"}, ErrorCode::kUnknownMemberId},
      {"another type", {.member = one, .type = "connect"}, ErrorCode::kInconsistentGroupProtocol},
      {"another protocol", {.member = one, .protocol = "sticky"}, ErrorCode::kInconsistentGroupProtocol},
      {"right names", {.member = one, .type = "consumer", .protocol = "range"}, ErrorCode::kNone},
  };
  for (const auto& c : cases) EXPECT_EQ(synced_with(h, h.sync(c.sync)).error_code, c.error) << c.what;
  h.join_new();
  EXPECT_EQ(synced_with(h, h.sync({.member = one})).error_code, ErrorCode::kRebalanceInProgress);
}

TEST(SyncGroup, WhoDoesNotSyncIsRemovedAfterTheRebalanceTimeout) {
  ShardHarness h;
  const auto [one, t1] = h.join_new({.session_ms = 600'000});
  const auto [two, t2] = h.join_new({.session_ms = 600'000});
  h.join({.member = one, .session_ms = 600'000});
  const std::string leader = joined_with(h, t2).leader;
  const std::string follower = leader == one ? two : one;
  const AnswerToken waiting = h.sync({.member = follower, .generation = 2});
  h.advance(60'000);  // the leader is silent
  EXPECT_EQ(synced_with(h, waiting).error_code, ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(h.state(), "PreparingRebalance");
  EXPECT_EQ(joined_with(h, h.join({.member = follower, .session_ms = 600'000})).leader, follower);
  EXPECT_EQ(join_error_of(h, {.member = leader, .session_ms = 600'000}), ErrorCode::kUnknownMemberId);
}

TEST(SyncGroup, AFollowerThatNeverSyncsDoesNotStayInAStableGroup) {
  ShardHarness h;
  const auto [one, t1] = h.join_new({.session_ms = 600'000});
  const auto [two, t2] = h.join_new({.session_ms = 600'000});
  h.join({.member = one, .session_ms = 600'000});
  const std::string leader = joined_with(h, t2).leader;
  h.sync({.member = leader, .generation = 2});
  EXPECT_EQ(h.state(), "Stable");
  h.advance(60'000);
  EXPECT_EQ(h.state(), "PreparingRebalance");
  EXPECT_EQ(h.shard().find_group("g")->members().size(), 1u);
}

TEST(SyncGroup, WithoutTheRecordThereIsNoAssignment) {
  for (const auto& [append, told] : {std::pair(ErrorCode::kNotLeaderOrFollower, ErrorCode::kNotCoordinator),
                                     std::pair(ErrorCode::kRequestTimedOut, ErrorCode::kCoordinatorNotAvailable),
                                     std::pair(ErrorCode::kNotEnoughReplicas, ErrorCode::kCoordinatorNotAvailable),
                                     std::pair(ErrorCode::kMessageTooLarge, ErrorCode::kUnknownServerError)}) {
    ShardHarness h;
    const auto [one, t1] = h.join_new();
    const auto [two, t2] = h.join_new();
    h.join({.member = one});
    const std::string leader = joined_with(h, t2).leader;
    const AnswerToken waiting = h.sync({.member = leader == one ? two : one, .generation = 2});
    h.fail_next_append(append);
    const AnswerToken leading = h.sync({.member = leader, .generation = 2, .assignments = {{one, "A"}, {two, "B"}}});
    EXPECT_EQ(synced_with(h, waiting).error_code, told);
    EXPECT_EQ(synced_with(h, waiting).assignment, "");
    EXPECT_EQ(synced_with(h, leading).error_code, told);
    EXPECT_EQ(h.state(), "PreparingRebalance");
    const AnswerToken again = h.join({.member = one});
    h.join({.member = two});
    EXPECT_EQ(joined_with(h, again).generation_id, 3);
  }
}

TEST(JoinGroup, WithoutItsRecordThereIsNoNewGroup) {
  ShardHarness h;
  h.fail_next_append(ErrorCode::kKafkaStorageError);
  EXPECT_EQ(join_error_of(h, {}), ErrorCode::kNotCoordinator);
  EXPECT_EQ(h.state(), "none");
  h.fail_next_append(ErrorCode::kRequestTimedOut);
  EXPECT_EQ(join_error_of(h, {.version = 3}), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(h.state(), "none");
  EXPECT_TRUE(h.log().empty());
}

TEST(Heartbeat, KeepsTheSessionAndTellsTheTruth) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  for (int i = 0; i < 5; ++i) {
    h.advance(9'000);
    EXPECT_EQ(h.heartbeat(one, 1), ErrorCode::kNone);
  }
  EXPECT_EQ(h.heartbeat(one, 0), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(h.heartbeat("m", 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.heartbeat(one, 1, "other"), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.heartbeat(one, 1, ""), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(h.heartbeat(one, 1, "g", "i"), ErrorCode::kUnknownMemberId);
  h.advance(10'000);
  EXPECT_EQ(h.heartbeat(one, 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.state(), "Empty");
  EXPECT_EQ(h.shard().find_group("g")->generation(), 2);
}

TEST(Heartbeat, AJumpOfTheWallClockThrowsNobodyOut) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  h.run(h.shard().tick({.steady_ms = h.now().steady_ms + 1, .wall_ms = h.now().wall_ms + 86'400'000}));
  EXPECT_EQ(h.heartbeat(one, 1), ErrorCode::kNone);
}

TEST(LeaveGroup, TheLastOneLeavesAnEmptyGroupAndItsRecord) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  const size_t records = h.log().size();
  const auto answer = h.leave({{one, std::nullopt}});
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  ASSERT_EQ(answer.members.size(), 1u);
  EXPECT_EQ(answer.members[0].member_id, one);
  EXPECT_EQ(answer.members[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(h.state(), "Empty");
  EXPECT_EQ(h.log().size(), records + 1);
  h.reload();
  EXPECT_EQ(h.state(), "Empty");
  EXPECT_EQ(h.shard().find_group("g")->generation(), 2);
  EXPECT_EQ(h.shard().find_group("g")->protocol_type(), "consumer");
}

TEST(LeaveGroup, EachMemberHasItsOwnError) {
  ShardHarness h;
  const auto members = h.stable_group(2);
  const auto answer =
      h.leave({{members[0], std::nullopt}, {"stranger", std::nullopt}, {"", "instance"}, {"", std::nullopt}});
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  ASSERT_EQ(answer.members.size(), 4u);
  EXPECT_EQ(answer.members[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.members[1].error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(answer.members[2].error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(answer.members[3].error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.state(), "PreparingRebalance");
  EXPECT_EQ(h.leave({{"m", std::nullopt}}, "other").members.at(0).error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(h.leave({{"m", std::nullopt}}, "").error_code, ErrorCode::kInvalidGroupId);
  EXPECT_EQ(h.leave({{"m", std::nullopt}}, "other", 2).error_code, ErrorCode::kUnknownMemberId);
}

TEST(LeaveGroup, TheLastMissingOneLeavingCompletesTheRebalance) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  const auto [two, token] = h.join_new();
  EXPECT_FALSE(h.answered(token));
  h.leave({{one, std::nullopt}}, "g", 1);
  EXPECT_EQ(joined_with(h, token).leader, two);
}

TEST(LeaveGroup, APendingIdCanBeGivenBack) {
  ShardHarness h;
  const std::string id = joined_with(h, h.join({})).member_id;
  EXPECT_EQ(h.leave({{id, std::nullopt}}).members.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(join_error_of(h, {.member = id}), ErrorCode::kUnknownMemberId);
}

TEST(LeaveGroup, WhoLeavesWhileItWaitsIsAnswered) {
  ShardHarness h;
  h.stable_group(1);
  const auto [two, join_token] = h.join_new();
  h.leave({{two, std::nullopt}});
  EXPECT_EQ(joined_with(h, join_token).error_code, ErrorCode::kUnknownMemberId);
}

TEST(StaticMember, ComesBackIntoItsGenerationWithoutARebalance) {
  for (const int16_t version : {int16_t{9}, int16_t{7}}) {
    ShardHarness h;
    const auto first = joined_with(h, h.join({.instance = "i"}));
    EXPECT_EQ(first.member_id, "i-id1");
    EXPECT_EQ(first.generation_id, 1);
    h.sync({.member = first.member_id, .assignments = {{first.member_id, "A"}}, .instance = "i"});
    const auto back = joined_with(h, h.join({.instance = "i", .version = version}));
    EXPECT_EQ(back.error_code, ErrorCode::kNone);
    EXPECT_EQ(back.member_id, "i-id2");
    EXPECT_EQ(back.generation_id, 1);
    EXPECT_EQ(back.skip_assignment, version == 9);
    EXPECT_EQ(back.leader, version == 9 ? "i-id2" : "i-id1");
    EXPECT_EQ(back.members.size(), version == 9 ? 1u : 0u);
    EXPECT_EQ(h.state(), "Stable");
    EXPECT_EQ(synced_with(h, h.sync({.member = "i-id2", .instance = "i"})).assignment, "A");
    // Its former self is fenced in all requests with its instance id.
    EXPECT_EQ(h.heartbeat("i-id1", 1, "g", "i"), ErrorCode::kFencedInstanceId);
    EXPECT_EQ(synced_with(h, h.sync({.member = "i-id1", .instance = "i"})).error_code, ErrorCode::kFencedInstanceId);
    EXPECT_EQ(join_error_of(h, {.member = "i-id1", .instance = "i"}), ErrorCode::kFencedInstanceId);
    EXPECT_EQ(h.commit({.member = "i-id1", .generation = 1, .instance = "i"}), ErrorCode::kFencedInstanceId);
    EXPECT_EQ(h.leave({{"i-id1", "i"}}).members.at(0).error_code, ErrorCode::kFencedInstanceId);
    h.reload();
    EXPECT_EQ(h.heartbeat("i-id2", 1, "g", "i"), ErrorCode::kNone);
    // Removed by its instance id alone, like by an administrator.
    EXPECT_EQ(h.leave({{"", "i"}}).members.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(h.state(), "Empty");
  }
}

TEST(StaticMember, ThatWantsOtherTopicsIsNotGivenItsOldOnes) {
  ShardHarness h;
  const auto joins_for = [](const std::vector<std::string>& topics) {
    return ask::Join{.instance = "i", .protocols = {{"range", ask::subscription_of(topics)}}};
  };
  const auto first = joined_with(h, h.join(joins_for({"a", "b"})));
  h.sync({.member = first.member_id, .assignments = {{first.member_id, "A"}}, .instance = "i"});
  // Their order may differ.
  const auto same = joined_with(h, h.join(joins_for({"b", "a"})));
  EXPECT_EQ(same.generation_id, 1);
  EXPECT_TRUE(same.skip_assignment);
  const auto other = joined_with(h, h.join(joins_for({"a", "c"})));
  EXPECT_EQ(other.generation_id, 2);
  EXPECT_FALSE(other.skip_assignment);
  EXPECT_EQ(h.state(), "CompletingRebalance");
}

TEST(StaticMember, IsWhoItWasIfItsRecordCannotBeWritten) {
  ShardHarness h;
  const auto first = joined_with(h, h.join({.instance = "i"}));
  h.sync({.member = first.member_id, .assignments = {{first.member_id, "A"}}});
  h.fail_next_append(ErrorCode::kNotLeaderOrFollower);
  const auto back = joined_with(h, h.join({.instance = "i", .protocols = {{"range", "changed"}}}));
  EXPECT_EQ(back.error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(back.member_id, "");
  EXPECT_EQ(back.leader, "i-id1");
  EXPECT_EQ(h.heartbeat("i-id1", 1, "g", "i"), ErrorCode::kNone);
  EXPECT_EQ(h.shard().find_group("g")->members().begin()->second.metadata("range"), "meta");
  EXPECT_EQ(h.shard().find_group("g")->leader(), "i-id1");
}

TEST(StaticMember, ItsDoubleWaitingInARebalanceIsFenced) {
  ShardHarness h;
  h.stable_group(1);
  const AnswerToken waiting = h.join({.instance = "i"});
  EXPECT_FALSE(h.answered(waiting));
  const AnswerToken again = h.join({.instance = "i"});
  EXPECT_EQ(joined_with(h, waiting).error_code, ErrorCode::kFencedInstanceId);
  EXPECT_EQ(joined_with(h, waiting).protocol_name, std::nullopt);
  EXPECT_FALSE(h.answered(again));
}

TEST(StaticMember, ComingBackBetweenJoinAndSyncStartsOver) {
  ShardHarness h;
  const auto first = joined_with(h, h.join({.instance = "i"}));
  EXPECT_EQ(h.state(), "CompletingRebalance");
  const auto back = joined_with(h, h.join({.instance = "i"}));
  EXPECT_EQ(back.generation_id, 2);
  EXPECT_EQ(back.leader, back.member_id);
  EXPECT_NE(back.member_id, first.member_id);
}

TEST(StaticMember, StaysThroughARebalanceItDoesNotJoinUntilItsSessionEnds) {
  ShardHarness h;
  const auto first = joined_with(h, h.join({.instance = "i", .session_ms = 120'000}));
  h.sync({.member = first.member_id});
  const auto [two, token] = h.join_new({.session_ms = 120'000});
  h.advance(60'000);
  const auto answer = joined_with(h, token);
  EXPECT_EQ(answer.generation_id, 2);
  EXPECT_EQ(answer.leader, two);
  EXPECT_EQ(answer.members.size(), 2u);  // the static one keeps its place
}

TEST(StaticMember, ARebalanceThatNobodyJoinsWaitsForSessionsToEnd) {
  ShardHarness h;
  const auto one = joined_with(h, h.join({.instance = "i1", .session_ms = 200'000, .rebalance_ms = 10'000}));
  h.sync({.member = one.member_id});
  const AnswerToken two = h.join({.instance = "i2", .session_ms = 200'000, .rebalance_ms = 10'000});
  h.leave({{"", "i2"}});
  EXPECT_EQ(joined_with(h, two).error_code, ErrorCode::kUnknownMemberId);
  h.advance(100'000);
  EXPECT_EQ(h.state(), "PreparingRebalance");
  h.advance(200'000);
  EXPECT_EQ(h.state(), "Empty");
}

TEST(GroupShard, ClosingAnswersWhatIsParked) {
  ShardHarness h;
  h.stable_group(1);
  const auto [two, join_token] = h.join_new();
  const auto [other, other_token] = h.join_new({.group = "h"});
  const auto [third, third_token] = h.join_new({.group = "h"});
  h.join({.group = "h", .member = other});
  const std::string leader = joined_with(h, third_token).leader;
  const AnswerToken sync_token = h.sync({.group = "h", .member = leader == other ? third : other, .generation = 2});
  h.reload();
  EXPECT_EQ(joined_with(h, join_token).error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(synced_with(h, sync_token).error_code, ErrorCode::kNotCoordinator);
}

TEST(GroupShard, AReloadKeepsGenerationMembersAndAssignments) {
  ShardHarness h;
  const auto members = h.stable_group(3);
  const int32_t generation = h.shard().find_group("g")->generation();
  const auto leader = h.shard().find_group("g")->leader();
  h.reload();
  EXPECT_EQ(h.state(), "Stable");
  EXPECT_EQ(h.shard().find_group("g")->leader(), leader);
  for (const std::string& member : members) {
    EXPECT_EQ(h.heartbeat(member, generation), ErrorCode::kNone);
    EXPECT_EQ(synced_with(h, h.sync({.member = member, .generation = generation})).assignment, "to " + member);
  }
  // And their sessions start again.
  h.advance(10'000);
  EXPECT_EQ(h.state(), "Empty");
}

TEST(GroupShard, AtRestItWantsNoTimer) {
  ShardHarness h;
  EXPECT_EQ(h.shard().next_deadline_ms(), std::nullopt);
}

}  // namespace
}  // namespace milena::coordinator
