// The logs on a simulated disk, read without the broker: the bytes that Kafka would find there.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "protocol/records/record_batch.h"
#include "sim/cluster/cluster_model.h"
#include "sim/node/virtual_disk.h"

namespace milena::sim {

// The batches of the segments in that directory, in their order, up to the first incomplete one.
void for_each_batch(const VirtualDisk& disk, const std::string& directory, int64_t from,
                    const std::function<void(const RecordBatchView&)>& visit);
// The records of a batch; those of coordinators have no numbers.
LogEntries entries_of(const RecordBatchView& batch, bool numbered = true);
// That replica's log; empty if it is not there, or is of another topic of that name.
DiskLog read_disk_log(const VirtualDisk& disk, const std::string& name, const Uuid& topic_id, int64_t from = 0);

}  // namespace milena::sim
