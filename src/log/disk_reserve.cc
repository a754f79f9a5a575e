#include "log/disk_reserve.h"

#include <algorithm>
#include <utility>

namespace milena::log {
namespace {

// At most this part of a small disk.
constexpr uint64_t kMinDisks = 16;
constexpr uint64_t kMin_bytes = 256 << 10;
// A disk with more space than this is not full, even if a write failed.
constexpr int64_t kFull_bytes = 1 << 20;

}  // namespace

std::optional<DiskReserve::State> DiskReserve::seize() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kBusy) return std::nullopt;
  return std::exchange(state_, State::kBusy);
}

void DiskReserve::settle(State state) {
  {
    const std::lock_guard lock(mutex_);
    if (!give_back_) {
      state_ = state;
      return;
    }
    give_back_ = false;
  }
  // The node has begun to stop meanwhile.
  spent_ = false;
  (void)file_system_.remove(path_).ok();
  const std::lock_guard lock(mutex_);
  state_ = State::kNone;
}

bool DiskReserve::take(uint64_t bytes) {
  const std::optional<State> before = seize();
  if (!before) return false;
  const bool held = *before == State::kHeld;
  const DiskSpace space = file_system_.space(directory_);
  if (space.total_bytes > 0) bytes = std::min(bytes, static_cast<uint64_t>(space.total_bytes) / kMinDisks);
  // A part is better than nothing, but not enough to accept records again.
  const uint64_t least = spent_ || held ? bytes : std::min(bytes, kMin_bytes);
  for (uint64_t part = bytes; part > 0 && part >= least; part /= 2) {
    Status taken = file_system_.allocate(path_, part);
    const bool full = !taken.ok() && taken.error().kind == ErrorKind::kExhausted;
    if (full) continue;
    spent_ = false;
    settle(taken.ok() ? State::kHeld : State::kNone);
    return part == bytes || !taken.ok();
  }
  if (bytes == 0) spent_ = false;
  settle(*before);
  return bytes == 0;
}

bool DiskReserve::spend() {
  const std::optional<State> before = seize();
  if (!before) return false;
  if (*before != State::kHeld || file_system_.space(directory_).usable_bytes > kFull_bytes) {
    settle(*before);
    return false;
  }
  spent_ = true;
  const bool removed = file_system_.remove(path_).ok();
  settle(State::kNone);
  return removed;
}

void DiskReserve::give_back() {
  {
    const std::lock_guard lock(mutex_);
    give_back_ = state_ == State::kBusy;
    if (give_back_) return;
    state_ = State::kBusy;
  }
  spent_ = false;
  // Also a file left by a killed node. If it cannot be removed, that is harmless.
  if (file_system_.exists(path_)) (void)file_system_.remove(path_).ok();
  settle(State::kNone);
}

}  // namespace milena::log
