// Call: one request on its way through the broker, and the one-shot way to answer it.
//
// A handler gets a shared_ptr to its Call and answers with reply(), at once or later: what parks a request keeps the
// pointer. The Call keeps the request's frame, into which the request's views point. It belongs to the connection's
// shard and is only touched there; what goes to another shard are values. A Call that is dropped without an answer
// closes its connection, so that no client waits forever on our mistake; an answer to a closed connection is dropped.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/out_of_memory.h"
#include "base/payload.h"
#include "base/uuid.h"
#include "broker/clients/session.h"
#include "coordinator/answer_room.h"
#include "protocol/api_key.h"
#include "protocol/reader.h"
#include "protocol/writer.h"
#include "security/audit_line.h"
#include "security/authorizer.h"

namespace milena::broker {

class Shard;
class ShardContext;
struct ApiEntry;
enum class RefusalKind : uint8_t;

// What a connection's calls share. `transport` is null once the connection is gone.
struct ConnectionState {
  ConnectionInfo info;
  Transport* transport = nullptr;
  // It came to a listener of the controller: other requests are offered there.
  bool to_controller = false;
  // Its request came in an Envelope: the principal and the peer's host are the client's, the listener and its protocol
  // are those of the broker's connection.
  bool forwarded = false;
  // From ApiVersions (KIP-511); empty before.
  std::string client_software_name;
  std::string client_software_version;
  // Who the client is: whose quotas and ACLs hold. Of its certificate, on a listener of SSL; otherwise ANONYMOUS, until
  // it has authenticated.
  security::Principal principal;
  // Of the request under way: how long the client is left alone after it.
  int64_t throttle_ms = 0;
  // What handling its requests took and was not yet held against a quota; measured only where there is one.
  int64_t unbilled_ns = 0;
  // The client instance that last spoke here about telemetry; it is forgotten with the connection.
  std::optional<Uuid> telemetry_instance;
  // Groups that were named over this connection: their members are perhaps gone when it is. Bounded (group_call.cc);
  // beyond that a group hears nothing, and its members are missed when their sessions end.
  std::vector<Bytes> groups;
  // The broker whose heartbeats came over it, for the controller to miss when it is gone.
  struct {
    int32_t broker_id = -1;
    int64_t broker_epoch = -1;
  } heartbeats_of;
  // Set by the request that is parked, to give up when the client goes away. One is enough: a connection has one
  // request under way.
  Task when_closed;
};

// For /doctor: the client was turned away. Whether it is remembered depends on the memory there is.
void note_refusal(Shard& shard, const ConnectionState& connection, RefusalKind kind, ByteView client_id,
                  ByteView reason);

class CallBase {
 public:
  CallBase(Shard& shard, std::shared_ptr<ConnectionState> connection, Frame frame)
      : shard_(shard), connection_(std::move(connection)), frame_(std::move(frame)) {}
  CallBase(const CallBase&) = delete;
  CallBase& operator=(const CallBase&) = delete;
  ~CallBase();

