#include "broker/replica/partition_lookup.h"

#include "broker/replica/partition.h"

namespace milena::broker {

ErrorCode check_replica(const Partition* replica, int32_t claimed_epoch) {
  if (replica == nullptr) return ErrorCode::kNotLeaderOrFollower;
  if (claimed_epoch != -1 && claimed_epoch < replica->leader_epoch()) return ErrorCode::kFencedLeaderEpoch;
  if (claimed_epoch > replica->leader_epoch()) return ErrorCode::kUnknownLeaderEpoch;
  return ErrorCode::kNone;
}

ErrorCode check_leader(const Partition* replica, int32_t claimed_epoch) {
  const ErrorCode error = check_replica(replica, claimed_epoch);
  if (error != ErrorCode::kNone || replica->leads()) return error;
  return ErrorCode::kNotLeaderOrFollower;
}

}  // namespace milena::broker
