// IP addresses and ranges of them (CIDR), as text and as bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace milena {

// Four bytes of IPv4, or sixteen of IPv6.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  uint8_t size = 0;

  // An IPv4 address in IPv6's form is that IPv4 address, as in Java.
  static std::optional<IpAddress> parse(ByteView text);
  // Of four bytes or sixteen.
  static std::optional<IpAddress> of_bytes(ByteView bytes);
  // As Java's getHostAddress writes it: "10.0.0.1", "0:0:0:0:0:0:0:1".
  Bytes to_string() const;
};

// "10.1.0.0/16", "fd00::/8".
struct IpRange {
  IpAddress network;
  uint8_t prefix_bits = 0;

  static std::optional<IpRange> parse(ByteView text);
  bool contains(const IpAddress& address) const;
};

}  // namespace milena
