// Consumer groups (KIP-848), heartbeat by heartbeat, as in Kafka's GroupMetadataManager.
#include <gtest/gtest.h>

#include "coordinator/consumer_harness.h"
#include "coordinator/group/consumer_protocol.h"

namespace milena::coordinator {
namespace {

TEST(ConsumerGroup, FirstMemberGetsEverythingInEpochTwo) {
  ConsumerHarness h;
  h.add_topic("t", 3);
  const auto answer = h.join_consumer("m");
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.member_id, "m");
  EXPECT_EQ(answer.member_epoch, 2);
  EXPECT_EQ(answer.heartbeat_interval_ms, 5'000);
  EXPECT_EQ(h.in_answer(answer), (Owned{{"t", {0, 1, 2}}}));
  EXPECT_EQ(h.consumer_state(), "Stable");
  // No changes: an empty response, and no records.
  const size_t written = h.log().size();
  const auto quiet = h.beat("m");
  EXPECT_EQ(quiet.member_epoch, 2);
  EXPECT_FALSE(quiet.assignment);
  EXPECT_EQ(h.log().size(), written);
}

TEST(ConsumerGroup, RecordsOfAFirstHeartbeatComeInKafkasOrder) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.join_consumer("m");
  std::vector<int> types;
  for (const CoordinatorRecord& record : h.log()) types.push_back(record.key[1]);
  EXPECT_EQ(types, (std::vector<int>{5, 3, 7, 6, 8}));
}

TEST(ConsumerGroup, SecondMemberWaitsUntilTheFirstHasGivenBack) {
  ConsumerHarness h;
  h.add_topic("t", 4);
  h.join_consumer("a");
  auto b = h.join_consumer("b");
  EXPECT_EQ(b.member_epoch, 3);
  EXPECT_EQ(h.in_answer(b), Owned{});
  EXPECT_EQ(h.member_of("b").state, MemberState::kUnreleasedPartitions);
  EXPECT_EQ(h.consumer_state(), "Reconciling");
  EXPECT_EQ(h.shard().find_consumer_group("g")->partition_epoch(h.image().find_topic("t")->id, 3), 2);

  const auto a = h.beat("a");
  EXPECT_EQ(a.member_epoch, 2) << "it stays in its epoch until it has given back";
  EXPECT_EQ(h.in_answer(a), (Owned{{"t", {0, 1}}}));
  EXPECT_EQ(h.member_of("a").state, MemberState::kUnrevokedPartitions);
  EXPECT_EQ(h.in_answer(h.beat("b")), (Owned{{"nothing said", {}}}));

  EXPECT_EQ(h.beat("a", Owned{{"t", {0, 1}}}).member_epoch, 3);
  b = h.beat("b");
  EXPECT_EQ(h.in_answer(b), (Owned{{"t", {2, 3}}}));
  EXPECT_EQ(h.consumer_state(), "Stable");
  EXPECT_EQ(h.member_of("a").assigned.begin()->second, (std::map<int32_t, int32_t>{{0, 2}, {1, 2}}));
  EXPECT_EQ(h.member_of("b").assigned.begin()->second, (std::map<int32_t, int32_t>{{2, 3}, {3, 3}}));
}

TEST(ConsumerGroup, ALostAnswerIsForgivenForOneEpochAndNoForeignPartition) {
  ConsumerHarness h;
  h.add_topic("t", 2);
  h.join_consumer("a");
  h.join_consumer("b");
  h.settle_group();
  ASSERT_EQ(h.member_of("a").epoch, 3);
  ConsumerHarness::Beat late;
  late.member = "a";
  late.epoch = 2;
  late.owned = Owned{{"t", {0}}};
  ASSERT_EQ(h.member_of("a").previous_epoch, 2);
  EXPECT_EQ(h.beat(late).error_code, ErrorCode::kNone);
  late.owned = Owned{{"t", {0, 1}}};
  auto fenced = h.beat(late);
  EXPECT_EQ(fenced.error_code, ErrorCode::kFencedMemberEpoch);
  EXPECT_EQ(
      fenced.error_message,
      "The consumer group member has a smaller member epoch (2) than the one known by the group coordinator (3). The "
      "member must abandon all its partitions and rejoin.");
  late.owned.reset();
  EXPECT_EQ(h.beat(late).error_code, ErrorCode::kFencedMemberEpoch);
  late.epoch = 4;
  fenced = h.beat(late);
  EXPECT_EQ(fenced.error_code, ErrorCode::kFencedMemberEpoch);
  EXPECT_EQ(fenced.error_message->substr(0, 58), "The consumer group member has a greater member epoch (4) t");
}

TEST(ConsumerGroup, RequestsThatCannotBeAreRefusedInKafkasWords) {
  ConsumerHarness h;
  const auto refused = [&](ConsumerHarness::Beat what) {
    const auto answer = h.beat(what);
    EXPECT_EQ(answer.error_code, ErrorCode::kInvalidRequest);
    return answer.error_message.value_or("");
  };
  auto beat = ConsumerHarness::joining("m");
  beat.group = " ";
  EXPECT_EQ(refused(beat), "GroupId can't be empty.");
  EXPECT_EQ(refused(ConsumerHarness::joining("")), "MemberId can't be empty.");
  beat = ConsumerHarness::joining("m");
  beat.instance = "";
  EXPECT_EQ(refused(beat), "InstanceId can't be empty.");
  beat = ConsumerHarness::joining("m");
  beat.rack = "";
  EXPECT_EQ(refused(beat), "RackId can't be empty.");
  beat = ConsumerHarness::joining("m");
  beat.rebalance_ms = -1;
  EXPECT_EQ(refused(beat), "RebalanceTimeoutMs must be provided in first request.");
  beat = ConsumerHarness::joining("m");
  beat.owned.reset();
  EXPECT_EQ(refused(beat), "TopicPartitions must be empty when (re-)joining.");
  beat = ConsumerHarness::joining("m");
  beat.topics.reset();
  EXPECT_EQ(refused(beat), "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
  beat = ConsumerHarness::joining("m");
  beat.epoch = -2;
  EXPECT_EQ(refused(beat), "InstanceId can't be null.");
  beat.epoch = -3;
  EXPECT_EQ(refused(beat), "MemberEpoch is invalid.");
  beat = ConsumerHarness::joining("m");
  beat.assignor = "sticky";
  const auto answer = h.beat(beat);
  EXPECT_EQ(answer.error_code, ErrorCode::kUnsupportedAssignor);
  EXPECT_EQ(answer.error_message, "ServerAssignor sticky is not supported. Supported assignors: uniform, range.");
  EXPECT_TRUE(h.log().empty());
}

TEST(ConsumerGroup, StrangersAreTurnedAway) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  ConsumerHarness::Beat beat;
  beat.epoch = 5;
  auto answer = h.beat(beat);
  EXPECT_EQ(answer.error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(answer.error_message, "Consumer group g not found.");
  EXPECT_EQ(h.leave_consumer("m").error_message, "Group g not found.");
  h.join_consumer("other");
  answer = h.beat(beat);
  EXPECT_EQ(answer.error_code, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(answer.error_message, "Member m is not a member of group g.");
  EXPECT_EQ(h.leave_consumer("m").error_code, ErrorCode::kUnknownMemberId);
}

TEST(ConsumerGroup, VersionZeroGetsItsIdFromTheServer) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  auto beat = ConsumerHarness::joining("");
  beat.version = 0;
  const auto answer = h.beat(beat);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_FALSE(answer.member_id.value_or("").empty());
}

TEST(ConsumerGroup, AFullGroupTakesNobodyElse) {
  GroupConfig config = ConsumerHarness::instant_config();
  config.consumer.max_size = 1;
  ConsumerHarness h(config);
  h.add_topic("t", 1);
  h.join_consumer("a");
  const auto answer = h.join_consumer("b");
  EXPECT_EQ(answer.error_code, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(answer.error_message, "The consumer group has reached its maximum capacity of 1 members.");
  EXPECT_EQ(h.join_consumer("a").error_code, ErrorCode::kNone);
}

TEST(ConsumerGroup, ASilentMemberIsFencedAndItsPartitionsGoOn) {
  ConsumerHarness h;
  h.add_topic("t", 2);
  h.join_consumer("a");
  h.join_consumer("b");
  h.settle_group();
  for (int i = 0; i < 10; ++i) {
    h.advance(5'000);
    if (h.group_of().find_member("a") != nullptr) h.beat("a", h.has("a"));
  }
  EXPECT_EQ(h.group_of().find_member("b"), nullptr);
  h.beat("a");
  EXPECT_EQ(h.has("a"), (Owned{{"t", {0, 1}}}));
  EXPECT_EQ(h.consumer_state(), "Stable");
}

TEST(ConsumerGroup, AllMembersThatDieAtOnceAreFencedOneAfterTheOther) {
  ConsumerHarness h;
  h.add_topic("t", 4);
  for (const char* member : {"a", "b", "c"}) h.join_consumer(member);
  const int32_t epoch = h.group_of().epoch();
  h.advance(60'000);
  EXPECT_EQ(h.consumer_state(), "Empty");
  EXPECT_EQ(h.group_of().epoch(), epoch + 3);
}

TEST(ConsumerGroup, WhoDoesNotGiveBackWithinItsRebalanceTimeoutIsFenced) {
  ConsumerHarness h;
  h.add_topic("t", 2);
  auto slow = ConsumerHarness::joining("a");
  slow.rebalance_ms = 10'000;
  h.beat(slow);
  h.join_consumer("b");
  for (int i = 0; i < 3; ++i) {
    h.beat("a");  // without its partitions
    h.beat("b");
    h.advance(4'000);
  }
  EXPECT_EQ(h.group_of().find_member("a"), nullptr);
  h.beat("b");
  EXPECT_EQ(h.has("b"), (Owned{{"t", {0, 1}}}));
}

// The full timeout again, although it is still in the same epoch.
TEST(ConsumerGroup, WhoIsToldToGiveBackMoreHasAllItsTimeForIt) {
  ConsumerHarness h;
  h.add_topic("t", 3);
  auto slow = ConsumerHarness::joining("a");
  slow.rebalance_ms = 10'000;
  h.beat(slow);
  h.join_consumer("b");
  h.beat("a");
  const auto first = h.member_of("a").pending_revocation;
  EXPECT_FALSE(first.empty());
  h.join_consumer("c");
  h.advance(8'000);
  const int32_t epoch = h.member_of("a").epoch;
  h.beat("a", h.has("a"));
  EXPECT_EQ(h.member_of("a").epoch, epoch);
  EXPECT_EQ(h.member_of("a").state, MemberState::kUnrevokedPartitions);
  EXPECT_NE(h.member_of("a").pending_revocation, first);
  h.advance(9'000);
  ASSERT_NE(h.group_of().find_member("a"), nullptr);
  h.beat("a");  // no change
  h.advance(1'000);
  EXPECT_EQ(h.group_of().find_member("a"), nullptr);
}

TEST(ConsumerGroup, AFencingThatCannotBeWrittenIsTriedAgain) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.join_consumer("a");
  h.fail_next_append(ErrorCode::kNotEnoughReplicas);
  h.advance(45'000);
  EXPECT_NE(h.group_of().find_member("a"), nullptr);
  h.advance(1'000);
  EXPECT_EQ(h.group_of().find_member("a"), nullptr);
}

TEST(ConsumerGroup, AFailedAppendChangesNothingAndSaysSo) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.fail_next_append(ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(h.join_consumer("a").error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(h.consumer_state(), "none");
  EXPECT_EQ(h.join_consumer("a").error_code, ErrorCode::kNone);
}

TEST(ConsumerGroup, LeavingBumpsTheEpoch) {
  ConsumerHarness h;
  h.add_topic("t", 2);
  h.join_consumer("a");
  h.join_consumer("b");
  const auto answer = h.leave_consumer("b");
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.member_epoch, kLeaveEpoch);
  EXPECT_EQ(h.group_of().epoch(), 4);
  EXPECT_EQ(h.consumer_state(), "Assigning");
  h.settle_group();
  EXPECT_EQ(h.has("a"), (Owned{{"t", {0, 1}}}));
}

TEST(ConsumerGroup, AStaticMemberComesBackToWhatItHad) {
  ConsumerHarness h;
  h.add_topic("t", 2);
  auto first = ConsumerHarness::joining("a1");
  first.instance = "i";
  h.beat(first);
  h.join_consumer("b");
  h.settle_group();
  const Owned had = h.has("a1");
  const int32_t epoch = h.group_of().epoch();

  auto second = ConsumerHarness::joining("a2");
  second.instance = "i";
  auto answer = h.beat(second);
  EXPECT_EQ(answer.error_code, ErrorCode::kUnreleasedInstanceId);
  EXPECT_EQ(answer.error_message,
            "Static member a2 with instance id i cannot join the group because the instance id is owned by a1 member.");

  EXPECT_EQ(h.leave_consumer("a1", kStaticLeaveEpoch, "i").member_epoch, kStaticLeaveEpoch);
  EXPECT_EQ(h.group_of().epoch(), epoch) << "no rebalance";
  answer = h.beat(second);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.member_epoch, epoch);
  EXPECT_EQ(h.in_answer(answer), had);
  EXPECT_EQ(h.group_of().find_member("a1"), nullptr);

  ConsumerHarness::Beat old;
  old.member = "a1";
  old.instance = "i";
  old.epoch = epoch;
  answer = h.beat(old);
  EXPECT_EQ(answer.error_code, ErrorCode::kFencedInstanceId);
  EXPECT_EQ(answer.error_message, "Static member a1 with instance id i was fenced by member a2.");
  old.instance = "unheard";
  EXPECT_EQ(h.beat(old).error_message, "Instance id unheard is unknown.");
}

TEST(ConsumerGroup, AStaticMemberThatDoesNotComeBackLosesItsPlace) {
  ConsumerHarness h;
  h.add_topic("t", 2);
  auto first = ConsumerHarness::joining("a");
  first.instance = "i";
  h.beat(first);
  h.leave_consumer("a", kStaticLeaveEpoch, "i");
  h.advance(45'000);
  EXPECT_EQ(h.consumer_state(), "Empty");
}

TEST(ConsumerGroup, NewPartitionsAndDeletedTopicsAreNoticed) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.add_topic("u", 1);
  h.join_consumer("a", {"t", "u", "later"});
  EXPECT_EQ(h.has("a"), (Owned{{"t", {0}}, {"u", {0}}}));
  h.grow_topic("t", 3);
  EXPECT_EQ(h.in_answer(h.beat("a")), (Owned{{"t", {0, 1, 2}}, {"u", {0}}}));
  h.add_topic("later", 1);
  EXPECT_EQ(h.in_answer(h.beat("a")), (Owned{{"later", {0}}, {"t", {0, 1, 2}}, {"u", {0}}}));
  h.remove_topic("u");
  const int32_t epoch = h.group_of().epoch();
  auto answer = h.beat("a");
  EXPECT_EQ(h.group_of().epoch(), epoch + 1);
  EXPECT_EQ(h.in_answer(answer), (Owned{{"later", {0}}, {"t", {0, 1, 2}}}));
  h.add_topic("of no interest", 1);
  h.settle_group();
  EXPECT_EQ(h.group_of().epoch(), epoch + 1);
}

TEST(ConsumerGroup, ATopicMadeAgainIsAnotherOne) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.join_consumer("a");
  const int64_t hash = h.group_of().metadata_hash();
  h.remove_topic("t");
  h.add_topic("t", 1);
  h.settle_group();
  EXPECT_NE(h.group_of().metadata_hash(), hash);
  EXPECT_EQ(h.has("a"), (Owned{{"t", {0}}}));
}

TEST(ConsumerGroup, ChangedSubscriptionsMovePartitionsAtOnce) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.add_topic("u", 1);
  h.join_consumer("a", {"t", "u"});
  ConsumerHarness::Beat beat;
  beat.member = "a";
  beat.epoch = 2;
  beat.topics = {"u"};
  EXPECT_EQ(h.in_answer(h.beat(beat)), (Owned{{"u", {0}}}));
}

TEST(ConsumerGroup, WhoWaitsIsToldTheUsualIntervalWhereKafkasWaysAreAskedFor) {
  GroupConfig config;
  config.strict_kafka = true;
  ConsumerHarness h(config);
  h.add_topic("t", 2);
  h.join_consumer("a");
  EXPECT_EQ(h.join_consumer("b").heartbeat_interval_ms, 5'000);
  EXPECT_EQ(h.consumer_state(), "Assigning");
}

TEST(ConsumerGroup, TheAssignmentIntervalHoldsBackAssignmentsNotMembers) {
  GroupConfig config;
  ConsumerHarness h(config);
  h.add_topic("t", 2);
  h.join_consumer("a");
  const auto b = h.join_consumer("b");
  EXPECT_EQ(b.error_code, ErrorCode::kNone);
  EXPECT_EQ(b.member_epoch, 2) << "the target is still that of epoch 2";
  EXPECT_EQ(h.consumer_state(), "Assigning");
  EXPECT_LT(b.heartbeat_interval_ms, 5'000) << "asked to come back soon";
  h.advance(1'000);
  EXPECT_EQ(h.beat("b").member_epoch, 3);
  // A group's own setting.
  h.set_group_config("g", "consumer.assignment.interval.ms", "0");
  EXPECT_EQ(h.join_consumer("c").member_epoch, 4);
}

TEST(ConsumerGroup, TheServersSettingsMayChange) {
  GroupConfig config;
  ConsumerHarness h(config);
  h.add_topic("t", 2);
  h.join_consumer("a");
  h.set_group_config("other", "consumer.assignment.interval.ms", "0");
  EXPECT_EQ(h.join_consumer("b").member_epoch, 2);
  config.consumer.assignment_interval_ms.value = 0;
  h.shard().configure(config);
  EXPECT_EQ(h.beat("b").member_epoch, 3);
  // A group's own settings come first, within the current bounds.
  h.set_group_config("g", "consumer.assignment.interval.ms", "5000");
  EXPECT_EQ(h.join_consumer("c").member_epoch, 3);
  config.consumer.assignment_interval_ms.greatest = 0;
  h.shard().configure(config);
  EXPECT_EQ(h.beat("c").member_epoch, 4);
}

TEST(ConsumerGroup, SettingsOfAGroupAreHeldToTheServersBounds) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.set_group_config("g", "consumer.heartbeat.interval.ms", "7000");
  EXPECT_EQ(h.join_consumer("a").heartbeat_interval_ms, 7'000);
  h.set_group_config("g", "consumer.heartbeat.interval.ms", "70000");
  EXPECT_EQ(h.beat("a").heartbeat_interval_ms, 15'000);
  h.set_group_config("g", "consumer.session.timeout.ms", "60000");
  h.beat("a");
  h.advance(59'000);
  EXPECT_EQ(h.consumer_state(), "Stable");
  h.advance(1'000);
  EXPECT_EQ(h.consumer_state(), "Empty");
}

TEST(ConsumerGroup, EverythingComesBackFromTheLog) {
  ConsumerHarness h;
  h.add_topic("t", 4);
  auto first = ConsumerHarness::joining("a");
  first.instance = "i";
  first.rack = "r";
  first.assignor = "range";
  h.beat(first);
  auto second = ConsumerHarness::joining("b", {});
  second.regex = "t.*";
  h.beat(second);
  h.settle_group();
  h.beat(first.member, h.has("a"));
  const ConsumerMember a = h.member_of("a");
  const ConsumerMember b = h.member_of("b");
  const int32_t epoch = h.group_of().epoch();
  const int64_t hash = h.group_of().metadata_hash();
  h.reload();
  EXPECT_EQ(h.member_of("a"), a);
  EXPECT_EQ(h.member_of("b"), b);
  EXPECT_EQ(h.group_of().epoch(), epoch);
  EXPECT_EQ(h.group_of().assignment_epoch(), epoch);
  EXPECT_EQ(h.group_of().metadata_hash(), hash);
  EXPECT_EQ(h.group_of().preferred_assignor(), "range");
  EXPECT_EQ(h.consumer_state(), "Stable");
  EXPECT_EQ(h.beat("a").error_code, ErrorCode::kNone);
  EXPECT_EQ(h.group_of().epoch(), epoch);
  h.advance(45'000);
  EXPECT_EQ(h.consumer_state(), "Empty") << "sessions run from the load on";
}

// --- offsets, listing, deletion

TEST(ConsumerGroup, CommitsAreFencedByPartition) {
  ConsumerHarness h;
  const Uuid id = h.add_topic("t", 2);
  h.join_consumer("a");
  h.join_consumer("b");
  h.settle_group();
  const auto commit = [&](const std::string& member, int32_t epoch, int32_t partition, int16_t version = 9) {
    ask::Commit what{.member = member, .generation = epoch, .partition = partition, .offset = 5, .version = version};
    what.topic_id = id;
    return h.commit(what);
  };
  EXPECT_EQ(commit("a", 3, 0), ErrorCode::kNone);
  EXPECT_EQ(commit("a", 2, 0), ErrorCode::kNone) << "partition 0 was its own in epoch 2 already";
  EXPECT_EQ(commit("a", 2, 1), ErrorCode::kStaleMemberEpoch) << "partition 1 is not its own any more";
  EXPECT_EQ(commit("b", 2, 1), ErrorCode::kStaleMemberEpoch) << "it got partition 1 in epoch 3";
  EXPECT_EQ(commit("a", 4, 0), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(commit("x", 3, 0), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("", -1, 0), ErrorCode::kUnknownMemberId) << "only an empty group takes offsets from anybody";
  EXPECT_EQ(commit("a", 3, 0, 8), ErrorCode::kUnsupportedVersion);
}

TEST(ConsumerGroup, FetchesOfMembersAreFenced) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.join_consumer("a");
  const auto fetch = [&](std::optional<std::string> member, int32_t epoch) {
    OffsetFetchGroup request;
    request.group_id = "g";
    request.member_id = member;
    request.member_epoch = epoch;
    request.topics.emplace().push_back({.name = "t", .topic_id = {}, .partition_indexes = {0}});
    h.run(h.shard().fetch_offsets(h.caller(9), request, false, h.now()));
    return h.answer<OffsetFetchGroupResponse>(h.last_token()).error_code;
  };
  EXPECT_EQ(fetch(std::nullopt, -1), ErrorCode::kNone);
  EXPECT_EQ(fetch("a", 2), ErrorCode::kNone);
  EXPECT_EQ(fetch("a", 1), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(fetch("b", 2), ErrorCode::kUnknownMemberId);
}

TEST(ConsumerGroup, IsListedDescribedAndDeletedAsOne) {
  ConsumerHarness h;
  h.add_topic("t", 1);
  h.join_consumer("a");
  ListGroupsRequest list;
  list.types_filter = {"Consumer"};
  list.states_filter = {"stable"};
  h.run(h.shard().list_groups(h.caller(5), list));
  const auto listed = h.answer<ListGroupsResponse>(h.last_token());
  ASSERT_EQ(listed.groups.size(), 1u);
  EXPECT_EQ(listed.groups[0].group_type, "consumer");
  EXPECT_EQ(listed.groups[0].protocol_type, "consumer");
  EXPECT_EQ(listed.groups[0].group_state, "Stable");

  const std::vector<ByteView> ids{"g", "nobody"};
  h.run(h.shard().describe_consumer_groups(h.caller(1), ids));
  const auto described = h.answer<ConsumerGroupDescribeResponse>(h.last_token());
  ASSERT_EQ(described.groups.size(), 2u);
  EXPECT_EQ(described.groups[0].group_epoch, 2);
  EXPECT_EQ(described.groups[0].assignor_name, "uniform");
  ASSERT_EQ(described.groups[0].members.size(), 1u);
  EXPECT_EQ(described.groups[0].members[0].member_type, 1);
  EXPECT_EQ(described.groups[0].members[0].target_assignment.topic_partitions[0].topic_name, "t");
  EXPECT_EQ(described.groups[1].error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(described.groups[1].error_message, "Group nobody not found.");

  h.run(h.shard().describe_groups(h.caller(6), ids));
  EXPECT_EQ(h.answer<DescribeGroupsResponse>(h.last_token()).groups[0].error_message,
            "Group g is not a classic group.");

  const auto remove = [&] {
    h.run(h.shard().delete_groups(h.caller(2), std::span(ids).first(1), h.now()));
    return h.answer<DeleteGroupsResponse>(h.last_token()).results[0].error_code;
  };
  EXPECT_EQ(remove(), ErrorCode::kNonEmptyGroup);
  h.leave_consumer("a");
  EXPECT_EQ(remove(), ErrorCode::kNone);
  EXPECT_EQ(h.consumer_state(), "none");
  h.reload();
  EXPECT_EQ(h.consumer_state(), "none");
}

}  // namespace
}  // namespace milena::coordinator
