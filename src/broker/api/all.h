// The list of the requests that this broker answers, by key. Each is defined in the file of its API, NN_name.cc, whose
// last function is the one declared here: `ApiEntry name_api()`.
#pragma once

#include "broker/api_entry.h"

namespace milena::broker {

#define MILENA_EACH_API(X) \
  X(produce_api) \
  X(fetch_api) \
  X(list_offsets_api) \
  X(metadata_api) \
  X(offset_commit_api) \
  X(offset_fetch_api) \
  X(find_coordinator_api) \
  X(join_group_api) \
  X(heartbeat_api) \
  X(leave_group_api) \
  X(sync_group_api) \
  X(describe_groups_api) \
  X(list_groups_api) \
  X(sasl_handshake_api) \
  X(api_versions_api) \
  X(create_topics_api) \
  X(delete_topics_api) \
  X(delete_records_api) \
  X(init_producer_id_api) \
  X(offset_for_leader_epoch_api) \
  X(add_partitions_to_txn_api) \
  X(add_offsets_to_txn_api) \
  X(end_txn_api) \
  X(write_txn_markers_api) \
  X(txn_offset_commit_api) \
  X(describe_acls_api) \
  X(create_acls_api) \
  X(delete_acls_api) \
  X(describe_configs_api) \
  X(alter_configs_api) \
  X(alter_replica_log_dirs_api) \
  X(describe_log_dirs_api) \
  X(sasl_authenticate_api) \
  X(create_partitions_api) \
  X(create_delegation_token_api) \
  X(renew_delegation_token_api) \
  X(expire_delegation_token_api) \
  X(describe_delegation_token_api) \
  X(delete_groups_api) \
  X(elect_leaders_api) \
  X(incremental_alter_configs_api) \
  X(alter_partition_reassignments_api) \
  X(list_partition_reassignments_api) \
  X(offset_delete_api) \
  X(describe_client_quotas_api) \
  X(alter_client_quotas_api) \
  X(describe_user_scram_credentials_api) \
  X(alter_user_scram_credentials_api) \
  X(describe_quorum_api) \
  X(alter_partition_api) \
  X(update_features_api) \
  X(envelope_api) \
  X(fetch_snapshot_api) \
  X(describe_cluster_api) \
  X(describe_producers_api) \
  X(broker_registration_api) \
  X(broker_heartbeat_api) \
  X(unregister_broker_api) \
  X(describe_transactions_api) \
  X(list_transactions_api) \
  X(allocate_producer_ids_api) \
  X(consumer_group_heartbeat_api) \
  X(consumer_group_describe_api) \
  X(get_telemetry_subscriptions_api) \
  X(push_telemetry_api) \
  X(assign_replicas_to_dirs_api) \
  X(list_config_resources_api) \
  X(describe_topic_partitions_api) \
  X(add_raft_voter_api) \
  X(remove_raft_voter_api)

#define MILENA_DECLARE_API(name) ApiEntry name();
MILENA_EACH_API(MILENA_DECLARE_API)
#undef MILENA_DECLARE_API

}  // namespace milena::broker
