// Every handler of this broker, one per API; each is defined in the numbered file of its API. A handler gets its Call
// and answers it, at once or later (call.h). api_registry.cc lists them.
#pragma once

#include <memory>

namespace milena {

class Shard;
struct ConnectionState;
struct Frame;
template <class Request, class Response>
class Call;

#define MILENA_HANDLER(Api, function)  \
  struct Api##Request;                 \
  struct Api##Response;                \
  using Api##Call = Call<Api##Request, Api##Response>; \
  void function(std::shared_ptr<Api##Call> call)

MILENA_HANDLER(Produce, handle_produce);
MILENA_HANDLER(Fetch, handle_fetch);
MILENA_HANDLER(ListOffsets, handle_list_offsets);
MILENA_HANDLER(Metadata, handle_metadata);
MILENA_HANDLER(OffsetCommit, handle_offset_commit);
MILENA_HANDLER(OffsetFetch, handle_offset_fetch);
MILENA_HANDLER(FindCoordinator, handle_find_coordinator);
MILENA_HANDLER(JoinGroup, handle_join_group);
MILENA_HANDLER(Heartbeat, handle_heartbeat);
MILENA_HANDLER(LeaveGroup, handle_leave_group);
MILENA_HANDLER(SyncGroup, handle_sync_group);
MILENA_HANDLER(DescribeGroups, handle_describe_groups);
MILENA_HANDLER(ListGroups, handle_list_groups);
MILENA_HANDLER(ApiVersions, handle_api_versions);
MILENA_HANDLER(CreateTopics, handle_create_topics);
MILENA_HANDLER(DeleteTopics, handle_delete_topics);
MILENA_HANDLER(DeleteRecords, handle_delete_records);
MILENA_HANDLER(InitProducerId, handle_init_producer_id);
MILENA_HANDLER(OffsetForLeaderEpoch, handle_offset_for_leader_epoch);
MILENA_HANDLER(DescribeAcls, handle_describe_acls);
MILENA_HANDLER(CreateAcls, handle_create_acls);
MILENA_HANDLER(DeleteAcls, handle_delete_acls);
MILENA_HANDLER(DescribeConfigs, handle_describe_configs);
MILENA_HANDLER(AlterReplicaLogDirs, handle_alter_replica_log_dirs);
MILENA_HANDLER(DescribeLogDirs, handle_describe_log_dirs);
MILENA_HANDLER(CreatePartitions, handle_create_partitions);
MILENA_HANDLER(DeleteGroups, handle_delete_groups);
MILENA_HANDLER(OffsetDelete, handle_offset_delete);
MILENA_HANDLER(DescribeClientQuotas, handle_describe_client_quotas);
MILENA_HANDLER(AlterClientQuotas, handle_alter_client_quotas);
MILENA_HANDLER(DescribeCluster, handle_describe_cluster);
MILENA_HANDLER(DescribeTopicPartitions, handle_describe_topic_partitions);

#undef MILENA_HANDLER

}  // namespace milena
