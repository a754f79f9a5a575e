#include "security/principal_mapping.h"

#include "base/ascii.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>

namespace milena::security {
namespace {

constexpr ByteView kRule = "RULE:";
// Most groups that a replacement may refer to.
constexpr int kMaxGroups = 99;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

ByteView trim_spaces(ByteView text) { return trim_if(text, is_space); }

// Takes the text up to the next slash without a backslash before it, and the slash. Nothing if there is none.
std::optional<ByteView> take_to_slash(ByteView& rest) {
  for (size_t i = 0; i < rest.size(); i++) {
    if (rest[i] == '\\') {
      i++;
    } else if (rest[i] == '/') {
      ByteView part = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return part;
    }
  }
  return std::nullopt;
}

struct SplitRule {
  ByteView text;
  ByteView pattern;
  ByteView replacement;
  ByteView tail;  // after the last slash: nothing, L or U
  bool is_rule = false;
};

// Takes one rule from the front, with the comma behind it. Commas within the slashes of a RULE do not count.
SplitRule take_rule(ByteView& rest) {
  SplitRule rule;
  ByteView at = rest;
  while (!at.empty() && is_space(at.front())) at.remove_prefix(1);
  const ByteView start = at;
  if (at.starts_with(kRule)) {
    at.remove_prefix(kRule.size());
    const auto pattern = take_to_slash(at);
    const auto replacement = pattern ? take_to_slash(at) : std::nullopt;
    rule.is_rule = replacement.has_value();
    if (rule.is_rule) {
      rule.pattern = *pattern;
      rule.replacement = *replacement;
    } else {
      at = start;
    }
  }
  const size_t comma = std::min(at.find(','), at.size());
  rule.tail = trim_spaces(at.substr(0, comma));
  rule.text = trim_spaces(start.substr(0, start.size() - at.size() + comma));
  rest = at.substr(std::min(comma + 1, at.size()));
  return rule;
}

Bytes with_case(Bytes text, char letter_case) {
  for (char& c : text) {
    if (letter_case == 'L' && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (letter_case == 'U' && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

// A parsed replacement of Matcher.replaceAll, in pieces: text, and the group behind it, or -1.
using Pieces = std::vector<std::pair<Bytes, int>>;

// Takes as many digits as still name a group. Digits that name no group are text, as in Kafka.
int take_group(ByteView digits, int groups, size_t& used) {
  int group = digits[0] - '0';
  used = 1;
  while (used < digits.size() && is_digit(digits[used]) && group * 10 + (digits[used] - '0') <= groups) {
    group = group * 10 + (digits[used++] - '0');
  }
  return group;
}

std::optional<Pieces> parse_replacement(ByteView text, int groups) {
  Pieces pieces{{Bytes(), -1}};
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\\') {
      if (++i == text.size()) return std::nullopt;
      pieces.back().first.push_back(text[i]);
    } else if (text[i] == '$') {
      if (i + 1 == text.size() || !is_digit(text[i + 1])) return std::nullopt;
      size_t used = 0;
      const int group = take_group(text.substr(i + 1), groups, used);
      if (group > groups && groups == 0) return std::nullopt;
      if (group > groups) {
        pieces.back().first += text.substr(i, used + 1);
      } else {
        pieces.back().second = group;
        pieces.emplace_back(Bytes(), -1);
      }
      i += used;
    } else {
      pieces.back().first.push_back(text[i]);
    }
  }
  return pieces;
}

}  // namespace

struct PrincipalMapping::Rule {
  std::unique_ptr<re2::RE2> pattern;  // null: DEFAULT
  Pieces replacement;
  char letter_case = 0;

  std::optional<Bytes> apply(ByteView name) const;
};

PrincipalMapping::PrincipalMapping() { rules_.emplace_back(); }
PrincipalMapping::~PrincipalMapping() = default;
PrincipalMapping::PrincipalMapping(PrincipalMapping&&) noexcept = default;
PrincipalMapping& PrincipalMapping::operator=(PrincipalMapping&&) noexcept = default;

// Matches the whole name, and then replaces all matches, which in Java need not be the whole name again.
std::optional<Bytes> PrincipalMapping::Rule::apply(ByteView name) const {
  if (!pattern) return Bytes(name);
  const re2::StringPiece text(name.data(), name.size());
  if (!re2::RE2::FullMatch(text, *pattern)) return std::nullopt;
  std::array<re2::StringPiece, kMaxGroups + 1> groups;
  const int count = pattern->NumberOfCapturingGroups() + 1;
  Bytes result;
  size_t copied = 0, from = 0;
  while (from <= name.size() && pattern->Match(text, from, name.size(), re2::RE2::UNANCHORED, groups.data(), count)) {
    const auto start = static_cast<size_t>(groups[0].data() - name.data());
    result += name.substr(copied, start - copied);
    for (const auto& [own, number] : replacement) {
      result += own;
      if (number < 0) continue;
      const re2::StringPiece& group = groups[static_cast<size_t>(number)];
      if (group.data() != nullptr) result += ByteView(group.data(), group.size());
    }
    copied = start + groups[0].size();
    from = groups[0].empty() ? copied + 1 : copied;
  }
  if (copied < name.size()) result += name.substr(copied);
  return with_case(std::move(result), letter_case);
}

Result<PrincipalMapping::Rule> PrincipalMapping::make_rule(ByteView text, ByteView pattern, ByteView replacement,
                                                           char letter_case) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  Rule rule;
  rule.letter_case = letter_case;
  rule.pattern = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!rule.pattern->ok()) {
    return make_error(ErrorKind::kInvalid, "{}: expected a pattern that RE2 reads ({})", text, rule.pattern->error());
  }
  const int groups = rule.pattern->NumberOfCapturingGroups();
  if (groups > kMaxGroups) {
    return make_error(ErrorKind::kInvalid, "{}: expected at most {} groups", text, kMaxGroups);
  }
  auto pieces = parse_replacement(replacement, groups);
  if (!pieces) {
    return make_error(ErrorKind::kInvalid, "{}: expected $0 to ${} and text in the replacement {}", text, groups,
                      replacement);
  }
  rule.replacement = std::move(*pieces);
  return rule;
}

Result<PrincipalMapping> PrincipalMapping::parse(ByteView rules) {
  PrincipalMapping mapping;
  mapping.rules_.clear();
  for (ByteView rest = trim_spaces(rules); !rest.empty();) {
    const SplitRule split = take_rule(rest);
    if (split.text.empty()) continue;
    if (split.text == "DEFAULT") {
      mapping.rules_.emplace_back();
      continue;
    }
    if (!split.is_rule || (split.tail != "" && split.tail != "L" && split.tail != "U")) {
      return make_error(ErrorKind::kInvalid, "{}: expected DEFAULT or RULE:pattern/replacement/ with L, U or nothing",
                        split.text);
    }
    Result<Rule> rule =
        make_rule(split.text, split.pattern, split.replacement, split.tail.empty() ? '\0' : split.tail.front());
    RETURN_IF_ERROR(rule);
    mapping.rules_.push_back(rule.take());
  }
  return mapping;
}

std::optional<Bytes> PrincipalMapping::name_of(ByteView distinguished_name) const {
  for (const Rule& rule : rules_) {
    if (auto name = rule.apply(distinguished_name)) return name;
  }
  return std::nullopt;
}

}  // namespace milena::security
