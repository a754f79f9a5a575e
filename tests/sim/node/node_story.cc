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
  at(StepKind::kArrive) = at(StepKind::kOutlive) = 0;  // only where a theme wants them
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

// --- themes
//
// Some stories are about one thing, and tell it again and again: scenes, with chance between them. Their subject
// needs several steps in a row, which chance alone hardly ever puts together.

struct Part {
  StepKind kind;
  Aim aim = Aim::kAny;
  uint32_t percent = 100;  // how often it is in the scene
};
using Scene = std::vector<Part>;

struct Theme {
  std::string_view name;
  void (*set)(Plan& plan, SimRandom& random);
  std::vector<Scene> scenes;
};

using enum StepKind;

void choose(std::vector<std::pair<std::string, std::string>>& settings, const std::string& name, std::string value) {
  std::erase_if(settings, [&](const auto& one) { return one.first == name; });
  settings.emplace_back(name, std::move(value));
}

void one_partition(Plan& plan) {
  plan.topic_names = plan.partitions = 1;
  plan.metadata_apart = true;  // any directory of replicas may fail
}

void moves_slowly(Plan& plan, SimRandom& random) {
  choose(plan.settings, "replica.alter.log.dirs.io.max.bytes.per.second", random.one_of({"5", "10", "100"}));
}

void fails_power(Plan& plan, SimRandom& random) {
  plan.power = true;
  plan.transactions = false;
  choose(plan.topic_settings, "flush.messages", random.one_of({"1", "1", "3"}));
}

void compacts_at_once(Plan& plan) {
  plan.compacts = true;
  choose(plan.settings, "log.cleaner.backoff.ms", "100");
  for (const auto& [name, value] :
       {std::pair("cleanup.policy", "compact"), {"internal.segment.bytes", "400"}, {"segment.ms", "1"},
        {"min.cleanable.dirty.ratio", "0.01"}, {"delete.retention.ms", "0"}, {"retention.ms", "-1"}}) {
    choose(plan.topic_settings, name, value);
  }
}

void keeps_all(Plan& plan) {
  plan.compacts = false;
  choose(plan.topic_settings, "cleanup.policy", "delete");
  choose(plan.topic_settings, "retention.ms", "-1");
  choose(plan.topic_settings, "retention.bytes", "-1");
}

