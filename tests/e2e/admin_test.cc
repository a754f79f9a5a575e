// Administration through librdkafka.
#include "e2e/e2e_fixture.h"

namespace milena::e2e {
namespace {

END_TO_END_TESTS(Administration);

TEST_P(Administration, Topics) {
  Admin admin(address());
  EXPECT_EQ(admin.create_topic("t", 3, {{"retention.ms", "60000"}}), "");
  EXPECT_EQ(admin.create_topic("t", 3), "TOPIC_ALREADY_EXISTS");
  EXPECT_EQ(admin.create_topic("bad name", 1), "TOPIC_EXCEPTION");
  EXPECT_EQ(admin.topics(), (std::map<std::string, int>{{"t", 3}}));
  EXPECT_EQ(admin.create_partitions("t", 6), "");
  EXPECT_EQ(admin.create_partitions("t", 2), "INVALID_PARTITIONS");
  EXPECT_EQ(admin.topics()["t"], 6);
  for (int32_t p = 0; p < 6; p++) fill("t", p, 3);
  EXPECT_EQ(admin.topic_configs("t")["retention.ms"], "60000");
  EXPECT_EQ(admin.topic_configs("t")["cleanup.policy"], "delete");
  EXPECT_EQ(admin.broker_configs(1)["node.id"], "1");
  EXPECT_EQ(admin.delete_topic("t"), "");
  EXPECT_EQ(admin.delete_topic("t"), "UNKNOWN_TOPIC_OR_PART");
  EXPECT_TRUE(admin.topics().empty());
  EXPECT_EQ(admin.cluster_id().size(), 22u);
  EXPECT_EQ(admin.brokers(), std::vector<std::string>{address()});
}

TEST_P(Administration, Records) {
  fill("t", 0, 10);
  Admin admin(address());
  EXPECT_EQ(admin.delete_records("t", 0, 4), "");
  EXPECT_EQ(admin.delete_records("t", 0, 11), "OFFSET_OUT_OF_RANGE");
  Consumer consumer(address());
  EXPECT_EQ(consumer.watermarks("t", 0), (std::pair<int64_t, int64_t>(4, 10)));
  consumer.assign("t", {0}, RD_KAFKA_OFFSET_BEGINNING);
  EXPECT_EQ(values_of(consumer.read(6)), numbered(4, 10));
}

TEST_P(Administration, Groups) {
  fill("t", 0, 3);
  Admin admin(address());
  {
    Consumer consumer(address(), {{"group.id", "g"}});
    consumer.subscribe({"t"});
    consumer.read(3);
    consumer.commit();
    ASSERT_EQ(admin.groups().size(), 1u);
    EXPECT_EQ(admin.groups()[0].id, "g");
    EXPECT_EQ(admin.groups()[0].state, "Stable");
    EXPECT_EQ(admin.describe_group("g"), (std::pair<std::string, size_t>("Stable", 1)));
    EXPECT_EQ(admin.delete_group("g"), "NON_EMPTY_GROUP");
  }
  EXPECT_EQ(admin.describe_group("g"), (std::pair<std::string, size_t>("Empty", 0)));
  EXPECT_EQ(admin.delete_group("g"), "");
  EXPECT_EQ(admin.delete_group("g"), "GROUP_ID_NOT_FOUND");
  EXPECT_TRUE(admin.groups().empty());
  Consumer consumer(address(), {{"group.id", "g"}});
  EXPECT_EQ(consumer.committed("t", 0), RD_KAFKA_OFFSET_INVALID);
}

}  // namespace
}  // namespace milena::e2e
