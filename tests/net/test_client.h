// A blocking client for the tests of src/net: raw bytes out, frames in.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "net/listener.h"

namespace milena::net {

class TestClient {
 public:
  explicit TestClient(uint16_t port, bool ipv6 = false, int receive_buffer_bytes = 0) {
    socket_ = ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    // A test that waits in vain fails instead of hanging.
    timeval limit{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    int result;
    if (ipv6) {
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(port);
      address.sin6_addr = in6addr_loopback;
      result = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    } else {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      result = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    connected_ = result == 0;
  }
  TestClient(TestClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  ~TestClient() { close(); }

  bool connected() const { return connected_; }
  uint16_t local_port() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    return describe_address(address).second;
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void reset() {
    linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

  bool send_raw(ByteView bytes) {
    while (!bytes.empty()) {
      ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(count);
    }
    return true;
  }
  bool send_frame(ByteView body) { return send_raw(frame(body)); }
  static Bytes frame(ByteView body) {
    Bytes all;
    append_big_endian<int32_t>(all, static_cast<int32_t>(body.size()));
    all += body;
    return all;
  }

  // The body of the next answer; nothing if the connection ended (or nothing came for long).
  std::optional<Bytes> receive() {
    char size[4];
    if (!receive_exactly(size, 4)) return std::nullopt;
    Bytes body(load_big_endian<int32_t>(size), '\0');
    if (!receive_exactly(body.data(), body.size())) return std::nullopt;
    return body;
  }
  // Like recv().
  ssize_t receive_some(char* to, size_t size) { return ::recv(socket_, to, size, 0); }
  // True if the other side closes without sending anything more.
  bool sees_close() {
    char byte;
    ssize_t count = ::recv(socket_, &byte, 1, 0);
    return count == 0 || (count < 0 && errno == ECONNRESET);
  }

 private:
  bool receive_exactly(char* to, size_t size) {
    while (size > 0) {
      ssize_t count = ::recv(socket_, to, size, 0);
      if (count <= 0) return false;
      to += count;
      size -= count;
    }
    return true;
  }

  int socket_ = -1;
  bool connected_ = false;
};

}  // namespace milena::net
