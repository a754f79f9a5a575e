// A node takes time and random numbers from its executors only: the same requests from the same seed leave the same
// files. The node simulator depends on it.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "broker/node_fixture.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/get_telemetry_subscriptions.h"
#include "protocol/messages/join_group.h"

namespace milena::broker::broker_test {
namespace {

// All files under the node's directory, by path, and the responses to clients.
struct Outcome {
  std::map<std::string, std::string> files;
  std::vector<std::string> answers;
};

std::map<std::string, std::string> files_under(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files[std::filesystem::relative(entry.path(), directory)] = {std::istreambuf_iterator<char>(file), {}};
  }
  return files;
}

class RepeatableTest : public NodeFixture {
 protected:
  // Runs the code that uses random numbers and the time: topic ids, fetch sessions, member ids, renamed directories,
  // instances.
  Outcome run_node() {
    NodeHarness node(GetParam());
    node.set("log.dirs", node.directory() + "/a," + node.directory() + "/b");
    node.start();
    TestClient& client = node.connect();
    Outcome outcome;
    create(client, "kept");
    create(client, "deleted");

    FetchRequest fetch;
    fetch.session_epoch = 0;
    FetchRequest::FetchTopic topic;
    topic.topic = "kept";
    topic.partitions.emplace_back();
    topic.partitions.back().partition_max_bytes = 1000;
    fetch.topics.push_back(topic);
    outcome.answers.push_back(std::to_string(client.ask<FetchResponse>(fetch, 12).session_id));

    FindCoordinatorRequest coordinator;  // creates __consumer_offsets
    coordinator.key = "g";
    client.ask<FindCoordinatorResponse>(coordinator, 3);
    JoinGroupRequest join;
    join.group_id = "g";
    join.protocol_type = "consumer";
    join.session_timeout_ms = join.rebalance_timeout_ms = 10'000;
    join.protocols.emplace_back().name = "range";
    outcome.answers.push_back(Bytes(client.ask<JoinGroupResponse>(join, 5).member_id));
    outcome.answers.push_back(client.ask<GetTelemetrySubscriptionsResponse>(GetTelemetrySubscriptionsRequest{}, 0)
                                  .client_instance_id.to_string());

    DeleteTopicsRequest deletion;
    deletion.topic_names.emplace_back("deleted");
    client.ask<DeleteTopicsResponse>(deletion, 5);
    node.advance(10'000);
    node.kill_and_start();
    node.stop();
    outcome.files = files_under(node.directory());
    return outcome;
  }

  static void create(TestClient& client, ByteView name) {
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 4;
    topic.replication_factor = 1;
    auto response = client.ask<CreateTopicsResponse>(request, 7);
    EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::kNone);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, RepeatableTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(RepeatableTest, TheSameSeedLeavesTheSameFiles) {
  Outcome first = run_node();
  Outcome second = run_node();
  EXPECT_THAT(first.answers, testing::Each(testing::Not(testing::AnyOf("", "0"))));
  EXPECT_EQ(first.answers, second.answers);
  ASSERT_GT(first.files.size(), 10u);
  for (const auto& [path, bytes] : first.files) {
    ASSERT_TRUE(second.files.contains(path)) << path;
    EXPECT_TRUE(second.files[path] == bytes) << path;
  }
  EXPECT_EQ(first.files.size(), second.files.size());
}

}  // namespace
}  // namespace milena::broker::broker_test
