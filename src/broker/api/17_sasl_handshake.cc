// SaslHandshake (key 17), versions 0-1. Reaches this handler only on listeners without SASL, where it is refused.
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "protocol/messages/sasl_handshake.h"

namespace milena::broker {
namespace {

using SaslHandshakeCall = Call<SaslHandshakeRequest, SaslHandshakeResponse>;

void handle_sasl_handshake(std::shared_ptr<SaslHandshakeCall> call) {
  SaslHandshakeResponse response;
  response.error_code = ErrorCode::kIllegalSaslState;
  call->reply(response);
}

}  // namespace

ApiEntry sasl_handshake_api() { return api_entry<SaslHandshakeCall, handle_sasl_handshake>(kAnyone); }

}  // namespace milena::broker
