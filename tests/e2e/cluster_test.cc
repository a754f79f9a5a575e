// Three real processes as one cluster, one of which is killed again and again under a producer with acks=all.
#include "e2e/cluster_fixture.h"

namespace milena::e2e {
namespace {

class Cluster : public ClusterFixture {};

TEST_F(Cluster, NothingAcknowledgedIsLostWhenBrokersAreKilled) {
  constexpr size_t kBetween = 300;
  Producer producer(addresses(), {{"enable.idempotence", "true"}, {"linger.ms", "0"}, {"batch.num.messages", "20"},
                                  {"message.timeout.ms", "60000"}});
  int sent = 0;
  auto send_some = [&] {
    for (int i = 0; i < 21; i++, sent++) {
      Record record;
      record.topic = "stream";
      record.partition = sent % 3;
      record.value = std::to_string(sent);
      producer.send(record);
    }
    rd_kafka_poll(producer.handle(), 1);
  };
  auto send_until_more_are_there = [&] {
    const size_t wanted = producer.delivered().size() + kBetween;
    return wait_until([&] {
      if (sent < static_cast<int>(producer.delivered().size()) + 2000) send_some();
      rd_kafka_poll(producer.handle(), 1);
      return producer.delivered().size() >= wanted;
    });
  };
  ASSERT_TRUE(send_until_more_are_there());
  for (int victim : {2, 3, 2}) {
    node(victim).kill();  // with requests under way
    ASSERT_TRUE(send_until_more_are_there()) << "without node " << victim;
    node(victim).start();
    ASSERT_TRUE(send_until_more_are_there()) << "with node " << victim << " again";
  }
  producer.flush();
  EXPECT_EQ(producer.errors(), std::vector<std::string>{});
  ASSERT_EQ(producer.delivered().size(), static_cast<size_t>(sent));

  for (int32_t partition : {0, 1, 2}) {
    Consumer consumer(addresses());
    consumer.assign("stream", {partition}, RD_KAFKA_OFFSET_BEGINNING);
    std::vector<std::string> wanted;
    for (int i = partition; i < sent; i += 3) wanted.push_back(std::to_string(i));
    EXPECT_EQ(values_of(consumer.read(wanted.size())), wanted) << partition;
    EXPECT_FALSE(consumer.read_one(200).has_value()) << partition;
  }
}

TEST_F(Cluster, AGroupGoesOnWhenItsCoordinatorIsKilled) {
  {
    Producer producer(addresses());
    for (int i = 0; i < 30; i++) {
      Record record;
      record.topic = "g";
      record.partition = i % 3;
      record.value = std::to_string(i);
      producer.send(record);
    }
    producer.flush();
    ASSERT_EQ(producer.delivered().size(), 30u);
  }
  Consumer consumer(addresses(), {{"group.id", "g"}, {"auto.offset.reset", "earliest"},
                                  {"enable.auto.commit", "false"}});
  consumer.subscribe({"g"});
  EXPECT_EQ(consumer.read(30).size(), 30u);
  consumer.commit();
  // Whichever was the coordinator, another broker has its state.
  node(2).kill();
  for (int32_t partition : {0, 1, 2}) EXPECT_EQ(consumer.committed("g", partition), 10) << partition;
}

TEST(ControllerAlone, SaysNothingOfBrokersThatItReachesNot) {
  BrokerProcess controller(1, {"node.id=9", "process.roles=controller", "listeners=CONTROLLER://localhost:{port}",
                               "controller.listener.names=CONTROLLER", "controller.quorum.voters=9@localhost:{port}"});
  EXPECT_EQ(controller.stop(), 0);
  EXPECT_THAT(controller.output(), testing::Not(testing::HasSubstr("cannot be reached")));
}

}  // namespace
}  // namespace milena::e2e
