// Common code of the handlers of the group APIs: sends a request to the coordinator of its group, and the answer back.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "broker/clients/call.h"
#include "broker/coordinators/group_runtime.h"
#include "broker/shard_context.h"
#include "metadata/features.h"

namespace milena::broker {

// The caller of one input. Lives on the stack of the function that calls the coordinator.
class GroupCaller {
 public:
  GroupCaller(const CallBase& call, coordinator::AnswerToken token)
      : host_("/" + call.connection().info.peer_host), caller_{token,
                                                               call.version(),
                                                               call.client_id(),
                                                               host_,
                                                               call.connection().info.id,
                                                               &call.answer_room(),
                                                               &call.principal()} {}
  operator const coordinator::Caller&() const { return caller_; }

 private:
  std::string host_;
  coordinator::Caller caller_;
};

// Adapts an answer to the version of its request, if its schema does not do it.
template <class Response>
void fit_to_version(Response&, int16_t) {}
inline void fit_to_version(JoinGroupResponse& response, int16_t version) {
  // From version 7 on null means no protocol, so an empty name is never sent.
  if (version >= 7 && response.protocol_name && response.protocol_name->empty()) response.protocol_name.reset();
}

// The handlers of members' requests call this, so that the coordinator learns when the client closes the connection.
// Those of administrators' requests call it too; they name no member, so this has no effect.
void note_group(ConnectionState& connection, ByteView group_id);

// The consumer protocol (KIP-848) is on when the settings name it and the cluster has finalized its feature.
inline bool offers_consumer_groups(const ShardContext& shard) {
  const std::vector<Bytes> kinds = shard.settings().get_list("group.coordinator.rebalance.protocols");
  return shard.image().feature_level(metadata::kGroupVersionFeature) >= 1 &&
         std::find(kinds.begin(), kinds.end(), "consumer") != kinds.end();
}

// Replies to a call in its version.
template <class CallType, class Response>
void reply_as_group(CallType& call, Response answer) {
  fit_to_version(answer, call.version());
  call.reply(answer);
}

// Passes the call to the coordinator of `group_id`, to one of GroupShard's methods; its answer becomes the reply.
// `fail` makes the reply if there is no coordinator to ask.
template <class CallType, class Method, class Fail>
void send_to_coordinator(std::shared_ptr<CallType> call, ByteView group_id, Method method, Fail fail) {
  using Response = typename CallType::Response;
  // Checked before the coordinator is looked up, as in Kafka.
  const auto reply = [call](Response answer) { reply_as_group(*call, std::move(answer)); };
  if (group_id.empty()) return reply(fail(ErrorCode::kInvalidGroupId));
  note_group(call->connection(), group_id);
  GroupRuntime::submit(
      call->shard(), GroupRuntime::partition_of(call->context(), group_id),
      [call, method](coordinator::GroupShard& state, coordinator::AnswerToken token, coordinator::Now now) {
        return (state.*method)(GroupCaller(*call, token), call->request, now);
      },
      [reply, fail](ErrorCode error, coordinator::GroupResponse* response) {
        reply(error == ErrorCode::kNone ? std::move(std::get<Response>(*response)) : fail(error));
      });
}

// The same for a member of a group, which must be allowed to read it.
template <class CallType, class Method, class Fail>
void ask_coordinator(std::shared_ptr<CallType> call, ByteView group_id, Method method, Fail fail) {
  if (!call->allows(security::kReadGroup, group_id))
    return reply_as_group(*call, fail(ErrorCode::kGroupAuthorizationFailed));
  send_to_coordinator(std::move(call), group_id, method, fail);
}

// The plain case: the error is in the answer's top field.
template <class Response>
Response plain_failure(ErrorCode error) {
  Response response;
  response.error_code = error;
  return response;
}
template <class CallType, class Method>
void ask_coordinator(std::shared_ptr<CallType> call, ByteView group_id, Method method) {
  ask_coordinator(std::move(call), group_id, method, &plain_failure<typename CallType::Response>);
}

// The client closed this connection: notifies the coordinators of the groups that were named over it.
void tell_groups_of_closed_connection(Shard& shard, const ConnectionState& connection);

}  // namespace milena::broker
