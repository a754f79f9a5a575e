#include "base/process_figures.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace milena {
namespace {

uint64_t count_entries(const char* path) {
  DIR* directory = ::opendir(path);
  if (directory == nullptr) return 0;
  uint64_t entries = 0;
  while (const dirent* entry = ::readdir(directory)) entries += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(directory);
  return entries > 0 ? entries - 1 : 0;  // without the one opened here
}

double boot_seconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

// The fields behind the program's name, which may contain anything but ends with the last parenthesis.
void read_stat(ProcessFigures& figures) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line) || line.rfind(')') == std::string::npos) return;
  constexpr int kThreads = 18;  // counted from 1 at the name, as proc(5) does from its second field on
  constexpr int kStartTime = 20;
  size_t at = line.rfind(')');
  uint64_t start_ticks = 0;
  for (int field = 1; field <= kStartTime && at != std::string::npos; field++) {
    at = line.find(' ', at);
    if (at == std::string::npos) return;
    at++;
    if (field == kThreads) figures.threads = std::strtoull(line.c_str() + at, nullptr, 10);
    if (field == kStartTime) start_ticks = std::strtoull(line.c_str() + at, nullptr, 10);
  }
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  figures.start_seconds = boot_seconds() + static_cast<double>(start_ticks) / ticks;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessFigures read_process_figures() {
  ProcessFigures figures;
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream memory("/proc/self/statm");
  memory >> figures.virtual_bytes >> figures.resident_bytes >> figures.resident_file_bytes;
  figures.virtual_bytes *= page;
  figures.resident_bytes *= page;
  figures.resident_file_bytes *= page;
  read_stat(figures);
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    figures.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  }
  figures.open_files = count_entries("/proc/self/fd");
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.most_open_files = limit.rlim_cur;
  return figures;
}

}  // namespace milena
