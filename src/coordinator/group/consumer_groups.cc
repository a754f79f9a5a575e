// ConsumerGroups: the metadata that consumer groups depend on, their timers, and their start in a shard. The requests
// are in consumer_heartbeat.cc, consumer_leave.cc, consumer_describe.cc and classic_in_consumer.cc.
#include "coordinator/group/consumer_groups.h"

namespace milena::coordinator {

void ConsumerGroups::metadata_set(int64_t version) {
  image_version_ = version;
  image_version_with_new_topics_ = version;
  ++topics_version_;
  topic_hashes_.clear();
}

void ConsumerGroups::metadata_changed(const metadata::ImageDelta& delta, int64_t version) {
  image_version_ = version;
  if (!delta.topics_created.empty()) image_version_with_new_topics_ = version;
  if (delta.topics_created.empty() && delta.topics_deleted.empty() && delta.partitions.empty() &&
      delta.brokers.empty()) {
    return;
  }
  ++topics_version_;
  if (!delta.brokers.empty()) return topic_hashes_.clear();  // racks are in all of them
  const auto forget = [this](ByteView name) {
    const auto at = topic_hashes_.find(name);
    if (at != topic_hashes_.end()) topic_hashes_.erase(at);
  };
  for (const auto& topic : delta.topics_created) forget(topic.name);
  for (const auto& topic : delta.topics_deleted) forget(topic.name);
  for (const auto& change : delta.partitions) {
    if (const metadata::TopicImage* topic = image().find_topic(change.key.topic_id)) forget(topic->name);
  }
}

void ConsumerGroups::loaded(Turn& turn, Group& group) {
  const ConsumerGroup& own = static_cast<ConsumerGroup&>(group);
  for (const auto& [member_id, member] : own.members()) {
    watch_member(turn, own.id(), member_id, consumer_session_timeout_ms(own.id()));
  }
}

Timer* ConsumerGroups::find_timer(const TimerName& name) {
  ConsumerGroup* group = find(name.group_id);
  ConsumerGroup::Timers* timers = group == nullptr ? nullptr : group->find_timers(name.member_id);
  if (timers == nullptr) return nullptr;
  switch (name.kind) {
    case TimerKind::kConsumerRebalance: return &timers->rebalance;
    case TimerKind::kConsumerJoin: return &timers->join;
    case TimerKind::kConsumerSync: return &timers->sync;
    default: return &timers->session;
  }
}

}  // namespace milena::coordinator
