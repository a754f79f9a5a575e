// A replica that is removed and added again while work is under way for the one before: the end of that work is not
// about the new one.
#include "base/forwarding_file_system.h"
#include "broker/node_fixture.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/log_syncs.h"

namespace milena::broker::broker_test {
namespace {

// Calls back when a file with such a name is opened, and fails then.
class WatchedFiles final : public ForwardingFileSystem {
 public:
  void fail_at_open(std::string suffix, Task task) {
    suffix_ = std::move(suffix);
    task_ = std::move(task);
  }
  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (task_ && path.ends_with(suffix_)) {
      std::exchange(task_, nullptr)();
      return make_error(ErrorKind::kIo, "{}: made to fail", path);
    }
    return ForwardingFileSystem::open(path, mode);
  }

 private:
  std::string suffix_;
  Task task_;
};

class ReplacedReplicaTest : public NodeFixture {
 protected:
  ReplacedReplicaTest() { node().use_files(files_); }
  WatchedFiles& files() { return files_; }
  ReplicaManager& replicas() { return node().node().shard(0).replicas(); }
  Partition& replica() { return node().partition("t", 0); }
  void replace() {
    const TopicPartitionId id{topic_id("t"), 0};
    const ReplicaRef before = replica().ref();
    replicas().remove_topic({.name = "t", .id = id.topic_id, .partition_count = 1});
    replicas().apply_partition(id, true);
    ASSERT_NE(replica().ref(), before);
  }
  void put(const std::string& key, const std::string& value) {
    RecordBatchBuilder builder;
    builder.append(key, value, node().clock().wall_ms());
    ASSERT_EQ(produce_batch("t", 0, builder.build()).error_code, ErrorCode::kNone);
  }

 private:
  WatchedFiles files_;
};
INSTANTIATE_TEST_SUITE_P(OneShard, ReplacedReplicaTest, testing::Values(1), testing::PrintToStringParamName());

TEST_P(ReplacedReplicaTest, AFailedSyncIsThatOfTheOneBefore) {
  create_topic("t");
  produce("t", 0, {"a"});
  // The first sync of a log is one of its directory, too, which is gone when it begins.
  replicas().log_syncs().sync_in_background(replica(), replica().log()->prepare_sync());
  ASSERT_NO_FATAL_FAILURE(replace());
  node().advance(1);
  EXPECT_FALSE(replica().offline());
  EXPECT_EQ(produce("t", 0, {"b"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(values_from("t", 0, 0), std::vector<std::string>{"b"});
}

TEST_P(ReplacedReplicaTest, ASyncOfTheOneBeforeEndsNoSyncOfTheNew) {
  create_topic("t");
  produce("t", 0, {"a"});
  ASSERT_TRUE(replica().log()->flush().ok());
  produce("t", 0, {"b"});
  replicas().log_syncs().sync_in_background(replica(), replica().log()->prepare_sync());
  ASSERT_NO_FATAL_FAILURE(replace());
  replica().set_sync_running(true);  // by a move, say
  node().advance(1);
  EXPECT_TRUE(replica().sync_running());
  replica().set_sync_running(false);
}

TEST_P(ReplacedReplicaTest, AFailedCompactionIsThatOfTheOneBefore) {
  create_topic("t", 1, {{"cleanup.policy", "compact"}, {"segment.bytes", "1048576"}});
  const std::string large(100'000, 'x');
  for (int i = 0; i < 30; i++) ASSERT_NO_FATAL_FAILURE(put("k", large));
  bool replaced = false;
  files().fail_at_open(".cleaned", [&] {
    ASSERT_NO_FATAL_FAILURE(replace());
    replaced = replica().log() != nullptr;
  });
  node().advance(15'000);
  ASSERT_TRUE(replaced);
  EXPECT_FALSE(replica().offline());
  ASSERT_NO_FATAL_FAILURE(put("k", "new"));
}

}  // namespace
}  // namespace milena::broker::broker_test
