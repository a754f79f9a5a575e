// Transactions over partitions that three brokers lead, with consumed offsets, while the coordinator and the leaders of
// the partitions are killed: committed transactions are visible completely and once, aborted ones never.
#include "coordinator/group/java_string.h"
#include "e2e/cluster_fixture.h"

namespace milena::e2e {
namespace {

constexpr int kPatience_ms = 60'000;
constexpr int32_t kPartitions = 3;

// Copies numbers from "in" to "out", the same partition each, in transactions that also commit the read offsets.
class Copier {
 public:
  Copier(const std::string& addresses, const std::string& transactional_id)
      : producer_(addresses, {{"transactional.id", transactional_id}, {"transaction.timeout.ms", "30000"}}) {
    done(rd_kafka_init_transactions(producer_.handle(), kPatience_ms), "init");
  }

  // One transaction over all partitions, written before `between` and ended after it.
  void copy(int64_t count, bool commits, const std::function<void()>& between = [] {}) {
    for (;;) {
      if (try_copy(count, commits, between)) return;
      if (testing::Test::HasFailure()) return;
    }
  }
  int64_t copied() const { return next_; }
  rd_kafka_t* handle() { return producer_.handle(); }

 private:
  // False: the client required an abort, which was done.
  bool try_copy(int64_t count, bool commits, const std::function<void()>& between) {
    done(rd_kafka_begin_transaction(handle()), "begin");
    for (int32_t p = 0; p < kPartitions; p++) {
      for (int64_t i = next_; i < next_ + count; i++) {
        Record record;
        record.topic = "out";
        record.partition = p;
        record.value = std::to_string(i) + (commits ? "" : " aborted");
        producer_.send(record);
      }
    }
    producer_.flush();
    between();
    rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(kPartitions);
    for (int32_t p = 0; p < kPartitions; p++) {
      rd_kafka_topic_partition_list_add(offsets, "in", p)->offset = next_ + count;
    }
    rd_kafka_consumer_group_metadata_t* group = rd_kafka_consumer_group_metadata_new("copier");
    bool good = done(rd_kafka_send_offsets_to_transaction(handle(), offsets, group, kPatience_ms), "offsets");
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (good && commits) good = done(rd_kafka_commit_transaction(handle(), kPatience_ms), "commit");
    if (good && commits) next_ += count;
    if (good && commits) return true;
    done(rd_kafka_abort_transaction(handle(), kPatience_ms), "abort");
    return good;
  }
  // False if it failed in a way that requires an abort.
  bool done(rd_kafka_error_t* error, const char* what) {
    if (error == nullptr) return true;
    const bool mendable = rd_kafka_error_txn_requires_abort(error) != 0;
    if (!mendable) ADD_FAILURE() << what << ": " << rd_kafka_error_string(error);
    rd_kafka_error_destroy(error);
    return false;
  }

  Producer producer_;
  int64_t next_ = 0;
};

class ClusterTransactions : public ClusterFixture {
 protected:
  // The topic whose offsets are committed.
  void make_source() {
    Producer producer(addresses());
    for (int32_t p = 0; p < kPartitions; p++) {
      Record record;
      record.topic = "in";
      record.partition = p;
      record.value = "x";
      producer.send(record);
    }
    producer.flush();
    ASSERT_EQ(producer.errors(), std::vector<std::string>{});
  }
  // A transactional id whose coordinator is not on the node with the controller.
  std::string id_coordinated_elsewhere() {
    Copier any(addresses(), "any");
    for (int i = 0;; i++) {
      std::string id = "t" + std::to_string(i);
      if (coordinator_of(any.handle(), id) > 1) return id;
    }
  }
  static int32_t coordinator_of(rd_kafka_t* client, const std::string& id) {
    return leader_of(client, "__transaction_state", coordinator::coordinator_partition(id, 3));
  }
  void expect_whole(Copier& copier) {
    for (int32_t p = 0; p < kPartitions; p++) {
      Consumer reader(addresses(), {{"isolation.level", "read_committed"}});
      reader.assign("out", {p}, RD_KAFKA_OFFSET_BEGINNING);
      std::vector<std::string> wanted;
      for (int64_t i = 0; i < copier.copied(); i++) wanted.push_back(std::to_string(i));
      EXPECT_EQ(values_of(reader.read(wanted.size())), wanted) << p;
      EXPECT_FALSE(reader.read_one(100).has_value()) << p;
      EXPECT_EQ(Consumer(addresses(), {{"group.id", "copier"}}).committed("in", p), copier.copied()) << p;
    }
  }
};

TEST_F(ClusterTransactions, AreWholeWhenTheCoordinatorOrALeaderIsKilled) {
  make_source();
  const std::string id = id_coordinated_elsewhere();
  Copier copier(addresses(), id);
  copier.copy(20, true);
  copier.copy(20, false);
  for (const bool commits : {true, false}) {
    const int32_t coordinator = coordinator_of(copier.handle(), id);
    if (coordinator > 1) {
      copier.copy(20, commits, [&] { node(coordinator).kill(); });
      copier.copy(20, true);
      node(coordinator).start();
    }
    for (int32_t p = 0; p < kPartitions; p++) {
      const int32_t leader = leader_of(copier.handle(), "out", p);
      if (leader <= 1) continue;
      copier.copy(20, commits, [&] { node(leader).kill(); });
      copier.copy(20, true);
      node(leader).start();
      break;
    }
  }
  copier.copy(20, true);
  expect_whole(copier);
}

}  // namespace
}  // namespace milena::e2e
