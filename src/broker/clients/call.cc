#include "broker/clients/call.h"

#include "base/log.h"
#include "broker/api_entry.h"
#include "broker/shard.h"
#include "protocol/request_header.h"

namespace milena {

CallBase::~CallBase() {
  if (answered_ || connection_->transport == nullptr) return;
  log_error("request {} v{} from {}:{} was dropped without an answer", api_name(api_key()), version_,
            connection_->info.peer_host, connection_->info.peer_port);
  connection_->transport->close("a request was dropped without an answer");
}

ApiKey CallBase::api_key() const { return api_->key; }

Requester CallBase::requester() const {
  return {connection_->principal, connection_->info.peer_host, connection_->info.listener_name};
}

bool CallBase::allows(Permission permission, ByteView resource_name) const {
  CHECK(api_->permissions.has(permission), "{} asks for {} of a {}, which its entry does not declare",
        api_name(api_key()), acl_operation_name(permission.operation), acl_resource_type_name(permission.resource));
  return shard_.node().authorizer->allows(requester(), permission, resource_name);
}

bool CallBase::allows_somewhere(Permission permission) const {
  CHECK(api_->permissions.has(permission), "{} does not declare {}", api_name(api_key()),
        acl_operation_name(permission.operation));
  return shard_.node().authorizer->allows_somewhere(requester(), permission);
}

int32_t CallBase::authorized_operations(AclResourceType type, ByteView resource_name) const {
  return shard_.node().authorizer->allowed_operations(requester(), type, resource_name);
}

void CallBase::start_answer(Writer& writer) const {
  writer.write_int32(0);  // the size, known at the end
  ResponseHeader{.correlation_id = correlation_id_}.write(writer, api_key(), version_);
}

void CallBase::finish_answer(Writer answer) {
  CHECK(!answered_, "{} answered twice", api_name(api_key()));
  answered_ = true;
  if (connection_->transport == nullptr) return;
  const uint64_t size = answer.size() - 4;
  if (size > INT32_MAX) return close(fmt::format("the answer to {} has {} bytes", api_name(api_key()), size));
  pause_if_throttled();
  shard_.figures().api(api_key()).count_answer(answer.size(), answer.errors());
  answer.overwrite_int32(0, static_cast<int32_t>(size));
  connection_->transport->send(answer.take());
}

// Before the answer goes: it lets the next request follow.
void CallBase::pause_if_throttled() {
  int64_t ms = std::exchange(connection_->throttle_ms, 0);
  if (ms <= 0 || connection_->transport == nullptr) return;
  shard_.figures().count_throttled(ms);
  connection_->transport->pause(ms);
}

void CallBase::reply_nothing() {
  CHECK(!answered_, "{} answered twice", api_name(api_key()));
  answered_ = true;
  pause_if_throttled();
  if (connection_->transport != nullptr) connection_->transport->send_nothing();
}

void CallBase::close(std::string reason) {
  answered_ = true;
  if (connection_->transport != nullptr) connection_->transport->close(std::move(reason));
}

}  // namespace milena
