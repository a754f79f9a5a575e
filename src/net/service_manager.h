// Notifies systemd of a service with Type=notify: ready, and stopping (sd_notify(3)). Does nothing if NOTIFY_SOCKET is
// not set.
#pragma once

#include <string_view>

namespace milena::net {

// "READY=1", "STOPPING=1", "STATUS=..." Best effort: errors are ignored.
void notify_service_manager(std::string_view state);

}  // namespace milena::net
