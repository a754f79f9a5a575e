// SaslAuthenticate (key 36), versions 0-2. Reaches this handler only if no authentication is expected, and is refused.
#include "broker/api_entry.h"
#include "broker/clients/call.h"
#include "protocol/messages/sasl_authenticate.h"

namespace milena::broker {
namespace {

using SaslAuthenticateCall = Call<SaslAuthenticateRequest, SaslAuthenticateResponse>;

void handle_sasl_authenticate(std::shared_ptr<SaslAuthenticateCall> call) {
  SaslAuthenticateResponse response;
  response.error_code = ErrorCode::kIllegalSaslState;
  response.error_message = "This connection needs no authentication";
  call->reply(response);
}

}  // namespace

ApiEntry sasl_authenticate_api() { return api_entry<SaslAuthenticateCall, handle_sasl_authenticate>(kAnyone); }

}  // namespace milena::broker
