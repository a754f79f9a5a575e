#include "broker/clients/sasl_gate.h"

#include <algorithm>

#include "base/log.h"
#include "broker/api/18_api_versions.h"
#include "broker/api_registry.h"
#include "broker/clients/sasl_services.h"
#include "broker/shard_context.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/request_header.h"

namespace milena::broker {
namespace {

using HandshakeCall = Call<SaslHandshakeRequest, SaslHandshakeResponse>;
using VersionsCall = Call<ApiVersionsRequest, ApiVersionsResponse>;
using AuthenticateCall = Call<SaslAuthenticateRequest, SaslAuthenticateResponse>;

// Kafka's MIN_REAUTH_INTERVAL.
constexpr int64_t kMinBetweenSessions_ms = 1000;

// Returns null if the body cannot be read, or the version is not supported.
template <class ApiCall>
std::shared_ptr<ApiCall> read_call(Shard& shard, const std::shared_ptr<ConnectionState>& connection, const Frame& frame,
                                   const RequestHeader& header, Reader& reader) {
  const ApiEntry* api = find_handler(header.api_key, connection->to_controller);
  if (api == nullptr || header.api_version < api->min_version || header.api_version > api->max_version) return nullptr;
  auto call = std::make_shared<ApiCall>(shard, connection, frame);
  call->set_header(*api, header.api_version, header.correlation_id, header.client_id.value_or(ByteView()));
  reader.limit_arrays(coordinator::AnswerRoom::kBytes);
  call->request.read(reader, header.api_version);
  if (reader.ok()) return call;
  call->close("a SASL request cannot be read");
  return nullptr;
}

ByteView api_name_of(int16_t key) {
  const ApiEntry* api = find_handler(key, false);
  return api == nullptr ? "an unknown request" : api_name(api->key);
}

}  // namespace

SaslGate::SaslGate(ShardContext& shard, std::shared_ptr<ConnectionState> connection, const SaslServices& services,
                   const SaslListenerSettings& listener)
    : shard_(shard), connection_(std::move(connection)), services_(services), listener_(listener) {}

bool SaslGate::take(const Frame& frame) {
  if (state_ != State::kDone && frame.bytes.size() > static_cast<size_t>(listener_.max_receive_bytes)) {
    fail_without_answer(
        fmt::format("a frame of {} bytes: expected at most {} (sasl.server.max.receive.size) before authentication",
                    frame.bytes.size(), listener_.max_receive_bytes));
    return true;
  }
  switch (state_) {
    case State::kDone: return take_when_done(frame);
    case State::kStart:
    case State::kHandshake: return take_request(frame);
    case State::kTokens:
      if (raw_tokens_) {
        take_raw_token(frame);
      } else {
        take_token_request(frame);
      }
      return true;
    case State::kWrongMechanism:
      fail_without_answer("the client cannot change the SASL mechanism when it authenticates again");
      return true;
    case State::kFailed: return true;
  }
  return true;
}

bool SaslGate::expired() const { return session_ends_ms_ && shard_.steady_ms() > *session_ends_ms_; }

bool SaslGate::may_authenticate_again() {
  if (!session_ends_ms_) return false;
  const int64_t now_ms = shard_.steady_ms();
  if (last_begun_ms_ && now_ms - *last_begun_ms_ < kMinBetweenSessions_ms) return false;
  last_begun_ms_ = now_ms;
  return true;
}

bool SaslGate::take_when_done(const Frame& frame) {
  if (!session_ends_ms_) return false;
  Reader reader(frame.bytes);
  RequestHeader header;
  header.read(reader);
  const bool handshake = reader.ok() && header.api_key == static_cast<int16_t>(ApiKey::kSaslHandshake);
  if (handshake && may_authenticate_again()) {
    again_ = true;
    take_handshake(frame, header, reader);
    return true;
  }
  if (!expired()) return false;
  figures().sessions_expired++;
  close("its session has expired, and it has not authenticated again");
  return true;
}

bool SaslGate::take_request(const Frame& frame) {
  Reader reader(frame.bytes);
  RequestHeader header;
  header.read(reader);
  if (reader.ok() && header.api_key == static_cast<int16_t>(ApiKey::kApiVersions)) {
    return take_api_versions(header, reader);
  }
  if (reader.ok() && header.api_key == static_cast<int16_t>(ApiKey::kSaslHandshake)) {
    take_handshake(frame, header, reader);
    return true;
  }
  close(reader.ok() ? fmt::format("{} came before the client authenticated; is its security.protocol {}?",
                                  api_name_of(header.api_key),
                                  security::security_protocol_name(connection_->info.security_protocol))
                    : "the first request is not of Kafka's protocol, or the client does not support SaslHandshake");
  return true;
}

// It is answered as on any listener. After an error (an unknown version, an invalid software name) the client may send
// another.
bool SaslGate::take_api_versions(const RequestHeader& header, Reader& reader) {
  if (state_ == State::kHandshake) {
    close("ApiVersions came twice before the client authenticated");
    return true;
  }
  const ApiEntry* api = find_handler(header.api_key, connection_->to_controller);
  const bool known = api != nullptr && header.api_version >= api->min_version && header.api_version <= api->max_version;
  if (!known) return false;
  ApiVersionsRequest request;
  request.read(reader, header.api_version);
  if (reader.ok() && names_its_software(request, header.api_version)) state_ = State::kHandshake;
  return false;
}

// The one request besides SaslHandshake whose answer has an error that is of no topic, group or the like. In a version
// that is not known it counts as version 0.
void SaslGate::refuse_api_versions(const Frame& frame, const RequestHeader& header) {
  const ApiEntry* api = find_handler(header.api_key, connection_->to_controller);
  const bool known = header.api_version >= api->min_version && header.api_version <= api->max_version;
  auto call = std::make_shared<VersionsCall>(shard_.shard(), connection_, frame);
  call->set_header(*api, known ? header.api_version : int16_t{0}, header.correlation_id, {});
  ApiVersionsResponse response;
  response.error_code = ErrorCode::kIllegalSaslState;
  fail(std::move(call), std::move(response), "ApiVersions came within a SASL exchange");
}

void SaslGate::take_handshake(const Frame& frame, const RequestHeader& header, Reader& reader) {
  auto call = read_call<HandshakeCall>(shard_.shard(), connection_, frame, header, reader);
  if (call == nullptr) return close("a SaslHandshake request cannot be read");
  client_id_ = Bytes(call->client_id().substr(0, ClientBook::kLongestText));
  SaslHandshakeResponse response;
  for (const SaslMechanismSettings& each : listener_.mechanisms) response.mechanisms.push_back(each.name);
  const SaslMechanismSettings* wanted = listener_.find(call->request.mechanism);
  if (wanted == nullptr) {
    response.error_code = ErrorCode::kUnsupportedSaslMechanism;
    return fail(std::move(call), std::move(response), "the client requested a SASL mechanism that is not enabled");
  }
  raw_tokens_ = header.api_version == 0;
  if (again_ && wanted != mechanism_) {
    state_ = State::kWrongMechanism;
    return call->reply(response);
  }
  mechanism_ = wanted;
  server_ = services_.make_server(*mechanism_, shard_);
  state_ = State::kTokens;
  call->reply(response);
}

security::SaslStep SaslGate::step(ByteView token) {
  security::SaslStep step = server_->step(token);
  if (step.kind == security::SaslStep::kDone) finish(server_->identity(), step);
  if (step.kind == security::SaslStep::kContinue) return step;
  server_.reset();
  if (step.kind == security::SaslStep::kRefused && step.message.empty()) {
    step.message = fmt::format("Authentication failed during {} due to invalid credentials with SASL mechanism {}",
                               again_ ? "re-authentication" : "authentication", mechanism_->name);
  }
  return step;
}

void SaslGate::finish(const security::SaslIdentity& identity, security::SaslStep& step) {
  const security::Principal& before = connection_->principal;
  if (again_ && !(before == identity.principal)) {
    step =
        security::sasl_refused(fmt::format("Cannot change principals during re-authentication from {}.{}: {}.{}",
                                           before.type, before.name, identity.principal.type, identity.principal.name));
    step.reason = "the client cannot change its principal when it authenticates again";
    return;
  }
  connection_->principal = identity.principal;
  lifetime_ms_ = start_session(identity);
  state_ = State::kDone;
  (again_ ? figures().authenticated_again : figures().authenticated)++;
  again_ = false;
  connection_->transport->authenticated();
  log_debug("Client {}:{} authenticated as {}:{} with {}", connection_->info.peer_host, connection_->info.peer_port,
            identity.principal.type, identity.principal.name, mechanism_->name);
}

// How long the credentials are valid; 0 is forever.
int64_t SaslGate::start_session(const security::SaslIdentity& identity) {
  session_ends_ms_.reset();
  const int64_t most_ms = mechanism_->max_reauth_ms;
  if (!identity.expires_ms && most_ms <= 0) return 0;
  int64_t lifetime_ms = identity.expires_ms ? std::max<int64_t>(0, *identity.expires_ms - shard_.now_ms()) : most_ms;
  if (most_ms > 0) lifetime_ms = std::min(lifetime_ms, most_ms);
  session_ends_ms_ = add_saturating(shard_.steady_ms(), lifetime_ms);
  return lifetime_ms;
}

void SaslGate::take_token_request(const Frame& frame) {
  Reader reader(frame.bytes);
  RequestHeader header;
  header.read(reader);
  if (!reader.ok()) return close("expected a SaslAuthenticate request, found an unreadable one");
  if (header.api_key == static_cast<int16_t>(ApiKey::kSaslHandshake)) {
    auto again = read_call<HandshakeCall>(shard_.shard(), connection_, frame, header, reader);
    if (again == nullptr) return close("a SaslHandshake request cannot be read");
    SaslHandshakeResponse response;
    response.error_code = ErrorCode::kIllegalSaslState;
    return fail(std::move(again), std::move(response), "SaslHandshake came within a SASL exchange");
  }
  if (header.api_key == static_cast<int16_t>(ApiKey::kApiVersions)) return refuse_api_versions(frame, header);
  if (header.api_key != static_cast<int16_t>(ApiKey::kSaslAuthenticate)) {
    return fail_without_answer(fmt::format("{} came within a SASL exchange", api_name_of(header.api_key)));
  }
  auto call = read_call<AuthenticateCall>(shard_.shard(), connection_, frame, header, reader);
  if (call == nullptr) return close("a SaslAuthenticate request cannot be read");
  security::SaslStep outcome = step(call->request.auth_bytes);
  SaslAuthenticateResponse response;
  if (outcome.kind == security::SaslStep::kRefused) {
    response.error_code = ErrorCode::kSaslAuthenticationFailed;
    response.error_message = std::move(outcome.message);
    return fail(std::move(call), std::move(response), std::move(outcome.reason));
  }
  response.error_message.reset();
  response.auth_bytes = std::move(outcome.answer);
  if (outcome.kind == security::SaslStep::kDone) response.session_lifetime_ms = lifetime_ms_;
  call->reply(response);
}

void SaslGate::take_raw_token(const Frame& frame) {
  security::SaslStep outcome = step(frame.bytes);
  if (outcome.kind == security::SaslStep::kRefused) return fail_without_answer(std::move(outcome.reason));
  Writer writer;
  writer.write_int32(static_cast<int32_t>(outcome.answer.size()));
  writer.write_raw(outcome.answer);
  connection_->transport->send(writer.take());
}

void SaslGate::note(ByteView reason) const {
  note_refusal(shard_.shard(), *connection_, RefusalKind::kAuthentication, client_id_, reason);
}

// Counts the failures that Kafka counts. A request of another API, which closes the connection at once, is not counted.
void SaslGate::note_failure(ByteView reason) {
  state_ = State::kFailed;
  (again_ ? figures().not_authenticated_again : figures().not_authenticated)++;
  note(reason);
}

ListenerFigures& SaslGate::figures() const {
  return shard_.figures().listeners[connection_->info.listener_name];
}

void SaslGate::close(std::string reason) {
  state_ = State::kFailed;
  note(reason);
  if (connection_->transport != nullptr) connection_->transport->close(std::move(reason));
}

// No further request is read from the client meanwhile, since this one is not answered.
template <class ApiCall>
void SaslGate::fail(std::shared_ptr<ApiCall> call, typename ApiCall::Response response, std::string reason) {
  note_failure(reason);
  shard_.executor().call_after(
      listener_.failure_delay_ms,
      [call = std::move(call), response = std::move(response), reason = std::move(reason)]() mutable {
        call->reply(response);
        call->close("authentication failed: " + reason);
      });
}

void SaslGate::fail_without_answer(std::string reason) {
  note_failure(reason);
  shard_.executor().call_after(listener_.failure_delay_ms,
                               [connection = connection_, reason = std::move(reason)]() mutable {
                                 if (connection->transport == nullptr) return;
                                 connection->transport->close("authentication failed: " + reason);
                               });
}

}  // namespace milena::broker
