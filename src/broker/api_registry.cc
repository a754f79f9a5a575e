#include "broker/api_registry.h"

#include <algorithm>

#include "broker/api/handlers.h"
#include "protocol/messages/add_raft_voter.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/create_delegation_token.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_acls.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_acls.h"
#include "protocol/messages/describe_client_quotas.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/describe_delegation_token.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/describe_user_scram_credentials.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/expire_delegation_token.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/get_telemetry_subscriptions.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/list_config_resources.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/list_transactions.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/offset_for_leader_epoch.h"
#include "protocol/messages/produce.h"
#include "protocol/messages/push_telemetry.h"
#include "protocol/messages/sync_group.h"
#include "protocol/messages/txn_offset_commit.h"
#include "protocol/messages/write_txn_markers.h"
#include "protocol/messages/remove_raft_voter.h"
#include "protocol/messages/renew_delegation_token.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/messages/sync_group.h"
#include "protocol/messages/unregister_broker.h"
#include "protocol/messages/update_features.h"

namespace milena {
namespace {

template <class ApiCall, void (*handler)(std::shared_ptr<ApiCall>)>
bool start_call(Reader& body, int16_t version, Shard& shard, std::shared_ptr<ConnectionState> connection, Frame frame,
                int32_t correlation_id, ByteView client_id) {
  typename ApiCall::Request request;
  request.read(body, version);
  if (!body.ok()) return false;
  auto call = std::make_shared<ApiCall>(shard, std::move(connection), std::move(frame));
  call->set_header(ApiCall::Request::kApiKey, version, correlation_id, client_id);
  call->request = std::move(request);
  handler(std::move(call));
  return true;
}

template <class ApiCall, void (*handler)(std::shared_ptr<ApiCall>)>
ApiEntry entry() {
  using Request = typename ApiCall::Request;
  return {Request::kApiKey, Request::kMinVersion, Request::kMaxVersion, &start_call<ApiCall, handler>};
}

std::vector<ApiEntry> make_registry() {
  std::vector<ApiEntry> entries = {
      entry<ProduceCall, handle_produce>(),
      entry<FetchCall, handle_fetch>(),
      entry<ListOffsetsCall, handle_list_offsets>(),
      entry<MetadataCall, handle_metadata>(),
      entry<OffsetCommitCall, handle_offset_commit>(),
      entry<OffsetFetchCall, handle_offset_fetch>(),
      entry<FindCoordinatorCall, handle_find_coordinator>(),
      entry<JoinGroupCall, handle_join_group>(),
      entry<HeartbeatCall, handle_heartbeat>(),
      entry<LeaveGroupCall, handle_leave_group>(),
      entry<SyncGroupCall, handle_sync_group>(),
      entry<DescribeGroupsCall, handle_describe_groups>(),
      entry<ListGroupsCall, handle_list_groups>(),
      entry<SaslHandshakeCall, handle_sasl_handshake>(),
      entry<ApiVersionsCall, handle_api_versions>(),
      entry<CreateTopicsCall, handle_create_topics>(),
      entry<DeleteTopicsCall, handle_delete_topics>(),
      entry<DeleteRecordsCall, handle_delete_records>(),
      entry<InitProducerIdCall, handle_init_producer_id>(),
      entry<OffsetForLeaderEpochCall, handle_offset_for_leader_epoch>(),
      entry<AddPartitionsToTxnCall, handle_add_partitions_to_txn>(),
      entry<AddOffsetsToTxnCall, handle_add_offsets_to_txn>(),
      entry<EndTxnCall, handle_end_txn>(),
      entry<WriteTxnMarkersCall, handle_write_txn_markers>(),
      entry<TxnOffsetCommitCall, handle_txn_offset_commit>(),
      entry<DescribeAclsCall, handle_describe_acls>(),
      entry<CreateAclsCall, handle_create_acls>(),
      entry<DeleteAclsCall, handle_delete_acls>(),
      entry<DescribeConfigsCall, handle_describe_configs>(),
      entry<AlterConfigsCall, handle_alter_configs>(),
      entry<SaslAuthenticateCall, handle_sasl_authenticate>(),
      entry<AlterReplicaLogDirsCall, handle_alter_replica_log_dirs>(),
      entry<DescribeLogDirsCall, handle_describe_log_dirs>(),
      entry<CreatePartitionsCall, handle_create_partitions>(),
      entry<CreateDelegationTokenCall, handle_create_delegation_token>(),
      entry<RenewDelegationTokenCall, handle_renew_delegation_token>(),
      entry<ExpireDelegationTokenCall, handle_expire_delegation_token>(),
      entry<DescribeDelegationTokenCall, handle_describe_delegation_token>(),
      entry<DeleteGroupsCall, handle_delete_groups>(),
      entry<IncrementalAlterConfigsCall, handle_incremental_alter_configs>(),
      entry<ElectLeadersCall, handle_elect_leaders>(),
      entry<AlterPartitionReassignmentsCall, handle_alter_partition_reassignments>(),
      entry<ListPartitionReassignmentsCall, handle_list_partition_reassignments>(),
      entry<OffsetDeleteCall, handle_offset_delete>(),
      entry<DescribeClientQuotasCall, handle_describe_client_quotas>(),
      entry<AlterClientQuotasCall, handle_alter_client_quotas>(),
      entry<DescribeUserScramCredentialsCall, handle_describe_user_scram_credentials>(),
      entry<AlterUserScramCredentialsCall, handle_alter_user_scram_credentials>(),
      entry<DescribeQuorumCall, handle_describe_quorum>(),
      entry<UpdateFeaturesCall, handle_update_features>(),
      entry<DescribeClusterCall, handle_describe_cluster>(),
      entry<DescribeProducersCall, handle_describe_producers>(),
      entry<DescribeTransactionsCall, handle_describe_transactions>(),
      entry<ListTransactionsCall, handle_list_transactions>(),
      entry<GetTelemetrySubscriptionsCall, handle_get_telemetry_subscriptions>(),
      entry<PushTelemetryCall, handle_push_telemetry>(),
      entry<ListConfigResourcesCall, handle_list_config_resources>(),
      entry<UnregisterBrokerCall, handle_unregister_broker>(),
      entry<ConsumerGroupHeartbeatCall, handle_consumer_group_heartbeat>(),
      entry<ConsumerGroupDescribeCall, handle_consumer_group_describe>(),
      entry<DescribeTopicPartitionsCall, handle_describe_topic_partitions>(),
      entry<AddRaftVoterCall, handle_add_raft_voter>(),
      entry<RemoveRaftVoterCall, handle_remove_raft_voter>(),
  };
  std::sort(entries.begin(), entries.end(), [](const ApiEntry& a, const ApiEntry& b) { return a.key < b.key; });
  return entries;
}

}  // namespace

const std::vector<ApiEntry>& api_registry() {
  static const std::vector<ApiEntry> entries = make_registry();
  return entries;
}

bool is_offered(const ApiEntry& entry, bool by_controller) {
  const ApiInfo* info = find_api(entry.key);
  // A controller's Fetch is that of the metadata log's followers, whom an embedded controller does not have.
  if (by_controller && entry.key == ApiKey::kFetch) return false;
  return by_controller ? info->on_controller : info->on_broker;
}

const ApiEntry* find_handler(int16_t key, bool by_controller) {
  for (const ApiEntry& entry : api_registry()) {
    if (static_cast<int16_t>(entry.key) == key && is_offered(entry, by_controller)) return &entry;
  }
  return nullptr;
}

}  // namespace milena
