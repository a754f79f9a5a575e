// Metadata (key 3), versions 0-13. The first answer about a topic that is made on the way already names its leader: it
// waits until the topic can be used, where Kafka says UNKNOWN_TOPIC_OR_PARTITION and lets the client come again
// (milena.strict.kafka does so, too).
#include <algorithm>
#include <unordered_set>

#include "broker/api_entry.h"
#include "broker/authorized_operations.h"
#include "broker/call.h"
#include "broker/endpoints.h"
#include "broker/metadata_runtime.h"
#include "broker/shard.h"
#include "metadata/topic_name.h"
#include "protocol/messages/metadata.h"

namespace milena {
namespace {

using MetadataCall = Call<MetadataRequest, MetadataResponse>;

using TopicOut = MetadataResponse::MetadataResponseTopic;

TopicOut describe_topic(const MetadataImage& image, const TopicImage& topic, bool with_operations) {
  TopicOut out;
  out.name = topic.name;
  out.topic_id = topic.id;
  out.is_internal = topic.internal;
  if (with_operations) out.topic_authorized_operations = kAllTopicOperations;
  out.partitions.reserve(topic.partitions.size());
  for (size_t i = 0; i < topic.partitions.size(); i++) {
    const PartitionImage& partition = topic.partitions[i];
    auto& p = out.partitions.emplace_back();
    p.partition_index = static_cast<int32_t>(i);
    p.leader_id = partition.leader;
    p.leader_epoch = partition.leader_epoch;
    p.replica_nodes = partition.replicas;
    p.isr_nodes = partition.isr;
    p.offline_replicas = image.offline_replicas(partition);
    if (partition.leader == kNoLeader) p.error_code = ErrorCode::kLeaderNotAvailable;
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

// As in Kafka, a topic is answered once, however often it is named.
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
  const Shard& shard = call.shard();
  ListenerEndpoint here = advertised_endpoint(call);
  auto& broker = response.brokers.emplace_back();
  broker.node_id = shard.node().node_id;
  broker.host = here.host;
  broker.port = here.port;
  if (const BrokerImage* image = shard.image().find_broker(broker.node_id)) broker.rack = image->rack;
  response.cluster_id = shard.node().cluster_id;
  response.controller_id = shard.node().node_id;
  if (call.request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
}

void answer(const std::shared_ptr<MetadataCall>& call) {
  const MetadataRequest& request = call->request;
  const MetadataImage& image = call->shard().image();
  bool with_operations = request.include_topic_authorized_operations;
  MetadataResponse response;
  describe_cluster(*call, response);
  if (asks_for_all(*call)) {
    for (const TopicImage& topic : image.topics()) response.topics.push_back(describe_topic(image, topic, with_operations));
    return call->reply(response);
  }
  Named named;
  for (const auto& asked : *request.topics) {
    bool by_id = call->version() >= 12 && !asked.topic_id.is_zero();
    if (!named.is_new(by_id, asked)) continue;
    const TopicImage* topic = by_id ? image.find_topic(asked.topic_id) : image.find_topic(asked.name.value_or(""));
    if (topic != nullptr) {
      response.topics.push_back(describe_topic(image, *topic, with_operations));
    } else if (by_id) {
      response.topics.push_back(unknown_topic("", asked.topic_id, ErrorCode::kUnknownTopicId));
      response.topics.back().name.reset();
    } else {
      ErrorCode error = !invalid_topic_name(asked.name.value_or("")) ? ErrorCode::kUnknownTopicOrPartition
                                                                     : ErrorCode::kInvalidTopicException;
      response.topics.push_back(unknown_topic(asked.name.value_or(""), {}, error));
      if (with_operations) response.topics.back().topic_authorized_operations = kAllTopicOperations;
    }
  }
  call->reply(response);
}

// The names of topics that are not there and may be made now.
std::vector<Bytes> topics_to_create(const MetadataCall& call) {
  std::vector<Bytes> names;
  if (asks_for_all(call) || !call.request.allow_auto_topic_creation) return names;
  if (!call.shard().settings().get_bool("auto.create.topics.enable")) return names;
  for (const auto& asked : *call.request.topics) {
    if (!asked.topic_id.is_zero() || !asked.name) continue;
    if (call.shard().image().find_topic(*asked.name) == nullptr && !invalid_topic_name(*asked.name)) {
      names.emplace_back(*asked.name);
    }
  }
  // Named twice it is still one topic.
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// Versions 10 and 11 have the field for the id, but no broker has ever taken it: Kafka refuses the whole request.
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
  std::vector<Bytes> missing = topics_to_create(*call);
  if (missing.empty()) return answer(call);
  Shard& shard = call->shard();
  const bool at_once = shard.strict_kafka();
  if (at_once) answer(call);
  shard.metadata().create_topics_for_use(shard, std::move(missing), [call, at_once] {
    if (!at_once) answer(call);
  });
}

}  // namespace

ApiEntry metadata_api() { return api_entry<MetadataCall, handle_metadata>(); }

}  // namespace milena
