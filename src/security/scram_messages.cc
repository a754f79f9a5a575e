#include "security/scram_messages.h"

#include "base/ascii.h"
#include "config/config_values.h"
#include "security/base64.h"

namespace milena::security {
namespace {

bool is_scram_value(char c) { return c >= 0x01 && c != ','; }
bool is_scram_printable(char c) { return c >= 0x21 && c <= 0x7e && c != ','; }

// Takes the text up to the next comma, and the comma.
ByteView take_part(ByteView& rest) {
  size_t comma = rest.find(',');
  ByteView part = rest.substr(0, comma);
  rest = comma == ByteView::npos ? ByteView() : rest.substr(comma + 1);
  return part;
}

struct Attribute {
  ByteView name;
  ByteView value;
};

std::optional<Attribute> attribute(ByteView part) {
  size_t equals = part.find('=');
  if (equals == ByteView::npos) return std::nullopt;
  Attribute found{part.substr(0, equals), part.substr(equals + 1)};
  if (!all_of_text(found.name, is_ascii_letter) || !all_of_text(found.value, is_scram_value)) return std::nullopt;
  return found;
}

}  // namespace

std::optional<Bytes> unescape_sasl_name(ByteView name) {
  if (!all_of_text(name, is_scram_value)) return std::nullopt;
  Bytes plain;
  for (size_t i = 0; i < name.size(); i++) {
    if (name[i] != '=') {
      plain += name[i];
      continue;
    }
    ByteView escape = name.substr(i, 3);
    if (escape != "=2C" && escape != "=3D") return std::nullopt;
    plain += escape == "=2C" ? ',' : '=';
    i += 2;
  }
  return plain;
}

Bytes escape_sasl_name(ByteView name) {
  Bytes escaped;
  for (char c : name) {
    if (c == ',' || c == '=') {
      escaped += c == ',' ? "=2C" : "=3D";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::optional<ScramClientFirst> parse_scram_client_first(ByteView message) {
  ScramClientFirst first;
  // Refuses a comma at the end: the empty part behind it would be lost.
  if (!message.starts_with("n,") || message.ends_with(',')) return std::nullopt;
  ByteView rest = message.substr(2);
  ByteView authorization = take_part(rest);
  if (!authorization.empty()) {
    if (!authorization.starts_with("a=")) return std::nullopt;
    std::optional<Bytes> name = unescape_sasl_name(authorization.substr(2));
    if (!name) return std::nullopt;
    first.authorization_id = std::move(*name);
  }
  first.bare = rest;
  std::optional<Attribute> part = attribute(take_part(rest));
  if (part && part->name == "m") part = attribute(take_part(rest));
  if (!part || part->name != "n") return std::nullopt;
  std::optional<Bytes> user = unescape_sasl_name(part->value);
  if (!user) return std::nullopt;
  first.user = std::move(*user);
  part = attribute(take_part(rest));
  if (!part || part->name != "r" || !all_of_text(part->value, is_scram_printable)) return std::nullopt;
  first.nonce = part->value;
  while (!rest.empty()) {
    part = attribute(take_part(rest));
    if (!part) return std::nullopt;
    if (part->name == "tokenauth") {
      first.by_token = ascii_lower(part->value) == "true";
    }
  }
  return first;
}

std::optional<ScramClientFinal> parse_scram_client_final(ByteView message) {
  ScramClientFinal last;
  if (message.ends_with(',')) return std::nullopt;
  ByteView rest = message;
  std::optional<Attribute> part = attribute(take_part(rest));
  if (!part || part->name != "c" || !base64_decode(part->value)) return std::nullopt;
  last.channel = part->value;
  part = attribute(take_part(rest));
  if (!part || part->name != "r" || !all_of_text(part->value, is_scram_printable)) return std::nullopt;
  last.nonce = part->value;
  while (!rest.empty()) {
    part = attribute(take_part(rest));
    if (!part) return std::nullopt;
    if (!rest.empty()) continue;
    if (part->name != "p") return std::nullopt;
    std::optional<Bytes> proof = base64_decode(part->value);
    if (!proof) return std::nullopt;
    last.proof = std::move(*proof);
    return last;
  }
  return std::nullopt;
}

std::optional<ScramServerFirst> parse_scram_server_first(ByteView message) {
  ScramServerFirst first;
  ByteView rest = message;
  std::optional<Attribute> part = attribute(take_part(rest));
  if (!part || part->name != "r" || !all_of_text(part->value, is_scram_printable)) return std::nullopt;
  first.nonce = part->value;
  part = attribute(take_part(rest));
  std::optional<Bytes> salt = part && part->name == "s" ? base64_decode(part->value) : std::nullopt;
  if (!salt) return std::nullopt;
  first.salt = std::move(*salt);
  part = attribute(take_part(rest));
  std::optional<int64_t> iterations = part && part->name == "i" ? config::parse_integer(part->value) : std::nullopt;
  if (!iterations) return std::nullopt;
  first.iterations = *iterations;
  return first;
}

}  // namespace milena::security
