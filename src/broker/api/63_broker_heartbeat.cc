// BrokerHeartbeat (key 63), versions 0-2: a broker reports to the controller that it lives, how far it has followed the
// metadata, and the state that it wants.
#include "broker/api/63_broker_heartbeat.h"

#include "broker/api/controller_call.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/controller/embedded_controller.h"
#include "broker/shard.h"
#include "protocol/messages/broker_heartbeat.h"

namespace milena::broker {
namespace {

using BrokerHeartbeatCall = Call<BrokerHeartbeatRequest, BrokerHeartbeatResponse>;

void handle_broker_heartbeat(std::shared_ptr<BrokerHeartbeatCall> call) {
  if (!require_cluster(*call, security::kClusterAction)) return;
  ConnectionState& connection = call->connection();
  connection.heartbeats_of = {call->request.broker_id, call->request.broker_epoch};
  ask_controller(std::move(call));
}

}  // namespace

void tell_controller_of_closed_connection(Shard& shard, const ConnectionState& connection) {
  EmbeddedController* controller = shard.node().embedded_controller;
  if (connection.heartbeats_of.broker_id < 0 || controller == nullptr) return;
  controller->broker_disconnected(shard, connection.heartbeats_of.broker_id, connection.heartbeats_of.broker_epoch);
}

ApiEntry broker_heartbeat_api() {
  return api_entry<BrokerHeartbeatCall, handle_broker_heartbeat>({security::kClusterAction});
}

}  // namespace milena::broker
