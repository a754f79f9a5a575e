// FindCoordinator (key 10), versions 0-6; version 4 asks for many keys at once. The first question about a group makes
// __consumer_offsets and is answered when it can be used: no COORDINATOR_NOT_AVAILABLE on a healthy node.
#include "broker/api/handlers.h"
#include "broker/call.h"
#include "broker/endpoints.h"
#include "broker/group_runtime.h"
#include "broker/metadata_runtime.h"
#include "broker/shard.h"
#include "protocol/messages/find_coordinator.h"

namespace milena {
namespace {

constexpr int8_t kGroup = 0;
constexpr int16_t kFirstVersionWithManyKeys = 4;

void refuse(FindCoordinatorResponse::Coordinator& out, ErrorCode error, Bytes message) {
  out.error_code = error;
  out.error_message = std::move(message);
  out.node_id = -1;
  out.port = -1;
}

FindCoordinatorResponse::Coordinator describe(const FindCoordinatorCall& call, ByteView key) {
  FindCoordinatorResponse::Coordinator out;
  out.key = Bytes(key);
  if (call.request.key_type != kGroup) {
    refuse(out, ErrorCode::kInvalidRequest, "This broker keeps coordinators of groups only.");
  } else if (GroupRuntime::partition_of(call.shard(), key) < 0) {
    refuse(out, ErrorCode::kCoordinatorNotAvailable, "The topic __consumer_offsets could not be created.");
  } else {
    ListenerEndpoint here = advertised_endpoint(call);
    out.node_id = call.shard().node().node_id;
    out.host = here.host;
    out.port = here.port;
  }
  return out;
}

void answer(const std::shared_ptr<FindCoordinatorCall>& call) {
  FindCoordinatorResponse response;
  if (call->version() >= kFirstVersionWithManyKeys) {
    for (ByteView key : call->request.coordinator_keys) response.coordinators.push_back(describe(*call, key));
  } else {
    auto one = describe(*call, call->request.key);
    response.error_code = one.error_code;
    response.error_message = one.error_message;
    response.node_id = one.node_id;
    response.host = one.host;
    response.port = one.port;
  }
  call->reply(response);
}

}  // namespace

void handle_find_coordinator(std::shared_ptr<FindCoordinatorCall> call) {
  Shard& shard = call->shard();
  if (call->request.key_type != kGroup || GroupRuntime::partition_count(shard) > 0) return answer(call);
  shard.metadata().create_topics_for_use(shard, {Bytes(kConsumerOffsetsTopic)}, [call] { answer(call); });
}

}  // namespace milena
