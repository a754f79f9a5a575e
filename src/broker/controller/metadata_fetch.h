// The log of __cluster_metadata-0 as its followers in other processes fetch it: brokers that observe the quorum of this
// one controller. They see what is committed and nothing else. Source: Kafka's KafkaRaftClient (handleFetchRequest,
// handleFetchSnapshotRequest) and KafkaRaftLog.validateOffsetAndEpoch.
#pragma once

#include <memory>

#include "broker/replica/fetch_operation.h"
#include "protocol/messages/fetch_snapshot.h"

namespace milena::broker {

using FetchSnapshotCall = Call<FetchSnapshotRequest, FetchSnapshotResponse>;

// The call was permitted. Answered when there is something new, or when its time is over.
void fetch_metadata(std::shared_ptr<FetchCall> call);
void fetch_metadata_snapshot(std::shared_ptr<FetchSnapshotCall> call);

}  // namespace milena::broker
