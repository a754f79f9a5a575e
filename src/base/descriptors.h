// How the descriptors that the process may have are shared out: those of log files are kept free of connections.
#pragma once

#include <cstddef>

namespace milena {

// For files of logs that are kept open (FileCache).
size_t descriptors_for_files();
// For connections. The rest is for what is opened for a moment, and for files that answers under way still need.
size_t descriptors_for_connections();

}  // namespace milena
