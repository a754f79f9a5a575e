#include "log/disk_reserve.h"

#include <algorithm>

namespace milena {
namespace {

// Of a small disk no more than this part.
constexpr uint64_t kLeastDisks = 16;
constexpr uint64_t kLeast_bytes = 256 << 10;
// A disk with more room than this is not full, whatever else there is a lack of.
constexpr int64_t kFull_bytes = 1 << 20;

}  // namespace

bool DiskReserve::take(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  const DiskSpace space = file_system_.space(directory_);
  if (space.total_bytes > 0) bytes = std::min(bytes, static_cast<uint64_t>(space.total_bytes) / kLeastDisks);
  // A part is better than nothing, but no reason to take records again.
  const uint64_t least = spent_ || held_ ? bytes : std::min(bytes, kLeast_bytes);
  for (uint64_t part = bytes; part > 0 && part >= least; part /= 2) {
    Status taken = file_system_.allocate(path_, part);
    const bool full = !taken.ok() && taken.error().kind == ErrorKind::kExhausted;
    if (full) continue;
    held_ = taken.ok();
    spent_ = false;
    return part == bytes || !held_;
  }
  if (bytes == 0) spent_ = false;
  return bytes == 0;
}

bool DiskReserve::spend() {
  std::lock_guard lock(mutex_);
  if (!held_ || file_system_.space(directory_).usable_bytes > kFull_bytes) return false;
  held_ = false;
  spent_ = true;
  return file_system_.remove(path_).ok();
}

void DiskReserve::give_back() {
  std::lock_guard lock(mutex_);
  held_ = false;
  spent_ = false;
  // Also what a node that was killed has left. Where it cannot be removed, it is in nobody's way.
  if (file_system_.exists(path_)) (void)file_system_.remove(path_).ok();
}

}  // namespace milena
