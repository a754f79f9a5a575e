#include "broker/controller/leader_balance.h"

#include <utility>

#include "base/log.h"
#include "base/saturating.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/shard_context.h"

namespace milena {
namespace {

// The rest follows at once.
constexpr size_t kMostAtOnce = 1000;

}  // namespace

int64_t LeaderBalance::interval_ms() const {
  return multiply_saturating(runtime_.home().settings().get_long("leader.imbalance.check.interval.seconds"), 1000);
}

void LeaderBalance::start() {
  const ShardContext& home = runtime_.home();
  if (home.node().controller_endpoints.empty() || !home.settings().get_bool("auto.leader.rebalance.enable")) return;
  check_in(interval_ms());
}

void LeaderBalance::stop() {
  stopped_ = true;
  runtime_.home().executor().cancel(std::exchange(timer_, 0));
}

void LeaderBalance::check_in(int64_t ms) {
  timer_ = runtime_.home().executor().call_after(ms, [this] {
    timer_ = 0;
    check();
  });
}

void LeaderBalance::check() {
  runtime_.submit<size_t>(
      runtime_.home().shard(), [](const Controller& controller) { return controller.balance_leaders(kMostAtOnce); },
      [this](size_t elected) {
        if (elected > 0) log_info("{} partitions are led by their preferred replicas again", elected);
        if (!stopped_) check_in(elected == kMostAtOnce ? 0 : interval_ms());
      });
}

}  // namespace milena
