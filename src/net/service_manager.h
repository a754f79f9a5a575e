// What systemd wants to know of a service with Type=notify: that it serves, and that it stops. Where nobody asks
// (NOTIFY_SOCKET is not set), nothing happens. (sd_notify(3).)
#pragma once

#include <string_view>

namespace milena::net {

// "READY=1", "STOPPING=1", "STATUS=..." Best effort: a service manager that does not listen is no reason to stop.
void notify_service_manager(std::string_view state);

}  // namespace milena::net
