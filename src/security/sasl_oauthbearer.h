// OAUTHBEARER (RFC 7628): the client sends a token of an issuer that the broker trusts. Pure.
#pragma once

#include <functional>
#include <memory>

#include "security/jwt.h"
#include "security/sasl_server.h"

namespace milena::security {

// Validates a token; any thread. If its key is unknown, this also triggers a fetch of the keys.
using TokenJudge = std::function<JwtVerdict(ByteView token)>;

std::unique_ptr<SaslServer> make_oauthbearer_server(TokenJudge judge);

}  // namespace milena::security
