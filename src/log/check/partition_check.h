// Checks one partition's directory, file by file. Any thread; writes nothing.
#pragma once

#include <functional>

#include "base/file.h"
#include "log/check/findings.h"
#include "log/log_directory.h"

namespace milena::log {

// An error is of the disk. `known` is what the checkpoints say of the partition; `on_read` is told as its
// segments are read.
Result<PartitionFindings> check_partition(FileSystem& files, const PartitionDirectory& partition,
                                          const LogDirectory::Found& known,
                                          const std::function<void(uint64_t bytes)>& on_read);

}  // namespace milena::log
