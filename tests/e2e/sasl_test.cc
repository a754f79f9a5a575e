// A listener with SASL, and clients on librdkafka that have the password and that do not.
#include <librdkafka/rdkafka.h>

#include "e2e/e2e_fixture.h"

namespace milena::e2e {
namespace {

const std::vector<std::string> kSaslSettings = {
    "listener.security.protocol.map=PLAINTEXT:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms=PLAIN",
    "listener.name.plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
    "user_alice=\"wonder-land\";",
};

Config with_password(const std::string& password) {
  return {{"security.protocol", "SASL_PLAINTEXT"},
          {"sasl.mechanism", "PLAIN"},
          {"sasl.username", "alice"},
          {"sasl.password", password},
          {"message.timeout.ms", "3000"}};
}

void send_one(Producer& producer) {
  Record record;
  record.topic = "t";
  record.value = "v";
  producer.send(record);
  producer.flush();
}

TEST(Sasl, WhoHasThePasswordIsServed) {
  BrokerProcess broker(1, kSaslSettings);
  Producer producer(broker.address(), with_password("wonder-land"));
  send_one(producer);
  EXPECT_EQ(producer.errors(), std::vector<std::string>{});
  Config config = with_password("wonder-land");
  config.erase("message.timeout.ms");
  Consumer consumer(broker.address(), config);
  consumer.assign("t", {0}, RD_KAFKA_OFFSET_BEGINNING);
  EXPECT_EQ(consumer.read(1).size(), 1u);
}

TEST(Sasl, WhoHasNotIsNot) {
  BrokerProcess broker(1, kSaslSettings);
  Producer wrong(broker.address(), with_password("wonder"));
  send_one(wrong);
  EXPECT_TRUE(wrong.delivered().empty());
  Producer none(broker.address(), {{"message.timeout.ms", "1000"}});
  send_one(none);
  EXPECT_TRUE(none.delivered().empty());
  EXPECT_EQ(broker.stop(), 0);
  const std::string output = broker.output();
  EXPECT_THAT(output, testing::HasSubstr("authentication failed: Authentication failed: Invalid username or password"));
  EXPECT_THAT(output, testing::HasSubstr("before the client authenticated"));
  EXPECT_THAT(output, testing::Not(testing::HasSubstr("wonder")));
}

}  // namespace
}  // namespace milena::e2e
