// From the broker's settings to the server's options.
#pragma once

#include "config/settings.h"
#include "net/server.h"

namespace milena::net {

Result<ServerOptions> server_options(const config::Settings& settings);
// The listeners of milena.http.listeners; none where it is empty. Their connections have limits of their own, so that a
// broker that is full can still be asked how it is.
Result<ServerOptions> http_server_options(const config::Settings& settings);

}  // namespace milena::net
