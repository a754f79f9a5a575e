#include "security/sasl_login.h"

#include <fmt/ranges.h>

#include "protocol/error_code.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/reader.h"
#include "protocol/request_frame.h"
#include "protocol/request_header.h"

namespace milena::security {
namespace {

// Supported since Kafka 2.2, so that no ApiVersions request is needed.
constexpr int16_t kHandshakeVersion = 1, kAuthenticateVersion = 1;

template <class Response>
bool read_answer(ByteView answer, ApiKey key, int16_t version, int32_t id, Response& response) {
  Reader reader(answer);
  ResponseHeader header;
  header.read(reader, key, version);
  response.read(reader, version);
  return reader.ok() && header.correlation_id == id;
}

Error unreadable_answer(ApiKey key) {
  return make_error(ErrorKind::kCorrupt, "the answer to {} cannot be read", api_name(key));
}

}  // namespace

SaslLogin::SaslLogin(const SaslCredentials& credentials, Random& random, ByteView client_id)
    : credentials_(credentials), client_id_(client_id), client_(make_sasl_client(credentials, random)) {}

Payload SaslLogin::first_request() {
  SaslHandshakeRequest request;
  request.mechanism = credentials_.mechanism;
  return request_frame(request, kHandshakeVersion, ++last_id_, client_id_);
}

Payload SaslLogin::send_token(ByteView token) {
  SaslAuthenticateRequest request;
  request.auth_bytes = token;
  return request_frame(request, kAuthenticateVersion, ++last_id_, client_id_);
}

Result<std::optional<Payload>> SaslLogin::after_handshake(ByteView answer) {
  SaslHandshakeResponse response;
  if (!read_answer(answer, ApiKey::kSaslHandshake, kHandshakeVersion, last_id_, response)) {
    return unreadable_answer(ApiKey::kSaslHandshake);
  }
  if (response.error_code == ErrorCode::kUnsupportedSaslMechanism) {
    return make_error(ErrorKind::kUnsupported, "the broker does not offer {}; it offers {}", credentials_.mechanism,
                      fmt::join(response.mechanisms, ", "));
  }
  if (response.error_code != ErrorCode::kNone) {
    return make_error(ErrorKind::kUnsupported, "the broker answers SaslHandshake with {}",
                      error_name(response.error_code));
  }
  shook_hands_ = true;
  return std::optional<Payload>(send_token(client_->first_token()));
}

Result<std::optional<Payload>> SaslLogin::step(ByteView answer) {
  if (!shook_hands_) return after_handshake(answer);
  SaslAuthenticateResponse response;
  if (!read_answer(answer, ApiKey::kSaslAuthenticate, kAuthenticateVersion, last_id_, response)) {
    return unreadable_answer(ApiKey::kSaslAuthenticate);
  }
  if (response.error_code != ErrorCode::kNone) {
    return make_error(ErrorKind::kInvalid, "{}",
                      response.error_message.value_or(Bytes(error_message(response.error_code))));
  }
  Result<std::optional<Bytes>> token = client_->step(response.auth_bytes);
  RETURN_IF_ERROR(token);
  if (*token) return std::optional<Payload>(send_token(**token));
  session_ms_ = response.session_lifetime_ms;
  return std::optional<Payload>();
}

}  // namespace milena::security
