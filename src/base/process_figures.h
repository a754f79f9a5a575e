// The system's figures about this process, for metrics. Any thread; reads a few files of /proc.
#pragma once

#include <cstdint>

namespace milena {

// 0 if unknown.
struct ProcessFigures {
  double cpu_seconds = 0;
  double start_seconds = 0;  // since 1970
  uint64_t resident_bytes = 0;
  uint64_t resident_file_bytes = 0;  // of these, pages of files that others may share
  uint64_t virtual_bytes = 0;
  uint64_t open_files = 0;
  uint64_t most_open_files = 0;
  uint64_t threads = 0;
};

ProcessFigures read_process_figures();

}  // namespace milena
