#include "broker/storage/disk_reserves.h"

#include <memory>
#include <vector>

#include "base/log.h"
#include "broker/shard_context.h"
#include "broker/storage/log_directories.h"

namespace milena::broker {
namespace {

constexpr int64_t kLookAgain_ms = 1000;

std::vector<log::LogDirectory*> directories_of(const ShardContext& shard) {
  const LogDirectories& directories = *shard.node().directories;
  std::vector<log::LogDirectory*> all{&directories.metadata()};
  for (const auto& each : directories.all()) {
    if (each.get() != all.front()) all.push_back(each.get());
  }
  return all;
}

}  // namespace

void DiskReserves::note_spent() {
  if (looking_ || *stopped_) return;
  looking_ = true;
  home_.executor().call_after(kLookAgain_ms, [this] {
    looking_ = false;
    if (!*stopped_) take();
  });
}

void DiskReserves::take() {
  const auto bytes = static_cast<uint64_t>(home_.settings().get_long("milena.disk.reserve.bytes"));
  auto whole = std::make_shared<bool>(true);
  home_.executor().run_blocking(
      [whole, bytes, all = directories_of(home_), stopped = stopped_] {
        for (log::LogDirectory* each : all) {
          if (!each->online()) continue;
          const bool was_spent = each->reserve().spent();
          const bool taken = each->reserve().take(bytes);
          *whole &= taken;
          if (*stopped) each->reserve().give_back();
          if (was_spent && taken) log_info("the disk of {} has space again; records are accepted", each->path());
        }
      },
      [this, whole] {
        if (!*whole) note_spent();
      });
}

void DiskReserves::stop() {
  *stopped_ = true;
  for (log::LogDirectory* each : directories_of(home_)) each->reserve().give_back();
}

}  // namespace milena::broker
