// A node with three directories, and moves between them that wait for the clock.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "broker/node_fixture.h"
#include "broker/storage/replica_mover.h"
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/incremental_alter_configs.h"

namespace milena::broker::broker_test {

class MovesTest : public NodeFixture {
 protected:
  void SetUp() override {
    node().set("log.dirs", dir(0) + "," + dir(1) + "," + dir(2));
    // The bytes of a turn take a second: a move waits for the clock.
    node().set("replica.alter.log.dirs.io.max.bytes.per.second", "1000000");
    start();
  }
  std::string dir(int i) { return node().directory() + "/disk" + std::to_string(i); }
  std::string other_than(const std::string& path) { return path == dir(1) ? dir(2) : dir(1); }
  std::string place_of(const std::string& topic) { return node().partition(topic, 0).directory()->path(); }

  static AlterReplicaLogDirsRequest move_request(const std::string& topic, const std::string& to) {
    AlterReplicaLogDirsRequest request;
    auto& into = request.dirs.emplace_back();
    into.path = to;
    auto& moved = into.topics.emplace_back();
    moved.name = topic;
    moved.partitions = {0};
    return request;
  }
  void move(const std::string& topic, const std::string& to) {
    auto response = client().ask<AlterReplicaLogDirsResponse>(move_request(topic, to), 2);
    ASSERT_EQ(response.results.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  }
  void put(const std::string& topic, const std::string& key, const std::string& value) {
    RecordBatchBuilder builder(BatchOptions{});
    builder.append(key, value, node().clock().wall_ms());
    ASSERT_EQ(produce_batch(topic, 0, builder.build()).error_code, ErrorCode::kNone);
  }
  // Starts a move that takes some seconds. The metadata does not have the new directory yet.
  void begin_slow_move(const std::string& topic, const std::map<std::string, std::string>& configs = {}) {
    create_topic(topic, 1, configs);
    if (place_of(topic) == dir(0)) {
      move(topic, dir(1));
      ASSERT_EQ(place_of(topic), dir(1));
    }
    for (int i = 0; i < 6; i++) put(topic, "k" + std::to_string(i), std::string(700'000, 'x'));
    from_ = place_of(topic);
    to_ = other_than(from_);
    move(topic, to_);
    ASSERT_EQ(place_of(topic), from_);
    ASSERT_EQ(count_in(to_, "-future"), 1);
  }
  void finish_move(const std::string& topic) {
    for (int i = 0; i < 20 && place_of(topic) != to_; i++) node().advance(1000);
    EXPECT_EQ(place_of(topic), to_);
  }
  ErrorCode delete_records(const std::string& name, int64_t before) {
    DeleteRecordsRequest request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.partitions.push_back({0, before});
    return client().ask<DeleteRecordsResponse>(request, 2).topics.at(0).partitions.at(0).error_code;
  }
  void delete_topic(const std::string& name) {
    DeleteTopicsRequest request;
    request.topic_names = {name};
    request.timeout_ms = 1000;
    ASSERT_EQ(client().ask<DeleteTopicsResponse>(request, 5).responses.at(0).error_code, ErrorCode::kNone);
  }
  void alter(const std::string& topic, const std::string& key, const std::string& value,
             metadata::ResourceType type = metadata::ResourceType::kTopic) {
    IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<int8_t>(type);
    resource.resource_name = topic;
    auto& config = resource.configs.emplace_back();
    config.name = key;
    config.value = value;
    auto response = client().ask<IncrementalAlterConfigsResponse>(request, 1);
    ASSERT_EQ(response.responses.at(0).error_code, ErrorCode::kNone);
  }
  void alter_rate(const std::string& bytes) {
    alter("1", "replica.alter.log.dirs.io.max.bytes.per.second", bytes, metadata::ResourceType::kBroker);
    node().run();
  }
  static int count_in(const std::string& path, const std::string& suffix) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      count += entry.path().filename().string().ends_with(suffix) ? 1 : 0;
    }
    return count;
  }
  void stop() {
    client_gone();
    node().stop();
  }
  void kill() {
    client_gone();
    node().kill();
  }
  // The topic is deleted and created again while a directory is away. The node is stopped before this, and runs after.
  void make_anew_without(const std::string& topic, const std::string& directory) {
    start_without(directory);
    delete_topic(topic);
    create_topic(topic);
  }
  // The same with one record. The node is stopped before and after this.
  void make_anew_while_away(const std::string& topic, const std::string& directory) {
    make_anew_without(topic, directory);
    produce(topic, 0, {"new"});
    stop();
    bring_back(directory);
  }
  void start_without(const std::string& directory) {
    std::filesystem::rename(directory, directory + "-away");
    std::ofstream(directory) << "a file where the directory was";
    start();
  }
  static void bring_back(const std::string& directory) {
    std::filesystem::remove(directory);
    std::filesystem::rename(directory + "-away", directory);
  }

  std::string from_, to_;
};

}  // namespace milena::broker::broker_test
