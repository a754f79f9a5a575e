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
MILENA_HANDLER(SaslHandshake, handle_sasl_handshake);
MILENA_HANDLER(ApiVersions, handle_api_versions);
MILENA_HANDLER(CreateTopics, handle_create_topics);
MILENA_HANDLER(DeleteTopics, handle_delete_topics);
MILENA_HANDLER(DeleteRecords, handle_delete_records);
MILENA_HANDLER(InitProducerId, handle_init_producer_id);
MILENA_HANDLER(OffsetForLeaderEpoch, handle_offset_for_leader_epoch);
MILENA_HANDLER(AddPartitionsToTxn, handle_add_partitions_to_txn);
MILENA_HANDLER(AddOffsetsToTxn, handle_add_offsets_to_txn);
MILENA_HANDLER(EndTxn, handle_end_txn);
MILENA_HANDLER(WriteTxnMarkers, handle_write_txn_markers);
MILENA_HANDLER(TxnOffsetCommit, handle_txn_offset_commit);
MILENA_HANDLER(DescribeAcls, handle_describe_acls);
MILENA_HANDLER(CreateAcls, handle_create_acls);
MILENA_HANDLER(DeleteAcls, handle_delete_acls);
MILENA_HANDLER(DescribeConfigs, handle_describe_configs);
MILENA_HANDLER(AlterConfigs, handle_alter_configs);
MILENA_HANDLER(SaslAuthenticate, handle_sasl_authenticate);
MILENA_HANDLER(AlterReplicaLogDirs, handle_alter_replica_log_dirs);
MILENA_HANDLER(DescribeLogDirs, handle_describe_log_dirs);
MILENA_HANDLER(CreatePartitions, handle_create_partitions);
MILENA_HANDLER(CreateDelegationToken, handle_create_delegation_token);
MILENA_HANDLER(RenewDelegationToken, handle_renew_delegation_token);
MILENA_HANDLER(ExpireDelegationToken, handle_expire_delegation_token);
MILENA_HANDLER(DescribeDelegationToken, handle_describe_delegation_token);
MILENA_HANDLER(DeleteGroups, handle_delete_groups);
MILENA_HANDLER(IncrementalAlterConfigs, handle_incremental_alter_configs);
MILENA_HANDLER(ElectLeaders, handle_elect_leaders);
MILENA_HANDLER(AlterPartitionReassignments, handle_alter_partition_reassignments);
MILENA_HANDLER(ListPartitionReassignments, handle_list_partition_reassignments);
MILENA_HANDLER(OffsetDelete, handle_offset_delete);
MILENA_HANDLER(DescribeClientQuotas, handle_describe_client_quotas);
MILENA_HANDLER(AlterClientQuotas, handle_alter_client_quotas);
MILENA_HANDLER(DescribeUserScramCredentials, handle_describe_user_scram_credentials);
MILENA_HANDLER(AlterUserScramCredentials, handle_alter_user_scram_credentials);
MILENA_HANDLER(DescribeQuorum, handle_describe_quorum);
MILENA_HANDLER(UpdateFeatures, handle_update_features);
MILENA_HANDLER(DescribeCluster, handle_describe_cluster);
MILENA_HANDLER(DescribeProducers, handle_describe_producers);
MILENA_HANDLER(DescribeTransactions, handle_describe_transactions);
MILENA_HANDLER(ListTransactions, handle_list_transactions);
MILENA_HANDLER(GetTelemetrySubscriptions, handle_get_telemetry_subscriptions);
MILENA_HANDLER(PushTelemetry, handle_push_telemetry);
MILENA_HANDLER(ListConfigResources, handle_list_config_resources);
MILENA_HANDLER(UnregisterBroker, handle_unregister_broker);
MILENA_HANDLER(ConsumerGroupHeartbeat, handle_consumer_group_heartbeat);
MILENA_HANDLER(ConsumerGroupDescribe, handle_consumer_group_describe);
MILENA_HANDLER(DescribeTopicPartitions, handle_describe_topic_partitions);
MILENA_HANDLER(AddRaftVoter, handle_add_raft_voter);
MILENA_HANDLER(RemoveRaftVoter, handle_remove_raft_voter);

#undef MILENA_HANDLER

}  // namespace milena
