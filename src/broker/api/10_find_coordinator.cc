// FindCoordinator (key 10), versions 0-6; version 4 has many keys. The first request for a group (key type 0) creates
// __consumer_offsets, for a transaction (1) __transaction_state, and is answered when the topic can be used. So a
// healthy node does not answer COORDINATOR_NOT_AVAILABLE, except with milena.strict.kafka, as Kafka does.
#include <algorithm>

#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "broker/clients/endpoints.h"
#include "broker/controller/controller_channel.h"
#include "broker/coordinators/group_runtime.h"
#include "broker/coordinators/transaction_runtime.h"
#include "broker/shard_context.h"
#include "metadata/internal_topics.h"
#include "protocol/messages/find_coordinator.h"

namespace milena::broker {
namespace {

using FindCoordinatorCall = Call<FindCoordinatorRequest, FindCoordinatorResponse>;

constexpr int8_t kGroup = 0;
constexpr int8_t kTransaction = 1;
constexpr int16_t kFirstVersionWithManyKeys = 4;

void refuse(FindCoordinatorResponse::Coordinator& out, ErrorCode error, Bytes message) {
  out.error_code = error;
  out.error_message = std::move(message);
  out.node_id = -1;
  out.port = -1;
}

// The topic in which the coordinators of that kind keep their state; empty for kinds that are not served.
ByteView topic_of(int8_t key_type) {
  switch (key_type) {
    case kGroup: return metadata::kConsumerOffsetsTopic;
    case kTransaction: return metadata::kTransactionStateTopic;
    default: return {};
  }
}

// The error if the client may not look for the coordinator.
ErrorCode check_access(const FindCoordinatorCall& call, ByteView key) {
  switch (call.request.key_type) {
    case kGroup:
      return call.allows(security::kDescribeGroup, key) ? ErrorCode::kNone : ErrorCode::kGroupAuthorizationFailed;
    case kTransaction:
      return call.allows(security::kDescribeTransactionalId, key) ? ErrorCode::kNone
                                                                  : ErrorCode::kTransactionalIdAuthorizationFailed;
    default: return ErrorCode::kNone;
  }
}

// The leader of the partition that holds the key's state.
int32_t coordinator_of(const FindCoordinatorCall& call, ByteView topic, ByteView key) {
  const ShardContext& shard = call.context();
  const int32_t partition = topic == metadata::kConsumerOffsetsTopic ? GroupRuntime::partition_of(shard, key)
                                                                     : TransactionRuntime::partition_of(shard, key);
  const metadata::PartitionImage* image = shard.image().find_partition(topic, partition);
  return image == nullptr ? metadata::kNoLeader : image->leader;
}

// Clients ask again and again, and log this at best.
Bytes why_missing(const ShardContext& shard, ByteView topic) {
  Bytes text = fmt::format("The topic {} does not exist.", topic);
  const ByteView setting = metadata::replicas_setting(topic);
  const size_t brokers = shard.image().brokers().size();
  const int32_t wanted = shard.settings().is_set(setting) ? shard.settings().get_int(setting) : 1;
  if (static_cast<size_t>(wanted) > brokers) {
    text += fmt::format(" It needs {} brokers ({}), and there are {}.", wanted, setting, brokers);
  }
  return text;
}

FindCoordinatorResponse::Coordinator describe(const FindCoordinatorCall& call, ByteView key, ErrorCode refused) {
  FindCoordinatorResponse::Coordinator out;
  out.key = Bytes(key);
  ByteView topic = topic_of(call.request.key_type);
  if (refused != ErrorCode::kNone) {
    const bool has_message = call.version() < kFirstVersionWithManyKeys;
    refuse(out, refused, has_message ? Bytes(error_message(refused)) : Bytes());
  } else if (topic.empty()) {
    refuse(out, ErrorCode::kInvalidRequest, "This broker keeps coordinators of groups and transactions only.");
  } else if (call.context().image().find_topic(topic) == nullptr) {
    refuse(out, ErrorCode::kCoordinatorNotAvailable, why_missing(call.context(), topic));
  } else {
    const int32_t leader = coordinator_of(call, topic, key);
    const auto endpoint = broker_endpoint(call, leader);
    if (!endpoint) {
      refuse(out, ErrorCode::kCoordinatorNotAvailable, Bytes(error_message(ErrorCode::kCoordinatorNotAvailable)));
      return out;
    }
    out.node_id = leader;
    out.host = endpoint->host;
    out.port = endpoint->port;
  }
  return out;
}

std::vector<ByteView> keys_of(const FindCoordinatorCall& call) {
  if (call.version() >= kFirstVersionWithManyKeys) return call.request.coordinator_keys;
  return {call.request.key};
}

// `refused` has an error for each key.
void answer(const std::shared_ptr<FindCoordinatorCall>& call, const std::vector<ErrorCode>& refused) {
  FindCoordinatorResponse response;
  const std::vector<ByteView> keys = keys_of(*call);
  if (call->version() >= kFirstVersionWithManyKeys) {
    for (size_t i = 0; i < keys.size(); i++) response.coordinators.push_back(describe(*call, keys[i], refused[i]));
  } else {
    auto one = describe(*call, keys[0], refused[0]);
    response.error_code = one.error_code;
    response.error_message = one.error_message;
    response.node_id = one.node_id;
    response.host = one.host;
    response.port = one.port;
  }
  call->reply(response);
}

void handle_find_coordinator(std::shared_ptr<FindCoordinatorCall> call) {
  ShardContext& shard = call->context();
  ByteView topic = topic_of(call->request.key_type);
  std::vector<ErrorCode> refused;
  for (ByteView key : keys_of(*call)) refused.push_back(check_access(*call, key));
  const bool any = std::find(refused.begin(), refused.end(), ErrorCode::kNone) != refused.end();
  if (!any || topic.empty() || shard.image().find_topic(topic) != nullptr) return answer(call, refused);
  const bool at_once = shard.strict_kafka();
  if (at_once) answer(call, refused);
  shard.controller().create_topics_for_use(call->shard(), {Bytes(topic)}, std::nullopt,
                                           [call, refused = std::move(refused), at_once] {
                                             if (!at_once) answer(call, refused);
                                           });
}

}  // namespace

ApiEntry find_coordinator_api() {
  return api_entry<FindCoordinatorCall, handle_find_coordinator>(
      {security::kDescribeGroup, security::kDescribeTransactionalId});
}

}  // namespace milena::broker
