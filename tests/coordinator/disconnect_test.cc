// A client that closes its connection: its members have a short grace, unless they send another request.
#include <gtest/gtest.h>

#include "coordinator/shard_harness.h"

namespace milena::coordinator {
namespace {

constexpr int32_t kSession_ms = 45'000;
// The interval of a missed heartbeat, and time for a new connection.
constexpr int64_t kGrace_ms = kSession_ms / 3 + 3'000;

class DisconnectTest : public testing::Test {
 protected:
  void close(uint64_t connection) { h.run(h.shard().connection_closed("g", connection, h.now())); }
  bool has(const std::string& member) { return h.shard().find_group("g")->members().count(member) > 0; }
  static ask::Join join_of(const std::string& member, const std::string& metadata = "meta") {
    return {.member = member, .protocols = {{"range", metadata}}, .session_ms = kSession_ms};
  }
  // Two members, each over its own connection.
  std::vector<std::string> two_members() {
    std::vector<std::string> members = h.stable_group(2, join_of(""));
    for (size_t i = 0; i < 2; i++) {
      h.connection = i + 1;
      EXPECT_EQ(h.heartbeat(members[i], 2), ErrorCode::kNone);
    }
    return members;
  }

  ShardHarness h;
};

TEST_F(DisconnectTest, AMemberIsGivenUpAfterTheGrace) {
  const auto members = two_members();
  close(1);
  h.advance(kGrace_ms - 1);
  EXPECT_TRUE(has(members[0]));
  EXPECT_EQ(h.state(), "Stable");
  h.advance(1);
  EXPECT_FALSE(has(members[0]));
  EXPECT_TRUE(has(members[1]));
  EXPECT_EQ(h.state(), "PreparingRebalance");
}

TEST_F(DisconnectTest, AnyRequestOverAnotherConnectionStopsTheClock) {
  const auto members = two_members();
  close(1);
  h.advance(kGrace_ms - 1);
  h.connection = 7;
  EXPECT_EQ(h.heartbeat(members[0], 2), ErrorCode::kNone);
  h.advance(4'000);
  EXPECT_TRUE(has(members[0]));

  close(7);
  h.advance(kGrace_ms - 1);
  h.connection = 8;
  EXPECT_EQ(h.commit({.member = members[0], .generation = 2, .offset = 3}), ErrorCode::kNone);
  h.connection = 2;
  EXPECT_EQ(h.heartbeat(members[1], 2), ErrorCode::kNone);
  h.advance(4'000);
  EXPECT_TRUE(has(members[0]));

  // Its first connection is closed long after it has moved on.
  close(1);
  h.connection = 2;
  EXPECT_EQ(h.heartbeat(members[1], 2), ErrorCode::kNone);
  h.advance(4'000);
  EXPECT_TRUE(has(members[0]));
}

// A client that is cut off and sends nothing until its next heartbeat.
TEST_F(DisconnectTest, TheNextHeartbeatIsInTimeHoweverOftenTheConnectionIsCut) {
  for (const int64_t interval_ms : {3'000, 10'000, 14'000}) {
    ShardHarness cut;
    uint64_t connection = 1;
    cut.connection = connection;
    const std::string member = cut.stable_group(1, join_of(""))[0];
    const auto beat_over_another = [&](int64_t after_ms) {
      cut.run(cut.shard().connection_closed("g", connection, cut.now()));
      cut.advance(after_ms);
      cut.connection = ++connection;
      return cut.heartbeat(member, 1);
    };
    for (int beat = 0; beat < 40; beat++) {
      // It learns with its next heartbeat that it must connect again. Sometimes the response is cut off, and it
      // retries.
      ASSERT_EQ(beat_over_another(interval_ms + 1'000), ErrorCode::kNone) << interval_ms << " ms, heartbeat " << beat;
      if (beat % 4 == 0) {
        ASSERT_EQ(beat_over_another(50), ErrorCode::kNone);
      }
      // For a while nothing happens.
      for (int quiet = 0; quiet < beat % 3; quiet++) {
        cut.advance(interval_ms);
        ASSERT_EQ(cut.heartbeat(member, 1), ErrorCode::kNone);
      }
    }
  }
}

TEST_F(DisconnectTest, HowOftenAMemberBeatsIsLearned) {
  const auto members = two_members();
  for (int beat = 0; beat < 12; beat++) {
    h.advance(2'000);
    for (size_t i = 0; i < 2; i++) {
      h.connection = i + 1;
      EXPECT_EQ(h.heartbeat(members[i], 2), ErrorCode::kNone);
    }
  }
  close(1);
  h.advance(4'999);
  EXPECT_TRUE(has(members[0]));
  h.advance(1);
  EXPECT_FALSE(has(members[0]));
}

TEST_F(DisconnectTest, ARejoinStopsTheClock) {
  const auto members = two_members();
  close(2);
  h.connection = 9;
  h.join(join_of(members[1], "new"));
  h.advance(kGrace_ms);
  EXPECT_TRUE(has(members[1]));
}

TEST_F(DisconnectTest, TheJoinBindsAMemberThatNeverSpokeAgain) {
  // Old clients join without an id, in one request.
  h.connection = 4;
  const auto joined = h.answer<JoinGroupResponse>(h.join({.session_ms = kSession_ms, .version = 3}));
  ASSERT_EQ(joined.error_code, ErrorCode::kNone);
  close(4);
  h.advance(kGrace_ms - 1);
  EXPECT_TRUE(has(joined.member_id));
  h.advance(1);
  EXPECT_EQ(h.state(), "Empty");
}

TEST_F(DisconnectTest, AMemberWhoseJoinWasAnsweredLate) {
  const auto members = two_members();
  h.connection = 3;
  const auto [third, token] = h.join_new(join_of(""));
  for (size_t i = 0; i < 2; i++) {
    h.connection = i + 1;
    h.join(join_of(members[i]));
  }
  ASSERT_TRUE(h.answered(token));
  // The response came while others sent requests, over their connections.
  close(3);
  h.advance(kGrace_ms);
  EXPECT_FALSE(has(third));
  EXPECT_TRUE(has(members[0]));
}

TEST_F(DisconnectTest, WhatIsRefusedIsASignOfLifeToo) {
  const auto members = two_members();
  close(1);
  h.advance(kGrace_ms - 1);
  h.connection = 7;
  EXPECT_EQ(h.heartbeat(members[0], 1), ErrorCode::kIllegalGeneration);
  h.connection = 2;
  EXPECT_EQ(h.heartbeat(members[1], 2), ErrorCode::kNone);
  h.advance(kGrace_ms);
  EXPECT_TRUE(has(members[0]));
}

TEST_F(DisconnectTest, AProducersRequestStopsTheClockButBindsNobody) {
  const auto members = two_members();
  close(1);
  TxnOffsetCommitRequest request;
  request.group_id = "g";
  request.member_id = members[0];
  request.generation_id = 2;
  h.connection = 9;
  h.run(h.shard().commit_offsets_in_transaction(h.caller(5), request, h.now()));
  h.advance(kGrace_ms);
  EXPECT_TRUE(has(members[0]));
  // The producer disconnects. The member's own connection is still open.
  close(9);
  h.advance(kGrace_ms);
  EXPECT_TRUE(has(members[0]));
}

TEST_F(DisconnectTest, StaticMembersKeepTheirSession) {
  h.connection = 1;
  const auto joined = h.answer<JoinGroupResponse>(h.join({.instance = "i"}));
  h.sync({.member = joined.member_id, .assignments = {{joined.member_id, "a"}}, .instance = "i"});
  close(1);
  h.advance(9'999);
  EXPECT_EQ(h.state(), "Stable");
  h.advance(1);
  EXPECT_EQ(h.state(), "Empty");
}

TEST_F(DisconnectTest, WithoutGraceTheSessionDecides) {
  GroupConfig config;
  config.disconnect_grace_ms = 0;
  ShardHarness without(config);
  without.connection = 1;
  without.stable_group(1);
  without.run(without.shard().connection_closed("g", 1, without.now()));
  without.advance(9'999);
  EXPECT_EQ(without.state(), "Stable");
  without.advance(1);
  EXPECT_EQ(without.state(), "Empty");
}

TEST_F(DisconnectTest, AMemberThatHangsUpWhileItWaitsDoesNotHoldUpTheOthers) {
  const auto members = two_members();
  // A third joins and the first rejoins; both wait for the second, and the first disconnects.
  h.connection = 3;
  const auto [third, third_token] = h.join_new(join_of(""));
  h.connection = 1;
  h.join(join_of(members[0]));
  close(1);
  h.advance(kGrace_ms);
  EXPECT_FALSE(has(members[0]));
  EXPECT_FALSE(h.answered(third_token));
  h.connection = 2;
  const AnswerToken second_token = h.join(join_of(members[1]));
  EXPECT_EQ(h.answer<JoinGroupResponse>(second_token).generation_id, 3);
  EXPECT_EQ(h.answer<JoinGroupResponse>(third_token).generation_id, 3);
}

TEST_F(DisconnectTest, ANewMemberThatHangsUpBeforeItIsAnswered) {
  const auto members = two_members();
  h.connection = 3;
  const auto [third, token] = h.join_new(join_of(""));
  close(3);
  for (size_t i = 0; i < 2; i++) {
    h.connection = i + 1;
    h.join(join_of(members[i]));
  }
  EXPECT_EQ(h.state(), "CompletingRebalance");
  EXPECT_TRUE(has(third));
  // It gets a response, but is gone: neither the new generation nor its sync timer extends its deadline.
  h.advance(kGrace_ms);
  EXPECT_FALSE(has(third));
}

TEST_F(DisconnectTest, AnIdThatWasGivenOutDoesNotHoldUpARebalance) {
  const auto members = two_members();
  h.connection = 3;
  const std::string unused = h.answer<JoinGroupResponse>(h.join(join_of(""))).member_id;
  h.connection = 1;
  const AnswerToken first = h.join(join_of(members[0], "new"));
  h.connection = 2;
  h.join(join_of(members[1]));
  close(3);
  EXPECT_FALSE(h.answered(first));
  h.advance(3'000);
  EXPECT_EQ(h.answer<JoinGroupResponse>(first).generation_id, 3);
  EXPECT_EQ(h.answer<JoinGroupResponse>(h.join({.member = unused})).error_code, ErrorCode::kUnknownMemberId);
}

TEST_F(DisconnectTest, AfterAReloadAConnectionOfBeforeMeansNothing) {
  const auto members = two_members();
  h.reload();
  close(1);
  h.advance(9'999);
  EXPECT_TRUE(has(members[0]));
  h.run(h.shard().connection_closed("another", 1, h.now()));
  h.run(h.shard().connection_closed("g", 0, h.now()));
}

}  // namespace
}  // namespace milena::coordinator
