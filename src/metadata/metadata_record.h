// MetadataRecord: any record of __cluster_metadata, decoded. A value that owns its data.
// The types and their numbers are those of Kafka 4.3 (its metadata/src/main/resources/common/metadata).
#pragma once

#include <variant>
#include <vector>

#include "protocol/messages/metadata/abort_transaction.h"
#include "protocol/messages/metadata/access_control_entry.h"
#include "protocol/messages/metadata/begin_transaction.h"
#include "protocol/messages/metadata/broker_registration_change.h"
#include "protocol/messages/metadata/clear_elr.h"
#include "protocol/messages/metadata/client_quota.h"
#include "protocol/messages/metadata/config.h"
#include "protocol/messages/metadata/delegation_token.h"
#include "protocol/messages/metadata/end_transaction.h"
#include "protocol/messages/metadata/feature_level.h"
#include "protocol/messages/metadata/fence_broker.h"
#include "protocol/messages/metadata/no_op.h"
#include "protocol/messages/metadata/partition.h"
#include "protocol/messages/metadata/partition_change.h"
#include "protocol/messages/metadata/producer_ids.h"
#include "protocol/messages/metadata/register_broker.h"
#include "protocol/messages/metadata/register_controller.h"
#include "protocol/messages/metadata/remove_access_control_entry.h"
#include "protocol/messages/metadata/remove_delegation_token.h"
#include "protocol/messages/metadata/remove_topic.h"
#include "protocol/messages/metadata/remove_user_scram_credential.h"
#include "protocol/messages/metadata/topic.h"
#include "protocol/messages/metadata/unfence_broker.h"
#include "protocol/messages/metadata/unregister_broker.h"
#include "protocol/messages/metadata/user_scram_credential.h"
#include "protocol/messages/metadata/zk_migration_state.h"

namespace milena::metadata {

using MetadataRecord = std::variant<
    RegisterBrokerRecord, UnregisterBrokerRecord, TopicRecord, PartitionRecord, ConfigRecord,
    PartitionChangeRecord, FenceBrokerRecord, UnfenceBrokerRecord, RemoveTopicRecord, DelegationTokenRecord,
    UserScramCredentialRecord, FeatureLevelRecord, ClientQuotaRecord, ProducerIdsRecord,
    BrokerRegistrationChangeRecord, AccessControlEntryRecord, RemoveAccessControlEntryRecord, NoOpRecord,
    ZkMigrationStateRecord, RemoveUserScramCredentialRecord, BeginTransactionRecord, EndTransactionRecord,
    AbortTransactionRecord, RemoveDelegationTokenRecord, RegisterControllerRecord, ClearElrRecord>;

using MetadataRecords = std::vector<MetadataRecord>;

}  // namespace milena::metadata
