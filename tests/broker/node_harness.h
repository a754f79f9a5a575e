// NodeHarness: a Node on its own directory, over ManualExecutors and a clock that the test moves. Everything runs in
// the test's thread. Can be stopped cleanly, or killed, and started again on the same directory.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/manual_executor.h"
#include "broker/node.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/test_client.h"
#include "config/settings.h"

namespace milena::broker::broker_test {

class NodeHarness {
 public:
  // Several nodes of a cluster share a clock.
  explicit NodeHarness(int shards, ManualClock* clock = nullptr)
      : shard_count_(shards), clock_(clock != nullptr ? *clock : own_clock_) {
    set_log_level(LogLevel::kOff);
    std::string pattern = (std::filesystem::temp_directory_path() / "milena-broker-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr, "cannot make {}", pattern);
    directory_ = pattern;
    set("log.dirs", directory_ + "/data");
    set("offsets.topic.num.partitions", "5");
    set("milena.group.join.silence.ms", "0");  // the clock does not move by itself
  }
  ~NodeHarness() {
    if (running()) kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  // For the next start.
  void set(ByteView name, ByteView value) {
    Status done = settings_.set(name, value);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

  // For the next start, instead of the real ones; must outlive the node.
  void use_files(FileSystem& files) { files_ = &files; }

  // For the next start: connections to other nodes.
  void use_surroundings(NodeSurroundings surroundings) { surroundings_ = std::move(surroundings); }

  void start() {
    ASSERT_FALSE(running());
    Status started = try_start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    run();
  }
  Status try_start() {
    executors_.clear();
    std::vector<Executor*> pointers;
    for (int i = 0; i < shard_count_; i++) {
      executors_.push_back(std::make_unique<ManualExecutor>(clock_, ++last_seed_));
      pointers.push_back(executors_.back().get());
    }
    auto node = Node::start(settings_, std::move(pointers), *files_, surroundings_);
    if (!node) return node.error();
    node_ = node.take();
    return ok_status();
  }

  // Like SIGTERM.
  void stop() {
    clients_.clear();
    run();
    for (size_t i = 0; i < node_->shard_count(); i++) node_->close_shard(i);
    run();
    node_->finish_stop();
    node_.reset();
    executors_.clear();
  }
  // Like kill -9: unwritten data is lost.
  void kill() {
    clients_.clear();
    node_.reset();
    executors_.clear();
  }
  void restart() {
    stop();
    start();
  }
  void kill_and_start() {
    kill();
    start();
  }

  bool running() const { return node_ != nullptr; }
  Node& node() { return *node_; }
  int shard_count() const { return shard_count_; }
  const std::string& directory() const { return directory_; }
  ManualClock& clock() { return clock_; }

  // Runs until no shard has anything left to do at this time.
  void run() {
    int turns = 0;
    for (bool ran = true; ran; turns++) {
      if (turns == kMaxTurns) FAIL() << "the node does not come to rest";
      ran = false;
      for (auto& executor : executors_) ran = executor->run_turn() || ran;
    }
  }
  // Nodes of one cluster must not draw the same random numbers.
  void set_seed(uint64_t seed) { last_seed_ = seed; }
  // One turn of each shard; false if there was nothing to do.
  bool run_one_turn() {
    bool ran = false;
    for (auto& executor : executors_) ran = executor->run_turn() || ran;
    return ran;
  }
  Executor& executor(size_t shard) { return *executors_[shard]; }
  // Runs only so many turns of each shard: for a stop in the middle of an operation.
  void run_turns(int count) {
    for (int i = 0; i < count; i++) {
      for (auto& executor : executors_) executor->run_turn();
    }
  }
  void advance(int64_t ms) {
    clock_.advance(ms);
    run();
  }

  // The number of computations beside the loops since the start.
  int computations() const {
    int all = 0;
    for (const auto& executor : executors_) all += executor->computations();
    return all;
  }

  // A new connection, on the given shard; lives until disconnect, stop or kill.
  TestClient& connect(int shard = 0, std::string listener = "PLAINTEXT",
                      security::SecurityProtocol protocol = security::SecurityProtocol::kPlaintext,
                      std::string peer_host = "127.0.0.1") {
    shard %= shard_count_;
    ConnectionInfo info;
    info.id = ++last_connection_;
    info.peer_host = std::move(peer_host);
    info.peer_port = 50'000;
    info.local_host = "127.0.0.1";
    info.local_port = 9092;
    info.listener_name = std::move(listener);
    info.security_protocol = protocol;
    Executor& executor = *executors_[static_cast<size_t>(shard)];
    clients_.push_back(std::make_unique<TestClient>(*node_, shard, executor, [this] { run(); }, std::move(info)));
    return *clients_.back();
  }

  // Null if there is no such topic.
  const metadata::TopicImage* topic(ByteView name) { return node_->shard(0).image().find_topic(name); }
  // The partition on its shard; it must exist.
  Partition& partition(ByteView topic_name, int32_t index) {
    const metadata::TopicImage* image = topic(topic_name);
    CHECK(image != nullptr, "no topic {}", topic_name);
    for (size_t i = 0; i < node_->shard_count(); i++) {
      if (Partition* found = node_->shard(i).replicas().find_partition({image->id, index})) return *found;
    }
    CHECK(false, "no partition {}-{}", topic_name, index);
  }

 private:
  static constexpr int kMaxTurns = 200'000;

  int shard_count_;
  FileSystem* files_ = &posix_file_system();
  std::string directory_;
  config::Settings settings_;
  ManualClock own_clock_;
  ManualClock& clock_;
  NodeSurroundings surroundings_;
  std::vector<std::unique_ptr<ManualExecutor>> executors_;
  std::unique_ptr<Node> node_;
  std::vector<std::unique_ptr<TestClient>> clients_;
  uint64_t last_connection_ = 0;
  uint64_t last_seed_ = 0;  // each start gets different random numbers
};

}  // namespace milena::broker::broker_test
