#include "broker/controller/leader_elections.h"

#include <utility>

#include "base/log.h"
#include "base/saturating.h"
#include "broker/controller/metadata_runtime.h"
#include "broker/shard_context.h"

namespace milena::broker {
namespace {

// More partitions follow at once in the next round.
constexpr size_t kMaxAtOnce = 1000;

}  // namespace

LeaderElections::LeaderElections(MetadataRuntime& runtime)
    : runtime_(runtime),
      preferred_{&metadata::Controller::balance_leaders,
                 [this] {
                   const int64_t seconds =
                       runtime_.home().settings().get_long("leader.imbalance.check.interval.seconds");
                   return multiply_saturating(seconds, 1000);
                 },
                 "partitions have their preferred leader again"},
      unclean_{&metadata::Controller::elect_unclean_leaders,
               [this] { return runtime_.home().settings().get_long("unclean.leader.election.interval.ms"); },
               "partitions without a leader now have an unclean leader: records may be lost"} {}

void LeaderElections::start() {
  const ShardContext& home = runtime_.home();
  if (home.node().controller_endpoints.empty()) return;
  runs_ = true;
  if (home.settings().get_bool("auto.leader.rebalance.enable")) check_in(preferred_, preferred_.interval_ms());
  check_in(unclean_, unclean_.interval_ms());
}

void LeaderElections::stop() {
  runs_ = false;
  for (Round* round : {&preferred_, &unclean_}) runtime_.home().executor().cancel(std::exchange(round->timer, 0));
}

void LeaderElections::elect_uncleanly_now() {
  if (!runs_) return;
  runtime_.home().executor().cancel(std::exchange(unclean_.timer, 0));
  check_in(unclean_, 0);
}

void LeaderElections::check_in(Round& round, int64_t ms) {
  round.timer = runtime_.home().executor().call_after(ms, [this, &round] {
    round.timer = 0;
    check(round);
  });
}

void LeaderElections::check(Round& round) {
  runtime_.submit<size_t>(
      runtime_.home().shard(),
      [elect = round.elect](const metadata::Controller& controller) { return (controller.*elect)(kMaxAtOnce); },
      [this, &round](size_t elected) {
        if (elected > 0) log_info("{} {}", elected, round.elected_text);
        // A round that was requested meanwhile comes first.
        if (runs_ && round.timer == 0) check_in(round, elected == kMaxAtOnce ? 0 : round.interval_ms());
      });
}

}  // namespace milena::broker
