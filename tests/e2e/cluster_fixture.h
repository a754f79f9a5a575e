// ClusterFixture: three real processes as one cluster, node 1 with the controller.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "e2e/e2e_fixture.h"

namespace milena::e2e {

class ClusterFixture : public testing::Test {
 protected:
  void SetUp() override {
    const std::string controller = std::to_string(free_port());
    for (int id = 1; id <= 3; id++) {
      std::vector<std::string> overrides = {
          "node.id=" + std::to_string(id),
          id == 1 ? "process.roles=broker,controller" : "process.roles=broker",
          id == 1 ? "listeners=PLAINTEXT://localhost:{port},CONTROLLER://localhost:" + controller
                  : "listeners=PLAINTEXT://localhost:{port}",
          "controller.listener.names=CONTROLLER",
          "controller.quorum.voters=1@localhost:" + controller,
          "default.replication.factor=3",
          "num.partitions=3",
          "min.insync.replicas=2",
          "offsets.topic.num.partitions=3",
          "transaction.state.log.num.partitions=3",
      };
      nodes_.push_back(std::make_unique<BrokerProcess>(id == 2 ? 2 : 1, std::move(overrides)));
      ASSERT_FALSE(HasFatalFailure()) << "node " << id << " did not start";
    }
  }
  // The controller last: the others can say goodbye to it.
  void TearDown() override {
    while (!nodes_.empty()) nodes_.pop_back();
  }
  BrokerProcess& node(int id) { return *nodes_[static_cast<size_t>(id - 1)]; }
  static std::vector<std::string> values_of(const std::vector<Record>& records) {
    std::vector<std::string> values;
    for (const Record& record : records) values.push_back(record.value.value_or("(null)"));
    return values;
  }
  std::string addresses() const {
    std::string all;
    for (const auto& one : nodes_) all += (all.empty() ? "" : ",") + one->address();
    return all;
  }
  // By the current metadata; -1 without a leader.
  static int32_t leader_of(rd_kafka_t* client, const std::string& topic, int32_t partition) {
    const struct rd_kafka_metadata* metadata = nullptr;
    if (rd_kafka_metadata(client, 1, nullptr, &metadata, 10'000) != RD_KAFKA_RESP_ERR_NO_ERROR) return -1;
    int32_t leader = -1;
    for (int t = 0; t < metadata->topic_cnt; t++) {
      if (metadata->topics[t].topic != topic) continue;
      for (int p = 0; p < metadata->topics[t].partition_cnt; p++) {
        if (metadata->topics[t].partitions[p].id == partition) leader = metadata->topics[t].partitions[p].leader;
      }
    }
    rd_kafka_metadata_destroy(metadata);
    return leader;
  }

 private:
  std::vector<std::unique_ptr<BrokerProcess>> nodes_;
};

}  // namespace milena::e2e
