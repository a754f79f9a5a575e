#include "broker/clients/call.h"

#include "base/log.h"
#include "broker/api_entry.h"
#include "broker/shard.h"
#include "protocol/request_header.h"

namespace milena::broker {
namespace {

// Whether the request changes the cluster or its state, rather than writing or reading records.
bool is_administrative(ApiKey key) {
  switch (key) {
    case ApiKey::kCreateTopics:
    case ApiKey::kDeleteTopics:
    case ApiKey::kDeleteRecords:
    case ApiKey::kWriteTxnMarkers:
    case ApiKey::kCreateAcls:
    case ApiKey::kDeleteAcls:
    case ApiKey::kAlterConfigs:
    case ApiKey::kAlterReplicaLogDirs:
    case ApiKey::kCreatePartitions:
    case ApiKey::kCreateDelegationToken:
    case ApiKey::kRenewDelegationToken:
    case ApiKey::kExpireDelegationToken:
    case ApiKey::kDeleteGroups:
    case ApiKey::kElectLeaders:
    case ApiKey::kIncrementalAlterConfigs:
    case ApiKey::kAlterPartitionReassignments:
    case ApiKey::kOffsetDelete:
    case ApiKey::kAlterClientQuotas:
    case ApiKey::kAlterUserScramCredentials:
    case ApiKey::kUpdateFeatures:
    case ApiKey::kUnregisterBroker:
    case ApiKey::kAddRaftVoter:
    case ApiKey::kRemoveRaftVoter: return true;
    default: return false;
  }
}

}  // namespace

void note_refusal(Shard& shard, const ConnectionState& connection, RefusalKind kind, ByteView client_id,
                  ByteView reason) {
  (void)fits_into_memory([&] {
    const Bytes software = connection.client_software_name.empty()
                               ? Bytes()
                               : connection.client_software_name + " " + connection.client_software_version;
    shard.figures().clients.note_refusal(kind, connection.info.peer_host, client_id, software, reason,
                                         shard.now_ms());
  });
}

CallBase::~CallBase() {
  if (answered_ || connection_->transport == nullptr) return;
  log_error("request {} v{} from {}:{} was dropped without an answer", api_name(api_key()), version_,
            connection_->info.peer_host, connection_->info.peer_port);
  connection_->transport->close("a request was dropped without an answer");
}

ShardContext& CallBase::context() const { return shard_; }

ApiKey CallBase::api_key() const { return api_->key; }

security::Requester CallBase::requester() const {
  return {connection_->principal, connection_->info.peer_host, connection_->info.listener_name};
}

const security::Authorizer& CallBase::authorizer() const {
  return connection_->info.in_process ? security::allow_all_authorizer() : shard_.authorizer();
}

bool CallBase::has_authorizer() const { return shard_.authorizer().configured(); }

bool CallBase::allows(security::Permission permission, ByteView resource_name) const {
  return ask(permission, resource_name, true);
}

bool CallBase::allows_quietly(security::Permission permission, ByteView resource_name) const {
  return ask(permission, resource_name, false);
}

bool CallBase::ask(security::Permission permission, ByteView resource_name, bool refusal_is_told) const {
  CHECK(api_->permissions.has(permission), "{} asks for {} of a {}, which its entry does not declare",
        api_name(api_key()), acl_operation_name(permission.operation), acl_resource_type_name(permission.resource));
  const bool allowed = authorizer().allows(requester(), permission, resource_name);
  if (shard_.audit_log().on() && (allowed ? is_administrative(api_key()) : refusal_is_told)) {
    audit_trail().note(permission, resource_name, allowed);
  }
  return allowed;
}

bool CallBase::is_audited() const { return shard_.audit_log().on() && is_administrative(api_key()); }

security::AuditTrail& CallBase::audit_trail() const {
  if (audit_ == nullptr) audit_ = std::make_unique<security::AuditTrail>();
  return *audit_;
}

void CallBase::write_audit_line() {
  if (audit_ == nullptr) return;
  const security::Requester who = requester();
  shard_.audit_log().write(security::audit_line(
      {shard_.now_ms(), who, client_id_, api_name(api_key()), version_, is_administrative(api_key())}, *audit_));
  audit_.reset();
}

bool CallBase::allows_somewhere(security::Permission permission) const {
  CHECK(api_->permissions.has(permission), "{} does not declare {}", api_name(api_key()),
        acl_operation_name(permission.operation));
  return authorizer().allows_somewhere(requester(), permission);
}

int32_t CallBase::authorized_operations(AclResourceType type, ByteView resource_name) const {
  return authorizer().allowed_operations(requester(), type, resource_name);
}

void CallBase::start_answer(Writer& writer) const {
  writer.write_int32(0);  // the size, known at the end
  ResponseHeader{.correlation_id = correlation_id_}.write(writer, api_key(), version_);
}

void CallBase::finish_answer(Writer answer) {
  CHECK(!answered_, "{} answered twice", api_name(api_key()));
  answered_ = true;
  write_audit_line();
  if (connection_->transport == nullptr) return;
  const uint64_t size = answer.size() - 4;
  if (size > INT32_MAX) return close(fmt::format("the answer to {} has {} bytes", api_name(api_key()), size));
  pause_if_throttled();
  shard_.figures().api(api_key()).count_answer(answer.size(), answer.errors());
  if (!answer.errors().empty()) note_errors(answer);
  if (shard_.taps().any()) tell_taps(answer.size(), &answer.errors(), {});
  answer.overwrite_int32(0, static_cast<int32_t>(size));
  connection_->transport->send(answer.take());
}

void CallBase::tell_taps(uint64_t answer_bytes, const Writer::Errors* errors, ByteView refusal) const {
  if (api_ == nullptr) return;
  (void)fits_into_memory([&] {
    const ConnectionInfo& info = connection_->info;
    const Bytes peer = fmt::format("{}:{}", info.peer_host, info.peer_port);
    const int64_t since_ns = frame_.arrived_ns;
    const int64_t duration_ns = since_ns == 0 ? 0 : shard_.executor().clock().steady_ns() - since_ns;
    shard_.taps().note({shard_.now_ms(), client_id_, peer, api_name(api_key()), version_, frame_.bytes.size(),
                                answer_bytes, errors, duration_ns, refusal});
  });
}

void CallBase::note_errors(const Writer& answer) const {
  for (const auto& [error, times] : answer.errors()) {
    if (error == ErrorCode::kInvalidTimestamp) {
      note_refusal(shard_, *connection_, RefusalKind::kClock, client_id_, "their timestamps are out of range");
    } else if (error == ErrorCode::kUnsupportedCompressionType) {
      note_refusal(shard_, *connection_, RefusalKind::kCodec, client_id_,
                   fmt::format("{} version {} cannot carry zstd", api_name(api_key()), version_));
    }
  }
}

// Called before the answer is sent, which lets the next request follow.
void CallBase::pause_if_throttled() {
  int64_t ms = std::exchange(connection_->throttle_ms, 0);
  if (ms <= 0 || connection_->transport == nullptr) return;
  shard_.figures().count_throttled(ms);
  connection_->transport->pause(ms);
}

void CallBase::reply_nothing() {
  CHECK(!answered_, "{} answered twice", api_name(api_key()));
  answered_ = true;
  write_audit_line();
  pause_if_throttled();
  if (shard_.taps().any()) tell_taps(0, nullptr, {});
  if (connection_->transport != nullptr) connection_->transport->send_nothing();
}

void CallBase::close(std::string reason) {
  answered_ = true;
  write_audit_line();
  if (shard_.taps().any()) tell_taps(0, nullptr, reason);
  if (connection_->transport != nullptr) connection_->transport->close(std::move(reason));
}

}  // namespace milena::broker
