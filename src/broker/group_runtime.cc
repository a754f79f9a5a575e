#include "broker/group_runtime.h"

#include <utility>

#include "base/uuid.h"
#include "broker/shard.h"

namespace milena {
namespace {

GroupConfig group_config(const Settings& settings) {
  GroupConfig config;
  config.min_session_timeout_ms = static_cast<int32_t>(settings.get_long("group.min.session.timeout.ms"));
  config.max_session_timeout_ms = static_cast<int32_t>(settings.get_long("group.max.session.timeout.ms"));
  config.initial_rebalance_delay_ms = static_cast<int32_t>(settings.get_long("group.initial.rebalance.delay.ms"));
  config.disconnect_grace_ms = static_cast<int32_t>(settings.get_long("milena.group.disconnect.grace.ms"));
  config.max_size = static_cast<int32_t>(settings.get_long("group.max.size"));
  config.offset_metadata_max_bytes = static_cast<int32_t>(settings.get_long("offset.metadata.max.bytes"));
  config.offsets_retention_ms = settings.get_long("offsets.retention.minutes") * 60'000;
  config.offsets_retention_check_ms = settings.get_long("offsets.retention.check.interval.ms");
  return config;
}

}  // namespace

CoordinatorRuntime<GroupKind>& GroupKind::runtime_of(Shard& shard) { return shard.groups(); }

GroupRuntime::GroupRuntime(Shard& shard)
    : CoordinatorRuntime<GroupKind>(shard), config_(group_config(shard.settings())) {}

std::unique_ptr<GroupShard> GroupRuntime::make_state(const TopicPartitionId&) {
  return std::make_unique<GroupShard>(config_, [] { return random_uuid_text(); });
}

// Offsets of a transaction are the producer's own writing: its batch, and checked as one.
void GroupRuntime::shape_append(const Effects& effects, BatchOptions& options, AppendChecks& checks) const {
  if (!effects.transaction) return;
  options.transactional = true;
  options.producer_id = effects.transaction->producer_id;
  options.producer_epoch = effects.transaction->producer_epoch;
  checks.guard = effects.transaction->guard;
}

// One that is not loaded will read the marker from the log.
void GroupRuntime::on_marker(int32_t partition, int64_t producer_id, bool committed) {
  if (GroupShard* state = loaded_state(partition)) state->apply_marker(producer_id, committed);
}

void GroupRuntime::on_metadata(const ImageDelta& delta) {
  close_lost();
  if (delta.topics_deleted.empty()) return;
  auto deleted = std::make_shared<std::vector<DeletedTopic>>();
  for (const auto& topic : delta.topics_deleted) deleted->push_back({topic.name, topic.id});
  const TopicImage* topic = shard_.image().find_topic(kConsumerOffsetsTopic);
  for (int32_t index = 0; topic != nullptr && index < topic->partition_count(); index++) {
    Partition* partition = shard_.find_partition({topic->id, index});
    if (partition == nullptr || partition->log() == nullptr || partition->log()->log_end_offset() == 0) continue;
    Input forget = [deleted](GroupShard& state, AnswerToken, Now) { return state.topics_deleted(*deleted); };
    submit_own(index, std::move(forget));
  }
}

}  // namespace milena
