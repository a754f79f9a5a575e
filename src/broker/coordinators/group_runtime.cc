#include "broker/coordinators/group_runtime.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/log.h"
#include "base/uuid.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "coordinator/assignor/assignor.h"
#include "security/authorizer.h"

namespace milena::broker {
namespace {

coordinator::GroupSetting group_setting(const config::Settings& settings, const std::string& name) {
  return {.value = settings.get_int("group.consumer." + name),
          .least = settings.get_int("group.consumer.min." + name),
          .greatest = settings.get_int("group.consumer.max." + name)};
}

coordinator::ConsumerGroupConfig consumer_group_config(const config::Settings& settings, bool at_start) {
  coordinator::ConsumerGroupConfig config;
  config.session_timeout_ms = group_setting(settings, "session.timeout.ms");
  config.heartbeat_interval_ms = group_setting(settings, "heartbeat.interval.ms");
  config.assignment_interval_ms = group_setting(settings, "assignment.interval.ms");
  config.max_size = settings.get_int("group.consumer.max.size");
  config.regex_refresh_interval_ms = settings.get_int("group.consumer.regex.refresh.interval.ms");
  config.assignors.clear();
  for (const Bytes& name : settings.get_list("group.consumer.assignors")) {
    if (coordinator::find_assignor(name) != nullptr) {
      config.assignors.push_back(name);
    } else if (at_start) {
      log_warn("group.consumer.assignors: {} is not an assignor of Milena and is ignored", name);
    }
  }
  if (config.assignors.empty()) config.assignors = coordinator::ConsumerGroupConfig().assignors;
  Bytes policy = settings.get_string("group.consumer.migration.policy");
  for (char& c : policy) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  config.migration.upgrade = policy == "bidirectional" || policy == "upgrade";
  config.migration.downgrade = policy == "bidirectional" || policy == "downgrade";
  return config;
}

coordinator::GroupConfig group_config(const config::Settings& settings, bool at_start) {
  coordinator::GroupConfig config;
  config.consumer = consumer_group_config(settings, at_start);
  config.min_session_timeout_ms = static_cast<int32_t>(settings.get_long("group.min.session.timeout.ms"));
  config.max_session_timeout_ms = static_cast<int32_t>(settings.get_long("group.max.session.timeout.ms"));
  config.initial_rebalance_delay_ms = static_cast<int32_t>(settings.get_long("group.initial.rebalance.delay.ms"));
  config.strict_kafka = settings.get_bool("milena.strict.kafka");
  config.join_silence_ms = settings.get_int("milena.group.join.silence.ms");
  config.disconnect_grace_ms =
      config.strict_kafka ? 0 : static_cast<int32_t>(settings.get_long("milena.group.disconnect.grace.ms"));
  config.max_size = static_cast<int32_t>(settings.get_long("group.max.size"));
  config.offset_metadata_max_bytes = static_cast<int32_t>(settings.get_long("offset.metadata.max.bytes"));
  config.offsets_retention_ms = settings.get_long("offsets.retention.minutes") * 60'000;
  config.offsets_retention_check_ms = settings.get_long("offsets.retention.check.interval.ms");
  return config;
}

// Kafka does not start with an unknown codec number; here it means no compression.
Codec codec_of_setting(int32_t number) {
  return number >= 0 && number <= static_cast<int32_t>(Codec::kZstd) ? static_cast<Codec>(number) : Codec::kNone;
}

}  // namespace

CoordinatorRuntime<GroupKind>& GroupKind::runtime_of(Shard& shard) { return shard.groups(); }

GroupRuntime::GroupRuntime(Shard& shard)
    : CoordinatorRuntime<GroupKind>(shard), patterns_(shard), config_(group_config(shard.settings(), true)),
      append_linger_ms_(shard.settings().get_int("group.coordinator.append.linger.ms")),
      compression_(codec_of_setting(shard.settings().get_int("offsets.topic.compression.codec"))) {}

// Most settings are fixed at start; Settings::with_altered has the list.
void GroupRuntime::configure() {
  config_ = group_config(shard_.settings(), false);
  // With other brokers, a client may reconnect to one of them, or find the coordinator there after a failover; this
  // takes longer.
  const auto& brokers = shard_.image().brokers();
  const bool alone = std::none_of(brokers.begin(), brokers.end(), [this](const auto& broker) {
    return broker.first != shard_.node().node_id && !broker.second.fenced;
  });
  if (!alone) config_.disconnect_grace_ms = 0;
  for_each_state([this](const TopicPartitionId&, coordinator::GroupShard& state) { state.configure(config_); });
}

std::unique_ptr<coordinator::GroupShard> GroupRuntime::make_state(const TopicPartitionId&) {
  auto state = std::make_unique<coordinator::GroupShard>(
      config_, [&random = shard_.executor().random()] { return random_uuid_text(random); });
  state->set_pattern_matcher([this](ByteView pattern) { return patterns_.find(pattern); });
  state->set_topic_filter([this](const coordinator::Caller& caller, ByteView topic) {
    if (caller.principal == nullptr) return true;
    // The coordinator's host names begin with a slash.
    const security::Requester who{*caller.principal, caller.client_host.substr(1), {}};
    return shard_.authorizer().allows(who, security::kDescribeTopic, topic);
  });
  state->set_metadata(shard_.image(), shard_.metadata_offset());
  return state;
}

// Offsets of a transaction are a batch of the producer, and are checked as one.
void GroupRuntime::shape_append(const coordinator::Effects& effects, BatchOptions& options,
                                log::AppendChecks& checks) const {
  options.compression = compression_;
  if (!effects.transaction) return;
  options.transactional = true;
  options.producer_id = effects.transaction->producer_id;
  options.producer_epoch = effects.transaction->producer_epoch;
  checks.guard = effects.transaction->guard;
}

// If it is not loaded, it will read the marker from the log.
void GroupRuntime::on_marker(int32_t partition, int64_t producer_id, bool committed) {
  if (coordinator::GroupShard* state = loaded_state(partition)) state->apply_marker(producer_id, committed);
}

void GroupRuntime::on_metadata(const metadata::ImageDelta& delta) {
  follow_leadership(delta);
  if (!delta.topics_created.empty() || !delta.topics_deleted.empty()) patterns_.forget();
  if (!delta.configs.empty() || !delta.brokers.empty()) configure();
  for_each_state([&](const TopicPartitionId&, coordinator::GroupShard& state) {
    state.metadata_changed(delta, shard_.metadata_offset());
  });

  if (delta.topics_deleted.empty()) return;
  auto deleted = std::make_shared<std::vector<coordinator::DeletedTopic>>();
  for (const auto& topic : delta.topics_deleted) deleted->push_back({topic.name, topic.id});
  const metadata::TopicImage* topic = shard_.image().find_topic(metadata::kConsumerOffsetsTopic);
  for (int32_t index = 0; topic != nullptr && index < topic->partition_count(); index++) {
    Partition* partition = shard_.replicas().find_partition({topic->id, index});
    if (partition == nullptr || partition->known_empty() || partition->log_end_offset() == 0) continue;
    Input forget = [deleted](coordinator::GroupShard& state, coordinator::AnswerToken, coordinator::Now) {
      return state.topics_deleted(*deleted);
    };
    submit_own(index, std::move(forget));
  }
}

}  // namespace milena::broker
