// Common code of the embedded controller's functions, one for each API (embedded_controller.cc has the table).
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "broker/controller/controller_channel.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/shard_context.h"

namespace milena::broker {

class BrokerSessions;
class LeaderElections;

// A request on its way to the embedded controller.
struct EmbeddedCall {
  MetadataRuntime& runtime;
  Shard& from;
  OutgoingRequest request;
  ControllerRequestContext context;
  OutgoingReply reply;
  BrokerSessions& sessions;
  LeaderElections& elections;

  // When to answer that the decision could not be written.
  int64_t give_up_ms() const {
    return std::min(context.deadline_ms, runtime.home().steady_ms() + MetadataRuntime::kUnwritten_ms);
  }

  template <class Response>
  void answer(Response response) const {
    reply(ErrorCode::kNone, std::make_shared<Response>(std::move(response)));
  }
};
using EmbeddedCallPtr = std::shared_ptr<EmbeddedCall>;

// `decide(controller)` returns the effects; their response is sent once they are applied on every shard.
template <class Response, class Decide>
void decide_embedded(EmbeddedCallPtr call, Decide decide) {
  call->runtime.submit<Response>(call->from, std::move(decide),
                                 [call](Response response) { call->answer(std::move(response)); },
                                 call->give_up_ms());
}

// In files of their own, because they do more than decide.
void register_broker_embedded(const EmbeddedCallPtr& call);
void broker_heartbeat_embedded(const EmbeddedCallPtr& call);
void allocate_producer_ids_embedded(const EmbeddedCallPtr& call);
void alter_client_quotas_embedded(const EmbeddedCallPtr& call);
void create_delegation_token_embedded(const EmbeddedCallPtr& call);
void renew_delegation_token_embedded(const EmbeddedCallPtr& call);
void expire_delegation_token_embedded(const EmbeddedCallPtr& call);
void describe_quorum_embedded(const EmbeddedCallPtr& call);
void update_features_embedded(const EmbeddedCallPtr& call);

}  // namespace milena::broker
