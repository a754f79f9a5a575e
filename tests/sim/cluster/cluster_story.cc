#include "sim/cluster/cluster_story.h"

#include <array>

#include "sim/node/random.h"

namespace milena::sim {
namespace {

using Weights = std::array<uint32_t, static_cast<size_t>(ClusterStepKind::kCount)>;

// Each history leaves out some kinds of steps, and repeats some others often.
Weights weights_of(const ClusterPlan& plan, SimRandom& random) {
  Weights weights{};
  for (uint32_t& weight : weights) {
    if (random.chance(50)) weight = 1u << random.pick(4);
  }
  auto at = [&](ClusterStepKind kind) -> uint32_t& { return weights[static_cast<size_t>(kind)]; };
  at(ClusterStepKind::kProduce) += 5;
  at(ClusterStepKind::kSequence) += random.chance(70) ? 5 : 0;
  at(ClusterStepKind::kConsume) += 3;
  at(ClusterStepKind::kTransact) += random.chance(50) ? 5 : 0;
  at(ClusterStepKind::kCommit) += random.chance(50) ? 3 : 0;
  at(ClusterStepKind::kPass) += 6;
  for (ClusterStepKind rare : {ClusterStepKind::kKill, ClusterStepKind::kPowerOff, ClusterStepKind::kPowerOffAll,
                               ClusterStepKind::kRestart, ClusterStepKind::kPause, ClusterStepKind::kUnclean,
                               ClusterStepKind::kDeleteTopic, ClusterStepKind::kDeleteRecords,
                               ClusterStepKind::kOldFetch}) {
    at(rare) = (at(rare) + 1) / 2;
  }
  at(ClusterStepKind::kPowerOffAll) = (at(ClusterStepKind::kPowerOffAll) + 3) / 4;
  if (!plan.power) at(ClusterStepKind::kPowerOff) = at(ClusterStepKind::kPowerOffAll) = 0;
  return weights;
}

void choose_settings(ClusterPlan& plan, SimRandom& random) {
  auto set = [&](const char* name, std::string value) { plan.settings.emplace_back(name, std::move(value)); };
  set("replica.lag.time.max.ms", random.one_of({"500", "2000", "10000"}));
  set("broker.session.timeout.ms", random.one_of({"1500", "4000", "9000"}));
  set("broker.heartbeat.interval.ms", random.one_of({"300", "1000"}));
  set("milena.broker.disconnect.grace.ms", random.one_of({"-1", "0", "100"}));
  set("replica.fetch.wait.max.ms", random.one_of({"100", "500"}));
  set("replica.socket.timeout.ms", random.one_of({"1000", "5000"}));
  set("request.timeout.ms", random.one_of({"1000", "5000"}));
  set("replica.fetch.backoff.ms", random.one_of({"50", "1000"}));
  set("replica.high.watermark.checkpoint.interval.ms", random.one_of({"200", "5000"}));
  if (random.chance(30)) set("metadata.log.max.record.bytes.between.snapshots", "2000");
  if (random.chance(30)) set("metadata.max.retention.bytes", "4000");
  if (random.chance(30)) set("replica.fetch.max.bytes", "200");
  set("log.retention.check.interval.ms", random.one_of({"500", "5000"}));
  set("log.cleaner.backoff.ms", random.one_of({"200", "3000"}));
  set("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000");
}

void choose_topics(ClusterPlan& plan, SimRandom& random) {
  const size_t count = random.pick(2) + 1;
  for (size_t i = 0; i < count; i++) {
    TopicPlan topic;
    topic.name = "t" + std::to_string(i);
    topic.partitions = static_cast<int32_t>(random.pick(2)) + 1;
    topic.replicas = random.chance(75) ? 3 : 2;
    topic.min_in_sync = static_cast<int>(random.pick(2)) + 1;
    topic.unclean = random.chance(15);
    topic.settings.emplace_back("internal.segment.bytes", random.one_of({"400", "2000", "1000000"}));
    topic.settings.emplace_back("index.interval.bytes", random.one_of({"0", "4096"}));
    if (plan.power && random.chance(40)) topic.settings.emplace_back("flush.messages", "1");
    const size_t kind = random.pick(10);
    topic.compacts = kind == 0;
    if (kind == 1 || kind == 2) topic.retention_ms = random.chance(50) ? 500 : 8000;
    plan.topics.push_back(std::move(topic));
  }
}

}  // namespace

std::string_view name_of(ClusterStepKind kind) {
  static constexpr std::string_view kNames[] = {
#define MILENA_NAME(name) #name,
      MILENA_CLUSTER_STEPS(MILENA_NAME)
#undef MILENA_NAME
  };
  return kNames[static_cast<size_t>(kind)].substr(1);
}

ClusterPlan ClusterPlan::of(uint64_t seed) {
  SimRandom random(seed);
  ClusterPlan plan;
  plan.seed = seed;
  plan.shards = random.pick(2) + 1;
  plan.controller_apart = random.chance(50);
  plan.power = random.chance(40);
  choose_settings(plan, random);
  choose_topics(plan, random);
  const Weights weights = weights_of(plan, random);
  const size_t count = 10 + random.pick(50);
  for (size_t i = 0; i < count; i++) {
    const auto kind = static_cast<ClusterStepKind>(random.pick_weighted(weights));
    plan.steps.push_back({kind, random.next()});
  }
  return plan;
}

}  // namespace milena::sim
