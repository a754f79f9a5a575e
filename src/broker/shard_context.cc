#include "broker/shard_context.h"

#include <fmt/format.h>

#include "base/check.h"
#include "broker/storage/log_directories.h"
#include "metadata/layered_settings.h"

namespace milena {

ShardContext::ShardContext(Shard& shard, NodeContext& node, size_t index, Executor& executor)
    : shard_(shard),
      node_(node),
      index_(index),
      executor_(executor),
      // Not ours to delete.
      settings_(std::shared_ptr<void>(), node.settings) {}

bool ShardContext::is_loading() const { return node_.directories->loading(); }

BrokerSettings ShardContext::broker_settings() const {
  return layered_broker_settings(image_, node_.node_id, node_.settings);
}

void ShardContext::apply_to_image(const MetadataRecords& records, int64_t last_offset, ImageDelta& delta) {
  CHECK(is_current());
  for (const MetadataRecord& record : records) {
    Status applied = image_.apply(record, delta);
    CHECK(applied.ok(), "a committed metadata record cannot be applied: {}", applied.error().message);
  }
  metadata_offset_ = last_offset;
  if (delta.features) features_offset_ = last_offset;
}

void ShardContext::take_altered_settings(std::vector<std::string>& ignored) {
  const Bytes own_name = fmt::format("{}", node_.node_id);
  settings_ = std::make_shared<const Settings>(
      node_.settings->with_altered(image_.configs(ResourceType::kBroker, ""),
                                   image_.configs(ResourceType::kBroker, own_name), &ignored));
}

}  // namespace milena
