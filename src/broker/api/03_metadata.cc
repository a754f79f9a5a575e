// Metadata (key 3), versions 0-13. The first answer about an auto-created topic already names its leader: it waits
// until the topic can be used. Kafka answers UNKNOWN_TOPIC_OR_PARTITION and lets the client ask again; so does
// milena.strict.kafka.
#include <algorithm>
#include <unordered_set>

#include "broker/api/controller_call.h"
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/clients/endpoints.h"
#include "broker/controller/controller_channel.h"
#include "broker/shard_context.h"
#include "metadata/internal_topics.h"
#include "metadata/topic_name.h"
#include "protocol/messages/metadata.h"

namespace milena::broker {
namespace {

using MetadataCall = Call<MetadataRequest, MetadataResponse>;

using TopicOut = MetadataResponse::MetadataResponseTopic;

TopicOut describe_topic(const MetadataCall& call, const metadata::TopicImage& topic) {
  const metadata::MetadataImage& image = call.context().image();
  TopicOut out;
  out.name = topic.name;
  out.topic_id = topic.id;
  out.is_internal = topic.internal;
  if (call.request.include_topic_authorized_operations) {
    out.topic_authorized_operations = call.authorized_operations(AclResourceType::kTopic, topic.name);
  }
  out.partitions.reserve(topic.partitions.size());
  for (size_t i = 0; i < topic.partitions.size(); i++) {
    const metadata::PartitionImage& partition = topic.partitions[i];
    auto& p = out.partitions.emplace_back();
    p.partition_index = static_cast<int32_t>(i);
    p.leader_id = partition.leader;
    p.leader_epoch = partition.leader_epoch;
    p.replica_nodes = partition.replicas;
    p.isr_nodes = partition.isr;
    p.offline_replicas = image.offline_replicas(partition);
    if (partition.leader == metadata::kNoLeader) p.error_code = ErrorCode::kLeaderNotAvailable;
  }
  return out;
}

TopicOut unknown_topic(ByteView name, const Uuid& id, ErrorCode error) {
  TopicOut out;
  out.error_code = error;
  out.name = Bytes(name);
  out.topic_id = id;
  return out;
}

// As in Kafka, a topic is answered once, even if it is named several times.
class Named {
 public:
  bool is_new(bool by_id, const MetadataRequest::MetadataRequestTopic& topic) {
    return by_id ? ids_.insert(topic.topic_id).second : names_.insert(topic.name.value_or("")).second;
  }

