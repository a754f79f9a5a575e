#include "security/kerberos_name.h"

#include <re2/re2.h>

#include "base/ascii.h"

namespace milena::security {

struct KerberosNames::Rule {
  bool is_default = true;
  size_t components = 0;
  Bytes format;
  std::shared_ptr<const RE2> match;  // null: any
  std::shared_ptr<const RE2> from;   // null: nothing is replaced
  Bytes to;
  bool every = false;
  char letters = 0;  // 'L', 'U' or none
};

namespace {

struct KerberosPrincipal {
  std::vector<ByteView> components;
  ByteView realm;
};

KerberosPrincipal split_principal(ByteView text) {
  KerberosPrincipal principal;
  const size_t at = text.rfind('@');
  if (at != ByteView::npos) principal.realm = text.substr(at + 1);
  for (ByteView rest = text.substr(0, at);;) {
    const size_t slash = rest.find('/');
    principal.components.push_back(rest.substr(0, slash));
    if (slash == ByteView::npos) break;
    rest = rest.substr(slash + 1);
  }
  return principal;
}

Error rule_error(ByteView rule) {
  return make_error(ErrorKind::kInvalid,
                    "sasl.kerberos.principal.to.local.rules={}: expected DEFAULT or RULE:[n:format](pattern)s/from/to/",
                    rule);
}

std::shared_ptr<const RE2> pattern(ByteView text) {
  RE2::Options options;
  options.set_log_errors(false);
  auto made = std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
  return made->ok() ? made : nullptr;
}

// $0 is the realm, $1 and so on are the components. Nothing for a missing component.
std::optional<Bytes> fill_in(ByteView format, const KerberosPrincipal& principal) {
  Bytes text;
  for (size_t i = 0; i < format.size(); i++) {
    if (format[i] != '$') {
      text += format[i];
      continue;
    }
    size_t number = 0, digits = 0;
    while (i + 1 < format.size() && format[i + 1] >= '0' && format[i + 1] <= '9' && digits++ < 3) {
      number = number * 10 + static_cast<size_t>(format[++i] - '0');
    }
    if (digits == 0 || number > principal.components.size()) return std::nullopt;
    text += number == 0 ? principal.realm : principal.components[number - 1];
  }
  return text;
}

}  // namespace

KerberosNames::KerberosNames() = default;
KerberosNames::KerberosNames(KerberosNames&&) noexcept = default;
KerberosNames& KerberosNames::operator=(KerberosNames&&) noexcept = default;
KerberosNames::~KerberosNames() = default;

Result<KerberosNames> KerberosNames::parse(const std::vector<Bytes>& rules) {
  static const RE2 kForm(R"(RULE:\[(\d):([^\]]*)\](?:\(([^)]*)\))?(?:s/([^/]*)/([^/]*)/(g?))?(?:/?([LU]))?)");
  KerberosNames names;
  for (const Bytes& text : rules) {
    Rule& rule = names.rules_.emplace_back();
    if (text == "DEFAULT") continue;
    std::string count, format, match, from, to, every, letters;
    if (!RE2::FullMatch(text, kForm, &count, &format, &match, &from, &to, &every, &letters)) return rule_error(text);
    rule.is_default = false;
    rule.components = static_cast<size_t>(count[0] - '0');
    rule.format = format;
    if (!match.empty() && !(rule.match = pattern(match))) return rule_error(text);
    if (!from.empty() && !(rule.from = pattern(from))) return rule_error(text);
    // Java's references are $1, RE2's are \1.
    for (char c : to) rule.to += c == '\\' ? Bytes("\\\\") : c == '$' ? Bytes("\\") : Bytes(1, c);
    rule.every = every == "g";
    rule.letters = letters.empty() ? '\0' : letters[0];
  }
  return names;
}

std::optional<Bytes> KerberosNames::short_name(ByteView text, ByteView default_realm) const {
  const KerberosPrincipal principal = split_principal(text);
  if (principal.realm.empty() && principal.components.size() == 1) return Bytes(text);
  for (const Rule& rule : rules_) {
    if (rule.is_default) {
      if (principal.realm == default_realm) return Bytes(principal.components[0]);
      continue;
    }
    if (rule.components != principal.components.size()) continue;
    std::optional<Bytes> name = fill_in(rule.format, principal);
    if (!name || (rule.match && !RE2::FullMatch(*name, *rule.match))) continue;
    if (rule.from && rule.every) RE2::GlobalReplace(&*name, *rule.from, rule.to);
    if (rule.from && !rule.every) RE2::Replace(&*name, *rule.from, rule.to);
    if (rule.letters == 'L') name = ascii_lower(*name);
    if (rule.letters == 'U') {
      for (char& c : *name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    // A short name must not have a realm or host.
    if (name->empty() || name->find_first_of("/@") != Bytes::npos) return std::nullopt;
    return name;
  }
  return std::nullopt;
}

}  // namespace milena::security
