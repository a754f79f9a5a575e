#include "sim/node/node_runner.h"

#include "sim/apart.h"
#include "sim/node/node_simulator.h"

namespace milena::sim {

Verdict run_apart(const Plan& plan, bool with_log) {
  const ApartResult result = run_apart(
      [&](const OnLine& on_line, std::vector<size_t>& counts) {
        NodeSimulator simulator(plan, on_line);
        std::string failure = simulator.run();
        counts = {simulator.acknowledged(), simulator.deaths(), simulator.records_read(), simulator.transactions(),
                  simulator.disk_calls()};
        return failure;
      },
      with_log);
  Verdict verdict{.failure = result.failure, .history = result.history};
  if (result.counts.size() != 5) return verdict;
  verdict.acknowledged = result.counts[0];
  verdict.deaths = result.counts[1];
  verdict.records_read = result.counts[2];
  verdict.transactions = result.counts[3];
  verdict.disk_calls = result.counts[4];
  return verdict;
}

Plan shrink(Plan plan, const std::string& failure) {
  return shrink_steps<Plan>(std::move(plan), failure, [](const Plan& one) { return run_apart(one).failure; });
}

}  // namespace milena::sim
