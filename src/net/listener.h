// Listening sockets: plain descriptors, opened before the loops use them, so that a start fails early if a port is in
// use.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/protocol.h"
#include "security/security_protocol.h"
#include "security/tls_settings.h"

namespace milena::net {

struct SocketAddress {
  sockaddr_storage address{};
  socklen_t size = 0;
};

// Appends the host's addresses; zero, or the error of getaddrinfo. May take long, unless the host is an address.
using HostLookUp = std::function<int(const std::string& host, std::vector<SocketAddress>& all)>;
int look_up_host(const std::string& host, std::vector<SocketAddress>& all);
// A name: neither an address nor every address.
bool needs_look_up(const std::string& host);

struct ListenerOptions {
  std::string name;  // "PLAINTEXT"
  // For error messages: the setting, and another value.
  ByteView setting = "listeners";
  ByteView example = "PLAINTEXT://:9192";
  security::SecurityProtocol security_protocol = security::SecurityProtocol::kPlaintext;
  std::optional<security::TlsSettings> tls;  // of a listener with TLS
  // With TLS: the one within, until the listener is opened.
  std::shared_ptr<const Protocol> protocol = kafka_protocol();
  std::string host;  // empty, 0.0.0.0 or :: for every address, IPv4 and IPv6; a name means all its addresses
  std::vector<SocketAddress> addresses;  // of the host, once they are looked up
  uint16_t port = 0; // 0: any free one
  int backlog = 50;                // socket.listen.backlog.size
  int send_buffer_bytes = -1;      // socket.send.buffer.bytes; -1: the system's default, which adapts
  int receive_buffer_bytes = -1;   // socket.receive.buffer.bytes
  // Of this listener only.
  int max_connections = INT32_MAX;     // listener.name.<name>.max.connections
  int max_creation_rate = INT32_MAX;   // listener.name.<name>.max.connection.creation.rate
};

struct BoundSocket {
  int descriptor = -1;
  std::string listener_name;
  security::SecurityProtocol security_protocol = security::SecurityProtocol::kPlaintext;
  std::shared_ptr<const Protocol> protocol;
  std::string host;
  uint16_t port = 0;
};

Status look_up_addresses(ListenerOptions& listener, const HostLookUp& look_up);
// Binds without listening. On an error nothing stays open.
Result<std::vector<BoundSocket>> bind_listener(const ListenerOptions& options);
Status listen_on(const BoundSocket& socket, int backlog);

// For a connection whose ends have one host; others stay as they are. BBR, where the system uses it, sends in small
// pieces by a timer. A consumer through the loopback then costs four times the processor time, and there is no line to
// be gentle to. Other algorithms do not pace, and stay.
void stop_pacing_within_host(int descriptor, const sockaddr_storage& local, const sockaddr_storage& peer);

// Numeric host and port; IPv4 in IPv6 form is returned as IPv4.
std::pair<std::string, uint16_t> describe_address(const sockaddr_storage& address);
// The same as Java writes it, as in ACLs, quotas and descriptions of members: "0:0:0:0:0:0:0:1".
std::pair<std::string, uint16_t> describe_peer(const sockaddr_storage& address);

}  // namespace milena::net
