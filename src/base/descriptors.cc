#include "base/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace milena {
namespace {

constexpr size_t kMaxFiles = 16'384;

size_t all_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 64 * kMaxFiles;
  return limit.rlim_cur;
}

}  // namespace

size_t descriptors_for_files() { return std::clamp<size_t>(all_descriptors() / 2, 64, kMaxFiles); }

size_t descriptors_for_connections() {
  const size_t all = all_descriptors();
  const size_t kept = descriptors_for_files() + std::clamp<size_t>(all / 8, 32, 1024);
  return std::max(all / 4, all - std::min(all, kept));
}

}  // namespace milena
