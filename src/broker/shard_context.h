// ShardContext: the objects that a shard gives to its parts, so that they do not depend on Shard: its executor and
// number, the node's shared objects, the current settings, its copy of the metadata, and its figures.
//
// Belongs to the shard's thread, like everything on the shard.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "broker/node_context.h"
#include "broker/operations/traffic_figures.h"
#include "config/settings.h"
#include "config/topic_config.h"
#include "metadata/image.h"

namespace milena::broker {

class ShardContext {
 public:
  ShardContext(Shard& shard, NodeContext& node, size_t index, Executor& executor);
  ShardContext(const ShardContext&) = delete;
  ShardContext& operator=(const ShardContext&) = delete;

  // For the router and the channels to other nodes, which need the shard of an answer.
  Shard& shard() const { return shard_; }
  size_t index() const { return index_; }
  uint64_t next_waiter_number() { return ++last_waiter_number_; }
  const NodeContext& node() const { return node_; }
  // The current settings, with those altered at run time (AlterConfigs of a broker). Each change makes a new object, so
  // keep no reference over a turn.
  const config::Settings& settings() const { return *settings_; }
  // Called by the controller's shard.
  void set_kraft_version(int16_t level) { node_.kraft_version = level; }
  const Router& router() const { return node_.router; }
  MetadataRuntime& metadata() const { return *node_.metadata; }
  ControllerChannel& controller() const { return *node_.controller; }
  Executor& executor() const { return executor_; }
  int64_t now_ms() const { return executor_.clock().wall_ms(); }
  int64_t steady_ms() const { return executor_.clock().steady_ms(); }

  const metadata::MetadataImage& image() const { return image_; }
  // The offset of the last record applied.
  int64_t metadata_offset() const { return metadata_offset_; }
  // The offset at which the finalized features last changed.
  int64_t features_offset() const { return features_offset_; }
  // Its counters, for the metrics.
  ShardFigures& figures() { return figures_; }
  // Whether transactions of old clients are verified, too (transaction.partition.verification.enable).
  bool strict_kafka() const { return settings().get_bool("milena.strict.kafka"); }
  bool verifies_transactions() const { return settings().get_bool("transaction.partition.verification.enable"); }
  // The broker's settings that are defaults of topic configs.
  config::BrokerSettings broker_settings() const;

  // Whether new work is refused.
  bool closed() const { return closed_; }
  // Whether the caller may touch the shard's objects. While the node loads, the loading threads may.
  bool is_current() const { return executor_.is_current() || is_loading(); }

  // Returns true once for each text, for log lines that a retrying client would repeat forever. The set is bounded;
  // beyond the bound it always returns true.
  bool first_time(const std::string& text) { return said_.size() >= kMaxSaid || said_.insert(text).second; }

  // Writes the checkpoints now.
  void write_checkpoints(std::function<void(bool written)> done) { node_.write_checkpoints(shard_, std::move(done)); }

 protected:
  ~ShardContext() = default;
  // Applies committed records, in order. Adds their changes to `delta`.
  void apply_to_image(const metadata::MetadataRecords& records, int64_t last_offset, metadata::ImageDelta& delta);
  void reserve_topics(size_t topics) { image_.reserve(topics); }
  // Applies the settings of the image. Adds those without effect to `ignored`.
  void take_altered_settings(std::vector<std::string>& ignored);
  void note_closed() { closed_ = true; }

 private:
  bool is_loading() const;

  Shard& shard_;
  NodeContext& node_;
  size_t index_;
  Executor& executor_;
  std::shared_ptr<const config::Settings> settings_;
  metadata::MetadataImage image_;
  ShardFigures figures_;
  int64_t metadata_offset_ = -1;
  int64_t features_offset_ = -1;
  static constexpr size_t kMaxSaid = 1000;
  std::unordered_set<std::string> said_;
  bool closed_ = false;
  uint64_t last_waiter_number_ = 0;
};

}  // namespace milena::broker
