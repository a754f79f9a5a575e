#include "broker/replica/partition_lookup.h"

#include "broker/replica/partition.h"

namespace milena {

ErrorCode check_leader(const Partition* partition, int32_t claimed_epoch) {
  if (partition == nullptr) return ErrorCode::kNotLeaderOrFollower;
  if (claimed_epoch != -1 && claimed_epoch < partition->leader_epoch()) return ErrorCode::kFencedLeaderEpoch;
  if (claimed_epoch > partition->leader_epoch()) return ErrorCode::kUnknownLeaderEpoch;
  return ErrorCode::kNone;
}

}  // namespace milena
