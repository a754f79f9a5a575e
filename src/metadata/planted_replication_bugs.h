// Planted bugs in replication and leader election, for the cluster simulator to find (tests/sim/cluster), like those of
// log/planted_storage_bugs.h for the disk. Only the tests' build has them, one at a time and none by default; in others
// MILENA_REPLICATION_BUG(name) is the constant false.
#pragma once

#ifdef MILENA_PLANTED_STORAGE_BUGS

#include "base/planted_bug.h"

namespace milena::metadata {

#define MILENA_PLANTED_REPLICATION_BUGS_LIST(X)                                                           \
  X(kHighWatermarkTooEarly)    /* it is the leader's end, whatever the followers have */                  \
  X(kTruncatesToOwnEpochEnd)   /* a follower that parts from its leader keeps all of its own epoch */     \
  X(kFencedLeaderGoesOn)       /* who led goes on to lead when the controller has given it to another */  \
  X(kStaleReplicaJoins)        /* a replica comes into sync wherever it is */                             \
  X(kNoVersionOfTheSet)        /* the controller alters a set that is another one by now */               \
  X(kNoTruncation)             /* a follower that parts from its leader keeps what it has */              \
  X(kEndIsHighWatermark)       /* a log that is opened counts as settled to its end */                    \
  X(kMinInSyncNotAsked)        /* acks=all is content with the leader */                                  \
  X(kShrunkBeforeAgreed)       /* a replica that is to leave the set counts no more at once */            \
  X(kSetOfNextEpochForgotten)  /* a leader forgets a change of the set that ended its leader epoch */     \
  X(kCutNotBelowStart)         /* a follower keeps what its leader has lost, where it deleted more */     \
  X(kFewerBeforeInSync)        /* replicas go while not all of those that stay are in sync */             \
  X(kImageBeforeSnapshot)      /* a node goes on from the image before the snapshot that it downloads */  \
  X(kFetchOfAnotherEpoch)      /* a follower's fetch counts whatever its leader epoch */                  \
  X(kUncleanWithoutPermission) /* a replica that is not in sync leads, though the topic does not allow it */\
  X(kReadsBeyondHighWatermark) /* a consumer is given what not all replicas in sync have */               \
  X(kReadsOpenTransactions)    /* one of committed records is given those of open transactions */         \
  X(kAbortedNotTold)           /* and is not told which of them are aborted */                            \
  X(kMarkerFailureIgnored)     /* a coordinator takes a marker for written whatever it is told */         \
  X(kCommitNotReplicated)      /* a coordinator answers before its followers have what it decided */      \
  X(kCoordinatorForgets)       /* a new coordinator does not read what the one before it wrote */         \
  X(kDuplicatesNotSeen)        /* a batch that is sent again is written again */

enum class PlantedReplicationBug {
  kNone,
#define MILENA_NAME(name) name,
  MILENA_PLANTED_REPLICATION_BUGS_LIST(MILENA_NAME)
#undef MILENA_NAME
  kCount
};
inline PlantedBugs<PlantedReplicationBug> planted_replication_bugs;

}  // namespace milena::metadata

#define MILENA_REPLICATION_BUG(name) \
  (::milena::metadata::planted_replication_bugs.is_here(::milena::metadata::PlantedReplicationBug::name))
#else
#define MILENA_REPLICATION_BUG(name) false
#endif
