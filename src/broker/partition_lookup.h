// The checks that every data request makes before it touches a partition.
#pragma once

#include <cstdint>

#include "protocol/error_code.h"

namespace milena {

class Partition;
class PartitionLog;

// Whether this node leads the partition (null: it does not) in the epoch that the client believes in (-1: it does not
// say, KIP-320). With kNone `log` is set.
ErrorCode check_leader(Partition* partition, int32_t claimed_epoch, PartitionLog*& log);

}  // namespace milena
