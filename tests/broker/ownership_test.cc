// A shard's state is used only in its own turns (Executor::is_current).
#include <gtest/gtest.h>

#include "broker/node_harness.h"
#include "broker/replica/replica_manager.h"

namespace milena::broker::broker_test {
namespace {

TEST(OwnershipDeathTest, APartitionIsLookedUpByItsShardAlone) {
  NodeHarness node(2);
  ASSERT_NO_FATAL_FAILURE(node.start());
  bool own_looked_up = false;
  node.executor(1).post([&] {
    node.node().shard(1).replicas().find_replica({});
    own_looked_up = true;
  });
  node.run();
  EXPECT_TRUE(own_looked_up);

  node.executor(0).post([&] { node.node().shard(1).replicas().find_replica({}); });
  EXPECT_DEATH(node.run_one_turn(), "a thread that does not own it");
  node.kill();
}

}  // namespace
}  // namespace milena::broker::broker_test
