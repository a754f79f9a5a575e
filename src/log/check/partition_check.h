// Checks one partition's directory, file by file. Any thread; writes nothing.
#pragma once

#include "base/file.h"
#include "log/check/findings.h"
#include "log/log_directory.h"

namespace milena::log {

// Errors are of the disk. `known` has the partition's entries in the checkpoints.
Result<PartitionFindings> check_partition(FileSystem& files, const PartitionDirectory& partition,
                                          const LogDirectory::Found& known);

}  // namespace milena::log
