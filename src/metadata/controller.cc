#include "metadata/controller.h"

#include <utility>

#include "base/check.h"
#include "metadata/layered_settings.h"
#include "metadata/replayer.h"
#include "metadata/topic_name.h"

namespace milena::metadata {

Controller::Controller(MetadataImage image, ControllerSettings settings, std::function<Uuid()> new_uuid)
    : image_(std::move(image)), settings_(std::move(settings)), new_uuid_(std::move(new_uuid)) {
  for (const TopicImage& topic : image_.topics()) {
    if (has_collision_chars(topic.name)) collisions_[collision_key(topic.name)].insert(topic.name);
  }
  for (const auto& [id, acl] : image_.acls()) acls_.insert(&acl);
}

void Controller::apply(const MetadataRecords& records) {
  // An effect has only complete transactions, so no records are held back.
  MetadataTransactions transactions;
  MetadataRecords ready;
  // A transaction open before the start is not in the image; its end does not matter here.
  const bool aborts = !records.empty() && std::holds_alternative<AbortTransactionRecord>(records.front());
  const Status added = transactions.add({records.begin() + (aborts ? 1 : 0), records.end()}, ready);
  CHECK(added.ok() && !transactions.open(), "an effect of the controller is not a whole transaction");

  ImageDelta delta;
  for (const MetadataRecord& record : ready) {
    forget_acl(record);
    const Status applied = image_.apply(record, delta);
    CHECK(applied.ok(), "{}", applied.error().message);
    note_acl(record);
  }
  for (const ImageDelta::Topic& topic : delta.topics_created) {
    if (has_collision_chars(topic.name)) collisions_[collision_key(topic.name)].insert(topic.name);
  }
  for (const ImageDelta::Topic& topic : delta.topics_deleted) {
    const auto found = collisions_.find(collision_key(topic.name));
    if (found == collisions_.end()) continue;
    found->second.erase(topic.name);
    if (found->second.empty()) collisions_.erase(found);
  }
}

ControllerSettings ControllerSettings::from(const config::Settings& settings) {
  const auto number = [&](ByteView name) { return static_cast<int32_t>(settings.get_long(name)); };
  ControllerSettings result;
  result.node_id = number("node.id");
  result.num_partitions = number("num.partitions");
  result.default_replication_factor = static_cast<int16_t>(number("default.replication.factor"));
  result.delete_topic_enable = settings.get_bool("delete.topic.enable");
  InternalTopicSettings& internal = result.internal_topics;
  internal.offsets_partitions = number("offsets.topic.num.partitions");
  // A factor that is not set follows the number of brokers. So does one that can never be reached: no other broker can
  // join a controller without a listener of its own.
  const bool alone =
      settings.get_list("controller.listener.names").empty() && !settings.get_bool("milena.strict.kafka");
  const auto number_if_set = [&](ByteView name) { return settings.is_set(name) ? number(name) : 0; };
  const auto replicas = [&](ByteView name) {
    const int32_t wanted = number_if_set(name);
    return static_cast<int16_t>(alone && wanted > 1 ? 0 : wanted);
  };
  internal.offsets_replication_factor = replicas("offsets.topic.replication.factor");
  internal.offsets_segment_bytes = number("offsets.topic.segment.bytes");
  internal.transaction_partitions = number("transaction.state.log.num.partitions");
  internal.transaction_replication_factor = replicas("transaction.state.log.replication.factor");
  internal.transaction_segment_bytes = number("transaction.state.log.segment.bytes");
  internal.transaction_min_insync_replicas = number_if_set("transaction.state.log.min.isr");
  result.start = &settings;
  return result;
}

config::BrokerSettings Controller::broker_settings() const {
  return layered_broker_settings(image_, settings_.node_id, settings_.start);
}

}  // namespace milena::metadata
