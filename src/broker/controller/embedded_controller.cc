#include "broker/controller/embedded_controller.h"

#include <algorithm>

#include "broker/controller/broker_sessions.h"
#include "broker/controller/embedded_controller_call.h"
#include "broker/controller/leader_elections.h"
#include "broker/shard.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/alter_partition.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/assign_replicas_to_dirs.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_acls.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/unregister_broker.h"

namespace milena::broker {
namespace {

// The plain case: `method` is the controller's, and its only argument is the request.
template <class Response, class Request>
void decide(const EmbeddedCallPtr& call,
            metadata::ControllerEffects<Response> (metadata::Controller::*method)(const Request&) const) {
  decide_embedded<Response>(call,
                            [request = call->request.as<Request>(), method](const metadata::Controller& controller) {
                              return (controller.*method)(*request);
                            });
}

// For requests that create or delete partitions: `decide(controller, quota)` gets the client's quota of them (KIP-599).
// Versions from `strict_version` on support THROTTLING_QUOTA_EXCEEDED. The answer contains the throttle time.
template <class Response, class Decide>
void decide_within_quota(const EmbeddedCallPtr& call, int16_t strict_version, Decide decide) {
  auto throttle_ms = std::make_shared<int64_t>(0);
  const bool strict = call->request.version >= strict_version;
  call->runtime.submit<Response>(
      call->from,
      [call, decide = std::move(decide), throttle_ms, strict](const metadata::Controller& controller) {
        ClientQuotas& quotas = call->runtime.home().shard().quotas();
        const ControllerRequestContext& who = call->context;
        return decide(controller, quotas.mutation_quota(who.principal.name, who.client_id, strict, throttle_ms));
      },
      [call, throttle_ms](Response response) {
        response.throttle_time_ms = static_cast<int32_t>(std::min<int64_t>(*throttle_ms, INT32_MAX));
        call->answer(std::move(response));
      },
      call->give_up_ms());
}

void create_topics(const EmbeddedCallPtr& call) {
  auto request = call->request.as<CreateTopicsRequest>();
  decide_within_quota<CreateTopicsResponse>(
      call, 6, [request](const metadata::Controller& controller, const metadata::MutationQuota& quota) {
        return controller.create_topics(*request, quota);
      });
}

void delete_topics(const EmbeddedCallPtr& call) {
  auto request = call->request.as<DeleteTopicsRequest>();
  decide_within_quota<DeleteTopicsResponse>(
      call, 5,
      [request, version = call->request.version](const metadata::Controller& controller,
                                                 const metadata::MutationQuota& quota) {
        return controller.delete_topics(*request, version, quota);
      });
}

void create_partitions(const EmbeddedCallPtr& call) {
  auto request = call->request.as<CreatePartitionsRequest>();
  decide_within_quota<CreatePartitionsResponse>(
      call, 3, [request](const metadata::Controller& controller, const metadata::MutationQuota& quota) {
        return controller.create_partitions(*request, quota);
      });
}

void elect_leaders(const EmbeddedCallPtr& call) {
  auto request = call->request.as<ElectLeadersRequest>();
  decide_embedded<ElectLeadersResponse>(
      call, [request, version = call->request.version](const metadata::Controller& controller) {
        return controller.elect_leaders(*request, version);
      });
}

template <class Request>
bool alters_unclean_election(const Request& request) {
  return std::ranges::any_of(request.resources, [](const auto& resource) {
    return std::ranges::any_of(resource.configs,
                               [](const auto& config) { return config.name == "unclean.leader.election.enable"; });
  });
}

// If unclean elections were just allowed, partitions that wait for one do not wait for the next interval.
template <class Request, class Response>
void alter_configs(const EmbeddedCallPtr& call,
                   metadata::ControllerEffects<Response> (metadata::Controller::*method)(const Request&) const) {
  auto request = call->request.as<Request>();
  call->runtime.submit<Response>(
      call->from, [request, method](const metadata::Controller& controller) { return (controller.*method)(*request); },
      [call, request](Response response) {
        if (alters_unclean_election(*request)) {
          call->from.router().at_controller(call->from, [&elections = call->elections](Shard&) {
            elections.elect_uncleanly_now();
          });
        }
        call->answer(std::move(response));
      },
      call->give_up_ms());
}

void alter_partition(const EmbeddedCallPtr& call) {
  auto request = call->request.as<AlterPartitionRequest>();
  decide_embedded<AlterPartitionResponse>(
      call, [request, version = call->request.version](const metadata::Controller& controller) {
        return controller.alter_partition(*request, version);
      });
}

}  // namespace

EmbeddedController::EmbeddedController(MetadataRuntime& runtime)
    : runtime_(runtime),
      sessions_(std::make_unique<BrokerSessions>(runtime)),
      elections_(std::make_unique<LeaderElections>(runtime)) {}

EmbeddedController::~EmbeddedController() = default;

void EmbeddedController::start_sessions() {
  sessions_->start();
  elections_->start();
}
void EmbeddedController::stop() {
  sessions_->stop();
  elections_->stop();
}

void EmbeddedController::broker_disconnected(Shard& from, int32_t broker_id, int64_t broker_epoch) {
  from.router().at_controller(from, [this, broker_id, broker_epoch](Shard&) {
    sessions_->on_disconnected(broker_id, broker_epoch);
  });
}

void EmbeddedController::send_any(Shard& from, OutgoingRequest request, ControllerRequestContext context,
                                  OutgoingReply reply) {
  auto call = std::make_shared<EmbeddedCall>(
      EmbeddedCall{runtime_, from, std::move(request), std::move(context), std::move(reply), *sessions_, *elections_});
  switch (call->request.key) {
    case ApiKey::kCreateTopics: return create_topics(call);
    case ApiKey::kDeleteTopics: return delete_topics(call);
    case ApiKey::kCreatePartitions: return create_partitions(call);
    case ApiKey::kAlterConfigs:
      return alter_configs<AlterConfigsRequest, AlterConfigsResponse>(call, &metadata::Controller::alter_configs);
    case ApiKey::kIncrementalAlterConfigs:
      return alter_configs<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>(
          call, &metadata::Controller::incremental_alter_configs);
    case ApiKey::kCreateAcls: return decide<CreateAclsResponse>(call, &metadata::Controller::create_acls);
    case ApiKey::kDeleteAcls: return decide<DeleteAclsResponse>(call, &metadata::Controller::delete_acls);
    case ApiKey::kElectLeaders: return elect_leaders(call);
    case ApiKey::kAlterPartition: return alter_partition(call);
    case ApiKey::kAssignReplicasToDirs:
      return decide<AssignReplicasToDirsResponse>(call, &metadata::Controller::assign_replicas_to_dirs);
    case ApiKey::kAllocateProducerIds: return allocate_producer_ids_embedded(call);
    case ApiKey::kBrokerRegistration: return register_broker_embedded(call);
    case ApiKey::kBrokerHeartbeat: return broker_heartbeat_embedded(call);
    case ApiKey::kAlterPartitionReassignments:
      return decide<AlterPartitionReassignmentsResponse>(call, &metadata::Controller::alter_partition_reassignments);
    case ApiKey::kAlterUserScramCredentials:
      return decide<AlterUserScramCredentialsResponse>(call, &metadata::Controller::alter_user_scram_credentials);
    case ApiKey::kCreateDelegationToken: return create_delegation_token_embedded(call);
    case ApiKey::kRenewDelegationToken: return renew_delegation_token_embedded(call);
    case ApiKey::kExpireDelegationToken: return expire_delegation_token_embedded(call);
    case ApiKey::kUnregisterBroker:
      return decide<UnregisterBrokerResponse>(call, &metadata::Controller::unregister_broker);
    case ApiKey::kAlterClientQuotas: return alter_client_quotas_embedded(call);
    case ApiKey::kDescribeQuorum: return describe_quorum_embedded(call);
    case ApiKey::kUpdateFeatures: return update_features_embedded(call);
    default: return call->reply(ErrorCode::kUnsupportedVersion, nullptr);
  }
}

void EmbeddedController::create_topics_for_use(Shard& from, std::vector<Bytes> names,
                                               std::optional<ControllerRequestContext> /*client*/, Task done) {
  runtime_.create_topics_for_use(from, std::move(names), std::move(done));
}

void EmbeddedController::next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) {
  runtime_.next_producer_id(from, std::move(done));
}

}  // namespace milena::broker
