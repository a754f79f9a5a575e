#include "net/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/log.h"

namespace milena::net {

void notify_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t length = std::strlen(path);
  // An absolute path, or a name in the abstract name space, which begins with a zero byte.
  if ((path[0] != '/' && path[0] != '@') || length >= sizeof(address.sun_path)) {
    return log_warn("NOTIFY_SOCKET={}: expected an absolute path, or @ and a name, of less than {} bytes", path,
                    sizeof(address.sun_path));
  }
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  if (socket < 0 || ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    log_warn("Cannot notify the service manager at NOTIFY_SOCKET={} of {}: {}", path, state, std::strerror(errno));
  }
  if (socket >= 0) ::close(socket);
}

}  // namespace milena::net
