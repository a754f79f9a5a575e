// Bugs on purpose, for the simulator to find (tests/sim): only its own build of the transaction coordinator, compiled
// with MILENA_PLANTED_BUGS, has them, and only one at a time. Everywhere else MILENA_PLANTED(name) is the constant
// false.
#pragma once

#ifdef MILENA_PLANTED_BUGS

namespace milena::coordinator {

enum class PlantedBug {
  kNone,
  kMarkersForgetAPartition,   // a decision is not written into all partitions
  kRefusedMarkerCountsAsDone,  // what a partition could not take for the moment is not tried again
  kEndBeforeMarkers,          // the next transaction may begin before the markers of this one are there
  kReloadForgetsAborts,       // a decision found in the log is not carried out
  kReloadCommitsAborts,       // ... or the other one is
  kFenceKeepsEpoch,           // the newcomer's abort leaves the epoch as it was
  kEndKeepsEpoch,             // transaction.version 2 without the bump
  kAddIgnoresEpoch,           // a zombie may add partitions
  kAddWhileEnding,            // a partition is added to a transaction that is decided
  kVerifySaysYes,             // every partition is part of every transaction
  kInitDoesNotWait,           // an epoch is given out while the markers of the one before are under way
  kTimeoutsAreIgnored,        // a transaction whose producer is gone stays open
  kMarkersOfFailedDecision,   // markers go out though the decision is not in the log
  kRetryIsAlwaysSuccess,      // a repeated commit of what was aborted is told to have worked
  kCount
};
extern PlantedBug planted_bug;

}  // namespace milena::coordinator

#define MILENA_PLANTED(name) (::milena::coordinator::planted_bug == ::milena::coordinator::PlantedBug::name)
#else
#define MILENA_PLANTED(name) false
#endif
