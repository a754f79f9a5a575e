#include "security/base64.h"

namespace milena::security {
namespace {

constexpr ByteView kPlainAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr ByteView kUrlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int digit_of(char c, ByteView alphabet) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == alphabet[62]) return 62;
  return c == alphabet[63] ? 63 : -1;
}

Bytes encode(ByteView bytes, ByteView alphabet) {
  Bytes text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t held = 0;
  int bits = 0;
  for (char c : bytes) {
    held = held << 8 | static_cast<uint8_t>(c);
    for (bits += 8; bits >= 6; bits -= 6) text += alphabet[held >> (bits - 6) & 63];
  }
  if (bits > 0) text += alphabet[held << (6 - bits) & 63];
  return text;
}

// Digits only, without padding.
std::optional<Bytes> decode(ByteView text, ByteView alphabet) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t held = 0;
  int bits = 0;
  for (char c : text) {
    int digit = digit_of(c, alphabet);
    if (digit < 0) return std::nullopt;
    held = held << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> bits);
  }
  return bytes;
}

ByteView without_padding(ByteView text) {
  for (int i = 0; i < 2 && text.ends_with('='); i++) text.remove_suffix(1);
  return text;
}

}  // namespace

Bytes base64_encode(ByteView bytes) {
  Bytes text = encode(bytes, kPlainAlphabet);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<Bytes> base64_decode(ByteView text) {
  if (text.size() % 4 != 0) return std::nullopt;
  return decode(without_padding(text), kPlainAlphabet);
}

Bytes base64url_encode(ByteView bytes) { return encode(bytes, kUrlAlphabet); }

std::optional<Bytes> base64url_decode(ByteView text) { return decode(without_padding(text), kUrlAlphabet); }

}  // namespace milena::security
