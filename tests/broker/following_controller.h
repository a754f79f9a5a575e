// FollowingController: a controller of the quorum that does not lead it, as a node of a cluster reaches it. It names
// the leader to those that fetch the metadata, describes the cluster, and answers everything else with NOT_CONTROLLER.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "broker/cluster/network.h"
#include "protocol/messages/allocate_producer_ids.h"
#include "protocol/messages/alter_partition.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/assign_replicas_to_dirs.h"
#include "protocol/messages/broker_heartbeat.h"
#include "protocol/messages/broker_registration.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/envelope.h"
#include "protocol/messages/fetch.h"
#include "protocol/reader.h"
#include "protocol/request_header.h"
#include "protocol/writer.h"

namespace milena::broker::broker_test {

// The leader as a controller that follows names it. Without an id it names none.
struct NamedLeader {
  int32_t id = -1;
  int32_t epoch = -1;
  uint16_t port = 0;
  std::string cluster_id = {};
};

// A connection to it.
class FollowingController final : public Link {
 public:
  FollowingController(Executor& executor, LinkWatcher& watcher, std::function<NamedLeader()> leader)
      : executor_(executor), watcher_(std::make_shared<LinkWatcher*>(&watcher)), leader_(std::move(leader)) {
    executor_.post([to = watcher_] {
      if (*to != nullptr) (*to)->on_connected();
    });
  }
  ~FollowingController() override { *watcher_ = nullptr; }

  void send(Payload request) override {
    const Bytes bytes = request.flatten().take().substr(4);
    Reader reader(bytes);
    RequestHeader header;
    header.read(reader);
    Writer writer;
    ResponseHeader{.correlation_id = header.correlation_id}.write(writer, static_cast<ApiKey>(header.api_key),
                                                                  header.api_version);
    answer(static_cast<ApiKey>(header.api_key), header.api_version, reader, writer);
    executor_.post([to = watcher_, frame = writer.take().flatten().take()] {
      if (*to == nullptr) return;
      Frame answer;
      answer.buffer = std::shared_ptr<char[]>(new char[frame.size() + 1]);
      std::memcpy(answer.buffer.get(), frame.data(), frame.size());
      answer.bytes = ByteView(answer.buffer.get(), frame.size());
      (*to)->on_frame(std::move(answer));
    });
  }

 private:
  void answer(ApiKey key, int16_t version, Reader& reader, Writer& writer) {
    switch (key) {
      case ApiKey::kApiVersions: return versions().write(writer, version);
      case ApiKey::kFetch: return fetched().write(writer, version);
      case ApiKey::kAlterPartition: return refused<AlterPartitionResponse>(writer, version);
      case ApiKey::kAllocateProducerIds: return refused<AllocateProducerIdsResponse>(writer, version);
      case ApiKey::kAssignReplicasToDirs: return refused<AssignReplicasToDirsResponse>(writer, version);
      case ApiKey::kBrokerHeartbeat: return refused<BrokerHeartbeatResponse>(writer, version);
      case ApiKey::kBrokerRegistration: return refused<BrokerRegistrationResponse>(writer, version);
      case ApiKey::kEnvelope: return refused<EnvelopeResponse>(writer, version);
      case ApiKey::kDescribeCluster: return described().write(writer, version);
      case ApiKey::kCreateTopics: return not_created(reader, version).write(writer, version);
      default: FAIL() << "a controller that follows is asked " << api_name(key);
    }
  }
  template <class Response>
  static void refused(Writer& writer, int16_t version) {
    Response response;
    response.error_code = ErrorCode::kNotController;
    response.write(writer, version);
  }
  static ApiVersionsResponse versions() {
    ApiVersionsResponse response;
    for (const auto& [key, newest] : {std::pair{ApiKey::kFetch, FetchRequest::kMaxVersion},
                                      {ApiKey::kAlterPartition, AlterPartitionRequest::kMaxVersion},
                                      {ApiKey::kAllocateProducerIds, AllocateProducerIdsRequest::kMaxVersion},
                                      {ApiKey::kAssignReplicasToDirs, AssignReplicasToDirsRequest::kMaxVersion},
                                      {ApiKey::kBrokerHeartbeat, BrokerHeartbeatRequest::kMaxVersion},
                                      {ApiKey::kBrokerRegistration, BrokerRegistrationRequest::kMaxVersion},
                                      {ApiKey::kEnvelope, EnvelopeRequest::kMaxVersion},
                                      {ApiKey::kDescribeCluster, DescribeClusterRequest::kMaxVersion},
                                      {ApiKey::kCreateTopics, CreateTopicsRequest::kMaxVersion}}) {
      response.api_keys.push_back({static_cast<int16_t>(key), 0, newest});
    }
    return response;
  }
  FetchResponse fetched() const {
    const NamedLeader leader = leader_();
    FetchResponse response;
    auto& partition = response.responses.emplace_back().partitions.emplace_back();
    partition.error_code = ErrorCode::kNotLeaderOrFollower;
    partition.current_leader.leader_id = leader.id;
    partition.current_leader.leader_epoch = leader.epoch;
    if (leader.id >= 0) response.node_endpoints.push_back({leader.id, "localhost", leader.port, std::nullopt});
    return response;
  }
  DescribeClusterResponse described() const {
    DescribeClusterResponse response;
    response.cluster_id = leader_().cluster_id;
    response.endpoint_type = 2;
    return response;
  }
  static CreateTopicsResponse not_created(Reader& reader, int16_t version) {
    CreateTopicsRequest request;
    request.read(reader, version);
    CreateTopicsResponse response;
    for (const auto& topic : request.topics) {
      auto& one = response.topics.emplace_back();
      one.name = topic.name;
      one.error_code = ErrorCode::kNotController;
    }
    return response;
  }

  Executor& executor_;
  // Null when the connection is closed.
  std::shared_ptr<LinkWatcher*> watcher_;
  std::function<NamedLeader()> leader_;
};

}  // namespace milena::broker::broker_test