const std::vector<Theme>& themes() {
  static const std::vector<Theme> kThemes = {
      // Transactions in a log of few keys that is compacted all the time, with deaths among the cleaner's renames.
      {"installs",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         compacts_at_once(plan);
         plan.keys = random.pick(2) + 1;
         plan.power = false;
         plan.transactions = true;
       },
       {{{kTransact}, {kTransact}, {kTransact}, {kTransact}, {kTransact}, {kPass, Aim::kShort},
         {kRestart, Aim::kAny, 30},
         {kTransact}, {kTransact}, {kProduce}, {kKill, Aim::kAtName}, {kPass, Aim::kLong}, {kScan},
         {kOutlive, Aim::kAny, 40}},
        {{kTransact}, {kTransact}, {kTransact}, {kProduce, Aim::kAny, 50}, {kPass, Aim::kLong},
         {kKill, Aim::kAtName, 50},
         {kTransact}, {kPass, Aim::kLong}, {kScan, Aim::kAny, 50}, {kOutlive, Aim::kAny, 40}}}},
      // The same among the renames of the start behind such a death.
      {"interrupted installs",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         compacts_at_once(plan);
         choose(plan.settings, "log.cleaner.backoff.ms", random.one_of({"100", "1000"}));
         choose(plan.topic_settings, "index.interval.bytes", "0");
         choose(plan.topic_settings, "internal.segment.bytes", random.one_of({"400", "1000"}));
         choose(plan.topic_settings, "segment.ms", random.one_of({"1", "3600000"}));
         plan.keys = random.pick(3) + 1;
         plan.times_mixed = true;
         plan.power = false;
         plan.transactions = random.chance(30);
       },
       {{{kProduce}, {kProduce}, {kTransact}, {kProduce, Aim::kAny, 50}, {kTransact, Aim::kAny, 50}, {kRestart},
         {kProduce, Aim::kAny, 70}, {kKill, Aim::kTwice}, {kPass, Aim::kShort}, {kPass, Aim::kLong}, {kScan}}}},
      // Power fails behind a stop in order: names and bytes that nobody synced are those of before.
      {"stops without power",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         fails_power(plan, random);
         keeps_all(plan);
         choose(plan.topic_settings, "internal.segment.bytes", random.one_of({"400", "1000", "1000000"}));
         choose(plan.topic_settings, "index.interval.bytes", random.one_of({"0", "100"}));
         choose(plan.topic_settings, "segment.ms", "600000");
         choose(plan.topic_settings, "retention.ms", random.one_of({"-1", "60000"}));
         choose(plan.settings, "log.retention.check.interval.ms", "5000");
       },
       {{{kSequence}, {kProduce}, {kDeleteRecords, Aim::kAny, 50}, {kPass, Aim::kAny, 50}, {kRestart, Aim::kAny, 50},
         {kSequence, Aim::kAny, 50}, {kProduce, Aim::kAny, 50}, {kDeleteRecords, Aim::kAny, 50},
         {kRestart, Aim::kAtOnce}, {kPass, Aim::kLong, 50}, {kScan}, {kRepeat, Aim::kAny, 50}},
        {{kSequence}, {kProduce}, {kRestart, Aim::kAtOnce}, {kProduce}, {kDeleteRecords, Aim::kAll},
         {kPass, Aim::kLong}, {kKill, Aim::kAny, 50}, {kRepeat}, {kScan}},
        {{kSequence}, {kProduce}, {kDeleteRecords, Aim::kAll}, {kPass, Aim::kLong, 70}, {kPowerOff, Aim::kSoon},
         {kRepeat}, {kScan}}}},
      // A copy on a disk that is away while its topic is deleted and made again.
      {"foreign copies",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         moves_slowly(plan, random);
         plan.even = true;
         plan.power = random.chance(30);
         plan.transactions = false;
       },
       {{{kCreateTopic}, {kProduce}, {kProduce}, {kProduce, Aim::kAny, 60}, {kMove}, {kPass, Aim::kShort},
         {kProduce, Aim::kAny, 50}, {kDirectoryAway, Aim::kTarget}, {kPass, Aim::kShort, 50}, {kDeleteTopic},
         {kPass, Aim::kShort}, {kCreateTopic}, {kProduce, Aim::kAny, 80}, {kProduce, Aim::kAny, 80},
         {kProduce, Aim::kAny, 80}, {kPass, Aim::kShort, 50}, {kKill, Aim::kSoon, 20}, {kDirectoryBack}, {kScan}},
        {{kCreateTopic}, {kProduce}, {kProduce}, {kDeleteRecords}, {kPass, Aim::kLong},
         {kDirectoryAway, Aim::kHome}, {kPass, Aim::kShort, 50}, {kDeleteTopic}, {kPass, Aim::kShort}, {kCreateTopic},
         {kDirectoryBack}, {kDeleteTopic}, {kPass, Aim::kShort}, {kCreateTopic}, {kProduce}, {kProduce},
         {kKill, Aim::kSoon}, {kScan}}}},
      // A topic whose disk is away when it is deleted and made again; and its new directory has lost its name.
      {"nameless",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         fails_power(plan, random);
         keeps_all(plan);
         choose(plan.topic_settings, "flush.messages", random.one_of({"3", "9223372036854775807"}));
       },
       {{{kCreateTopic}, {kProduce}, {kProduce, Aim::kAny, 30}, {kDirectoryAway, Aim::kHome},
         {kPowerOff, Aim::kAtOnce}, {kDeleteTopic}, {kPass, Aim::kShort}, {kCreateTopic},
         {kPass, Aim::kShort, 30}, {kPowerOff, Aim::kBack, 70}, {kDirectoryBack}, {kScan},
         {kDeleteTopic, Aim::kAny, 50},
         {kPass, Aim::kShort, 50}}}},
      // Replicas whose disks lose power around the end of a move, or are away at the start behind it.
      {"moves without power",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         fails_power(plan, random);
         keeps_all(plan);
         choose(plan.topic_settings, "flush.messages", "1");
         choose(plan.settings, "log.segment.delete.delay.ms", random.one_of({"0", "1000", "60000", "60000"}));
         choose(plan.settings, "replica.alter.log.dirs.io.max.bytes.per.second",
                random.one_of({"1000", "100000", "9223372036854775807"}));
       },
       {{{kProduce}, {kProduce}, {kDeleteRecords}, {kPass, Aim::kLong}, {kPowerOff, Aim::kMoved}, {kMove},
         {kPass, Aim::kLong}, {kScan}},
        {{kProduce}, {kProduce}, {kDeleteRecords}, {kPass, Aim::kLong}, {kMove}, {kPowerOff, Aim::kAtName}, {kScan}},
        {{kProduce}, {kMove}, {kPass, Aim::kShort}, {kProduce}, {kPass, Aim::kShort}, {kDirectoryAway, Aim::kTarget},
         {kPowerOff, Aim::kAtOnce}, {kProduce}, {kProduce, Aim::kAny, 50}, {kPass, Aim::kShort}, {kDirectoryBack},
         {kScan}},
        {{kProduce}, {kMove}, {kPass, Aim::kShort}, {kProduce}, {kPass, Aim::kShort}, {kMove},
         {kProduce, Aim::kAny, 50},
         {kPowerOff, Aim::kSoon}, {kScan}},
        {{kProduce}, {kMove}, {kPass, Aim::kShort}, {kProduce}, {kPass, Aim::kShort, 50}, {kPowerOff, Aim::kMoving},
         {kMove}, {kPass, Aim::kShort}, {kScan}}}},
      // All records are deleted while they move.
      {"emptied moves",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         moves_slowly(plan, random);
         keeps_all(plan);
         plan.power = false;
       },
       {{{kProduce}, {kProduce, Aim::kAny, 50}, {kMove}, {kPass, Aim::kShort}, {kProduce}, {kProduce, Aim::kAny, 50},
         {kDeleteRecords, Aim::kAll}, {kPass, Aim::kShort, 50}, {kProduce, Aim::kAny, 30}, {kPass, Aim::kLong},
         {kArrive}, {kScan, Aim::kAny, 30}}}},
      // One partition moves all the time; meanwhile its topic goes, comes back and is configured anew, and disks vanish
      // and return.
      {"moves without end",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         moves_slowly(plan, random);
         plan.transactions = false;
       },
       {{{kProduce, Aim::kAny, 90}, {kMove}, {kPass, Aim::kAny, 50}, {kConfigure, Aim::kAny, 40},
         {kDirectoryAway, Aim::kAny, 30}, {kSequence, Aim::kAny, 40}, {kDeleteRecords, Aim::kAny, 30},
         {kMove, Aim::kAny, 40}, {kDeleteTopic, Aim::kAny, 30}, {kKill, Aim::kAny, 20}, {kPass, Aim::kAny, 30},
         {kCreateTopic}, {kProduce, Aim::kAny, 70}, {kDirectoryBack, Aim::kAny, 60}, {kRestart, Aim::kAny, 20},
         {kScan, Aim::kAny, 30}}}},
      // An original that is compacted while its copy is away.
      {"compacted originals",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         compacts_at_once(plan);
         moves_slowly(plan, random);
         plan.keys = random.pick(2) + 1;
         plan.even = random.chance(50);
         plan.power = plan.transactions = false;
       },
       {{{kProduce}, {kProduce}, {kProduce}, {kMove}, {kPass, Aim::kShort}, {kDirectoryAway, Aim::kTarget},
         {kProduce}, {kProduce}, {kPass, Aim::kLong}, {kProduce, Aim::kAny, 50}, {kPass, Aim::kLong}, {kDirectoryBack},
         {kPass, Aim::kLong}, {kScan}}}},
      // Whole segments are copied at once: transactions begin and end within one append.
      {"moved transactions",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         keeps_all(plan);
         plan.power = false;
         plan.transactions = true;
         choose(plan.settings, "replica.alter.log.dirs.io.max.bytes.per.second",
                random.one_of({"1000", "9223372036854775807"}));
         choose(plan.topic_settings, "internal.segment.bytes", random.one_of({"400", "1000"}));
         choose(plan.topic_settings, "segment.ms", "600000");
       },
       {{{kTransact}, {kTransact}, {kTransact}, {kTransact}, {kTransact}, {kTransact}, {kTransact},
         {kTransact, Aim::kAny, 50}, {kTransact, Aim::kAny, 50}, {kTransact, Aim::kAny, 50}, {kMove},
         {kPass, Aim::kShort}, {kTransact}, {kTransact}, {kPass, Aim::kLong}, {kScan}}}},
      // Old records are to stay from now on, and their partition is moving.
      {"configured moves",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         moves_slowly(plan, random);
         keeps_all(plan);
         plan.power = plan.transactions = false;
         choose(plan.topic_settings, "retention.ms", "60000");
         choose(plan.settings, "log.retention.check.interval.ms", "5000");
       },
       {{{kCreateTopic}, {kProduce}, {kProduce}, {kMove}, {kPass, Aim::kShort}, {kConfigure, Aim::kAll},
         {kProduce, Aim::kAny, 50}, {kPass, Aim::kLong}, {kPass, Aim::kLong}, {kArrive, Aim::kAny, 50}, {kScan},
         {kDeleteTopic}, {kPass, Aim::kShort}}}},
      // Power fails around a round of compaction of records that were never synced.
      {"compaction without power",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         compacts_at_once(plan);
         plan.keys = random.pick(3) + 4;
         plan.even = true;
         plan.power = true;
         plan.transactions = false;
         // Full segments are synced before they are compacted, and hardly ever behind that.
         choose(plan.settings, "log.cleaner.backoff.ms", "15000");
         choose(plan.settings, "log.retention.check.interval.ms", "300000");
         choose(plan.topic_settings, "flush.messages", "9223372036854775807");
       },
       {{{kProduce}, {kProduce}, {kPass, Aim::kShort}, {kProduce}, {kPass, Aim::kLong}, {kPowerOff, Aim::kAtOnce},
         {kProduce}, {kPass, Aim::kShort, 50}, {kProduce, Aim::kAny, 50}, {kPass, Aim::kLong},
         {kProduce, Aim::kAny, 70}, {kPass, Aim::kLong}, {kProduce, Aim::kAny, 50}, {kPass, Aim::kLong}, {kScan}}}},
      // Checkpoints are lost after a stop in order, some or all of a directory.
      {"lost checkpoints",
       [](Plan& plan, SimRandom& random) {
         plan.power = false;
         plan.transactions = random.chance(50);
       },
       {{{kCommitOffset}, {kProduce}, {kTransact, Aim::kAny, 50}, {kDeleteRecords, Aim::kAny, 50},
         {kPass, Aim::kAny, 70},
         {kLoseCheckpoint, Aim::kAll}, {kPass, Aim::kAny, 50}, {kCommitOffset, Aim::kAny, 30}, {kScan}},
        {{kTransact}, {kPass, Aim::kShort}, {kTransact}, {kPass, Aim::kShort}, {kTransact, Aim::kAny, 50},
         {kPass, Aim::kShort}, {kLoseCheckpoint, Aim::kAll}, {kOutlive}}}},
      // Power fails right behind a start, or behind a deletion of records.
      {"starts without power",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         fails_power(plan, random);
         keeps_all(plan);
         if (random.chance(30)) choose(plan.topic_settings, "flush.messages", "9223372036854775807");
         choose(plan.topic_settings, "internal.segment.bytes", random.one_of({"400", "1000"}));
       },
       {{{kRestart}, {kProduce}, {kSequence, Aim::kAny, 50}, {kProduce, Aim::kAny, 50}, {kPowerOff, Aim::kSoon},
         {kScan}},
        {{kProduce}, {kProduce}, {kDeleteRecords, Aim::kAll}, {kPowerOff, Aim::kAtName}, {kPass, Aim::kLong}, {kScan}},
        {{kProduce}, {kProduce}, {kDeleteRecords, Aim::kAll}, {kPass, Aim::kLong, 70}, {kProduce, Aim::kAny, 70},
         {kPowerOff, Aim::kSoon}, {kProduce}, {kPowerOff, Aim::kSoon, 50}, {kScan}}}},
      // Power fails when nothing was synced since the start, or since a deletion of records.
      {"starts without a sync",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         fails_power(plan, random);
         keeps_all(plan);
         choose(plan.topic_settings, "flush.messages", "9223372036854775807");
         choose(plan.topic_settings, "segment.ms", "600000");
       },
       {{{kProduce}, {kRestart}, {kProduce}, {kProduce}, {kProduce, Aim::kAny, 50}, {kPowerOff, Aim::kAtOnce}, {kScan}},
        {{kProduce}, {kProduce}, {kProduce, Aim::kAny, 50}, {kDeleteRecords, Aim::kAll}, {kPowerOff, Aim::kBetween},
         {kPass, Aim::kLong}, {kScan}}}},
      // Producers whose batches are deleted, and whose snapshots a power failure takes.
      {"torn snapshots",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         fails_power(plan, random);
         keeps_all(plan);
         choose(plan.topic_settings, "flush.messages", "1");
         choose(plan.topic_settings, "internal.segment.bytes", random.one_of({"400", "1000"}));
         choose(plan.topic_settings, "segment.ms", "600000");
         choose(plan.settings, "log.retention.check.interval.ms", "5000");
       },
       {{{kSequence}, {kSequence}, {kProduce}, {kSequence, Aim::kAny, 50}, {kPass, Aim::kShort},
         {kPowerOff, Aim::kSoon},
         {kProduce}, {kDeleteRecords, Aim::kAll, 70}, {kProduce}, {kPass, Aim::kLong}, {kPass, Aim::kLong, 50},
         {kKill, Aim::kSoon, 40}, {kRepeat}, {kRepeat}, {kScan}}}},
      // Bytes change while the node is stopped in order.
      {"damage",
       [](Plan& plan, SimRandom& random) {
         one_partition(plan);
         keeps_all(plan);
         plan.power = false;
         choose(plan.topic_settings, "internal.segment.bytes", random.one_of({"1000", "1000000"}));
       },
       {{{kProduce}, {kProduce}, {kProduce}, {kSequence, Aim::kAny, 50}, {kRot, Aim::kAll}, {kLook}, {kDeleteTopic},
         {kPass, Aim::kShort}, {kCreateTopic}}}},
  };
  return kThemes;
}

