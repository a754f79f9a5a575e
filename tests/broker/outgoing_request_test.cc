// Requests to the controller and to peers may leave the node: here each request and response is encoded and decoded, as
// over a connection, and clients see no difference.
#include "broker/controller/controller_channel.h"
#include "broker/coordinators/peer.h"
#include "broker/transaction_fixture.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/unregister_broker.h"
#include "protocol/messages/update_features.h"
#include "protocol/messages/write_txn_markers.h"

namespace milena::broker::broker_test {
namespace {

// A decoded message, with the bytes of its views.
template <class Message>
struct Parsed {
  Bytes bytes;
  Message message;
};

Bytes body_of(const std::function<void(Writer&)>& write) {
  Writer writer;
  write(writer);
  return writer.take().flatten().value();
}

// Encodes and decodes the request and the response.
template <class Response, class Request>
std::pair<OutgoingRequest, OutgoingReply> over_the_wire(const OutgoingRequest& request, OutgoingReply reply) {
  auto parsed = std::make_shared<Parsed<Request>>();
  parsed->bytes = body_of([&](Writer& writer) { request.write(request.message.get(), writer, request.version); });
  Reader reader(parsed->bytes);
  parsed->message.read(reader, request.version);
  EXPECT_TRUE(reader.ok() && reader.remaining() == 0) << api_name(request.key);
  std::shared_ptr<const Request> message(parsed, &parsed->message);
  auto answer = [request, reply = std::move(reply)](ErrorCode error, std::shared_ptr<void> response) {
    if (error != ErrorCode::kNone) return reply(error, nullptr);
    const Bytes bytes = body_of(
        [&](Writer& writer) { std::static_pointer_cast<Response>(response)->write(writer, request.version); });
    Reader back(bytes);
    reply(ErrorCode::kNone, request.read(back, request.version));
  };
  return {outgoing_request<Response>(std::move(message), request.version), std::move(answer)};
}

template <class Response, class Request, class Send>
bool pass_if(OutgoingRequest& request, OutgoingReply& reply, const Send& send) {
  if (request.key != Request::kApiKey) return false;
  auto [sent, answer] = over_the_wire<Response, Request>(request, std::move(reply));
  send(std::move(sent), std::move(answer));
  return true;
}

class WireController final : public ControllerChannel {
 public:
  explicit WireController(ControllerChannel& real) : real_(real) {}
  void create_topics_for_use(Shard& from, std::vector<Bytes> names, std::optional<ControllerRequestContext> client,
                             Task done) override {
    real_.create_topics_for_use(from, std::move(names), std::move(client), std::move(done));
  }
  void next_producer_id(Shard& from, std::function<void(Result<int64_t>)> done) override {
    real_.next_producer_id(from, std::move(done));
  }
  std::map<ApiKey, int> sent;
  std::vector<ControllerRequestContext> contexts;

  void send_any(Shard& from, OutgoingRequest request, ControllerRequestContext context, OutgoingReply reply) override {
    sent[request.key]++;
    contexts.push_back(context);
    auto send = [&](OutgoingRequest read, OutgoingReply answer) {
      real_.send_any(from, std::move(read), std::move(context), std::move(answer));
    };
    const bool known = pass_if<CreateTopicsResponse, CreateTopicsRequest>(request, reply, send) ||
                       pass_if<DeleteTopicsResponse, DeleteTopicsRequest>(request, reply, send) ||
                       pass_if<CreatePartitionsResponse, CreatePartitionsRequest>(request, reply, send) ||
                       pass_if<IncrementalAlterConfigsResponse, IncrementalAlterConfigsRequest>(request, reply, send) ||
                       pass_if<ElectLeadersResponse, ElectLeadersRequest>(request, reply, send) ||
                       pass_if<AlterClientQuotasResponse, AlterClientQuotasRequest>(request, reply, send) ||
                       pass_if<DescribeQuorumResponse, DescribeQuorumRequest>(request, reply, send) ||
                       pass_if<UpdateFeaturesResponse, UpdateFeaturesRequest>(request, reply, send) ||
                       pass_if<UnregisterBrokerResponse, UnregisterBrokerRequest>(request, reply, send);
    EXPECT_TRUE(known) << api_name(request.key);
  }

 private:
  ControllerChannel& real_;
};

class WirePeers final : public Peers {
 public:
  explicit WirePeers(Peers& real) : real_(real) {}
  std::map<ApiKey, int> sent;

