// Consumer groups whose members subscribe by pattern.
#include <gtest/gtest.h>

#include "coordinator/consumer_harness.h"
#include "coordinator/group/consumer_records.h"

namespace milena::coordinator {
namespace {

TEST(ConsumerPatterns, PatternsAreLookedUpInTheHeartbeatThatNamesThem) {
  ConsumerHarness h;
  h.add_topic("orders-1", 1);
  h.add_topic("orders-2", 1);
  h.add_topic("my-orders-1", 1);
  auto beat = ConsumerHarness::joining("a");
  beat.topics.reset();
  beat.regex = "orders-.*";
  auto answer = h.beat(beat);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(h.in_answer(answer), (Owned{{"orders-1", {0}}, {"orders-2", {0}}}));
  EXPECT_EQ(h.consumer_state(), "Stable");

  // New topics are found, but not more often than every ten seconds.
  h.add_topic("orders-3", 1);
  EXPECT_FALSE(h.beat("a").assignment);
  h.advance(10'001);
  EXPECT_EQ(h.in_answer(h.beat("a")), (Owned{{"orders-1", {0}}, {"orders-2", {0}}, {"orders-3", {0}}}));

  beat = {};
  beat.member = "a";
  beat.epoch = h.member_of("a").epoch;
  beat.regex = "";
  beat.topics = {"my-orders-1"};
  EXPECT_EQ(h.in_answer(h.beat(beat)), Owned{}) << "first it gives back";
  EXPECT_EQ(h.in_answer(h.beat("a", Owned{})), (Owned{{"my-orders-1", {0}}}));
  EXPECT_TRUE(h.group_of().resolved_regexes().empty());
}

TEST(ConsumerPatterns, ANewPatternIsLookedUpAHeartbeatLaterWhereKafkasWaysAreAskedFor) {
  GroupConfig config = ConsumerHarness::instant_config();
  config.strict_kafka = true;
  ConsumerHarness h(config);
  h.add_topic("orders-1", 1);
  auto beat = ConsumerHarness::joining("a");
  beat.topics.reset();
  beat.regex = "orders-.*";
  const auto first = h.beat(beat);
  EXPECT_EQ(first.member_epoch, 1);
  EXPECT_EQ(h.in_answer(first), Owned{});
  const auto second = h.beat("a");
  EXPECT_EQ(second.member_epoch, 2);
  EXPECT_EQ(h.in_answer(second), (Owned{{"orders-1", {0}}}));
}

// As in Kafka: a pattern does not match topics that its subscriber may not see.
TEST(ConsumerPatterns, APatternStandsForTopicsThatItsSubscriberMaySee) {
  ConsumerHarness h;
  h.add_topic("orders-1", 1);
  h.add_topic("orders-secret", 1);
  Bytes asked_by;
  h.shard().set_topic_filter([&](const Caller& caller, ByteView topic) {
    asked_by = caller.client_host;
    return topic != "orders-secret";
  });
  auto beat = ConsumerHarness::joining("a");
  beat.topics.reset();
  beat.regex = "orders-.*";
  EXPECT_EQ(h.in_answer(h.beat(beat)), (Owned{{"orders-1", {0}}}));
  EXPECT_EQ(asked_by, "/127.0.0.1");
}

TEST(ConsumerPatterns, ABadPatternIsRefused) {
  ConsumerHarness h;
  auto beat = ConsumerHarness::joining("a");
  beat.regex = "[";
  const auto answer = h.beat(beat);
  EXPECT_EQ(answer.error_code, ErrorCode::kInvalidRegularExpression);
  EXPECT_EQ(answer.error_message, "SubscribedTopicRegex `[` is not a valid regular expression: missing closing ].");
  EXPECT_EQ(h.consumer_state(), "none");
}

// Kafka resolves patterns asynchronously, and may be stopped before that.
TEST(ConsumerPatterns, APatternThatWasNeverLookedUpIsLookedUp) {
  ConsumerHarness h;
  h.add_topic("t1", 1);
  auto beat = ConsumerHarness::joining("a", {});
  beat.regex = "t.*";
  h.beat(beat);
  h.join_consumer("b", {"t1"});
  Effects lost;
  lost.records.push_back(make_regex_tombstone("g", "t.*"));
  h.run(std::move(lost));
  EXPECT_TRUE(h.group_of().resolved_regexes().empty());
  h.beat("b");
  EXPECT_EQ(h.group_of().resolved_regexes().at("t.*").topics, TopicNames{"t1"});
}

TEST(ConsumerPatterns, APatternThatOnlyItsWriterCouldReadKeepsItsTopics) {
  GroupConfig config = ConsumerHarness::instant_config();
  config.consumer.regex_refresh_interval_ms = 20'000;
  ConsumerHarness h(config);
  h.add_topic("t1", 1);
  auto beat = ConsumerHarness::joining("a", {});
  beat.regex = "t.*";
  h.beat(beat);
  const Bytes strange = "((a{100}){10}){2}|t1";
  Effects loaded;
  loaded.records.push_back(make_regex_tombstone("g", "t.*"));
  ConsumerMember member = h.member_of("a");
  member.regex = strange;
  loaded.records.push_back(make_member_record("g", member));
  loaded.records.push_back(
      make_regex_record("g", strange, {.topics = {"t1"}, .version = 0, .timestamp_ms = h.now().wall_ms}));
  h.run(std::move(loaded));
  const int32_t epoch = h.group_of().epoch();
  h.advance(20'001);
  EXPECT_EQ(h.beat("a").error_code, ErrorCode::kNone);
  const ResolvedRegex& resolved = h.group_of().resolved_regexes().at(strange);
  EXPECT_EQ(resolved.topics, TopicNames{"t1"});
  EXPECT_EQ(resolved.timestamp_ms, h.now().wall_ms);
  EXPECT_EQ(h.group_of().epoch(), epoch);
}

TEST(ConsumerPatterns, APatternGoesWithItsLastSubscriber) {
  ConsumerHarness h;
  h.add_topic("t", 2);
  for (const char* member : {"a", "b"}) {
    auto beat = ConsumerHarness::joining(member, {});
    beat.regex = "t";
    h.beat(beat);
  }
  h.leave_consumer("a");
  EXPECT_EQ(h.group_of().resolved_regexes().size(), 1u);
  EXPECT_TRUE(h.group_of().is_subscribed_to("t"));
  h.leave_consumer("b");
  EXPECT_TRUE(h.group_of().resolved_regexes().empty());
  EXPECT_FALSE(h.group_of().is_subscribed_to("t"));
}

}  // namespace
}  // namespace milena::coordinator