void tell(Plan& plan, const Theme& theme, SimRandom& random) {
  plan.theme = theme.name;
  theme.set(plan, random);
  Weights weights = weights_of(plan, random);
  weights[static_cast<size_t>(kDirectoryAway)] = weights[static_cast<size_t>(kFailCall)] = 0;
  const uint32_t chance_percent = random.chance(50) ? 0 : 20;
  const size_t length = 30 + random.pick(60);
  while (plan.steps.size() < length) {
    for (const Part& part : theme.scenes[random.pick(theme.scenes.size())]) {
      const uint64_t seed = random.next();
      if (random.chance(part.percent)) plan.steps.push_back({part.kind, seed, part.aim});
      if (!random.chance(chance_percent)) continue;
      plan.steps.push_back({static_cast<StepKind>(random.pick_weighted(weights)), random.next()});
    }
  }
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
  if (random.chance(50)) {
    tell(plan, themes()[random.pick(themes().size())], random);
    return plan;
  }
  const Weights weights = weights_of(plan, random);
  for (size_t i = 20 + random.pick(60); i > 0; i--) {
    const auto kind = static_cast<StepKind>(random.pick_weighted(weights));
    plan.steps.push_back({kind, random.next()});
  }
  return plan;
}

}  // namespace milena::sim
