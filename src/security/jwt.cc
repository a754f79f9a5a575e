// Source: Kafka's BrokerJwtValidator and ClaimValidationUtils, with the rules of the library behind them, jose4j.
#include "security/jwt.h"

#include <algorithm>
#include <cmath>

#include "base/ascii.h"
#include "base/saturating.h"
#include "security/base64.h"
#include "security/json_text.h"
#include "security/jwt_signature.h"

namespace milena::security {
namespace {

using nlohmann::json;

// Longer than any issuer's tokens.
constexpr size_t kMaxToken_bytes = 256 * 1024;

struct Sections {
  ByteView header, payload, signature;
  ByteView signed_part;
};

JwtVerdict refuse(Bytes reason) { return {std::nullopt, {std::move(reason), std::nullopt}}; }

ByteView without_blanks_around(ByteView text) {
  return trim_if(text, [](char c) { return static_cast<uint8_t>(c) <= ' '; });
}

std::optional<Sections> split(ByteView token) {
  const size_t first = token.find('.');
  const size_t second = first == ByteView::npos ? first : token.find('.', first + 1);
  if (second == ByteView::npos || token.find('.', second + 1) != ByteView::npos) return std::nullopt;
  return Sections{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
                  token.substr(0, second)};
}

// A section that is a JSON object.
std::optional<json> object_of(ByteView section) {
  std::optional<Bytes> text = base64url_decode(section);
  if (!text) return std::nullopt;
  json parsed = json::parse(*text, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  return parsed;
}

struct NumericDate {
  bool there = false;
  bool good = false;
  int64_t seconds = 0;
};

NumericDate date_member(const json& claims, const char* name) {
  auto found = claims.find(name);
  if (found == claims.end() || found->is_null()) return {};
  NumericDate date{true, false, 0};
  if (found->is_number_integer() || found->is_number_unsigned()) {
    date.good = !found->is_number_unsigned() || found->get<uint64_t>() <= INT64_MAX;
    if (date.good) date.seconds = found->get<int64_t>();
  } else if (found->is_number_float()) {
    const double value = found->get<double>();
    date.good = std::isfinite(value) && std::fabs(value) < 9e18;
    if (date.good) date.seconds = static_cast<int64_t>(value);
  }
  return date;
}

// Saturates for a huge "exp".
int64_t in_ms(int64_t seconds) {
  if (seconds > INT64_MAX / 1000) return INT64_MAX;
  return seconds < 0 ? -1 : seconds * 1000;
}

std::optional<Bytes> wrong_times(const json& claims, int64_t skew_s, int64_t now_ms, int64_t& expires_ms) {
  const NumericDate expires = date_member(claims, "exp"), issued = date_member(claims, "iat");
  const NumericDate not_before = date_member(claims, "nbf");
  const int64_t now_s = now_ms / 1000;
  if (!expires.good || expires.seconds < 0) return "it has no time of expiration (exp)";
  if (!issued.good || issued.seconds < 0) return "it has no time of issue (iat)";
  if (not_before.there && !not_before.good) return "its claim nbf is not a time";
  if (now_s - skew_s >= expires.seconds) return "it has expired";
  if (not_before.there && add_saturating(now_s, skew_s) < not_before.seconds) return "it is not valid yet (nbf)";
  if (expires.seconds < issued.seconds) return "it expires before it was issued";
  if (not_before.there && expires.seconds < not_before.seconds) return "it expires before it is valid";
  expires_ms = in_ms(expires.seconds);
  return std::nullopt;
}

std::optional<Bytes> wrong_audience(const json& claims, const std::vector<Bytes>& expected) {
  auto found = claims.find("aud");
  if (found == claims.end() || found->is_null()) {
    if (expected.empty()) return std::nullopt;
    return "it has no audience (aud), and sasl.oauthbearer.expected.audience is set";
  }
  auto accepted = [&expected](const json& one) {
    const auto* name = one.get_ptr<const json::string_t*>();
    return name != nullptr && std::find(expected.begin(), expected.end(), *name) != expected.end();
  };
  const bool good = found->is_array() ? std::any_of(found->begin(), found->end(), accepted) : accepted(*found);
  if (good) return std::nullopt;
  return "its audience (aud) is not in sasl.oauthbearer.expected.audience";
}

// A claim's trimmed text; nothing if it is not text.
std::optional<Bytes> claim_text(const json& value) {
  const auto* text = value.get_ptr<const json::string_t*>();
  if (text == nullptr) return std::nullopt;
  ByteView trimmed = without_blanks_around(*text);
  if (trimmed.empty()) return std::nullopt;
  return Bytes(trimmed);
}

// A text is one scope, even with blanks.
std::optional<Bytes> wrong_scopes(const json& claims, const Bytes& name, std::vector<Bytes>& scopes) {
  auto found = claims.find(name);
  if (found == claims.end() || (!found->is_array() && !found->is_string())) return std::nullopt;
  json one;
  if (found->is_string()) one = json::array({*found});
  for (const json& each : found->is_string() ? one : *found) {
    std::optional<Bytes> scope = claim_text(each);
    if (!scope) return "a scope is empty or not a string";
    scopes.push_back(std::move(*scope));
  }
  std::vector<Bytes> sorted = scopes;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return "it has a duplicate scope";
  return std::nullopt;
}

JwtVerdict judge_claims(const json& claims, const JwtRules& rules, int64_t now_ms) {
  JwtClaims good;
  if (auto wrong = wrong_times(claims, rules.clock_skew_s, now_ms, good.expires_ms)) return refuse(*wrong);
  if (auto wrong = wrong_audience(claims, rules.expected_audience)) return refuse(*wrong);
  if (rules.expected_issuer) {
    const Bytes* issuer = text_member(claims, "iss");
    if (issuer == nullptr || *issuer != *rules.expected_issuer) {
      return refuse("its issuer (iss) is not sasl.oauthbearer.expected.issuer");
    }
  }
  if (auto wrong = wrong_scopes(claims, rules.scope_claim, good.scopes)) return refuse(*wrong);
  auto subject = claims.find(rules.subject_claim);
  std::optional<Bytes> name = subject == claims.end() ? std::nullopt : claim_text(*subject);
  if (!name) return refuse("it has no subject");
  good.subject = std::move(*name);
  return {std::move(good), {}};
}

}  // namespace

JwtVerdict verify_jwt(ByteView token, const Jwks& keys, const JwtRules& rules, int64_t now_ms) {
  token = without_blanks_around(token);
  std::optional<Sections> sections = token.size() > kMaxToken_bytes ? std::nullopt : split(token);
  if (!sections || sections->signature.empty()) return refuse("it is not a token of three sections");
  std::optional<json> header = object_of(sections->header);
  std::optional<Bytes> signature = base64url_decode(sections->signature);
  if (!header || !signature) return refuse("its header or signature cannot be read");
  // No critical extensions are supported.
  if (header->contains("crit")) return refuse("its header has critical extensions");
  const Bytes* algorithm_name = text_member(*header, "alg");
  const JwtAlgorithm* algorithm = algorithm_name ? find_jwt_algorithm(*algorithm_name) : nullptr;
  if (algorithm == nullptr) return refuse("its signature algorithm is not supported");
  const Bytes* key_id = text_member(*header, "kid");
  bool any = false, good = false;
  for (const JsonWebKey& key : keys.keys) {
    if (good || (key_id != nullptr && key.id != *key_id) || !key_fits(key, *algorithm)) continue;
    any = true;
    good = signature_fits(*algorithm, key, sections->signed_part, *signature);
  }
  if (!any) {
    JwtVerdict verdict = refuse("it was signed with an unknown key");
    if (key_id != nullptr) verdict.refusal.unknown_key = *key_id;
    return verdict;
  }
  if (!good) return refuse("its signature is wrong");
  std::optional<json> claims = object_of(sections->payload);
  if (!claims) return refuse("its claims cannot be read");
  return judge_claims(*claims, rules, now_ms);
}

namespace {

// A list, or words of one text.
std::vector<Bytes> scope_words(const json& claims, const Bytes& name) {
  std::vector<Bytes> words;
  auto found = claims.find(name);
  if (found == claims.end()) return words;
  if (found->is_array()) {
    for (const json& each : *found) {
      if (auto text = claim_text(each)) words.push_back(std::move(*text));
    }
  } else if (const auto* text = found->get_ptr<const json::string_t*>()) {
    for (ByteView rest = *text; !rest.empty();) {
      const size_t space = rest.find(' ');
      if (space != 0) words.emplace_back(rest.substr(0, space));
      rest = space == ByteView::npos ? ByteView() : rest.substr(space + 1);
    }
  }
  return words;
}

}  // namespace

JwtVerdict read_unsecured_jwt(ByteView token, const UnsecuredJwtRules& rules, int64_t now_ms) {
  std::optional<Sections> sections = token.size() > kMaxToken_bytes ? std::nullopt : split(token);
  if (!sections || !sections->signature.empty()) return refuse("it is not an unsecured token");
  std::optional<json> header = object_of(sections->header), claims = object_of(sections->payload);
  if (!header || !claims) return refuse("its header or claims cannot be read");
  const Bytes* algorithm = text_member(*header, "alg");
  if (algorithm == nullptr || *algorithm != "none") return refuse("it claims to be signed");
  JwtClaims good;
  auto principal = claims->find(rules.principal_claim);
  std::optional<Bytes> name = principal == claims->end() ? std::nullopt : claim_text(*principal);
  if (!name) return refuse("it has no principal");
  good.subject = std::move(*name);
  const NumericDate expires = date_member(*claims, "exp"), issued = date_member(*claims, "iat");
  if (!expires.good || expires.seconds < 0) return refuse("it has no time of expiration (exp)");
  if (issued.there && !issued.good) return refuse("its claim iat is not a time");
  good.expires_ms = in_ms(expires.seconds);
  if (issued.there && in_ms(issued.seconds) > add_saturating(now_ms, rules.clock_skew_ms)) {
    return refuse("it was issued in the future");
  }
  if (now_ms - rules.clock_skew_ms >= good.expires_ms) return refuse("it has expired");
  if (issued.there && expires.seconds <= issued.seconds) return refuse("it expires before it was issued");
  good.scopes = scope_words(*claims, rules.scope_claim);
  for (const Bytes& required : rules.required_scope) {
    if (std::find(good.scopes.begin(), good.scopes.end(), required) == good.scopes.end()) {
      return refuse("it lacks a scope that is required");
    }
  }
  return {std::move(good), {}};
}

}  // namespace milena::security
