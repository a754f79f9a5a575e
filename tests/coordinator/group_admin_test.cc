// Describe, list and delete, offsets and their expiry, and the records in Kafka's format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/group/group_records.h"
#include "coordinator/group/java_string.h"
#include "coordinator/shard_harness.h"

namespace milena::coordinator {
namespace {

DescribeGroupsResponse::DescribedGroup describe(ShardHarness& h, ByteView group, int16_t version) {
  h.run(h.shard().describe_groups(h.caller(version), {&group, 1}));
  return h.answer<DescribeGroupsResponse>(h.last_token()).groups.at(0);
}

std::vector<std::string> list(ShardHarness& h, std::vector<ByteView> states, std::vector<ByteView> types) {
  ListGroupsRequest request;
  request.states_filter = std::move(states);
  request.types_filter = std::move(types);
  h.run(h.shard().list_groups(h.caller(5), request));
  std::vector<std::string> found;
  for (const auto& group : h.answer<ListGroupsResponse>(h.last_token()).groups) {
    found.push_back(group.group_id + " " + group.group_state + " " + group.protocol_type + " " + group.group_type);
  }
  return found;
}

std::vector<ErrorCode> delete_groups(ShardHarness& h, std::vector<ByteView> groups) {
  h.run(h.shard().delete_groups(h.caller(2), groups, h.now()));
  std::vector<ErrorCode> errors;
  for (const auto& result : h.answer<DeleteGroupsResponse>(h.last_token()).results) errors.push_back(result.error_code);
  return errors;
}

OffsetDeleteResponse delete_offset(ShardHarness& h, const std::string& group, const std::string& topic,
                                   int32_t partition) {
  OffsetDeleteRequest request;
  request.group_id = group;
  auto& asked = request.topics.emplace_back();
  asked.name = topic;
  asked.partitions.emplace_back().partition_index = partition;
  h.run(h.shard().delete_offsets(h.caller(0), request, h.now()));
  return h.answer<OffsetDeleteResponse>(h.last_token());
}

TEST(DescribeGroups, ShowsMembersWithMetadataOnceStable) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  const auto stable = describe(h, "g", 6);
  EXPECT_EQ(stable.group_state, "Stable");
  EXPECT_EQ(stable.protocol_type, "consumer");
  EXPECT_EQ(stable.protocol_data, "range");
  ASSERT_EQ(stable.members.size(), 1u);
  EXPECT_EQ(stable.members[0].member_id, one);
  EXPECT_EQ(stable.members[0].client_id, "client");
  EXPECT_EQ(stable.members[0].client_host, "/127.0.0.1");
  EXPECT_EQ(stable.members[0].member_metadata, "meta");
  EXPECT_EQ(stable.members[0].member_assignment, "to " + one);
  h.join_new();
  const auto preparing = describe(h, "g", 6);
  EXPECT_EQ(preparing.group_state, "PreparingRebalance");
  EXPECT_EQ(preparing.protocol_data, "");
  EXPECT_EQ(preparing.members.at(0).member_metadata, "");
}

TEST(DescribeGroups, AnAssignmentEndsWithTheRebalanceThatWasToReplaceIt) {
  ShardHarness h;
  const std::string first = h.stable_group(1)[0];
  const auto [second, token] = h.join_new();
  h.join({.member = first});
  EXPECT_EQ(describe(h, "g", 6).group_state, "CompletingRebalance");
  const auto shown = [&] {
    const auto group = describe(h, "g", 6);
    for (const auto& member : group.members) {
      if (member.member_id == first) return member.member_assignment;
    }
    return Bytes("not there");
  };
  EXPECT_EQ(shown(), "to " + first);
  h.leave({{second, std::nullopt}});
  EXPECT_EQ(h.state(), "PreparingRebalance");
  EXPECT_EQ(shown(), "");
}

TEST(DescribeGroups, AnUnknownGroupIsDeadAndSinceVersion6AnError) {
  ShardHarness h;
  EXPECT_EQ(describe(h, "x", 5).group_state, "Dead");
  EXPECT_EQ(describe(h, "x", 5).error_code, ErrorCode::kNone);
  EXPECT_EQ(describe(h, "x", 6).error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(describe(h, "x", 6).error_message, "Group x not found.");
}

TEST(ListGroups, FiltersByStateAndTypeWithoutRegardToCase) {
  ShardHarness h;
  h.stable_group(1, {.group = "a"});
  h.commit({.group = "b"});
  using testing::ElementsAre;
  using testing::IsEmpty;
  EXPECT_THAT(list(h, {}, {}), ElementsAre("a Stable consumer classic", "b Empty  classic"));
  EXPECT_THAT(list(h, {"stable"}, {}), ElementsAre("a Stable consumer classic"));
  EXPECT_THAT(list(h, {"EMPTY", "Dead"}, {"Classic"}), ElementsAre("b Empty  classic"));
  EXPECT_THAT(list(h, {}, {"consumer"}), IsEmpty());
  EXPECT_THAT(list(h, {"nonsense"}, {}), IsEmpty());
}

// Each of 50 shards compares each of its groups with the remaining names.
TEST(ListGroups, FiltersAreShortenedWithoutAChangeOfWhatPasses) {
  ListGroupsRequest request;
  std::vector<std::string> unknown;
  for (int i = 0; i < 1000; i++) unknown.push_back("state" + std::to_string(i));
  request.states_filter.assign(unknown.begin(), unknown.end());
  for (const char* state : {"stable", "Stable", "DEAD", "NotReady"}) request.states_filter.push_back(state);
  request.types_filter.assign(1000, "Classic");
  shorten_group_filters(request);
  EXPECT_THAT(request.states_filter, testing::ElementsAre("stable", "DEAD", "NotReady"));
  EXPECT_THAT(request.types_filter, testing::ElementsAre("Classic"));
  // With only unknown names nothing is listed; an empty filter matches all.
  request.states_filter.assign(unknown.begin(), unknown.end());
  request.types_filter.clear();
  shorten_group_filters(request);
  EXPECT_THAT(request.states_filter, testing::ElementsAre("state0"));
  EXPECT_THAT(request.types_filter, testing::IsEmpty());
}

// A state without a name could not be requested.
TEST(ListGroups, EveryStateOfAGroupHasAName) {
  std::vector<ByteView> states;
  for (auto state : {GroupState::kEmpty, GroupState::kPreparingRebalance, GroupState::kCompletingRebalance,
                     GroupState::kStable}) {
    states.push_back(group_state_name(state));
  }
  for (auto state : {ConsumerGroupState::kEmpty, ConsumerGroupState::kAssigning, ConsumerGroupState::kReconciling,
                     ConsumerGroupState::kStable}) {
    states.push_back(consumer_group_state_name(state));
  }
  for (ByteView state : states) EXPECT_THAT(group_state_names(), testing::Contains(state));
}

TEST(DeleteGroups, OnlyEmptyGroupsGoAndTheirOffsetsWithThem) {
  ShardHarness h;
  h.stable_group(1, {.group = "a"});
  h.commit({.group = "b", .partition = 1, .offset = 7});
  EXPECT_THAT(delete_groups(h, {"a", "b", "c"}),
              testing::ElementsAre(ErrorCode::kNonEmptyGroup, ErrorCode::kNone, ErrorCode::kGroupIdNotFound));
  EXPECT_EQ(h.state("b"), "none");
  EXPECT_EQ(h.fetch("b", "t", 1).committed_offset, -1);
  h.reload();
  EXPECT_EQ(h.state("b"), "none");
  EXPECT_EQ(h.fetch("b", "t", 1).committed_offset, -1);

  h.commit({.group = "d", .offset = 7});
  h.fail_next_append(ErrorCode::kNotLeaderOrFollower);
  EXPECT_THAT(delete_groups(h, {"d"}), testing::ElementsAre(ErrorCode::kNotCoordinator));
  EXPECT_EQ(h.fetch("d").committed_offset, 7);
}

TEST(OffsetCommit, WhoMayCommit) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  h.stable_group(1, {.group = "left"});
  h.leave({{*h.shard().find_group("left")->leader(), std::nullopt}}, "left");
  const auto [waiting, token] = h.join_new({.group = "completing"});
  const struct {
    const char* what;
    ShardHarness::Commit commit;
    ErrorCode error;
  } cases[] = {
      {"member in its generation", {.member = one, .generation = 1}, ErrorCode::kNone},
      {"old generation", {.member = one, .generation = 0}, ErrorCode::kIllegalGeneration},
      {"unknown member", {.member = "m", .generation = 1}, ErrorCode::kUnknownMemberId},
      {"member without generation", {.member = one, .generation = -1}, ErrorCode::kIllegalGeneration},
      {"nobody, into a living group", {}, ErrorCode::kUnknownMemberId},
      {"unknown instance", {.member = one, .generation = 1, .instance = "i"}, ErrorCode::kUnknownMemberId},
      {"nobody, into a new group", {.group = "simple"}, ErrorCode::kNone},
      {"nobody, into an empty group", {.group = "left"}, ErrorCode::kNone},
      {"a generation of an empty group",
       {.group = "left", .member = "m", .generation = 1},
       ErrorCode::kUnknownMemberId},
      {"the group without a name", {.group = ""}, ErrorCode::kNone},
      {"a generation of no group", {.group = "x", .generation = 1}, ErrorCode::kGroupIdNotFound},
      {"the same, before version 9", {.group = "x", .generation = 1, .version = 8}, ErrorCode::kIllegalGeneration},
      {"before the assignment",
       {.group = "completing", .member = waiting, .generation = 1},
       ErrorCode::kRebalanceInProgress},
      {"long metadata", {.group = "simple", .metadata = std::string(4'097, 'x')}, ErrorCode::kOffsetMetadataTooLarge},
      {"just short enough", {.group = "simple", .metadata = std::string(4'096, 'x')}, ErrorCode::kNone},
  };
  for (const auto& c : cases) EXPECT_EQ(h.commit(c.commit), c.error) << c.what;
  EXPECT_EQ(h.state("simple"), "Empty");
  EXPECT_EQ(h.state("x"), "none");
}

TEST(OffsetCommit, InARebalanceMembersStillCommitAndStayAlive) {
  ShardHarness h;
  const std::string one = h.stable_group(1)[0];
  h.join_new();
  h.advance(9'000);
  EXPECT_EQ(h.commit({.member = one, .generation = 1, .offset = 5}), ErrorCode::kNone);
  h.advance(9'000);
  EXPECT_EQ(h.heartbeat(one, 1), ErrorCode::kRebalanceInProgress);
}

// An ordinary commit shows that the member is alive, one in a transaction does not.
TEST(OffsetCommit, InATransactionItKeepsNoMember) {
  for (const bool in_transaction : {false, true}) {
    ShardHarness h;
    const std::string one = h.stable_group(1)[0];
    h.advance(6'000);
    if (in_transaction) {
      TxnOffsetCommitRequest request;
      request.group_id = "g";
      request.member_id = one;
      request.generation_id = 1;
      request.transactional_id = "x";
      request.producer_id = 5;
      auto& topic = request.topics.emplace_back();
      topic.name = "t";
      topic.partitions.emplace_back().committed_offset = 3;
      h.run(h.shard().commit_offsets_in_transaction(h.caller(3), request, h.now()));
      EXPECT_EQ(h.answer<TxnOffsetCommitResponse>(h.last_token()).topics.at(0).partitions.at(0).error_code,
                ErrorCode::kNone);
    } else {
      EXPECT_EQ(h.commit({.member = one, .generation = 1, .offset = 5}), ErrorCode::kNone);
    }
    h.advance(6'000);
    EXPECT_EQ(h.state(), in_transaction ? "Empty" : "Stable");
  }
}

TEST(OffsetCommit, WhatWasNotWrittenWasNotCommitted) {
  ShardHarness h;
  h.commit({.offset = 1});
  h.fail_next_append(ErrorCode::kRequestTimedOut);
  EXPECT_EQ(h.commit({.offset = 2}), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(h.fetch().committed_offset, 1);
}

TEST(OffsetFetch, GivesWhatWasCommittedAndMinusOneForTheRest) {
  ShardHarness h;
  h.commit({.offset = 42, .metadata = "note"});
  h.reload();
  EXPECT_EQ(h.fetch().committed_offset, 42);
  EXPECT_EQ(h.fetch().metadata, "note");
  EXPECT_EQ(h.fetch().committed_leader_epoch, -1);
  for (const auto& missing : {h.fetch("g", "t", 1), h.fetch("g", "u"), h.fetch("nobody")}) {
    EXPECT_EQ(missing.committed_offset, -1);
    EXPECT_EQ(missing.metadata, "");
    EXPECT_EQ(missing.error_code, ErrorCode::kNone);
  }
  OffsetFetchGroup all;
  all.group_id = "g";
  all.topics.reset();
  h.run(h.shard().fetch_offsets(h.caller(9), all, false, h.now()));
  const auto answer = h.answer<OffsetFetchGroupResponse>(h.last_token());
  ASSERT_EQ(answer.topics.size(), 1u);
  EXPECT_EQ(answer.topics[0].name, "t");
  EXPECT_EQ(answer.topics[0].partitions.at(0).committed_offset, 42);
}

TEST(OffsetFetch, OffsetsOfADeletedTopicAreNotTheNewOnes) {
  ShardHarness h;
  h.commit({.offset = 42, .topic_id = {1, 1}});
  EXPECT_EQ(h.fetch("g", "t", 0, false, {1, 1}).committed_offset, 42);
  EXPECT_EQ(h.fetch("g", "t", 0, false, {2, 2}).committed_offset, -1);
  EXPECT_EQ(h.fetch("g", "t", 0, false, {}).committed_offset, 42);
}

TEST(OffsetFetch, OffsetsOfAnOpenTransactionWaitForItsEnd) {
  ShardHarness h;
  h.commit({.offset = 1});
  CommittedOffset later{.offset = 9};
  const CoordinatorRecord record = make_offset_record("g", "t", 0, later);
  h.shard().apply(record.key, *record.value, 100, 77);
  EXPECT_EQ(h.fetch("g", "t", 0, true).error_code, ErrorCode::kUnstableOffsetCommit);
  EXPECT_EQ(h.fetch("g", "t", 0, false).committed_offset, 1);
  h.shard().apply_marker(77, true);
  EXPECT_EQ(h.fetch("g", "t", 0, true).committed_offset, 9);

  later.offset = 11;
  const CoordinatorRecord aborted = make_offset_record("g", "t", 0, later);
  h.shard().apply(aborted.key, *aborted.value, 101, 77);
  h.shard().apply_marker(77, false);
  EXPECT_EQ(h.fetch("g", "t", 0, true).committed_offset, 9);

  // An ordinary commit behind the transactional one wins, although the marker comes last.
  h.shard().apply(aborted.key, *aborted.value, 102, 77);
  later.offset = 12;
  const CoordinatorRecord ordinary = make_offset_record("g", "t", 0, later);
  h.shard().apply(ordinary.key, *ordinary.value, 103);
  h.shard().apply_marker(77, true);
  EXPECT_EQ(h.fetch("g", "t", 0, true).committed_offset, 12);
}

TEST(OffsetDelete, SparesTopicsThatAreRead) {
  ShardHarness h;
  h.commit({.topic = "read", .offset = 1});
  h.commit({.topic = "left", .offset = 2});
  h.stable_group(1, {.protocols = {{"range", ask::subscription_of({"read"})}}});
  const auto spared = delete_offset(h, "g", "read", 0);
  EXPECT_EQ(spared.error_code, ErrorCode::kNone);
  EXPECT_EQ(spared.topics.at(0).partitions.at(0).error_code, ErrorCode::kGroupSubscribedToTopic);
  EXPECT_EQ(delete_offset(h, "g", "left", 0).topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(h.fetch("g", "read").committed_offset, 1);
  EXPECT_EQ(h.fetch("g", "left").committed_offset, -1);
  EXPECT_EQ(delete_offset(h, "nobody", "t", 0).error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(delete_offset(h, "", "t", 0).error_code, ErrorCode::kInvalidGroupId);
  h.stable_group(1, {.group = "workers", .type = "connect"});
  EXPECT_EQ(delete_offset(h, "workers", "t", 0).error_code, ErrorCode::kNonEmptyGroup);
}

constexpr int64_t kRetentionMs = 10'080 * 60'000LL;

TEST(OffsetExpiry, CountsFromTheMomentAGroupBecameEmpty) {
  ShardHarness h;
  const std::string one = h.stable_group(1, {.session_ms = 1'800'000})[0];
  h.commit({.member = one, .generation = 1, .offset = 3});
  h.advance(1'000'000);
  h.leave({{one, std::nullopt}});
  h.advance(kRetentionMs - 600'001);
  EXPECT_EQ(h.fetch().committed_offset, 3);
  h.advance(1'800'000);
  EXPECT_EQ(h.fetch().committed_offset, -1);
  EXPECT_EQ(h.state(), "none");
  h.reload();
  EXPECT_EQ(h.state(), "none");
}

TEST(OffsetExpiry, OfASimpleGroupCountsFromTheCommit) {
  ShardHarness h;
  h.commit({.partition = 0, .offset = 3});
  h.advance(kRetentionMs - 1'000'000);
  h.commit({.partition = 1, .offset = 4});
  h.advance(1'700'000);
  EXPECT_EQ(h.fetch("g", "t", 0).committed_offset, -1);
  EXPECT_EQ(h.fetch("g", "t", 1).committed_offset, 4);
  EXPECT_EQ(h.state(), "Empty");
}

TEST(OffsetExpiry, AnOldClientsRetentionIsKept) {
  ShardHarness h;
  h.commit({.offset = 3, .retention_ms = 1'000, .version = 3});
  EXPECT_EQ(h.log().back().value->substr(0, 2), Bytes("\0\1", 2));
  h.advance(600'000);
  EXPECT_EQ(h.fetch().committed_offset, -1);
}

// Java's sums wrap; ours must not be undefined.
TEST(OffsetExpiry, TimesBeyondTheEndOfTimeWrap) {
  ShardHarness h;
  h.commit({.partition = 0, .offset = 3, .retention_ms = INT64_MAX, .version = 3});
  OffsetCommitRequest request;
  request.group_id = "g";
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions = {{.partition_index = 1, .committed_offset = 4, .commit_timestamp = INT64_MIN},
                      {.partition_index = 2, .committed_offset = 5, .commit_timestamp = INT64_MAX}};
  h.run(h.shard().commit_offsets(h.caller(1), request, h.now()));
  h.advance(600'000);
  EXPECT_EQ(h.fetch("g", "t", 0).committed_offset, -1) << "it has expired before it was committed";
  EXPECT_EQ(h.fetch("g", "t", 1).committed_offset, 4) << "its age is negative";
  EXPECT_EQ(h.fetch("g", "t", 2).committed_offset, 5);
}

TEST(OffsetExpiry, AnEmptyGroupWithoutOffsetsGoesAtTheNextCheck) {
  ShardHarness h;
  h.join({});  // an id, never used
  h.advance(600'001);
  EXPECT_EQ(h.state(), "none");
}

TEST(OffsetExpiry, ManyOffsetsGoInSeveralBatches) {
  ShardHarness h;
  for (int32_t partition = 0; partition < 5'000; ++partition) h.commit({.partition = partition, .offset = 1});
  h.advance(kRetentionMs - 600'000);
  const size_t committed = h.log().size();
  h.run(h.shard().tick({.steady_ms = h.now().steady_ms + 1'200'000, .wall_ms = h.now().wall_ms + 1'200'000}));
  EXPECT_EQ(h.log().size(), committed + 2'000);
  h.advance(1'200'010);
  EXPECT_EQ(h.log().size(), committed + 5'001);
  EXPECT_EQ(h.state(), "none");
}

TEST(OffsetExpiry, DeletedTopicsTakeTheirOffsetsAlong) {
  ShardHarness h;
  h.commit({.topic = "t", .offset = 1, .topic_id = {1, 1}});
  h.commit({.topic = "t", .partition = 1, .offset = 2, .topic_id = {9, 9}});
  h.commit({.topic = "t", .partition = 2, .offset = 3});
  h.commit({.topic = "u", .offset = 4});
  const DeletedTopic gone{"t", {1, 1}};
  h.run(h.shard().topics_deleted({&gone, 1}));
  EXPECT_EQ(h.fetch("g", "t", 0).committed_offset, -1);
  EXPECT_EQ(h.fetch("g", "t", 1).committed_offset, 2);  // of a later topic of that name
  EXPECT_EQ(h.fetch("g", "t", 2).committed_offset, -1);
  EXPECT_EQ(h.fetch("g", "u", 0).committed_offset, 4);
}

TEST(GroupRecords, AreByteForByteKafkas) {
  const CoordinatorRecord offset = make_offset_record("g", "tt", 3, {.offset = 5, .leader_epoch = 2, .metadata = "m",
                                                                   .commit_timestamp_ms = 7, .topic_id = {1, 2}});
  EXPECT_EQ(offset.key, Bytes("\0\1\0\1g\0\2tt\0\0\0\3", 13));
  // Version 4, flexible: compact metadata, the topic id as tagged field 0.
  EXPECT_EQ(*offset.value, Bytes("\0\4\0\0\0\0\0\0\0\5\0\0\0\2\2m\0\0\0\0\0\0\0\7\1\0\20"
                                 "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 43));
  GroupMetadataValue value;
  value.protocol_type = "c";
  value.generation = 1;
  value.protocol = "p";
  value.leader = "l";
  value.current_state_timestamp = 9;
  value.members.push_back({"m", std::nullopt, "i", "h", 60, 10, "S", "A"});
  const CoordinatorRecord group = make_group_record("g", value);
  EXPECT_EQ(group.key, Bytes("\0\2\0\1g", 5));
  EXPECT_EQ(*group.value, Bytes("\0\3\0\1c\0\0\0\1\0\1p\0\1l\0\0\0\0\0\0\0\11\0\0\0\1"
                                "\0\1m\377\377\0\1i\0\1h\0\0\0\74\0\0\0\12\0\0\0\1S\0\0\0\1A", 56));
  EXPECT_EQ(make_group_tombstone("g").value, std::nullopt);
}

TEST(GroupRecords, OldVersionsAndOtherKindsAreRead) {
  ShardHarness h;
  // An offset of version 0 under the legacy key, as in Kafka 0.8.2.
  h.shard().apply(Bytes("\0\0\0\1g\0\1t\0\0\0\0", 12), Bytes("\0\0\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\0\0\1", 20), 0);
  EXPECT_EQ(h.fetch().committed_offset, 6);
  // A consumer group's, a damaged key, a damaged value, a future version: no effect.
  h.shard().apply(Bytes("\0\3\0\1x", 5), Bytes("\0\0\0\0\0\1\0", 7), 1);
  h.shard().apply(Bytes("\0", 1), std::nullopt, 2);
  h.shard().apply(Bytes("\0\2\0\5g", 5), Bytes("\0\3", 2), 3);
  h.shard().apply(Bytes("\0\2\0\1y", 5), Bytes("\0\3\0\5", 4), 4);
  h.shard().apply(Bytes("\0\2\0\1y", 5), Bytes("\0\11", 2), 5);
  EXPECT_EQ(h.shard().groups().of_kind<ClassicGroup>().size(), 1u);
}

TEST(JavaString, HashesLikeJava) {
  EXPECT_EQ(java_hash_code(""), 0);
  EXPECT_EQ(java_hash_code("a"), 97);
  EXPECT_EQ(java_hash_code("test_group"), 2059298962);
  EXPECT_EQ(java_hash_code("polygenelubricants"), INT32_MIN);
  EXPECT_EQ(coordinator_partition("polygenelubricants", 50), 0);
  EXPECT_EQ(java_hash_code("\xC3\xA9"), 0xE9);              // U+00E9, one unit
  EXPECT_EQ(java_hash_code("\xF0\x9F\x98\x80"), 31 * 0xD83D + 0xDE00);  // a surrogate pair
  EXPECT_EQ(utf16_length("\xF0\x9F\x98\x80" "a"), 3u);
  EXPECT_EQ(utf16_length("\xFF\xC3"), 2u);
}

}  // namespace
}  // namespace milena::coordinator
