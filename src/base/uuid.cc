#include "base/uuid.h"

#include <fmt/core.h>

namespace milena {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int base64url_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  if (c == '_') return 63;
  return -1;
}

Uuid random_version_4(Random& random) {
  uint64_t hi = random.next();
  uint64_t lo = random.next();
  return Uuid{(hi & ~0xF000ull) | 0x4000ull, (lo & ~(3ull << 62)) | (2ull << 62)};
}

}  // namespace

std::string Uuid::to_string() const {
  // 128 bits are 21 digits of six bits and one of two, which are its high bits.
  std::string text(22, 'A');
  unsigned __int128 rest = (static_cast<unsigned __int128>(hi) << 64) | lo;
  text[21] = kAlphabet[static_cast<unsigned>(rest & 3) << 4];
  rest >>= 2;
  for (int i = 20; i >= 0; i--) {
    text[i] = kAlphabet[static_cast<unsigned>(rest & 63)];
    rest >>= 6;
  }
  return text;
}

std::optional<Uuid> Uuid::parse(ByteView text) {
  if (text.size() == 24 && text.ends_with("==")) text.remove_suffix(2);
  if (text.size() != 22) return std::nullopt;
  unsigned __int128 value = 0;
  for (size_t i = 0; i < 22; i++) {
    int digit = base64url_digit(text[i]);
    if (digit < 0) return std::nullopt;
    if (i == 21) {
      if (digit & 15) return std::nullopt;
      value = (value << 2) | static_cast<unsigned>(digit >> 4);
    } else {
      value = (value << 6) | static_cast<unsigned>(digit);
    }
  }
  return Uuid{static_cast<uint64_t>(value >> 64), static_cast<uint64_t>(value)};
}

Uuid Uuid::random(Random& random) {
  for (;;) {
    Uuid id = random_version_4(random);
    if (id.to_string()[0] != '-') return id;
  }
}

std::string random_uuid_text(Random& random) {
  Uuid id = random_version_4(random);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", id.hi >> 32, (id.hi >> 16) & 0xFFFF, id.hi & 0xFFFF,
                     id.lo >> 48, id.lo & 0xFFFFFFFFFFFFull);
}

}  // namespace milena
