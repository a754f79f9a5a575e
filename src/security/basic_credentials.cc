#include "security/basic_credentials.h"

#include <algorithm>

#include "base/ascii.h"
#include "security/base64.h"

namespace milena::security {
namespace {

constexpr ByteView kScheme = "Basic ";

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

}  // namespace

std::optional<BasicCredentials> parse_basic_credentials(ByteView authorization) {
  if (!equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  const std::optional<Bytes> text =
      base64_decode(trim_if(authorization.substr(kScheme.size()), [](char c) { return c == ' '; }));
  if (!text || std::any_of(text->begin(), text->end(), is_control)) return std::nullopt;
  const size_t colon = text->find(':');
  if (colon == Bytes::npos || colon == 0) return std::nullopt;
  return BasicCredentials{text->substr(0, colon), text->substr(colon + 1)};
}

Bytes basic_authorization(ByteView user, ByteView password) {
  return Bytes(kScheme) + base64_encode(Bytes(user) + ":" + Bytes(password));
}

}  // namespace milena::security
