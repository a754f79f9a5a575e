#include "broker/call.h"

#include "base/log.h"
#include "protocol/request_header.h"

namespace milena {

CallBase::~CallBase() {
  if (answered_ || connection_->transport == nullptr) return;
  log_error("request {} v{} from {}:{} was dropped without an answer", api_name(api_key_), version_,
            connection_->info.peer_host, connection_->info.peer_port);
  connection_->transport->close("a request was dropped without an answer");
}

void CallBase::start_answer(Writer& writer) const {
  writer.write_int32(0);  // the size, known at the end
  ResponseHeader{.correlation_id = correlation_id_}.write(writer, api_key_, version_);
}

void CallBase::finish_answer(Writer answer) {
  CHECK(!answered_, "{} answered twice", api_name(api_key_));
  answered_ = true;
  if (connection_->transport == nullptr) return;
  const uint64_t size = answer.size() - 4;
  if (size > INT32_MAX) return close(fmt::format("the answer to {} has {} bytes", api_name(api_key_), size));
  pause_if_throttled();
  answer.overwrite_int32(0, static_cast<int32_t>(size));
  connection_->transport->send(answer.take());
}

// Before the answer goes: it lets the next request follow.
void CallBase::pause_if_throttled() {
  int64_t ms = std::exchange(connection_->throttle_ms, 0);
  if (ms > 0 && connection_->transport != nullptr) connection_->transport->pause(ms);
}

void CallBase::reply_nothing() {
  CHECK(!answered_, "{} answered twice", api_name(api_key_));
  answered_ = true;
  pause_if_throttled();
  if (connection_->transport != nullptr) connection_->transport->send_nothing();
}

void CallBase::close(std::string reason) {
  answered_ = true;
  if (connection_->transport != nullptr) connection_->transport->close(std::move(reason));
}

}  // namespace milena
