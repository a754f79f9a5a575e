// DiskReserves: takes the reserves of the log directories (log/disk_reserve.h), and takes them again when they were
// spent and there is room. Lives on the controller's shard.
#pragma once

#include <atomic>
#include <memory>

#include "base/executor.h"

namespace milena::log {
class LogDirectory;
}  // namespace milena::log

namespace milena::broker {

class ShardContext;

class DiskReserves {
 public:
  explicit DiskReserves(ShardContext& home) : home_(home) {}

  void start() { take(); }
  // A reserve was spent: looks for room from now on.
  void note_spent();
  // They are given back: the last files may need the room.
  void stop();

 private:
  void take();

  ShardContext& home_;
  bool looking_ = false;
  // Shared with the worker, which may outlive us.
  std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace milena::broker