  void send_any(Shard& from, int32_t node, OutgoingRequest request, OutgoingReply reply) override {
    sent[request.key]++;
    auto send = [&](OutgoingRequest read, OutgoingReply answer) {
      real_.send_any(from, node, std::move(read), std::move(answer));
    };
    const bool known = pass_if<WriteTxnMarkersResponse, WriteTxnMarkersRequest>(request, reply, send) ||
                       pass_if<AddPartitionsToTxnResponse, AddPartitionsToTxnRequest>(request, reply, send);
    EXPECT_TRUE(known) << api_name(request.key);
  }
  void on_fenced(ShardContext&, int32_t) override {}

 private:
  Peers& real_;
};

class OutgoingRequestTest : public TransactionFixture {};
INSTANTIATE_TEST_SUITE_P(Shards, OutgoingRequestTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(OutgoingRequestTest, TheControllerMayBeElsewhere) {
  WireController wire(node().node().controller());
  node().node().set_controller(wire);
  create_topic("far", 2);
  EXPECT_EQ(produce("far", 1, {"a"}).error_code, ErrorCode::kNone);

  CreatePartitionsRequest grow;
  grow.topics.emplace_back().name = "far";
  grow.topics.back().count = 5;
  grow.topics.back().assignments.reset();
  grow.timeout_ms = 5000;
  EXPECT_EQ(client().ask<CreatePartitionsResponse>(grow, 3).results.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(node().topic("far")->partition_count(), 5);
  EXPECT_EQ(wire.contexts.back().principal, security::Principal());
  EXPECT_EQ(wire.contexts.back().client_id, "test");
  EXPECT_EQ(wire.contexts.back().deadline_ms, node().clock().steady_ms() + 5000);

  IncrementalAlterConfigsRequest alter;
  auto& resource = alter.resources.emplace_back();
  resource.resource_type = static_cast<int8_t>(metadata::ResourceType::kTopic);
  resource.resource_name = "far";
  auto& config = resource.configs.emplace_back();
  config.name = "retention.ms";
  config.value = "12345";
  EXPECT_EQ(client().ask<IncrementalAlterConfigsResponse>(alter, 1).responses.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(node().node().shard(0).image().configs(metadata::ResourceType::kTopic, "far").at("retention.ms"), "12345");

  ElectLeadersRequest elect;
  elect.topic_partitions.emplace().push_back({"far", {0}});
  EXPECT_EQ(
      client().ask<ElectLeadersResponse>(elect, 2).replica_election_results.at(0).partition_result.at(0).error_code,
      ErrorCode::kElectionNotNeeded);
  AlterClientQuotasRequest quotas;
  auto& entry = quotas.entries.emplace_back();
  entry.entity.push_back({"user", "bob"});
  entry.ops.push_back({"request_percentage", 50, false});
  EXPECT_EQ(client().ask<AlterClientQuotasResponse>(quotas, 1).entries.at(0).error_code, ErrorCode::kNone);
  DescribeQuorumRequest quorum;
  quorum.topics.emplace_back().topic_name = "__cluster_metadata";
  quorum.topics.back().partitions.emplace_back();
  EXPECT_EQ(client().ask<DescribeQuorumResponse>(quorum, 2).topics.at(0).partitions.at(0).leader_id, 1);
  UpdateFeaturesRequest features;
  features.feature_updates.emplace_back().feature = "kraft.version";
  features.feature_updates.back().max_version_level = 1;
  // The controller's answer, whichever way the request takes.
  EXPECT_EQ(client().ask<UpdateFeaturesResponse>(features, 1).error_code, ErrorCode::kInvalidUpdateVersion);
  UnregisterBrokerRequest unregister;
  unregister.broker_id = 99;
  EXPECT_EQ(client().ask<UnregisterBrokerResponse>(unregister, 0).error_code, ErrorCode::kBrokerIdNotRegistered);
  DeleteTopicsRequest deletion;
  deletion.topics.emplace_back().name = "far";
  deletion.timeout_ms = 5000;
  EXPECT_EQ(client().ask<DeleteTopicsResponse>(deletion, 6).responses.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(node().topic("far"), nullptr);
  EXPECT_EQ(wire.sent.size(), 9u);
}

TEST_P(OutgoingRequestTest, PeersMayBeElsewhere) {
  WirePeers wire(node().node().peers());
  node().node().set_peers(wire);
  Producer producer = new_producer("x");
  EXPECT_EQ(write(producer, "t", 0, {"a"}).error_code, ErrorCode::kNone);
  EXPECT_EQ(end(producer, true).error_code, ErrorCode::kNone);
  EXPECT_THAT(committed_values("t", 0), testing::ElementsAre("a"));
  EXPECT_GT(wire.sent[ApiKey::kAddPartitionsToTxn], 0);
  EXPECT_GT(wire.sent[ApiKey::kWriteTxnMarkers], 0);
}

}  // namespace
}  // namespace milena::broker::broker_test
