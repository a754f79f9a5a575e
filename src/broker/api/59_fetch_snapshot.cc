// FetchSnapshot (key 59), versions 0-1: returns a part of a snapshot of the metadata log, for a broker whose offset is
// before the start of the log.
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/controller/metadata_fetch.h"

namespace milena::broker {
namespace {

void handle_fetch_snapshot(std::shared_ptr<FetchSnapshotCall> call) {
  if (!require_cluster(*call, security::kClusterAction)) return;
  fetch_metadata_snapshot(std::move(call));
}

}  // namespace

ApiEntry fetch_snapshot_api() {
  return api_entry<FetchSnapshotCall, handle_fetch_snapshot>({security::kClusterAction});
}

}  // namespace milena::broker
