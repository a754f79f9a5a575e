// Consumer groups of librdkafka.
#include "e2e/e2e_fixture.h"

namespace milena::e2e {
namespace {

END_TO_END_TESTS(ConsumerGroups);

using Partitions = std::vector<int32_t>;

// Serves both members until they have these partitions, and returns what they read meanwhile.
testing::AssertionResult settle(Consumer& one, Consumer& two, size_t partitions_each, std::vector<Record>& read) {
  bool settled = wait_until([&] {
    for (Consumer* consumer : {&one, &two}) {
      if (auto record = consumer->read_one(10)) read.push_back(std::move(*record));
    }
    return one.assigned().size() == partitions_each && two.assigned().size() == partitions_each;
  });
  if (settled) return testing::AssertionSuccess();
  return testing::AssertionFailure() << one.assigned().size() << " and " << two.assigned().size() << " partitions";
}

TEST_P(ConsumerGroups, GoOnWhereTheyCommitted) {
  fill("t", 0, 20);
  for (int round = 0; round < 2; round++) {
    Consumer consumer(address(), {{"group.id", "resume"}});
    consumer.subscribe({"t"});
    EXPECT_EQ(values_of(consumer.read(10)), numbered(round * 10, round * 10 + 10));
    // Only returned records count, not those that the client has prefetched.
    consumer.commit();
    EXPECT_EQ(consumer.committed("t", 0), round * 10 + 10);
  }
}

TEST_P(ConsumerGroups, TwoMembersShareAndOneTakesOver) {
  for (const char* strategy : {"range", "cooperative-sticky"}) {
    Admin admin(address());
    std::string topic = std::string("shared-") + strategy;
    std::string group = std::string("group-") + strategy;
    ASSERT_EQ(admin.create_topic(topic, 4), "");
    // Short, because librdkafka 2.0 does not send LeaveGroup in a cooperative group.
    Config config = {{"group.id", group}, {"partition.assignment.strategy", strategy}, {"session.timeout.ms", "6000"}};
    // With an offset for each partition nobody looks one up by time. librdkafka 2.0 keeps the timer of a lookup that a
    // rebalance interrupts, and begins the partition anew when it fires, wherever it is by then.
    Consumer beforehand(address(), {{"group.id", group}});
    for (int32_t p = 0; p < 4; p++) beforehand.commit(topic, p, 0);
    Consumer one(address(), config);
    auto two = std::make_unique<Consumer>(address(), config);
    std::vector<Record> read;
    one.subscribe({topic});
    ASSERT_TRUE(wait_until([&] { one.read_one(10); return one.assigned().size() == 4; })) << strategy;
    two->subscribe({topic});
    ASSERT_TRUE(settle(one, *two, 2, read)) << strategy;
    Partitions all = one.assigned();
    Partitions others = two->assigned();
    all.insert(all.end(), others.begin(), others.end());
    EXPECT_THAT(all, testing::UnorderedElementsAre(0, 1, 2, 3));
    EXPECT_EQ(admin.describe_group(group), (std::pair<std::string, size_t>("Stable", 2)));

    for (int32_t p = 0; p < 4; p++) fill(topic, p, 25, std::to_string(p) + ":");
    ASSERT_TRUE(wait_until([&] {
      for (Consumer* consumer : {&one, two.get()}) {
        if (auto record = consumer->read_one(10)) read.push_back(std::move(*record));
      }
      return read.size() >= 100;
    })) << strategy;
    std::map<int32_t, std::vector<std::string>> by_partition;
    for (const Record& record : read) by_partition[record.partition].push_back(*record.value);
    for (int32_t p = 0; p < 4; p++) EXPECT_EQ(by_partition[p], numbered(0, 25, std::to_string(p) + ":"));

    one.commit();
    two->commit();
    two->close();
    ASSERT_TRUE(wait_until([&] { one.read_one(10); return one.assigned().size() == 4; })) << strategy;
    for (int32_t p = 0; p < 4; p++) fill(topic, p, 1, "again");
    // librdkafka 2.0 reads its kept partitions once more after a cooperative rebalance.
    std::map<int32_t, std::vector<std::string>> again;
    size_t found = 0;
    ASSERT_TRUE(wait_until([&] {
      if (auto record = one.read_one(10)) {
        again[record->partition].push_back(*record->value);
        found += record->value == "again0" ? 1 : 0;
      }
      return found == 4;
    })) << strategy;
    if (strategy != std::string("range")) continue;
    for (int32_t p = 0; p < 4; p++) EXPECT_EQ(again[p], std::vector<std::string>{"again0"}) << strategy;
  }
}

TEST_P(ConsumerGroups, CommittedOffsetsOutliveAKill) {
  fill("t", 0, 10);
  {
    Consumer consumer(address(), {{"group.id", "durable"}});
    consumer.subscribe({"t"});
    consumer.read(7);
    consumer.commit();
  }
  broker().kill();
  broker().start();
  Consumer consumer(address(), {{"group.id", "durable"}});
  EXPECT_EQ(consumer.committed("t", 0), 7);
  consumer.subscribe({"t"});
  EXPECT_EQ(values_of(consumer.read(3)), numbered(7, 10));
}

TEST_P(ConsumerGroups, AMemberGoesOnThroughAKill) {
  fill("t", 0, 5);
  Consumer consumer(address(), {{"group.id", "through"}});
  consumer.subscribe({"t"});
  EXPECT_EQ(values_of(consumer.read(5)), numbered(0, 5));
  consumer.commit();
  broker().kill();
  broker().start();
  fill("t", 0, 5, "new");
  EXPECT_EQ(values_of(consumer.read(5)), numbered(0, 5, "new"));
  consumer.commit();
  EXPECT_EQ(consumer.committed("t", 0), 10);
}

}  // namespace
}  // namespace milena::e2e
