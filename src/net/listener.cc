#include "net/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/ip_address.h"
#include "config/config_listeners.h"

namespace milena::net {
namespace {

void set_port(sockaddr_storage& address, uint16_t port) {
  if (address.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address).sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(port);
  }
}

SocketAddress any_address(int family) {
  SocketAddress any;
  any.address.ss_family = static_cast<sa_family_t>(family);
  any.size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  return any;
}

void set_option(int descriptor, int level, int option, int value) {
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

// The bound descriptor, or minus errno.
int bind_one(const SocketAddress& candidate, const ListenerOptions& options, bool both_families) {
  int descriptor = ::socket(candidate.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (candidate.address.ss_family == AF_INET6) {
    set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, both_families ? 0 : 1);
  }
  // Accepted sockets inherit these.
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (options.send_buffer_bytes >= 0) set_option(descriptor, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
  if (options.receive_buffer_bytes >= 0) set_option(descriptor, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&candidate.address), candidate.size) != 0) {
    int code = errno;
    ::close(descriptor);
    return -code;
  }
  return descriptor;
}

Error bind_error(const ListenerOptions& options, int code) {
  std::string where = fmt::format("{}://{}:{}", options.name, options.host, options.port);
  switch (code) {
    case EADDRINUSE:
      return make_error(ErrorKind::kExists,
                        "{}: cannot listen on {}: port {} is in use by another process. Stop it, or choose "
                        "another port (--override {}={})",
                        options.setting, where, options.port, options.setting, options.example);
    case EACCES:
      return make_error(ErrorKind::kInvalid,
                        "{}: cannot listen on {}: permission denied. Ports below 1024 usually need root",
                        options.setting, where);
    case EADDRNOTAVAIL:
      return make_error(ErrorKind::kInvalid, "{}: cannot listen on {}: {} is not an address of this machine",
                        options.setting, where, options.host);
    default:
      return make_error(ErrorKind::kIo, "{}: cannot listen on {}: {}", options.setting, where, std::strerror(code));
  }
}

uint16_t port_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  return describe_address(address).second;
}

void close_all(const std::vector<BoundSocket>& sockets) {
  for (const BoundSocket& socket : sockets) ::close(socket.descriptor);
}

}  // namespace

int look_up_host(const std::string& host, std::vector<SocketAddress>& all) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0) return code;
  for (addrinfo* entry = list; entry; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    SocketAddress& found = all.emplace_back();
    std::memcpy(&found.address, entry->ai_addr, entry->ai_addrlen);
    found.size = entry->ai_addrlen;
  }
  ::freeaddrinfo(list);
  return 0;
}

bool needs_look_up(const std::string& host) { return !config::is_wildcard(host) && !IpAddress::parse(host); }

Status look_up_addresses(ListenerOptions& listener, const HostLookUp& look_up) {
  if (config::is_wildcard(listener.host)) return ok_status();
  const int code = look_up(listener.host, listener.addresses);
  if (code == 0) return ok_status();
  return make_error(ErrorKind::kInvalid, "{}: cannot resolve the host {} ({})", listener.setting, listener.host,
                    gai_strerror(code));
}

Result<std::vector<BoundSocket>> bind_listener(const ListenerOptions& options) {
  std::vector<BoundSocket> bound;
  if (config::is_wildcard(options.host)) {
    // As in Java, 0.0.0.0 means IPv6 too: one socket for both families. A machine without IPv6 gets one for IPv4.
    int descriptor = -EAFNOSUPPORT;
    for (int family : {AF_INET6, AF_INET}) {
      SocketAddress any = any_address(family);
      set_port(any.address, options.port);
      descriptor = bind_one(any, options, true);
      if (descriptor >= 0 || (descriptor != -EAFNOSUPPORT && descriptor != -EADDRNOTAVAIL)) break;
    }
    if (descriptor < 0) return bind_error(options, -descriptor);
    bound.push_back(
        {descriptor, options.name, options.security_protocol, options.protocol, options.host, port_of(descriptor)});
    return bound;
  }
  uint16_t port = options.port;
  int first_error = EADDRNOTAVAIL;
  for (SocketAddress candidate : options.addresses) {
    set_port(candidate.address, port);
    int descriptor = bind_one(candidate, options, false);
    if (descriptor >= 0) {
      // A free port chosen for the first address is used for the others too.
      port = port_of(descriptor);
      bound.push_back({descriptor, options.name, options.security_protocol, options.protocol, options.host, port});
      continue;
    }
    if (bound.empty()) first_error = -descriptor;
    // localhost often resolves to ::1 on machines without it.
    if (descriptor == -EADDRNOTAVAIL || descriptor == -EAFNOSUPPORT) continue;
    close_all(bound);
    return bind_error(options, -descriptor);
  }
  if (bound.empty()) return bind_error(options, first_error);
  return bound;
}

Status listen_on(const BoundSocket& socket, int backlog) {
  if (::listen(socket.descriptor, backlog) == 0) return ok_status();
  ListenerOptions options;
  options.name = socket.listener_name;
  options.host = socket.host;
  options.port = socket.port;
  return bind_error(options, errno);
}

void stop_pacing_within_host(int descriptor, const sockaddr_storage& local, const sockaddr_storage& peer) {
  if (describe_address(local).first != describe_address(peer).first) return;
  char algorithm[16] = "";  // the kernel's TCP_CA_NAME_MAX
  socklen_t size = sizeof algorithm;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, algorithm, &size) != 0) return;
  if (!ByteView(algorithm, strnlen(algorithm, size)).starts_with("bbr")) return;
  // Every kernel has Reno, and every process may ask for it. Should it be refused, the connection works as before.
  constexpr ByteView kReno = "reno";
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, kReno.data(), static_cast<socklen_t>(kReno.size()));
}

std::pair<std::string, uint16_t> describe_address(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return {text, ntohs(v4.sin_port)};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
  } else {
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  return {text, ntohs(v6.sin6_port)};
}

std::pair<std::string, uint16_t> describe_peer(const sockaddr_storage& address) {
  if (address.ss_family != AF_INET6) return describe_address(address);
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  const ByteView bytes(reinterpret_cast<const char*>(v6.sin6_addr.s6_addr), sizeof v6.sin6_addr.s6_addr);
  return {IpAddress::of_bytes(bytes)->to_string(), ntohs(v6.sin6_port)};
}

}  // namespace milena::net
