#include "metadata/controller.h"

#include <utility>

#include "base/check.h"
#include "metadata/replayer.h"
#include "metadata/topic_name.h"

namespace milena {

Controller::Controller(MetadataImage image, ControllerSettings settings, std::function<Uuid()> new_uuid)
    : image_(std::move(image)), settings_(std::move(settings)), new_uuid_(std::move(new_uuid)) {
  for (const TopicImage& topic : image_.topics()) {
    if (has_collision_chars(topic.name)) collisions_[collision_key(topic.name)].insert(topic.name);
  }
}

void Controller::apply(const MetadataRecords& records) {
  // An effect holds whole transactions, so that nothing stays behind.
  MetadataTransactions transactions;
  MetadataRecords ready;
  // What was open before the start is not in the image; its end says nothing here.
  const bool aborts = !records.empty() && std::holds_alternative<AbortTransactionRecord>(records.front());
  const Status added = transactions.add({records.begin() + (aborts ? 1 : 0), records.end()}, ready);
  CHECK(added.ok() && !transactions.open(), "an effect of the controller is not a whole transaction");

  ImageDelta delta;
  for (const MetadataRecord& record : ready) {
    const Status applied = image_.apply(record, delta);
    CHECK(applied.ok(), "{}", applied.error().message);
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

BrokerSettings Controller::broker_settings() const {
  return layered_broker_settings(image_, settings_.node_id, settings_.file);
}

}  // namespace milena
