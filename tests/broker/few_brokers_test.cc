// More replicas of internal topics are asked for than there are brokers.
#include "base/log.h"
#include "broker/node_fixture.h"
#include "protocol/messages/find_coordinator.h"

namespace milena::broker::broker_test {
namespace {

using testing::HasSubstr;

class FewBrokersTest : public NodeFixture {
 protected:
  void SetUp() override {}

  // The log of the start.
  std::string start_with(const std::string& strict) {
    node().set("offsets.topic.replication.factor", "3");
    node().set("milena.strict.kafka", strict);
    const LogLevel before = log_level();
    set_log_level(LogLevel::kWarn);
    testing::internal::CaptureStdout();
    start();
    set_log_level(before);
    return testing::internal::GetCapturedStdout();
  }
  FindCoordinatorResponse find_coordinator() {
    FindCoordinatorRequest request;
    request.key = "readers";
    return client().ask<FindCoordinatorResponse>(request, 3);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, FewBrokersTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(FewBrokersTest, ANodeThatNobodyCanJoinMakesAsManyAsThereAre) {
  EXPECT_THAT(start_with("false"), HasSubstr("offsets.topic.replication.factor=3 has no effect here"));
  EXPECT_EQ(find_coordinator().error_code, ErrorCode::kNone);
}

// As Kafka does, but that the start and the answer say it.
TEST_P(FewBrokersTest, KafkasWayIsToWaitForMoreBrokers) {
  EXPECT_THAT(start_with("true"), HasSubstr("there are 1 brokers: consumer groups cannot be used before"));
  const FindCoordinatorResponse answer = find_coordinator();
  EXPECT_EQ(answer.error_code, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_THAT(std::string(answer.error_message.value_or("")),
              HasSubstr("It needs 3 brokers (offsets.topic.replication.factor), and there are 1."));
}

}  // namespace
}  // namespace milena::broker::broker_test
