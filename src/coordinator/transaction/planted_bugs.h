// Planted bugs, for the simulator to find (tests/sim): only its own build of the transaction coordinator, with
// MILENA_PLANTED_BUGS, has them, and only one at a time. In others MILENA_PLANTED(name) is the constant false.
#pragma once

#ifdef MILENA_PLANTED_BUGS

namespace milena::coordinator {

enum class PlantedBug {
  kNone,
  kMarkersForgetAPartition,   // a decision is not written into all partitions
  kRefusedMarkerCountsAsDone,  // a marker that a partition refused is not retried
  kEndBeforeMarkers,          // the next transaction may begin before the markers of this one are written
  kReloadForgetsAborts,       // a decision found in the log is not carried out
  kReloadCommitsAborts,       // ... or the opposite one is
  kFenceKeepsEpoch,           // an abort by a new producer does not bump the epoch
  kEndKeepsEpoch,             // transaction.version 2 without the bump
  kAddIgnoresEpoch,           // a zombie may add partitions
  kAddWhileEnding,            // a partition is added to a transaction that is decided
  kVerifySaysYes,             // every partition is part of every transaction
  kInitDoesNotWait,           // an epoch is given out while the markers of the one before are under way
  kTimeoutsAreIgnored,        // a transaction whose producer is gone stays open
  kMarkersOfFailedDecision,   // markers go out though the decision is not in the log
  kRetryIsAlwaysSuccess,      // a repeated commit of an aborted transaction succeeds
  kCount
};
extern PlantedBug planted_bug;

}  // namespace milena::coordinator

#define MILENA_PLANTED(name) (::milena::coordinator::planted_bug == ::milena::coordinator::PlantedBug::name)
#else
#define MILENA_PLANTED(name) false
#endif
