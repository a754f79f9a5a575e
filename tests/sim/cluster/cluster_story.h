// A history of a cluster, made from a seed. As in node/node_story.h: the plan is fixed for the whole history, and each
// of its steps has its own seed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace milena::sim {

#define MILENA_CLUSTER_STEPS(X)                                                        \
  X(kProduce)  /* plain, acks=all; never repeated */                                   \
  X(kLoose)    /* plain, acks=1: no promise */                                         \
  X(kSequence) /* by an idempotent producer, which repeats what it was not answered */ \
  X(kConsume)  /* a consumer reads on */                                               \
  X(kTransact) /* a transactional producer goes on */                                  \
  X(kCommit)   /* a group commits offsets, or asks for them */                         \
  X(kPass)     /* time passes */                                                       \
  X(kWait)     /* until the cluster has nothing to do, at this time */                 \
  X(kKill)     /* a process, some calls to the disk later or at once */                \
  X(kPowerOff) /* the same, and the disk forgets what was not synced */                \
  X(kPowerOffAll)                                                                      \
  X(kRestart) /* in order */                                                           \
  X(kPause)   /* a node gets no turn for a while */                                    \
  X(kCut)     /* links, in one direction or both */                                    \
  X(kHeal)    /* all links */                                                          \
  X(kReset)   /* a connection, in the middle */                                        \
  X(kSlowNet) /* messages take long */                                                 \
  X(kSlowDisk)                                                                         \
  X(kOldFetch)    /* a follower's fetch comes two leaders later */                     \
  X(kPreferred)   /* election of the preferred leaders */                              \
  X(kUnclean)     /* an unclean election is asked for, where the topic allows it */    \
  X(kReassign)    /* a partition to other replicas, or in another order */             \
  X(kDeleteTopic) /* and, some time later, one of its name is made */                  \
  X(kDeleteRecords)

enum class ClusterStepKind {
#define MILENA_NAME(name) name,
  MILENA_CLUSTER_STEPS(MILENA_NAME)
#undef MILENA_NAME
      kCount
};
std::string_view name_of(ClusterStepKind kind);

struct ClusterStep {
  ClusterStepKind kind = ClusterStepKind::kProduce;
  uint64_t seed = 0;
};

struct TopicPlan {
  std::string name;
  int32_t partitions = 1;
  int16_t replicas = 3;
  int min_in_sync = 1;
  bool unclean = false;
  bool compacts = false;
  int64_t retention_ms = -1;  // -1: old records stay
  std::vector<std::pair<std::string, std::string>> settings;
};

struct ClusterPlan {
  uint64_t seed = 0;
  size_t shards = 1;
  bool controller_apart = false;  // a node of its own; else the first broker is the controller, too
  bool power = false;             // may fail
  std::vector<TopicPlan> topics;
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<ClusterStep> steps;

  static ClusterPlan of(uint64_t seed);
  int controller() const { return controller_apart ? 4 : 1; }
  int nodes() const { return controller_apart ? 4 : 3; }
};

}  // namespace milena::sim
