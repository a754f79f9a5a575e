// Planted bugs in storage, for the node simulator to find (tests/sim/node), like those of the coordinators
// (coordinator/transaction/planted_bugs.h): former bugs. Only the tests' build has them, one at a time and none by
// default; in others MILENA_STORAGE_BUG(name) is the constant false.
#pragma once

#ifdef MILENA_PLANTED_STORAGE_BUGS

#include "base/planted_bug.h"

namespace milena::log {

#define MILENA_PLANTED_STORAGE_BUGS_LIST(X)                                                                            \
  X(kMarkerBeforeRoundUnseen)   /* an aborted transaction goes on where its marker is before a round */                \
  X(kCleanedGoesFirst)          /* .cleaned files go before the .swap files that they invalidate */                    \
  X(kSnapshotNotSynced)         /* retention removes batches whose producers only a cache remembers */                 \
  X(kOwedSyncForgotten)         /* what an append owed a sync before a crash stays invisible */                        \
  X(kDamageTakesOffline)        /* a damaged batch takes its partition offline */                                      \
  X(kZerosAreOldFormat)         /* a torn end is taken for messages of magic 0, which are not supported */             \
  X(kUnknownCountsAsEmpty)      /* a checkpoint that does not name a partition says that it is empty */                \
  X(kParentNotSynced)           /* the first sync leaves out the directory and whose log it is */                      \
  X(kTornIdTakesOffline)        /* a partition.metadata that was not all written is taken for damage */                \
  X(kCutNotSynced)              /* what a recovery cut off comes back */                                               \
  X(kFutureByName)              /* a copy of a deleted topic becomes the log of one made after it */                   \
  X(kMoveKeepsOldConfig)        /* a configuration altered during a move is lost */                                    \
  X(kOriginalGoesUnsynced)      /* what was moved goes before its copy is on the disk */                               \
  X(kDeletionEndsMove)          /* a move fails when all records are deleted meanwhile */                              \
  X(kVanishedStaysOpen)         /* a transaction that was compacted away is open after a crash */                      \
  X(kMoveForgetsProducers)      /* a copy does not know who wrote what it does not hold */                             \
  X(kMoveForgetsStart)          /* a log start offset that only the old directory has written down */                  \
  X(kStartedAndCompletedUnseen) /* a transaction within one append does not hold others' stable offset */              \
  X(kCleanBeforeSynced)         /* the cleaner's checkpoint is on the disk before the clean segments */                \
  X(kDirtyOffsetBeyondEnd)      /* what is written where a crash took records counts as clean */                       \
  X(kTrimNotSynced)             /* the rest of a preallocated file is back below the recovery point */                 \
  X(kTornSnapshotStays)         /* a producer snapshot that a crash tore is not written again */                       \
  X(kShortOldMessageIsTorn)     /* a message of magic 0 or 1 at the end is cut off as a torn batch */                  \
  X(kHalfACopyIsResumed)        /* a copy that is being removed is gone on with after a crash */                       \
  X(kMarkComesBack)             /* the mark of a clean stop is removed without a sync */                               \
  X(kDeletedCountsAsSynced)     /* a deletion of records raises the recovery point */                                  \
  X(kNamelessIsTaken)           /* a log without partition.metadata is taken by its name wherever it lies */           \
  X(kDamageIsCut)               /* damage in the active segment is cut off after a clean stop */                       \
  X(kCompactedMeanwhile)        /* a copy is gone on with though its original was compacted */                         \
  X(kStrangersStay)             /* checkpoints keep what they say of a name that is free */                            \
  X(kFirstLogFoundWins)         /* what a move left behind is taken for the replica when another one began */          \
  X(kOldOriginalServed)         /* a moved replica is served from where it was while its disk is away */               \
  X(kLostSnapshotStaysLost)     /* a producer snapshot that a crash tore is missing when its records are deleted */    \
  X(kSnapshotByName)            /* a producer snapshot is there by its name when its records are deleted */            \
  X(kLaterSnapshotsUnread)      /* a segment that a crash brings back costs the producers before it */                 \
  X(kDeletedTopicIsFound)       /* what checkpoints say of a deleted topic is said of one made after it */             \
  X(kTimeIndexNotSynced)        /* a clean stop leaves a time index that power may take, and retention with it */      \
  X(kFullSegmentUnsynced)       /* a segment whose records were synced before it was full is not synced again */       \
  X(kOldSnapshotIsEnd)          /* a log ends at a producer snapshot of the stop before, and is cut there */           \
  X(kRestartForgetsProducers)   /* a log that lost all records from its start on does not know who wrote them */

// Those that a machine by itself does not show: the simulated cluster looks for them.
#define MILENA_PLANTED_REPLICA_BUGS_LIST(X)                                                                       \
  X(kRecordsWithoutAName)  /* records that were never synced are taken for those of a topic of that name */      \
  X(kUnnamedCountsAsClean) /* a log that lost its name with the power is not recovered */                        \
  X(kGapIsBridged)         /* a log goes on behind records that were lost with the power */                      \
  X(kRetentionOfUnsettled) /* retention removes what is not below the high watermark */                          \
  X(kCompactsUnsettled)    /* a record goes for one of its key that is not below the high watermark */         \
  X(kResultOfAnotherReplica) /* what ends for a replica that was removed is taken for the one added since */

enum class PlantedStorageBug {
  kNone,
#define MILENA_NAME(name) name,
  MILENA_PLANTED_STORAGE_BUGS_LIST(MILENA_NAME)
#undef MILENA_NAME
  kCount
};
inline PlantedBugs<PlantedStorageBug> planted_storage_bugs;

enum class PlantedReplicaBug {
  kNone,
#define MILENA_NAME(name) name,
  MILENA_PLANTED_REPLICA_BUGS_LIST(MILENA_NAME)
#undef MILENA_NAME
  kCount
};
inline PlantedBugs<PlantedReplicaBug> planted_replica_bugs;

}  // namespace milena::log

#define MILENA_STORAGE_BUG(name) (::milena::log::planted_storage_bugs.is_here(::milena::log::PlantedStorageBug::name))
#define MILENA_REPLICA_BUG(name) (::milena::log::planted_replica_bugs.is_here(::milena::log::PlantedReplicaBug::name))
#else
#define MILENA_STORAGE_BUG(name) false
#define MILENA_REPLICA_BUG(name) false
#endif
