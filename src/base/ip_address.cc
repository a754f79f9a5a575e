#include "base/ip_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace milena {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> IpAddress::parse(ByteView text) {
  // Longer than any address.
  if (text.size() > 64) return std::nullopt;
  const Bytes terminated(text);
  std::array<char, 16> bytes;
  if (::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return of_bytes({bytes.data(), 4});
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return of_bytes({bytes.data(), 16});
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::of_bytes(ByteView bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  IpAddress address;
  address.size = static_cast<uint8_t>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  if (address.size == 16 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin())) {
    std::copy_n(address.bytes.begin() + kMappedPrefix.size(), 4, address.bytes.begin());
    address.size = 4;
  }
  return address;
}

Bytes IpAddress::to_string() const {
  Bytes text;
  const size_t step = size == 4 ? 1 : 2;
  for (size_t i = 0; i < size; i += step) {
    if (step == 1) {
      text += fmt::format("{}{}", i == 0 ? "" : ".", bytes[i]);
    } else {
      text += fmt::format("{}{:x}", i == 0 ? "" : ":", bytes[i] << 8 | bytes[i + 1]);
    }
  }
  return text;
}

std::optional<IpRange> IpRange::parse(ByteView text) {
  const size_t slash = text.find('/');
  if (slash == ByteView::npos) return std::nullopt;
  const auto network = IpAddress::parse(text.substr(0, slash));
  if (!network) return std::nullopt;
  const ByteView digits = text.substr(slash + 1);
  IpRange range{*network, 0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), range.prefix_bits);
  if (error != std::errc() || end != digits.data() + digits.size() || range.prefix_bits > network->size * 8) {
    return std::nullopt;
  }
  return range;
}

bool IpRange::contains(const IpAddress& address) const {
  if (address.size != network.size) return false;
  const size_t whole = prefix_bits / 8;
  if (!std::equal(network.bytes.begin(), network.bytes.begin() + whole, address.bytes.begin())) return false;
  const int rest = prefix_bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest) & 0xff;
  return (network.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

}  // namespace milena
