// Consumer groups' members whose client closes its connection, and their offsets within transactions.
#include <gtest/gtest.h>

#include "coordinator/consumer_harness.h"

namespace milena::coordinator {
namespace {

// The members' heartbeat interval, and time for a new connection.
constexpr int64_t kGrace_ms = 5'000 + 3'000;

class ConsumerDisconnectTest : public testing::Test {
 protected:
  ConsumerDisconnectTest() {
    h.add_topic("t", 4);
    for (uint64_t i = 1; i <= 2; i++) {
      h.connection = i;
      h.join_consumer("m" + std::to_string(i));
    }
    h.settle_group();
    for (uint64_t i = 1; i <= 2; i++) {
      h.connection = i;
      h.beat("m" + std::to_string(i));
    }
  }
  void close(uint64_t connection) { h.run(h.shard().connection_closed("g", connection, h.now())); }
  bool has(const std::string& member) { return h.group_of().find_member(member) != nullptr; }

  ConsumerHarness h;
};

TEST_F(ConsumerDisconnectTest, AMemberIsGivenUpAfterTheGrace) {
  close(1);
  h.advance(kGrace_ms - 1);
  EXPECT_TRUE(has("m1"));
  h.advance(1);
  EXPECT_FALSE(has("m1"));
  EXPECT_TRUE(has("m2"));
  h.connection = 2;
  h.settle_group();
  EXPECT_EQ(h.has("m2").at("t").size(), 4u);
}

TEST_F(ConsumerDisconnectTest, AnyRequestOverAnotherConnectionStopsTheClock) {
  close(1);
  h.advance(2'000);
  h.connection = 7;
  h.beat("m1");
  h.advance(10'000);
  EXPECT_TRUE(has("m1"));
  close(1);  // one that it stopped using long ago
  h.advance(10'000);
  EXPECT_TRUE(has("m1"));
}

// A client that is cut off and sends nothing until its next heartbeat.
TEST_F(ConsumerDisconnectTest, TheNextHeartbeatIsInTimeHoweverOftenTheConnectionIsCut) {
  uint64_t connection = 1;
  for (int beat = 0; beat < 20; beat++) {
    close(connection);
    h.advance(4'000);
    h.connection = 2;
    h.beat("m2");
    h.advance(1'000);
    // The time that it takes to connect again.
    h.advance(2'000);
    h.connection = connection = 10 + static_cast<uint64_t>(beat);
    h.beat("m1");
    ASSERT_TRUE(has("m1")) << beat;
  }
}

TEST_F(ConsumerDisconnectTest, TheFirstHeartbeatBindsAMemberThatNeverSpokeAgain) {
  h.connection = 3;
  h.join_consumer("m3");
  close(3);
  h.advance(kGrace_ms - 1);
  EXPECT_TRUE(has("m3"));
  h.advance(1);
  EXPECT_FALSE(has("m3"));
}

TEST_F(ConsumerDisconnectTest, AClassicMemberIsBoundByItsJoin) {
  h.connection = 3;
  const auto joined = h.answer<JoinGroupResponse>(
      h.join({.protocols = {{"range", std::string("\0\0\0\0\0\1\0\1t\xff\xff\xff\xff", 13)}}, .version = 3}));
  ASSERT_EQ(joined.error_code, ErrorCode::kNone);
  ASSERT_TRUE(has(joined.member_id));
  close(3);
  // It has no interval: a third of its session timeout.
  h.advance(6'332);
  EXPECT_TRUE(has(joined.member_id));
  h.advance(1);
  EXPECT_FALSE(has(joined.member_id));
}

TEST_F(ConsumerDisconnectTest, StaticMembersKeepTheirSession) {
  h.connection = 3;
  ConsumerHarness::Beat what = ConsumerHarness::joining("m3");
  what.instance = "i";
  h.beat(what);
  close(3);
  h.advance(10'000);
  EXPECT_TRUE(has("m3"));
}

TEST_F(ConsumerDisconnectTest, AfterAReloadAConnectionOfBeforeMeansNothing) {
  h.reload();
  close(1);
  h.advance(10'000);
  EXPECT_TRUE(has("m1"));
}

TEST_F(ConsumerDisconnectTest, ConnectionsAreRememberedWhenTheGroupChangesItsKind) {
  // The last consumers leave, and a classic member on connection 3 stays.
  h.connection = 3;
  const auto joined = h.answer<JoinGroupResponse>(
      h.join({.protocols = {{"range", std::string("\0\0\0\0\0\1\0\1t\xff\xff\xff\xff", 13)}},
              .session_ms = 20'000,
              .version = 3}));
  ASSERT_EQ(joined.error_code, ErrorCode::kNone);
  h.connection = 1;
  h.leave_consumer("m1");
  h.connection = 2;
  h.leave_consumer("m2");
  const ClassicGroup* classic = h.shard().find_group("g");
  ASSERT_NE(classic, nullptr);
  ASSERT_EQ(classic->members().count(joined.member_id), 1u);
  // And a consumer joins: a consumer group again.
  h.connection = 5;
  h.join_consumer("m5");
  ASSERT_EQ(h.shard().find_group("g"), nullptr);
  ASSERT_TRUE(has(joined.member_id));
  close(3);
  h.advance(9'667);
  EXPECT_FALSE(has(joined.member_id));
  EXPECT_TRUE(has("m5"));
}

TEST_F(ConsumerDisconnectTest, OffsetsInATransactionAreCheckedAgainstTheMember) {
  auto commit = [&](const std::string& member, int32_t epoch) {
    TxnOffsetCommitRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.generation_id = epoch;
    request.transactional_id = "x";
    request.producer_id = 5;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.emplace_back().committed_offset = 3;
    Effects effects = h.shard().commit_offsets_in_transaction(h.caller(5), request, h.now());
    const bool written = !effects.records.empty();
    h.run(std::move(effects));
    const ErrorCode error = h.answer<TxnOffsetCommitResponse>(h.last_token()).topics.at(0).partitions.at(0).error_code;
    EXPECT_EQ(written, error == ErrorCode::kNone);
    return error;
  };
  const int32_t epoch = h.member_of("m1").epoch;
  EXPECT_EQ(commit("m1", epoch), ErrorCode::kNone);
  EXPECT_EQ(commit("m1", epoch + 1), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(commit("nobody", epoch), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("", -1), ErrorCode::kNone) << "who claims nothing is not asked";
}

}  // namespace
}  // namespace milena::coordinator