  ApiKey api_key() const;
  int16_t version() const { return version_; }
  // Null on the wire is empty here, as in Kafka's request contexts.
  ByteView client_id() const { return client_id_; }
  Shard& shard() const { return shard_; }
  // The same for those who need no more than the settings and the metadata there.
  ShardContext& context() const;
  ConnectionState& connection() const { return *connection_; }
  // A way to learn later whether the client is still there, without keeping the call.
  const std::shared_ptr<ConnectionState>& shared_connection() const { return connection_; }
  const Frame& frame() const { return frame_; }
  // Who asks; with the address and the listener of its connection it is what the authorizer is asked about.
  const security::Principal& principal() const { return connection_->principal; }
  // Whether the client may do this to the resource. The permission must be one that the API's entry declares.
  bool allows(security::Permission permission, ByteView resource_name) const;
  // The same of the cluster.
  bool allows(security::Permission of_cluster) const { return allows(of_cluster, kClusterResource); }
  // For questions whose "no" refuses nothing: it leaves something out of an answer, or another question follows. The
  // audit log is not told.
  bool allows_quietly(security::Permission permission, ByteView resource_name) const;
  bool allows_quietly(security::Permission of_cluster) const { return allows_quietly(of_cluster, kClusterResource); }
  // Whether this request is written into the audit log even if it is allowed: then its handler says what it is about,
  // beyond what it asks, in audit_trail().
  bool is_audited() const;
  security::AuditTrail& audit_trail() const;
  // Whether there are ACLs at all.
  bool has_authorizer() const;
  // Whether there is a resource to which the client may do this.
  bool allows_somewhere(security::Permission permission) const;
  // What the client may do with the resource, as answers carry it (KIP-430).
  int32_t authorized_operations(AclResourceType type, ByteView resource_name) const;
  // Of this request's answer, for those that can be made as large as one likes. Any shard may use it.
  coordinator::AnswerRoom& answer_room() const { return answer_room_; }

  // Closes the connection instead of answering; the reason is logged.
  void close(std::string reason);
  // For Produce with acks=0.
  void reply_nothing();
  // The client is over a quota: the answer says so, and its next request waits for so long.
  void throttle(int64_t ms) { connection_->throttle_ms = std::max(connection_->throttle_ms, ms); }

  void set_header(const ApiEntry& api, int16_t version, int32_t correlation_id, ByteView client_id) {
    api_ = &api;
    version_ = version;
    correlation_id_ = correlation_id;
    client_id_ = client_id;
  }

 protected:
  // Room for the size, and the response header.
  void start_answer(Writer& writer) const;
  int32_t throttle_ms() const { return static_cast<int32_t>(std::min<int64_t>(connection_->throttle_ms, INT32_MAX)); }
  // Fills the size in and sends. An answer that is too large to say how large it is ends the connection.
  void finish_answer(Writer answer);

 private:
  Shard& shard_;
  std::shared_ptr<ConnectionState> connection_;
  Frame frame_;
  const ApiEntry* api_ = nullptr;
  int16_t version_ = 0;
  int32_t correlation_id_ = 0;
  ByteView client_id_;
  mutable coordinator::AnswerRoom answer_room_;
  void pause_if_throttled();
  void note_errors(const Writer& answer) const;
  void tell_taps(uint64_t answer_bytes, const Writer::Errors* errors, ByteView refusal) const;
  security::Requester requester() const;
  // What is asked; nobody, for this process itself.
  const security::Authorizer& authorizer() const;
  bool ask(security::Permission permission, ByteView resource_name, bool refusal_is_told) const;
  void write_audit_line();
  bool answered_ = false;
  // Made with the first question that the audit log is told of.
  mutable std::unique_ptr<security::AuditTrail> audit_;
};

template <class RequestType, class ResponseType>
class Call final : public CallBase {
 public:
  using Request = RequestType;
  using Response = ResponseType;
  using CallBase::CallBase;

  RequestType request;

  void reply(const ResponseType& response) { reply_as(response, version()); }
  // Only ApiVersions answers in another version than it was asked in.
  void reply_as(const ResponseType& response, int16_t body_version) {
    Writer writer;
    if (!fits_into_memory([&] { write_answer(writer, response, body_version); })) {
      return close(Bytes(api_name(api_key())) + ": not enough memory for the answer");
    }
    finish_answer(std::move(writer));
  }

 private:
  void write_answer(Writer& writer, const ResponseType& response, int16_t body_version) {
    start_answer(writer);
    if constexpr (requires { response.throttle_time_ms; }) {
      if (throttle_ms() > 0) {
        ResponseType throttled = response;
        throttled.throttle_time_ms = throttle_ms();
        return throttled.write(writer, body_version);
      }
    }
    response.write(writer, body_version);
  }
};

}  // namespace milena::broker
