// SaslHandshake (key 17), versions 0-1. No listener asks for a password, so there is nothing to agree upon.
#include "broker/api/handlers.h"
#include "broker/call.h"
#include "protocol/messages/sasl_handshake.h"

namespace milena {

void handle_sasl_handshake(std::shared_ptr<SaslHandshakeCall> call) {
  SaslHandshakeResponse response;
  response.error_code = ErrorCode::kIllegalSaslState;
  call->reply(response);
}

}  // namespace milena
