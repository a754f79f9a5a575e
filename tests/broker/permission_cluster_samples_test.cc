// The requests of a cluster's nodes to the controller, for the authorizer.
#include "broker/permission_samples.h"
#include "protocol/messages/allocate_producer_ids.h"
#include "protocol/messages/alter_partition.h"
#include "protocol/messages/assign_replicas_to_dirs.h"
#include "protocol/messages/broker_heartbeat.h"
#include "protocol/messages/broker_registration.h"
#include "protocol/messages/envelope.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/fetch_snapshot.h"

namespace milena::broker::broker_test {

std::vector<PermissionSample> cluster_samples() {
  constexpr ErrorCode kRefused = ErrorCode::kClusterAuthorizationFailed;
  std::vector<PermissionSample> samples;
  samples.push_back(sample<AlterPartitionResponse>("", AlterPartitionRequest(), 3, top_error, kRefused));
  samples.push_back(sample<AllocateProducerIdsResponse>("", AllocateProducerIdsRequest(), 0, top_error, kRefused));
  samples.push_back(sample<AssignReplicasToDirsResponse>("", AssignReplicasToDirsRequest(), 0, top_error, kRefused));
  samples.push_back(sample<BrokerHeartbeatResponse>("", BrokerHeartbeatRequest(), 1, top_error, kRefused));
  BrokerRegistrationRequest registration;
  registration.rack.reset();
  samples.push_back(sample<BrokerRegistrationResponse>("", registration, 4, top_error, kRefused));
  samples.push_back(sample<EnvelopeResponse>("", EnvelopeRequest(), 0, top_error, kRefused));
  samples.push_back(sample<FetchSnapshotResponse>("", FetchSnapshotRequest(), 1, top_error, kRefused));
  samples.push_back(sample<FetchResponse>("of the metadata", FetchRequest(), 17, top_error, kRefused));
  for (PermissionSample& one : samples) one.to_controller = true;
  return samples;
}

}  // namespace milena::broker::broker_test
