// DiskReserve: room on a log directory's disk that is kept for what must be written when the disk is full: the metadata
// log, the checkpoints, and what deletes records. It is a file whose blocks are allocated. When it has been spent, new
// records are refused until there is room for it again, so that they do not use what it gave back.
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

  // Takes the room, where there is enough: so many bytes, or less on a small disk. False where there is not. A file
  // system that cannot allocate gives no reserve. May block; any thread.
  bool take(uint64_t bytes);
  // Gives the room to what must be written now. False if the disk is not full, or there is none to give at the moment.
  // Any thread.
  bool spend();
  // Gives it back at the start and at the stop of the node: nothing is kept, and nothing is refused.
  void give_back();
  // Between spend() and the next successful take(). Any thread.
  bool spent() const { return spent_.load(std::memory_order_relaxed); }

 private:
  FileSystem& file_system_;
  const std::string directory_;
  const std::string path_;
  // Only one call at a time touches the file. Nobody waits for it: a disk may take long, and a shard's thread may ask.
  enum class State { kNone, kHeld, kBusy };
  // The file is the caller's until settle(). Nothing where another call has it.
  std::optional<State> seize();
  void settle(State state);

  std::mutex mutex_;
  State state_ = State::kNone;
  bool give_back_ = false;  // by whoever has the file
  std::atomic<bool> spent_ = false;
};

}  // namespace milena::log
