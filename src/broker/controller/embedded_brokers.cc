// The embedded controller's requests of brokers in other processes: BrokerRegistration, BrokerHeartbeat,
// AllocateProducerIds.
#include "base/log.h"
#include "broker/controller/broker_sessions.h"
#include "broker/controller/embedded_controller_call.h"
#include "protocol/messages/allocate_producer_ids.h"
#include "protocol/messages/broker_heartbeat.h"
#include "protocol/messages/broker_registration.h"

namespace milena::broker {

void register_broker_embedded(const EmbeddedCallPtr& call) {
  auto request = call->request.as<BrokerRegistrationRequest>();
  decide_embedded<BrokerRegistrationResponse>(call, [call, request](const metadata::Controller& controller) {
    const std::string& cluster_id = call->runtime.home().node().cluster_id;
    auto effects = controller.register_remote_broker(*request, cluster_id, call->sessions.contact(request->broker_id),
                                                     call->runtime.end_offset());
    if (effects.response.error_code == ErrorCode::kNone) {
      call->sessions.touch(request->broker_id, effects.response.broker_epoch);
      log_info("Broker {} registered with epoch {}", request->broker_id, effects.response.broker_epoch);
    }
    return effects;
  });
}

void broker_heartbeat_embedded(const EmbeddedCallPtr& call) {
  auto request = call->request.as<BrokerHeartbeatRequest>();
  decide_embedded<BrokerHeartbeatResponse>(call, [call, request](const metadata::Controller& controller) {
    BrokerSessions& sessions = call->sessions;
    const int32_t id = request->broker_id;
    const metadata::BrokerImage* before = controller.image().find_broker(id);
    if (before != nullptr && before->epoch == request->broker_epoch) {
      sessions.touch(id, before->epoch);
      sessions.note_offset(id, request->current_metadata_offset);
    }
    auto effects = controller.broker_heartbeat(*request, sessions.contact(id));
    if (effects.response.error_code != ErrorCode::kNone) return effects;
    const bool fenced = effects.response.is_fenced;
    if (before->fenced != fenced) log_info("Broker {} is {}", id, fenced ? "fenced" : "in service");
    if (request->want_shut_down && !effects.records.empty() && !fenced) {
      sessions.note_shutdown(id, call->runtime.end_offset());
    }
    // It stops in order: no session needs to expire.
    if (effects.response.should_shut_down) sessions.forget(id);
    return effects;
  });
}

void allocate_producer_ids_embedded(const EmbeddedCallPtr& call) {
  auto request = call->request.as<AllocateProducerIdsRequest>();
  decide_embedded<AllocateProducerIdsResponse>(
      call, [request](const metadata::Controller& controller) { return controller.allocate_producer_ids(*request); });
}

}  // namespace milena::broker
