// Converts the broker's settings to the server's options.
#pragma once

#include "config/settings.h"
#include "net/server.h"

namespace milena::net {

// No name of a host is looked up.
Result<ServerOptions> server_options(const config::Settings& settings);
// The listeners of milena.http.listeners; none if it is empty. Their connections have separate limits, so that health
// checks of a full broker still work.
Result<ServerOptions> http_server_options(const config::Settings& settings);

}  // namespace milena::net
