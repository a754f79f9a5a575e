// Divides the process's file descriptors, so that connections cannot use up those of log files.
#pragma once

#include <cstddef>

namespace milena {

// For files of logs that are kept open (FileCache).
size_t descriptors_for_files();
// For connections. The rest is for files opened for a moment, and for files that responses in flight still use.
size_t descriptors_for_connections();

}  // namespace milena
