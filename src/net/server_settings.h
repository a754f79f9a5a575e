// From the broker's settings to the server's options.
#pragma once

#include "config/settings.h"
#include "net/server.h"

namespace milena {

Result<ServerOptions> server_options(const Settings& settings);

}  // namespace milena
