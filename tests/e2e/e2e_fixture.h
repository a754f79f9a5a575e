// The fixture of the end-to-end tests: a broker for each test, with one shard and with four.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "e2e/broker_process.h"
#include "e2e/kafka_admin.h"
#include "e2e/kafka_client.h"

namespace milena::e2e {

class EndToEnd : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    broker_ =
        std::make_unique<BrokerProcess>(GetParam(), std::vector<std::string>{"group.min.session.timeout.ms=1000"});
    if (HasFatalFailure()) GTEST_SKIP() << "the broker did not start";
  }
  BrokerProcess& broker() { return *broker_; }
  std::string address() const { return broker_->address(); }

  // "prefix0", "prefix1", ... into one partition, all acknowledged.
  void fill(const std::string& topic, int32_t partition, int count, const std::string& prefix = "") {
    Producer producer(address());
    for (int i = 0; i < count; i++) {
      Record record;
      record.topic = topic;
      record.partition = partition;
      record.value = prefix + std::to_string(i);
      producer.send(record);
    }
    producer.flush();
    ASSERT_EQ(producer.errors(), std::vector<std::string>{});
    ASSERT_EQ(producer.delivered().size(), static_cast<size_t>(count));
  }
  static std::vector<std::string> values_of(const std::vector<Record>& records) {
    std::vector<std::string> values;
    for (const Record& record : records) values.push_back(record.value.value_or("(null)"));
    return values;
  }
  static std::vector<std::string> numbered(int from, int to, const std::string& prefix = "") {
    std::vector<std::string> values;
    for (int i = from; i < to; i++) values.push_back(prefix + std::to_string(i));
    return values;
  }

 private:
  std::unique_ptr<BrokerProcess> broker_;
};

}  // namespace milena::e2e

#define END_TO_END_TESTS(Fixture)                            \
  class Fixture : public milena::e2e::EndToEnd {};           \
  INSTANTIATE_TEST_SUITE_P(Shards, Fixture, testing::Values(1, 4), testing::PrintToStringParamName())
