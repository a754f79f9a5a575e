// The feature kraft.version (KIP-853), whose level is not a metadata record but a control record in the metadata log and
// in its snapshots: 0, the voters are those of the settings; 1, they are in the log, with their directories and addresses.
// A quorum of one stays what it is on either level. Functions over bytes; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/config_listeners.h"
#include "base/uuid.h"
#include "log/snapshot_file.h"
#include "protocol/records/record_batch.h"

namespace milena {

// What a batch of the log, or the control records of a snapshot, say of it; nullopt: nothing.
std::optional<int16_t> kraft_version_in(const RecordBatchView& batch);
std::optional<int16_t> kraft_version_in(const std::vector<SnapshotFile::Control>& controls);

// The batches that lead from level 0 to 1, with this one voter.
Bytes kraft_upgrade_batches(int32_t epoch, int64_t now_ms, int32_t voter_id, const Uuid& directory_id,
                            const std::vector<ListenerEndpoint>& endpoints);

}  // namespace milena
