// Call: one request on its way through the broker, and the one-shot way to answer it.
//
// A handler gets a shared_ptr to its Call and answers with reply(), at once or later; code that parks a request keeps
// the pointer. The Call keeps the request's frame, into which the request's views point. It belongs to the connection's
// shard and is only touched there; other shards get values. A Call that is dropped without an answer closes its
// connection, so that no client waits forever because of a bug. An answer to a closed connection is dropped.
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

// Shared by a connection's calls. `transport` is null once the connection is gone.
struct ConnectionState {
  ConnectionInfo info;
  Transport* transport = nullptr;
  // Accepted on a listener of the controller, which offers other requests.
  bool to_controller = false;
  // Its request came in an Envelope: the principal and the peer's host are the client's, the listener and its protocol
  // are those of the broker's connection.
  bool forwarded = false;
  // From ApiVersions (KIP-511); empty before.
  std::string client_software_name;
  std::string client_software_version;
  // The client's principal, for quotas and ACLs. On an SSL listener it comes from the client's certificate, on a
  // PLAINTEXT listener from its milena.plaintext.principal; otherwise it is ANONYMOUS until the client has
  // authenticated.
  security::Principal principal;
  // Of the current request: how long the client is throttled after it.
  int64_t throttle_ms = 0;
  // Time spent on its requests that is not yet charged to a quota. Measured only if there is a quota.
  int64_t unbilled_ns = 0;
  // The client instance that last used telemetry here; it is forgotten with the connection.
  std::optional<Uuid> telemetry_instance;
  // Groups that were named over this connection: when it is gone, their members may be gone as well. Bounded
  // (group_call.cc). A group beyond the bound is not notified; its members are removed when their sessions expire.
  std::vector<Bytes> groups;
  // The broker that sent heartbeats over this connection: the controller is notified when the connection is gone.
  struct {
    int32_t broker_id = -1;
    int64_t broker_epoch = -1;
  } heartbeats_of;
  // Set by a parked request, to give up when the client disconnects. One is enough: a connection has one current
  // request.
  Task when_closed;
};

// For /doctor: a client was refused. Remembered only while there is memory for it.
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
  // A null client id on the wire is empty here, as in Kafka's request contexts.
  ByteView client_id() const { return client_id_; }
  Shard& shard() const { return shard_; }
  // For callers that need only the shard's settings and metadata.
  ShardContext& context() const;
  ConnectionState& connection() const { return *connection_; }
  // Lets code check later whether the client is still connected, without keeping the call.
  const std::shared_ptr<ConnectionState>& shared_connection() const { return connection_; }
  const Frame& frame() const { return frame_; }
  // The client. The authorizer is asked about it, with the address and the listener of its connection.
  const security::Principal& principal() const { return connection_->principal; }
  // Whether the client may do this to the resource. The permission must be one that the API's entry declares.
  bool allows(security::Permission permission, ByteView resource_name) const;
  // The same for the cluster.
  bool allows(security::Permission of_cluster) const { return allows(of_cluster, kClusterResource); }
  // For checks whose "no" refuses nothing: something is left out of an answer, or another check follows. The audit log
  // does not record them.
  bool allows_quietly(security::Permission permission, ByteView resource_name) const;
  bool allows_quietly(security::Permission of_cluster) const { return allows_quietly(of_cluster, kClusterResource); }
  // Whether this request is written into the audit log even if it is allowed. Then its handler names its targets in
  // audit_trail(), beyond those of its permission checks.
  bool is_audited() const;
  security::AuditTrail& audit_trail() const;
  // Whether ACLs are in use.
  bool has_authorizer() const;
  // Whether there is a resource to which the client may do this.
  bool allows_somewhere(security::Permission permission) const;
  // The operations that the client may do on the resource, as answers carry them (KIP-430).
  int32_t authorized_operations(AclResourceType type, ByteView resource_name) const;
  // Limits this request's answer, for answers that a client can make arbitrarily large. Any shard may use it.
  coordinator::AnswerRoom& answer_room() const { return answer_room_; }

  // Closes the connection instead of answering; the reason is logged.
  void close(std::string reason);
  // For Produce with acks=0.
  void reply_nothing();
  // The client is over a quota: the answer carries the throttle time, and its next request waits that long.
  void throttle(int64_t ms) { connection_->throttle_ms = std::max(connection_->throttle_ms, ms); }

  void set_header(const ApiEntry& api, int16_t version, int32_t correlation_id, ByteView client_id) {
    api_ = &api;
    version_ = version;
    correlation_id_ = correlation_id;
    client_id_ = client_id;
  }

 protected:
  // Reserves room for the size, and writes the response header.
  void start_answer(Writer& writer) const;
  int32_t throttle_ms() const { return static_cast<int32_t>(std::min<int64_t>(connection_->throttle_ms, INT32_MAX)); }
  // Fills in the size and sends. An answer whose size does not fit the size field closes the connection.
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
  // The authorizer to ask. Requests of this process itself are always allowed.
  const security::Authorizer& authorizer() const;
  bool ask(security::Permission permission, ByteView resource_name, bool refusal_is_told) const;
  void write_audit_line();
  bool answered_ = false;
  // Made at the first check that is recorded in the audit log.
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
  // Only ApiVersions answers in another version than that of the request.
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
