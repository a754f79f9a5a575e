// Envelope (key 58), version 0: a broker forwards a client's request to the controller, with the client's principal and
// address. The inner request is handled like one that the client sent to the controller; the broker gets the bytes of
// the answer to the client (KIP-590).
#include <memory>

#include "base/ip_address.h"
#include "broker/api/refusal.h"
#include "broker/api_entry.h"
#include "broker/api_registry.h"
#include "protocol/messages/envelope.h"
#include "protocol/messages/principal/default_principal_data.h"
#include "protocol/request_header.h"

namespace milena::broker {
namespace {

using EnvelopeCall = Call<EnvelopeRequest, EnvelopeResponse>;

// The requests that brokers forward, as in Kafka (ApiKeys.forwardable).
bool is_forwardable(ApiKey key) {
  switch (key) {
    case ApiKey::kCreateTopics:
    case ApiKey::kDeleteTopics:
    case ApiKey::kCreateAcls:
    case ApiKey::kDeleteAcls:
    case ApiKey::kAlterConfigs:
    case ApiKey::kIncrementalAlterConfigs:
    case ApiKey::kCreatePartitions:
    case ApiKey::kCreateDelegationToken:
    case ApiKey::kRenewDelegationToken:
    case ApiKey::kExpireDelegationToken:
    case ApiKey::kElectLeaders:
    case ApiKey::kAlterPartitionReassignments:
    case ApiKey::kListPartitionReassignments:
    case ApiKey::kAlterClientQuotas:
    case ApiKey::kAlterUserScramCredentials:
    case ApiKey::kDescribeQuorum:
    case ApiKey::kUpdateFeatures:
    case ApiKey::kUnregisterBroker:
    case ApiKey::kAddRaftVoter:
    case ApiKey::kRemoveRaftVoter: return true;
    default: return false;
  }
}

// The connection of the client behind the broker, for the one request in the envelope.
struct ForwardedConnection final : ConnectionState, Transport {
  std::shared_ptr<EnvelopeCall> call;

  void finish(ErrorCode error, std::optional<Bytes> data) {
    auto answered = std::exchange(call, nullptr);
    transport = nullptr;
    if (answered == nullptr) return;
    EnvelopeResponse response;
    response.error_code = error;
    response.response_data = std::move(data);
    answered->reply(response);
  }

  void send(Payload answer) override {
    auto bytes = answer.flatten();
    if (!bytes) return finish(ErrorCode::kUnknownServerError, std::nullopt);
    finish(ErrorCode::kNone, bytes->substr(4));  // without its size
  }
  void send_nothing() override { finish(ErrorCode::kUnknownServerError, std::nullopt); }
  void pause(int64_t) override {}
  void close(std::string) override { finish(ErrorCode::kUnknownServerError, std::nullopt); }
};

void refuse(EnvelopeCall& call, ErrorCode error) {
  EnvelopeResponse response;
  response.error_code = error;
  call.reply(response);
}

// Returns false if the bytes are no principal.
bool read_principal(const std::optional<ByteView>& bytes, security::Principal& principal) {
  if (!bytes) return false;
  Reader reader(*bytes);
  const int16_t version = reader.read_int16();
  DefaultPrincipalData data;
  if (!reader.ok() || version != 0) return false;
  data.read(reader, version);
  if (!reader.ok()) return false;
  principal.type = data.type;
  principal.name = data.name;
  principal.by_token = data.token_authenticated;
  return true;
}

// Empty: it is none.
std::string host_of(ByteView address) {
  const auto ip = IpAddress::of_bytes(address);
  return ip ? ip->to_string() : std::string();
}

// Of the broker's connection only what says where it came in; its port and its certificate are not the client's.
ConnectionInfo forwarded_info(const ConnectionInfo& hop, std::string client_host) {
  ConnectionInfo info;
  info.id = hop.id;
  info.peer_host = std::move(client_host);
  info.local_host = hop.local_host;
  info.local_port = hop.local_port;
  info.listener_name = hop.listener_name;
  info.security_protocol = hop.security_protocol;
  return info;
}

void handle_envelope(std::shared_ptr<EnvelopeCall> call) {
  if (!require_cluster(*call, security::kClusterAction)) return;
  auto inner = std::make_shared<ForwardedConnection>();
  if (!read_principal(call->request.request_principal, inner->principal)) {
    return refuse(*call, ErrorCode::kPrincipalDeserializationFailure);
  }
  std::string client_host = host_of(call->request.client_host_address);
  if (client_host.empty()) return refuse(*call, ErrorCode::kInvalidRequest);
  Reader reader(call->request.request_data);
  RequestHeader header;
  header.read(reader);
  if (!reader.ok()) return refuse(*call, ErrorCode::kInvalidRequest);
  const ApiEntry* api = find_handler(header.api_key, true);
  if (api == nullptr || !is_forwardable(api->key)) return refuse(*call, ErrorCode::kInvalidRequest);
  if (header.api_version < api->min_version || header.api_version > api->max_version) {
    return refuse(*call, ErrorCode::kUnsupportedVersion);
  }
  inner->info = forwarded_info(call->connection().info, std::move(client_host));
  inner->to_controller = true;
  inner->forwarded = true;
  inner->transport = inner.get();
  inner->call = call;
  const bool started = api->start(*api, reader, header.api_version, call->shard(), inner, call->frame(),
                                  header.correlation_id, header.client_id.value_or(ByteView()));
  if (!started) inner->finish(ErrorCode::kInvalidRequest, std::nullopt);
}

}  // namespace

ApiEntry envelope_api() { return api_entry<EnvelopeCall, handle_envelope>({security::kClusterAction}); }

}  // namespace milena::broker
