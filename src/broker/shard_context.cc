#include "broker/shard_context.h"

#include <fmt/format.h>

#include "base/check.h"
#include "broker/storage/log_directories.h"
#include "metadata/layered_settings.h"

namespace milena::broker {

ShardContext::ShardContext(Shard& shard, NodeContext& node, size_t index, Executor& executor)
    : shard_(shard),
      node_(node),
      index_(index),
      executor_(executor),
      // Not owned.
      settings_(std::shared_ptr<void>(), node.settings) {}

bool ShardContext::is_loading() const { return node_.directories->loading(); }

config::BrokerSettings ShardContext::broker_settings() const {
  return metadata::layered_broker_settings(image_, node_.node_id, node_.settings);
}

void ShardContext::apply_to_image(const metadata::MetadataRecords& records, int64_t last_offset,
                                  metadata::ImageDelta& delta) {
  CHECK(is_current());
  for (const metadata::MetadataRecord& record : records) {
    Status applied = image_.apply(record, delta);
    CHECK(applied.ok(), "a committed metadata record cannot be applied: {}", applied.error().message);
  }
  metadata_offset_ = last_offset;
  if (delta.features) features_offset_ = last_offset;
}

void ShardContext::take_altered_settings(std::vector<std::string>& ignored) {
  const Bytes own_name = fmt::format("{}", node_.node_id);
  settings_ = std::make_shared<const config::Settings>(
      node_.settings->with_altered(image_.configs(metadata::ResourceType::kBroker, ""),
                                   image_.configs(metadata::ResourceType::kBroker, own_name), &ignored));
}

}  // namespace milena::broker
