// Samples of the requests of administrators (permission_samples.h).
#include "broker/permission_samples.h"
#include "metadata/image.h"
#include "protocol/messages/add_raft_voter.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/alter_replica_log_dirs.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/create_delegation_token.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/delete_acls.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_acls.h"
#include "protocol/messages/describe_client_quotas.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/describe_delegation_token.h"
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/describe_user_scram_credentials.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/list_config_resources.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "protocol/messages/remove_raft_voter.h"
#include "protocol/messages/unregister_broker.h"
#include "protocol/messages/update_features.h"

namespace milena::broker::broker_test {
namespace {

using enum ErrorCode;

constexpr auto kFirstResponse = [](const auto& response) { return response.responses.at(0).error_code; };
constexpr auto kFirstResult = [](const auto& response) { return response.results.at(0).error_code; };
constexpr auto kFirstTopic = [](const auto& response) { return response.topics.at(0).error_code; };

// Requests about configs, for each type of resource.
template <class Response, class Request, class Error>
void add_config_samples(std::vector<PermissionSample>& samples, int16_t version, Error error, bool with_loggers) {
  struct Kind {
    metadata::ResourceType type;
    ByteView name;
    ErrorCode refusal;
  };
  std::vector<Kind> kinds{{metadata::ResourceType::kTopic, "t", kTopicAuthorizationFailed},
                          {metadata::ResourceType::kGroup, "g", kGroupAuthorizationFailed},
                          {metadata::ResourceType::kBroker, "", kClusterAuthorizationFailed},
                          {metadata::ResourceType::kClientMetrics, "m", kClusterAuthorizationFailed}};
  if (with_loggers) kinds.push_back({metadata::ResourceType::kBrokerLogger, "1", kClusterAuthorizationFailed});
  for (const Kind& kind : kinds) {
    Request request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<int8_t>(kind.type);
    resource.resource_name = kind.name;
    const std::string what = "of type " + std::to_string(resource.resource_type);
    samples.push_back(sample<Response>(what, request, version, error, kind.refusal));
    if (kind.type != metadata::ResourceType::kBrokerLogger || Request::kApiKey != ApiKey::kIncrementalAlterConfigs)
      continue;
    samples.push_back(samples.back());
    samples.back().to_controller = true;
  }
}

void add_topic_samples(std::vector<PermissionSample>& samples) {
  CreateTopicsRequest create;
  create.topics.emplace_back().name = "made";
  create.topics.back().num_partitions = 1;
  create.topics.back().replication_factor = 1;
  samples.push_back(sample<CreateTopicsResponse>("", create, 7, kFirstTopic, kTopicAuthorizationFailed));
  CreatePartitionsRequest partitions;
  partitions.topics.emplace_back().name = "t";
  partitions.topics.back().count = 9;
  samples.push_back(sample<CreatePartitionsResponse>("", partitions, 3, kFirstResult, kTopicAuthorizationFailed));
  DeleteTopicsRequest deletion;
  deletion.topics.emplace_back().name = "doomed";
  samples.push_back(sample<DeleteTopicsResponse>("", deletion, 6, kFirstResponse, kTopicAuthorizationFailed));
}

void add_partition_samples(std::vector<PermissionSample>& samples) {
  AlterReplicaLogDirsRequest moves;
  auto& dir = moves.dirs.emplace_back();
  dir.path = "/nowhere";
  dir.topics.push_back({"t", {0}});
  samples.push_back(sample<AlterReplicaLogDirsResponse>(
      "", moves, 2, [](const auto& response) { return response.results.at(0).partitions.at(0).error_code; },
      kClusterAuthorizationFailed));
  samples.push_back(
      sample<DescribeLogDirsResponse>("", DescribeLogDirsRequest{}, 4, top_error, kClusterAuthorizationFailed));
  ElectLeadersRequest elections;
  elections.topic_partitions.emplace().push_back({"t", {0}});
  samples.push_back(sample<ElectLeadersResponse>("", elections, 2, top_error, kClusterAuthorizationFailed));
  AlterPartitionReassignmentsRequest reassign;
  reassign.topics.emplace_back().name = "t";
  reassign.topics.back().partitions.emplace_back();
  samples.push_back(
      sample<AlterPartitionReassignmentsResponse>("", reassign, 1, top_error, kClusterAuthorizationFailed));
  samples.push_back(sample<ListPartitionReassignmentsResponse>("", ListPartitionReassignmentsRequest{}, 0, top_error,
                                                               kClusterAuthorizationFailed));
}

void add_security_samples(std::vector<PermissionSample>& samples) {
  // Any: unknown types are invalid.
  DescribeAclsRequest describe;
  describe.resource_type_filter = describe.operation = describe.permission_type = 1;
  samples.push_back(sample<DescribeAclsResponse>("", describe, 3, top_error, kClusterAuthorizationFailed));
  CreateAclsRequest create;
  auto& acl = create.creations.emplace_back();
  acl.resource_type = acl.operation = acl.permission_type = 3;
  samples.push_back(sample<CreateAclsResponse>("", create, 3, kFirstResult, kClusterAuthorizationFailed));
  DeleteAclsRequest remove;
  auto& filter = remove.filters.emplace_back();
  filter.resource_type_filter = filter.operation = filter.permission_type = 1;
  samples.push_back(sample<DeleteAclsResponse>(
      "", remove, 3, [](const auto& response) { return response.filter_results.at(0).error_code; },
      kClusterAuthorizationFailed));
  CreateDelegationTokenRequest token;
  token.owner_principal_type = "User";
  token.owner_principal_name = "bob";
  samples.push_back(
      sample<CreateDelegationTokenResponse>("", token, 3, top_error, kDelegationTokenAuthorizationFailed));
  // Tokens of others are left out.
  DescribeDelegationTokenRequest tokens;
  tokens.owners.reset();
  samples.push_back(sample<DescribeDelegationTokenResponse>("", tokens, 3, top_error, kNone));
  samples.push_back(sample<DescribeUserScramCredentialsResponse>("", DescribeUserScramCredentialsRequest{}, 0,
                                                                 top_error, kClusterAuthorizationFailed));
  AlterUserScramCredentialsRequest scram;
  scram.deletions.emplace_back().name = "bob";
  samples.push_back(sample<AlterUserScramCredentialsResponse>("", scram, 0, kFirstResult, kClusterAuthorizationFailed));
  samples.push_back(sample<DescribeClientQuotasResponse>("", DescribeClientQuotasRequest{}, 1, top_error,
                                                         kClusterAuthorizationFailed));
  AlterClientQuotasRequest quotas;
  auto& entity = quotas.entries.emplace_back().entity.emplace_back();
  entity.entity_type = "user";
  entity.entity_name = "bob";
  samples.push_back(sample<AlterClientQuotasResponse>(
      "", quotas, 1, [](const auto& response) { return response.entries.at(0).error_code; },
      kClusterAuthorizationFailed));
}

void add_cluster_samples(std::vector<PermissionSample>& samples) {
  DescribeQuorumRequest quorum;
  quorum.topics.emplace_back().topic_name = "__cluster_metadata";
  quorum.topics.back().partitions.emplace_back();
  samples.push_back(sample<DescribeQuorumResponse>("", quorum, 2, top_error, kClusterAuthorizationFailed));
  samples.push_back(
      sample<UpdateFeaturesResponse>("", UpdateFeaturesRequest{}, 2, top_error, kClusterAuthorizationFailed));
  DescribeClusterRequest cluster;
  cluster.include_cluster_authorized_operations = true;
  // Allowed for all clients; only the operations need a permission.
  samples.push_back(sample<DescribeClusterResponse>(
      "of brokers", cluster, 2,
      [](const auto& response) {
        EXPECT_NE(response.cluster_authorized_operations, INT32_MIN);
        return response.error_code;
      },
      kNone));
  cluster.endpoint_type = 2;
  samples.push_back(
      sample<DescribeClusterResponse>("of controllers", cluster, 2, top_error, kClusterAuthorizationFailed));
  samples.back().to_controller = true;
  UnregisterBrokerRequest unregister;
  unregister.broker_id = 99;
  samples.push_back(sample<UnregisterBrokerResponse>("", unregister, 0, top_error, kClusterAuthorizationFailed));
  samples.push_back(
      sample<ListConfigResourcesResponse>("", ListConfigResourcesRequest{}, 1, top_error, kClusterAuthorizationFailed));
  samples.push_back(sample<AddRaftVoterResponse>("", AddRaftVoterRequest{}, 1, top_error, kClusterAuthorizationFailed));
  samples.push_back(
      sample<RemoveRaftVoterResponse>("", RemoveRaftVoterRequest{}, 0, top_error, kClusterAuthorizationFailed));
}

}  // namespace

std::vector<PermissionSample> admin_samples() {
  std::vector<PermissionSample> samples;
  add_topic_samples(samples);
  add_config_samples<DescribeConfigsResponse, DescribeConfigsRequest>(samples, 4, kFirstResult, true);
  add_config_samples<AlterConfigsResponse, AlterConfigsRequest>(samples, 2, kFirstResponse, false);
  add_config_samples<IncrementalAlterConfigsResponse, IncrementalAlterConfigsRequest>(samples, 1, kFirstResponse, true);
  add_partition_samples(samples);
  add_security_samples(samples);
  add_cluster_samples(samples);
  return samples;
}

}  // namespace milena::broker::broker_test
