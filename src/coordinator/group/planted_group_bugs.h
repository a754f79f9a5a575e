// Planted bugs in the group coordinator, for its simulators to find (tests/sim), like those of planted_bugs.h for
// transactions: only a build with MILENA_PLANTED_BUGS has them, and only one at a time. In others
// MILENA_GROUP_BUG(name) is the constant false.
#pragma once

#ifdef MILENA_PLANTED_BUGS

#include <string_view>

namespace milena::coordinator {

// Each with its name for a test's command line. First the classic protocol's, then the consumer protocol's, then those
// of groups that change their kind, then offsets.
#define MILENA_PLANTED_GROUP_BUGS(X)                                                          \
  X(kGenerationStays)           /* a rebalance ends in the generation in which it began */    \
  X(kNobodyIsWaitedFor)         /* a rebalance ends with who has joined by chance */           \
  X(kLeaveWithoutRebalance)     /* who leaves takes its partitions along */                    \
  X(kAssignmentNotTakenBack)    /* an assignment that could not be stored is told as if it were */ \
  X(kLoadedMembersLiveForever)  /* sessions do not run after a load */                         \
  X(kOldGenerationCommits)      /* a member that was left behind may commit */                 \
  X(kStaleSyncIsServed)         /* SyncGroup of an earlier generation gets the present assignment */ \
  X(kPartitionsGivenTwice)      /* what somebody still holds is given to its next owner */      \
  X(kRevocationIsBelieved)      /* a member that keeps its partitions counts as without them */ \
  X(kLeaveKeepsEpoch)           /* nobody inherits from a member that leaves */                \
  X(kTopicsAreNotWatched)       /* a topic that grows or comes is not noticed */               \
  X(kPatternsAreNotRefreshed)   /* a pattern stands for ever for what it stood for at first */ \
  X(kRevocationHasNoTimeout)    /* who never gives back is waited for without an end */        \
  X(kTargetLeftBehind)          /* the target of a member that is gone stays in the log */     \
  X(kMemberNotStored)           /* a changed subscription is not written */                    \
  X(kSessionIsNotExtended)      /* heartbeats do not count as a sign of life */                \
  X(kUpgradeForgetsOwners)      /* classic members enter a consumer group without what they own */ \
  X(kUpgradeForgetsSessions)    /* ... and without a session */                                \
  X(kClassicMembersNotCalled)   /* ... and are not told to rejoin when they should give back */ \
  X(kMigrationDropsOffsets)     /* the offsets go with the kind of group that ends */           \
  X(kFailedCommitIsTold)        /* a commit that was not appended is told to have worked */    \
  X(kFirstOffsetWins)           /* a load keeps the first of several commits */                \
  X(kReadsAreNotHeld)           /* what is read may be lost again */

enum class PlantedGroupBug {
  kNone,
#define MILENA_NAME(name) name,
  MILENA_PLANTED_GROUP_BUGS(MILENA_NAME)
#undef MILENA_NAME
  kCount
};
extern PlantedGroupBug planted_group_bug;
std::string_view name_of(PlantedGroupBug bug);

}  // namespace milena::coordinator

#define MILENA_GROUP_BUG(name) \
  (::milena::coordinator::planted_group_bug == ::milena::coordinator::PlantedGroupBug::name)
#else
#define MILENA_GROUP_BUG(name) false
#endif
