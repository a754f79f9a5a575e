// DiskReserves: allocates the reserves of the log directories (log/disk_reserve.h), and allocates them again after use
// when there is space. Lives on the controller's shard.
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
  // A reserve was used: looks for space from now on.
  void note_spent();
  // Releases them: the last files may need the space.
  void stop();

 private:
  void take();

  ShardContext& home_;
  bool looking_ = false;
  // Shared with the worker, which may live longer.
  std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace milena::broker
