// Compaction in a node: automatic, while the partition is used, and remembered over a restart.
#include <fstream>

#include "broker/node_fixture.h"

namespace milena::broker::broker_test {
namespace {

class NodeCompactionTest : public NodeFixture {
 protected:
  void put(ByteView topic, const std::string& key, const std::string& value) {
    RecordBatchBuilder builder;
    builder.append(key, value, node().clock().wall_ms());
    ASSERT_EQ(produce_batch(topic, 0, builder.build()).error_code, ErrorCode::kNone);
  }
  std::string checkpoint() {
    std::ifstream in(node().directory() + "/data/cleaner-offset-checkpoint");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, NodeCompactionTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(NodeCompactionTest, ACompactedTopicStaysSmall) {
  create_topic("t", 1, {{"cleanup.policy", "compact"}, {"segment.bytes", "1048576"}});
  std::string large(100'000, 'x');
  for (int i = 0; i < 60; i++) put("t", "k" + std::to_string(i % 3), large + std::to_string(i));
  EXPECT_GT(node().partition("t", 0).log()->size().value(), 6'000'000u);
  node().advance(15'000);
  node().advance(60'000);
  EXPECT_LT(node().partition("t", 0).log()->size().value(), 2'000'000u);
  // The newest record of each key is there, and the removed offsets are empty.
  FetchOut out = fetch("t", 0, 0);
  EXPECT_EQ(out.error_code, ErrorCode::kNone);
  EXPECT_GT(records_of(out.records).offsets.front(), 0);
  node().advance(10'000);
  EXPECT_NE(checkpoint().find("t 0 "), std::string::npos) << checkpoint();
  int64_t clean = node().partition("t", 0).log()->first_dirty_offset();
  EXPECT_GT(clean, 40);
  for (bool stop : {true, false}) {
    if (stop) restart();
    else kill_and_start();
    EXPECT_EQ(node().partition("t", 0).log()->first_dirty_offset(), clean);
    EXPECT_EQ(list_offset("t", 0, -1).offset, 60);
  }
}

TEST_P(NodeCompactionTest, ATopicMayBecomeCompactedAndBeDeletedMeanwhile) {
  create_topic("t", 1, {{"cleanup.policy", "compact"}, {"segment.bytes", "1048576"}});
  std::string large(100'000, 'x');
  for (int i = 0; i < 30; i++) put("t", "k", large);
  node().partition("t", 0).take_offline(make_error(ErrorKind::kCorrupt, "gone"));
  node().advance(15'000);
  node().advance(15'000);
  SUCCEED();
}

}  // namespace
}  // namespace milena::broker::broker_test
