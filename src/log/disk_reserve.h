// DiskReserve: space reserved on a log directory's disk for writes that must succeed when the disk is full: the
// metadata log, the checkpoints, and deletions of records. It is a file with allocated blocks. After it was spent, new
// records are refused until it can be reserved again, so that they do not use its space.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/file.h"

namespace milena::log {

class DiskReserve {
 public:
  static constexpr const char* kFileName = ".milena-reserve";

  DiskReserve(FileSystem& file_system, const std::string& directory)
      : file_system_(file_system), directory_(directory), path_(directory + "/" + kFileName) {}

  // Reserves the space if there is enough: `bytes`, or less on a small disk. False if there is not. On a file system
  // that cannot allocate there is no reserve. May block; any thread.
  bool take(uint64_t bytes);
  // Releases the space for a write that must succeed now. False if the disk is not full, or nothing is reserved. Any
  // thread.
  bool spend();
  // Releases the space at the start and at the stop of the node: nothing is reserved, and nothing is refused.
  void give_back();
  // Between spend() and the next successful take(). Any thread.
  bool spent() const { return spent_.load(std::memory_order_relaxed); }

 private:
  FileSystem& file_system_;
  const std::string directory_;
  const std::string path_;
  // Only one call at a time uses the file. Others do not wait for it: a disk may take long, and shards call this.
  enum class State { kNone, kHeld, kBusy };
  // Gives the caller the file until settle(). Nothing if another call has it.
  std::optional<State> seize();
  void settle(State state);

  std::mutex mutex_;
  State state_ = State::kNone;
  bool give_back_ = false;  // done by the call that has the file
  std::atomic<bool> spent_ = false;
};

}  // namespace milena::log
