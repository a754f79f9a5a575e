// OAUTHBEARER (RFC 7628): the client shows a token of somebody whom the broker trusts. Pure.
#pragma once

#include <functional>
#include <memory>

#include "security/jwt.h"
#include "security/sasl_server.h"

namespace milena::security {

// Judges a token; any thread. Where it names a key that is not known yet, the judge sees to it that keys are fetched.
using TokenJudge = std::function<JwtVerdict(ByteView token)>;

std::unique_ptr<SaslServer> make_oauthbearer_server(TokenJudge judge);

}  // namespace milena::security
