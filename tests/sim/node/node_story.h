// A history, made from a seed. The plan is fixed for the whole history (the broker's settings, the kinds of steps);
// each step has its own seed, so that omitting a step changes little in the others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace milena::sim {

#define MILENA_SIM_STEPS(X)                                                                     \
  X(kProduce)  /* plain, to a random partition */                                               \
  X(kSequence) /* by an idempotent producer; it repeats what was not answered */                \
  X(kRepeat)   /* the last batch of an idempotent producer once more, though it was answered */ \
  X(kTransact) /* a transactional producer goes on: writes, commits, aborts, begins anew */     \
  X(kScan)     /* everything is read and compared */                                            \
  X(kLook)     /* reads from the middle, and by time */                                         \
  X(kDeleteRecords)                                                                             \
  X(kCommitOffset)                                                                              \
  X(kPass) /* time passes */                                                                    \
  X(kJump) /* somebody sets the clock */                                                        \
  X(kMove) /* a partition to another directory */                                               \
  X(kDeleteTopic)                                                                               \
  X(kCreateTopic)                                                                               \
  X(kConfigure) /* a topic's settings */                                                        \
  X(kRestart)   /* in order */                                                                  \
  X(kKill)      /* some calls to the disk later */                                              \
  X(kPowerOff)  /* the same, and the disk forgets */                                            \
  X(kDirectoryAway)                                                                             \
  X(kDirectoryBack)  /* with a restart */                                                       \
  X(kFailCall)       /* EIO, once */                                                            \
  X(kFill)           /* a directory's disk is full */                                           \
  X(kFewFiles)       /* hardly any descriptor is left, for a while */                           \
  X(kRot)            /* a byte of a closed segment's batch header */                            \
  X(kLoseCheckpoint) /* at a stop in order, a checkpoint file goes */                           \
  X(kOldRecords)     /* a partition that was never written to is one that an old Kafka began */ \
  X(kArrive)         /* a move that was accepted has time, and must succeed */                  \
  X(kOutlive)        /* transactions that nobody goes on with have time, and must end */

enum class StepKind {
#define MILENA_NAME(name) name,
  MILENA_SIM_STEPS(MILENA_NAME)
#undef MILENA_NAME
      kCount
};
std::string_view name_of(StepKind kind);

// The subject of a step, where a theme wants more of it than chance.
enum class Aim {
  kAny,
  kTarget,  // the directory that somebody asked last to move a replica to
  kHome,    // one that has a replica
  kBack,    // with power, directories are back that were away
  kShort,   // time
  kLong,
  kAtOnce,  // a death, or a loss of power behind a stop
  kSoon,
  kAtName,  // when a file gets another name, or loses it
  kTwice,   // among the cleaner's renames, and again among those of the start behind it
  kMoved,   // when a copy has become the replica
  kMoving,  // when it is about to
  kBetween, // between two checkpoints of a directory
  kAll,     // records are deleted, or kept; checkpoints of a directory
};

struct Step {
  StepKind kind = StepKind::kProduce;
  uint64_t seed = 0;
  Aim aim = Aim::kAny;
};

struct Plan {
  uint64_t seed = 0;
  size_t shards = 1;
  size_t topic_names = 1;
  size_t partitions = 1;
  size_t keys = 3;
  bool metadata_apart = false;  // in a directory of its own
  bool transactions = false;
  bool power = false;     // may fail
  bool compacts = false;  // topics begin so
  bool even = false;      // batches are of one size
  bool times_mixed = false;  // most batches are older than those before them
  std::string_view theme;
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<std::pair<std::string, std::string>> topic_settings;
  std::vector<Step> steps;

  static Plan of(uint64_t seed);
};

}  // namespace milena::sim
