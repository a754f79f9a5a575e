#include "sim/node/node_story.h"

#include <array>

#include "sim/node/random.h"

namespace milena::sim {
namespace {

using Weights = std::array<uint32_t, static_cast<size_t>(StepKind::kCount)>;

// Each history leaves out some kinds of steps, and repeats some others often, which makes rare combinations likelier.
Weights weights_of(const Plan& plan, SimRandom& random) {
  Weights weights{};
  for (uint32_t& weight : weights) {
    if (random.chance(60)) weight = 1u << random.pick(4);
  }
  auto at = [&](StepKind kind) -> uint32_t& { return weights[static_cast<size_t>(kind)]; };
  at(StepKind::kProduce) += 4;
  if (at(StepKind::kSequence) > 0) at(StepKind::kSequence) += 2;
  at(StepKind::kPass) += 3;
  at(StepKind::kTransact) = plan.transactions ? 12 : 0;
  if (!plan.power) at(StepKind::kPowerOff) = 0;
  for (StepKind rare :
       {StepKind::kScan, StepKind::kRestart, StepKind::kKill, StepKind::kPowerOff, StepKind::kJump,
        StepKind::kDeleteTopic, StepKind::kRot, StepKind::kLoseCheckpoint, StepKind::kFailCall, StepKind::kFill,
        StepKind::kFewFiles, StepKind::kOldRecords}) {
    at(rare) = (at(rare) + 2) / 3;
  }
  // Disk faults stop many other steps: only in one history of four.
  const bool troubled = random.chance(25);
  for (StepKind trouble :
       {StepKind::kDirectoryAway, StepKind::kDirectoryBack, StepKind::kFailCall}) {
    if (!troubled) at(trouble) = 0;
  }
  for (StepKind damage : {StepKind::kRot, StepKind::kLoseCheckpoint}) {
    if (!random.chance(20)) at(damage) = 0;
  }
  for (StepKind kind : {StepKind::kFewFiles, StepKind::kFill, StepKind::kOldRecords}) {
    if (!random.chance(20)) at(kind) = 0;
  }
  return weights;
}

void choose_settings(Plan& plan, SimRandom& random) {
  auto set = [&](const char* name, std::string value) { plan.settings.emplace_back(name, std::move(value)); };
  set("log.cleaner.backoff.ms", random.one_of({"100", "1000", "15000"}));
  set("log.retention.check.interval.ms", random.one_of({"5000", "30000", "300000"}));
  set("log.segment.delete.delay.ms", random.one_of({"0", "1000", "60000"}));
  if (random.chance(50))
    set("replica.alter.log.dirs.io.max.bytes.per.second", random.one_of({"100", "1000"}));
  if (random.chance(30))
    set("metadata.log.max.record.bytes.between.snapshots", random.one_of({"100", "2000"}));
  if (random.chance(20)) set("num.recovery.threads.per.data.dir", "1");
}

void choose_topic_settings(Plan& plan, SimRandom& random) {
  auto set = [&](const char* name, std::string value) {
    plan.topic_settings.emplace_back(name, std::move(value));
  };
  plan.compacts = random.chance(50);
  set("cleanup.policy", plan.compacts ? random.one_of({"compact", "compact", "compact,delete"}) : "delete");
  set("internal.segment.bytes", random.one_of({"400", "1000", "5000", "1000000"}));
  set("segment.ms", random.one_of({"1", "1000", "600000"}));
  set("min.cleanable.dirty.ratio", random.one_of({"0.01", "0.5"}));
  set("delete.retention.ms", random.one_of({"0", "1000", "100000"}));
  set("file.delete.delay.ms", random.one_of({"0", "1000", "60000"}));
  set("retention.ms", random.one_of({"-1", "-1", "60000", "600000"}));
  set("retention.bytes", random.chance(10) ? "1000" : "-1");
  set("flush.messages",
      random.chance(plan.power ? 60 : 20) ? random.one_of({"1", "1", "3"}) : "9223372036854775807");
  set("index.interval.bytes", random.one_of({"0", "100", "4096"}));
  if (random.chance(20)) set("preallocate", "true");
}

// A story with one theme: transactions in a log of few keys that is compacted all the time.
void compact_transactions(Plan& plan, Weights& weights, SimRandom& random) {
  plan.topic_names = plan.partitions = 1;
  plan.keys = random.pick(2) + 1;
  plan.compacts = true;
  plan.settings.emplace_back("log.cleaner.backoff.ms", "100");
  for (const auto& [name, value] :
       {std::pair("cleanup.policy", "compact"), std::pair("internal.segment.bytes", "400"),
        std::pair("segment.ms", "1"), std::pair("min.cleanable.dirty.ratio", "0.01"),
        std::pair("delete.retention.ms", "0"), std::pair("retention.ms", "-1"),
        std::pair("flush.messages", "9223372036854775807")}) {
    for (auto& setting : plan.topic_settings) {
      if (setting.first == name) setting.second = value;
    }
  }
  weights = {};
  for (auto [kind, weight] :
       {std::pair(StepKind::kTransact, 12u), std::pair(StepKind::kProduce, 2u),
        std::pair(StepKind::kPass, 8u), std::pair(StepKind::kScan, 2u), std::pair(StepKind::kKill, 1u)}) {
    weights[static_cast<size_t>(kind)] = weight;
  }
}

// Another: one partition moves all the time, and meanwhile its topic is deleted, created and configured again, and
// disks vanish and return.
void move_without_end(Plan& plan, Weights& weights, SimRandom& random) {
  plan.topic_names = plan.partitions = 1;
  std::erase_if(plan.settings, [](const auto& one) { return one.first.starts_with("replica.alter.log.dirs"); });
  plan.settings.emplace_back("replica.alter.log.dirs.io.max.bytes.per.second", random.one_of({"10", "100"}));
  weights = {};
  for (auto [kind, weight] :
       {std::pair(StepKind::kProduce, 6u), std::pair(StepKind::kSequence, 2u), std::pair(StepKind::kMove, 6u),
        std::pair(StepKind::kPass, 3u), std::pair(StepKind::kDeleteRecords, 2u), std::pair(StepKind::kConfigure, 3u),
        std::pair(StepKind::kDeleteTopic, 3u), std::pair(StepKind::kCreateTopic, 5u),
        std::pair(StepKind::kDirectoryAway, 2u), std::pair(StepKind::kDirectoryBack, 3u),
        std::pair(StepKind::kRestart, 2u), std::pair(StepKind::kKill, 2u), std::pair(StepKind::kScan, 2u)}) {
    weights[static_cast<size_t>(kind)] = weight;
  }
  if (plan.power) weights[static_cast<size_t>(StepKind::kPowerOff)] = 2;
}

}  // namespace

std::string_view name_of(StepKind kind) {
  static constexpr std::string_view kNames[] = {
#define MILENA_NAME(name) #name,
      MILENA_SIM_STEPS(MILENA_NAME)
#undef MILENA_NAME
  };
  return kNames[static_cast<size_t>(kind)].substr(1);
}

Plan Plan::of(uint64_t seed) {
  SimRandom random(seed);
  Plan plan;
  plan.seed = seed;
  plan.shards = random.pick(3) + 1;
  plan.topic_names = random.pick(2) + 1;
  plan.partitions = random.pick(2) + 1;
  plan.keys = random.pick(4) + 1;
  plan.metadata_apart = random.chance(50);
  plan.power = random.chance(40);
  plan.transactions = !plan.power && random.chance(50);
  choose_settings(plan, random);
  choose_topic_settings(plan, random);
  Weights weights = weights_of(plan, random);
  if (plan.transactions && random.chance(30)) compact_transactions(plan, weights, random);
  if (!plan.transactions && random.chance(10)) move_without_end(plan, weights, random);
  for (size_t i = 20 + random.pick(60); i > 0; i--) {
    const auto kind = static_cast<StepKind>(random.pick_weighted(weights));
    plan.steps.push_back({kind, random.next()});
  }
  return plan;
}

}  // namespace milena::sim
