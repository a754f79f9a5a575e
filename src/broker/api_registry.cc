#include "broker/api_registry.h"

#include <algorithm>

#include "broker/api/handlers.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/create_acls.h"
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
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/offset_for_leader_epoch.h"
#include "protocol/messages/produce.h"
#include "protocol/messages/sync_group.h"

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
      entry<ApiVersionsCall, handle_api_versions>(),
      entry<CreateTopicsCall, handle_create_topics>(),
      entry<DeleteTopicsCall, handle_delete_topics>(),
      entry<DeleteRecordsCall, handle_delete_records>(),
      entry<InitProducerIdCall, handle_init_producer_id>(),
      entry<OffsetForLeaderEpochCall, handle_offset_for_leader_epoch>(),
      entry<DescribeAclsCall, handle_describe_acls>(),
      entry<CreateAclsCall, handle_create_acls>(),
      entry<DeleteAclsCall, handle_delete_acls>(),
      entry<DescribeConfigsCall, handle_describe_configs>(),
      entry<AlterReplicaLogDirsCall, handle_alter_replica_log_dirs>(),
      entry<DescribeLogDirsCall, handle_describe_log_dirs>(),
      entry<CreatePartitionsCall, handle_create_partitions>(),
      entry<DeleteGroupsCall, handle_delete_groups>(),
      entry<OffsetDeleteCall, handle_offset_delete>(),
      entry<DescribeClientQuotasCall, handle_describe_client_quotas>(),
      entry<AlterClientQuotasCall, handle_alter_client_quotas>(),
      entry<DescribeClusterCall, handle_describe_cluster>(),
      entry<DescribeTopicPartitionsCall, handle_describe_topic_partitions>(),
  };
  std::sort(entries.begin(), entries.end(), [](const ApiEntry& a, const ApiEntry& b) { return a.key < b.key; });
  return entries;
}

}  // namespace

const std::vector<ApiEntry>& api_registry() {
  static const std::vector<ApiEntry> entries = make_registry();
  return entries;
}

const ApiEntry* find_handler(int16_t key) {
  for (const ApiEntry& entry : api_registry()) {
    if (static_cast<int16_t>(entry.key) == key) return &entry;
  }
  return nullptr;
}

}  // namespace milena
