// Serves the log of __cluster_metadata-0 to its followers in other processes: brokers that observe this quorum of one.
// They get only committed records. Source: Kafka's KafkaRaftClient (handleFetchRequest, handleFetchSnapshotRequest) and
// KafkaRaftLog.validateOffsetAndEpoch.
#pragma once

#include <memory>

#include "broker/replica/fetch_operation.h"
#include "protocol/messages/fetch_snapshot.h"

namespace milena::broker {

using FetchSnapshotCall = Call<FetchSnapshotRequest, FetchSnapshotResponse>;

// The call is already authorized. It is answered when there are new records, or when its wait time is over.
void fetch_metadata(std::shared_ptr<FetchCall> call);
void fetch_metadata_snapshot(std::shared_ptr<FetchSnapshotCall> call);

}  // namespace milena::broker
