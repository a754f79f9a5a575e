#include "broker/shard.h"

#include <fmt/format.h>

#include <set>

#include "base/log.h"
#include "broker/cluster/broker_lifecycle.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/coordinators/group_runtime.h"
#include "broker/coordinators/peer.h"
#include "broker/coordinators/transaction_runtime.h"
#include "broker/replica/replica_manager.h"
#include "broker/storage/log_directories.h"
#include "security/acl_authorizer.h"

namespace milena::broker {
namespace {

size_t session_slots(const config::Settings& settings, size_t shard_count) {
  auto slots = static_cast<size_t>(settings.get_long("max.incremental.fetch.session.cache.slots"));
  return (slots + shard_count - 1) / shard_count;
}

std::unique_ptr<security::AclAuthorizer> make_authorizer(const config::AuthorizerSettings& wanted) {
  if (!wanted.enforced) return nullptr;
  return std::make_unique<security::AclAuthorizer>(wanted.super_users, wanted.allow_if_no_acl);
}

}  // namespace

Shard::Shard(NodeContext& node, size_t index, size_t count, Executor& executor)
    : ShardContext(*this, node, index, executor),
      replicas_(std::make_unique<ReplicaManager>(*this)),
      fetch_sessions_(index, count, session_slots(*node.settings, count), executor.random()),
      quotas_(*this),
      telemetry_(count),
      acls_(make_authorizer(node.authorization)),
      authorizer_(acls_ != nullptr ? acls_.get() : &security::allow_all_authorizer()),
      audit_log_(executor, node.audit_file),
      groups_(std::make_unique<GroupRuntime>(*this)),
      transactions_(std::make_unique<TransactionRuntime>(*this)) {}

Shard::~Shard() = default;

void Shard::reserve(size_t topics, size_t partitions) {
  reserve_topics(topics);
  replicas_->reserve(partitions);
}

void Shard::apply_metadata(const metadata::MetadataRecords& records, int64_t last_offset) {
  metadata::ImageDelta delta;
  apply_to_image(records, last_offset, delta);
  if (index() == 0 && !node().directories->loading()) log_topic_changes(delta);
  for (const auto& topic : delta.topics_deleted) {
    figures().forget_topic(topic.id);
    replicas_->remove_topic(topic);
  }
  for (const auto& config : delta.configs) apply_config(config);
  for (const auto& change : delta.partitions) replicas_->apply_partition(change.key, change.created);
  if (delta.client_quotas) quotas_.on_metadata();
  for (const Uuid& id : delta.acls) apply_acl(id);
  if (delta.delegation_tokens && index() == 0 && node().on_delegation_tokens) node().on_delegation_tokens();
  groups_->on_metadata(delta);
  transactions_->on_metadata(delta);
  for (const int32_t id : delta.brokers) {
    const metadata::BrokerImage* broker = image().find_broker(id);
    const bool serves = broker != nullptr && !broker->fenced;
    if (!serves && node().peers != nullptr && id != node().node_id) node().peers->on_fenced(*this, id);
    if (serves && id != node().node_id) replicas_->consider_in_sync_sets();
  }
}

void Shard::apply_acl(const Uuid& id) {
  if (acls_ == nullptr) return;
  const auto found = image().acls().find(id);
  if (found == image().acls().end()) return acls_->remove(id);
  const AccessControlEntryRecord& acl = found->second;
  acls_->set(id, {acl_resource_type(acl.resource_type), acl_pattern_type(acl.pattern_type), acl.resource_name,
                  acl.principal, acl.host, acl_operation(acl.operation), acl_permission_type(acl.permission_type)});
}

void Shard::log_topic_changes(const metadata::ImageDelta& delta) const {
  for (const auto& topic : delta.topics_deleted) log_info("Topic {} deleted", topic.name);
  std::set<Bytes> told;
  for (const auto& topic : delta.topics_created) {
    const metadata::TopicImage* now = image().find_topic(topic.name);
    if (now == nullptr || !told.insert(topic.name).second) continue;
    log_info("Topic {} created with {} partitions", topic.name, now->partition_count());
  }
  std::set<Bytes> grown;
  for (const auto& change : delta.partitions) {
    const metadata::TopicImage* topic = change.created ? image().find_topic(change.key.topic_id) : nullptr;
    if (topic == nullptr || told.contains(topic->name) || !grown.insert(topic->name).second) continue;
    log_info("Topic {} altered: {} partitions", topic->name, topic->partition_count());
  }
  for (const metadata::ConfigResource& resource : delta.configs) {
    if (resource.type != metadata::ResourceType::kTopic || told.contains(resource.name)) continue;
    const config::ConfigMap& configs = image().configs(metadata::ResourceType::kTopic, resource.name);
    if (image().find_topic(resource.name) == nullptr) continue;
    std::string all;
    for (const auto& [name, value] : configs) all += fmt::format(" {}={}", name, value);
    log_info("Topic {} altered:{}", resource.name, all.empty() ? " no configs of its own" : all);
  }
}

void Shard::apply_config(const metadata::ConfigResource& resource) {
  switch (resource.type) {
    case metadata::ResourceType::kBroker: return apply_altered_settings(resource);
    case metadata::ResourceType::kClientMetrics: return telemetry_.on_config(image(), resource);
    case metadata::ResourceType::kTopic: return replicas_->on_topic_config(resource.name);
    default: return;
  }
}

void Shard::apply_altered_settings(const metadata::ConfigResource& resource) {
  if (!resource.name.empty() && resource.name != fmt::format("{}", node().node_id)) return;
  std::vector<std::string> ignored;
  take_altered_settings(ignored);
  replicas_->on_altered_settings();
  if (index() != 0) return;
  if (node().metadata != nullptr || node().lifecycle != nullptr) {
    executor().post([this] { tell_cordoned_directories(); });
  }
  for (const std::string& text : ignored) {
    if (first_time(text)) log_warn("{}", text);
  }
  if (node().on_settings) node().on_settings(settings());
}

// New replicas are placed according to the registration.
void Shard::tell_cordoned_directories() {
  const metadata::BrokerImage* broker = image().find_broker(node().node_id);
  std::vector<Uuid> cordoned = node().directories->cordoned_ids(settings());
  if (broker == nullptr || broker->cordoned_log_dirs == cordoned) return;
  if (node().lifecycle != nullptr) return node().lifecycle->set_cordoned(std::move(cordoned));
  metadata().submit<std::monostate>(
      *this,
      [id = node().node_id, cordoned = std::move(cordoned)](const metadata::Controller& controller) {
        return controller.cordon_directories(id, cordoned);
      },
      [](std::monostate) {});
}

void Shard::close() {
  note_closed();
  replicas_->end_waits();
  groups_->close();
  transactions_->close();
  replicas_->stop();
  audit_log_.close();
}

}  // namespace milena::broker
