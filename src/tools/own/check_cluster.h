// `milena check --nagios`, as a command of its own.
#pragma once

#include "tools/commands.h"

namespace milena::tools {

// By the guidelines of the Monitoring Plugins: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
int run_check_cluster(ToolWords words);

}  // namespace milena::tools