 private:
  std::unordered_set<Uuid> ids_;
  std::unordered_set<ByteView> names_;
};

bool asks_for_all(const MetadataCall& call) {
  const auto& topics = call.request.topics;
  return !topics || (call.version() == 0 && topics->empty());
}

void describe_cluster(const MetadataCall& call, MetadataResponse& response) {
  const ShardContext& shard = call.context();
  const auto add = [&](int32_t id) {
    const auto endpoint = broker_endpoint(call, id);
    if (!endpoint) return;
    auto& broker = response.brokers.emplace_back();
    broker.node_id = id;
    broker.host = endpoint->host;
    broker.port = endpoint->port;
    if (const metadata::BrokerImage* image = shard.image().find_broker(id)) broker.rack = image->rack;
  };
  const auto& brokers = shard.image().brokers();
  for (const auto& [id, broker] : brokers) add(id);
  if (!brokers.contains(shard.node().node_id)) add(shard.node().node_id);
  response.cluster_id = shard.node().cluster_id;
  response.controller_id = shard.node().node_id;
  if (call.request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations =
        call.allows_quietly(security::kDescribeTheCluster)
            ? call.authorized_operations(AclResourceType::kCluster, kClusterResource)
            : 0;
  }
}

using TopicAsked = MetadataRequest::MetadataRequestTopic;

bool asks_by_id(const MetadataCall& call, const TopicAsked& asked) {
  return call.version() >= 12 && !asked.topic_id.is_zero();
}

const metadata::TopicImage* find_asked(const MetadataCall& call, const TopicAsked& asked) {
  const metadata::MetadataImage& image = call.context().image();
  return asks_by_id(call, asked) ? image.find_topic(asked.topic_id) : image.find_topic(asked.name.value_or(""));
}

// The client's permissions on each topic of the request.
enum class Access { kDescribe, kDescribeButNotCreate, kNothing };
using Accesses = std::vector<Access>;

// The answer for a topic that the client may not describe. It reveals neither whether the topic exists nor its id,
// unless the client has sent that id.
TopicOut refused_topic(const MetadataCall& call, const TopicAsked& asked, Access access) {
  const bool by_id = asks_by_id(call, asked);
  TopicOut out = unknown_topic(asked.name.value_or(""), by_id ? asked.topic_id : Uuid(),
                               ErrorCode::kTopicAuthorizationFailed);
  if (by_id) out.name.reset();
  out.is_internal = access == Access::kDescribeButNotCreate && metadata::is_internal_topic(asked.name.value_or(""));
  return out;
}

TopicOut missing_topic(const MetadataCall& call, const TopicAsked& asked) {
  if (asks_by_id(call, asked)) {
    TopicOut out = unknown_topic("", asked.topic_id, ErrorCode::kUnknownTopicId);
    out.name.reset();
    return out;
  }
  const ByteView name = asked.name.value_or("");
  TopicOut out = unknown_topic(
      name, {},
      !metadata::invalid_topic_name(name) ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kInvalidTopicException);
  if (call.request.include_topic_authorized_operations) {
    out.topic_authorized_operations = call.authorized_operations(AclResourceType::kTopic, name);
  }
  return out;
}

void answer(const std::shared_ptr<MetadataCall>& call, const Accesses& accesses) {
  MetadataResponse response;
  describe_cluster(*call, response);
  if (asks_for_all(*call)) {
    for (const metadata::TopicImage& topic : call->context().image().topics()) {
      if (call->allows_quietly(security::kDescribeTopic, topic.name))
        response.topics.push_back(describe_topic(*call, topic));
    }
    return call->reply(response);
  }
  const auto& topics = *call->request.topics;
  Named named;
  for (size_t i = 0; i < topics.size(); i++) {
    if (!named.is_new(asks_by_id(*call, topics[i]), topics[i])) continue;
    const metadata::TopicImage* topic = find_asked(*call, topics[i]);
    const bool refused = accesses[i] == Access::kNothing || (topic == nullptr && accesses[i] != Access::kDescribe);
    if (refused) {
      response.topics.push_back(refused_topic(*call, topics[i], accesses[i]));
    } else {
      response.topics.push_back(topic != nullptr ? describe_topic(*call, *topic) : missing_topic(*call, topics[i]));
    }
  }
  call->reply(response);
}

bool creates_topics(const MetadataCall& call) {
  return !asks_for_all(call) && call.request.allow_auto_topic_creation &&
         call.context().settings().get_bool("auto.create.topics.enable");
}

Accesses accesses_of(const MetadataCall& call) {
  Accesses accesses;
  if (asks_for_all(call)) return accesses;
  std::optional<bool> may_create_any;
  for (const auto& asked : *call.request.topics) {
    Access& access = accesses.emplace_back(Access::kDescribe);
    const metadata::TopicImage* topic = find_asked(call, asked);
    if (topic == nullptr && asks_by_id(call, asked)) continue;  // no name to check
    const ByteView name = topic != nullptr ? ByteView(topic->name) : asked.name.value_or("");
    if (!call.allows(security::kDescribeTopic, name)) {
      access = Access::kNothing;
    } else if (topic == nullptr && creates_topics(call)) {
      if (!may_create_any) may_create_any = call.allows_quietly(security::kCreateInCluster);
      if (!*may_create_any && !call.allows(security::kCreateTopic, name)) access = Access::kDescribeButNotCreate;
    }
  }
  return accesses;
}

// The names of missing topics that may be created now.
std::vector<Bytes> topics_to_create(const MetadataCall& call, const Accesses& accesses) {
  std::vector<Bytes> names;
  if (!creates_topics(call)) return names;
  for (size_t i = 0; i < accesses.size(); i++) {
    const TopicAsked& asked = (*call.request.topics)[i];
    if (!asked.topic_id.is_zero() || !asked.name || accesses[i] != Access::kDescribe) continue;
    if (call.context().image().find_topic(*asked.name) == nullptr && !metadata::invalid_topic_name(*asked.name)) {
      names.emplace_back(*asked.name);
    }
  }
  // A topic that is named twice is created once.
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// Versions 10 and 11 have the field for the id, but no broker has ever accepted it: Kafka refuses the whole request.
bool asks_by_id_too_early(const MetadataCall& call) {
  if (call.version() >= 12 || !call.request.topics) return false;
  const auto& topics = *call.request.topics;
  return std::any_of(topics.begin(), topics.end(), [](const auto& t) { return !t.name || !t.topic_id.is_zero(); });
}

void refuse_ids(MetadataCall& call) {
  MetadataResponse response;
  for (const auto& asked : *call.request.topics) {
    response.topics.push_back(unknown_topic(asked.name.value_or(""), asked.topic_id, ErrorCode::kInvalidRequest));
  }
  call.reply(response);
}

void handle_metadata(std::shared_ptr<MetadataCall> call) {
  if (asks_by_id_too_early(*call)) return refuse_ids(*call);
  Accesses accesses = accesses_of(*call);
  std::vector<Bytes> missing = topics_to_create(*call, accesses);
  if (missing.empty()) return answer(call, accesses);
  ShardContext& shard = call->context();
  const bool at_once = shard.strict_kafka();
  if (at_once) answer(call, accesses);
  shard.controller().create_topics_for_use(call->shard(), std::move(missing), controller_context(*call),
                                           [call, accesses = std::move(accesses), at_once] {
                                             if (!at_once) answer(call, accesses);
                                           });
}

}  // namespace

ApiEntry metadata_api() {
  return api_entry<MetadataCall, handle_metadata>(
      {security::kDescribeTopic, security::kCreateTopic, security::kCreateInCluster, security::kDescribeTheCluster});
}

}  // namespace milena::broker
