// Samples of the requests for topics, groups and transactions (permission_samples.h).
#include "broker/permission_samples.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/list_transactions.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/offset_for_leader_epoch.h"
#include "protocol/messages/sync_group.h"
#include "protocol/messages/txn_offset_commit.h"
#include "protocol/messages/write_txn_markers.h"

namespace milena::broker::broker_test {
namespace {

using enum ErrorCode;

// `request` with one topic named "t" that has one partition, 0.
template <class Request>
Request of_one_partition(Request request = {}) {
  auto& topic = request.topics.emplace_back();
  if constexpr (requires { topic.name = "t"; }) topic.name = "t";
  else topic.topic = "t";
  topic.partitions.emplace_back();
  return request;
}

PermissionSample produce_sample(bool transactional) {
  static const Bytes plain = batch_of({"v"}, 1'700'000'000'000);
  static const Bytes in_transaction = [] {
    BatchOptions options;
    options.transactional = true;
    options.producer_id = 1;
    options.producer_epoch = 0;
    options.base_sequence = 0;
    return batch_of({"v"}, 1'700'000'000'000, options);
  }();
  ProduceRequest request;
  request.acks = 1;
  if (transactional) request.transactional_id = "x";
  auto& topic = request.topic_data.emplace_back();
  topic.name = "t";
  topic.partition_data.emplace_back().records = transactional ? in_transaction : plain;
  return sample<ProduceResponse>(
      transactional ? "in a transaction" : "plain", request, 9,
      [](const ProduceResponse& response) { return response.responses.at(0).partition_responses.at(0).error_code; },
      transactional ? kTransactionalIdAuthorizationFailed : kTopicAuthorizationFailed);
}

PermissionSample fetch_sample(int32_t replica_id) {
  FetchRequest request = {};
  request.replica_id = replica_id;
  request.session_epoch = -1;
  auto& topic = request.topics.emplace_back();
  topic.topic = "t";
  topic.partitions.emplace_back().partition_max_bytes = 1000;
  return sample<FetchResponse>(
      replica_id < 0 ? "of a consumer" : "of a follower", request, 12,
      [](const FetchResponse& response) { return response.responses.at(0).partitions.at(0).error_code; },
      kTopicAuthorizationFailed);
}

PermissionSample metadata_sample(std::string what, ByteView topic) {
  MetadataRequest request;
  if (topic.empty()) request.topics.reset();
  else request.topics.emplace().emplace_back().name = topic;
  request.allow_auto_topic_creation = true;
  request.include_cluster_authorized_operations = true;
  request.include_topic_authorized_operations = true;
  return sample<MetadataResponse>(
      std::move(what), request, 10,
      [](const MetadataResponse& response) { return response.topics.empty() ? kNone : response.topics[0].error_code; },
      topic.empty() ? kNone : kTopicAuthorizationFailed);
}

PermissionSample coordinator_sample(int8_t key_type, ErrorCode refusal) {
  FindCoordinatorRequest request;
  request.key_type = key_type;
  request.coordinator_keys = {"g"};
  return sample<FindCoordinatorResponse>(
      "of type " + std::to_string(key_type), request, 4,
      [](const FindCoordinatorResponse& response) { return response.coordinators.at(0).error_code; }, refusal);
}

OffsetFetchRequest offset_fetch(bool all) {
  OffsetFetchRequest request;
  auto& group = request.groups.emplace_back();
  group.group_id = "g";
  if (all) group.topics.reset();
  else group.topics.emplace().push_back({"t", {}, {0}});
  return request;
}

template <class Request>
Request of_group() {
  Request request;
  request.group_id = "g";
  return request;
}

JoinGroupRequest join_request() {
  auto request = of_group<JoinGroupRequest>();
  request.session_timeout_ms = request.rebalance_timeout_ms = 10'000;
  request.protocol_type = "consumer";
  request.protocols.push_back({"range", "meta"});
  return request;
}

SyncGroupRequest sync_request() {
  auto request = of_group<SyncGroupRequest>();
  request.protocol_type = "consumer";
  request.protocol_name = "range";
  return request;
}

}  // namespace

std::vector<PermissionSample> data_samples() {
  DescribeTopicPartitionsRequest describe;
  describe.topics.emplace_back().name = "t";
  describe.response_partition_limit = 10;
  DescribeProducersRequest producers;
  producers.topics.push_back({"t", {0}});
  return {
      produce_sample(false),
      produce_sample(true),
      fetch_sample(-1),
      fetch_sample(2),
      sample<ListOffsetsResponse>("", of_one_partition<ListOffsetsRequest>(), 5, first_partition_error,
                                  kTopicAuthorizationFailed),
      metadata_sample("of all topics", ""),
      metadata_sample("of a topic", "t"),
      metadata_sample("of a topic that is made for it", "new"),
      sample<OffsetForLeaderEpochResponse>("", of_one_partition<OffsetForLeaderEpochRequest>(), 4,
                                           first_partition_error, kTopicAuthorizationFailed),
      sample<DeleteRecordsResponse>("", of_one_partition<DeleteRecordsRequest>(), 2, first_partition_error,
                                    kTopicAuthorizationFailed),
      sample<DescribeTopicPartitionsResponse>(
          "", describe, 0, [](const auto& response) { return response.topics.at(0).error_code; },
          kTopicAuthorizationFailed),
      sample<DescribeProducersResponse>("", producers, 0, first_partition_error, kTopicAuthorizationFailed),
  };
}

std::vector<PermissionSample> group_samples() {
  auto commit = of_one_partition(of_group<OffsetCommitRequest>());
  auto deletion = of_one_partition(of_group<OffsetDeleteRequest>());
  auto heartbeat = of_group<ConsumerGroupHeartbeatRequest>();
  heartbeat.member_id = "m";
  heartbeat.rebalance_timeout_ms = 1000;
  heartbeat.subscribed_topic_names = {"t"};
  heartbeat.topic_partitions.emplace();
  LeaveGroupRequest leave = of_group<LeaveGroupRequest>();
  leave.members.emplace_back().member_id = "m";
  DescribeGroupsRequest describe;
  describe.groups = {"g"};
  describe.include_authorized_operations = true;
  ConsumerGroupDescribeRequest consumer_describe;
  consumer_describe.group_ids = {"c"};
  DeleteGroupsRequest delete_groups;
  delete_groups.groups_names = {"g"};
  const auto first_group_error = [](const auto& response) { return response.groups.at(0).error_code; };
  return {
      coordinator_sample(0, kGroupAuthorizationFailed),
      coordinator_sample(1, kTransactionalIdAuthorizationFailed),
      sample<OffsetCommitResponse>("", commit, 9, first_partition_error, kGroupAuthorizationFailed),
      sample<OffsetFetchResponse>("of a topic", offset_fetch(false), 9, first_group_error, kGroupAuthorizationFailed),
      sample<OffsetFetchResponse>("of all topics", offset_fetch(true), 9, first_group_error, kGroupAuthorizationFailed),
      sample<JoinGroupResponse>("", join_request(), 9, top_error, kGroupAuthorizationFailed),
      sample<HeartbeatResponse>("", of_group<HeartbeatRequest>(), 4, top_error, kGroupAuthorizationFailed),
      sample<LeaveGroupResponse>("", leave, 5, top_error, kGroupAuthorizationFailed),
      sample<SyncGroupResponse>("", sync_request(), 5, top_error, kGroupAuthorizationFailed),
      sample<DescribeGroupsResponse>("", describe, 5, first_group_error, kGroupAuthorizationFailed),
      sample<ListGroupsResponse>(
          "", ListGroupsRequest{}, 5,
          [](const auto& response) { return response.groups.empty() ? kNone : kUnknownServerError; }, kNone),
      sample<OffsetDeleteResponse>("", deletion, 0, top_error, kGroupAuthorizationFailed),
      sample<ConsumerGroupHeartbeatResponse>("", heartbeat, 1, top_error, kGroupAuthorizationFailed),
      sample<ConsumerGroupDescribeResponse>("", consumer_describe, 1, first_group_error, kGroupAuthorizationFailed),
      sample<DeleteGroupsResponse>(
          "", delete_groups, 2, [](const auto& response) { return response.results.at(0).error_code; },
          kGroupAuthorizationFailed),
  };
}

std::vector<PermissionSample> transaction_samples() {
  InitProducerIdRequest idempotent, transactional;
  idempotent.transactional_id.reset();
  transactional.transactional_id = "x";
  transactional.transaction_timeout_ms = 10'000;
  AddPartitionsToTxnRequest add;
  add.v3_and_below_transactional_id = "x";
  add.v3_and_below_topics.push_back({"t", {0}});
  AddPartitionsToTxnRequest add_of_broker;
  auto& transaction = add_of_broker.transactions.emplace_back();
  transaction.transactional_id = "x";
  transaction.topics.push_back({"t", {0}});
  AddOffsetsToTxnRequest offsets;
  offsets.transactional_id = "x";
  offsets.group_id = "g";
  EndTxnRequest end;
  end.transactional_id = "x";
  WriteTxnMarkersRequest markers;
  auto& marker = markers.markers.emplace_back();
  marker.producer_id = 77;
  marker.topics.push_back({"t", {0}});
  TxnOffsetCommitRequest commit = of_one_partition(of_group<TxnOffsetCommitRequest>());
  commit.transactional_id = "x";
  DescribeTransactionsRequest describe;
  describe.transactional_ids = {"x"};
  return {
      sample<InitProducerIdResponse>("idempotent", idempotent, 5, top_error, kClusterAuthorizationFailed),
      sample<InitProducerIdResponse>("transactional", transactional, 5, top_error, kTransactionalIdAuthorizationFailed),
      sample<AddPartitionsToTxnResponse>(
          "of a producer", add, 3,
          [](const auto& response) {
            return response.results_by_topic_v3_and_below.at(0).results_by_partition.at(0).partition_error_code;
          },
          kTransactionalIdAuthorizationFailed),
      sample<AddPartitionsToTxnResponse>("of a broker", add_of_broker, 5, top_error, kClusterAuthorizationFailed),
      sample<DescribeTransactionsResponse>(
          "", describe, 0, [](const auto& response) { return response.transaction_states.at(0).error_code; },
          kTransactionalIdAuthorizationFailed),
      sample<ListTransactionsResponse>(
          "", ListTransactionsRequest{}, 2,
          [](const auto& response) { return response.transaction_states.empty() ? kNone : kUnknownServerError; },
          kNone),
      sample<AddOffsetsToTxnResponse>("", offsets, 4, top_error, kTransactionalIdAuthorizationFailed),
      sample<TxnOffsetCommitResponse>("", commit, 4, first_partition_error, kTransactionalIdAuthorizationFailed),
      sample<EndTxnResponse>("", end, 4, top_error, kTransactionalIdAuthorizationFailed),
      sample<WriteTxnMarkersResponse>(
          "", markers, 1,
          [](const auto& response) { return response.markers.at(0).topics.at(0).partitions.at(0).error_code; },
          kClusterAuthorizationFailed),
  };
}

}  // namespace milena::broker::broker_test
