// TLS on top of a plain connection, for the commands. Blocks its caller.
#pragma once

#include "security/tls_context.h"
#include "tools/transport.h"

namespace milena::tools {

// Of connections with a context of TlsRole::kClient.
BrokerTransportMaker tls_transport_maker(std::shared_ptr<const security::TlsContext> context);

}  // namespace milena::tools
