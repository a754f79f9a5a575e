#include "security/jaas.h"

#include <algorithm>

#include "base/ascii.h"

namespace milena::security {
namespace {

bool is_jaas_letter(char c) {
  return is_ascii_letter(c) || c == '_' || c == '$' || static_cast<uint8_t>(c) >= 0x80;
}
// Characters allowed within a word, and, except '-', at its start: a token that starts with '-' is a number.
bool is_jaas_word_part(char c) { return is_jaas_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; }

struct JaasToken {
  enum Kind { kEnd, kText, kSign, kUnclosed };
  Kind kind = kEnd;
  Bytes text;  // kText
  char sign = 0;
};

class JaasTokenizer {
 public:
  explicit JaasTokenizer(ByteView text) : text_(text) {}

  JaasToken next() {
    skip_blanks_and_comments();
    if (at_ == text_.size()) return {};
    const char c = text_[at_];
    if (c == '"' || c == '\'') return quoted();
    if (!is_jaas_letter(c)) return {JaasToken::kSign, {}, text_[at_++]};
    size_t begin = at_;
    while (at_ < text_.size() && is_jaas_word_part(text_[at_])) at_++;
    return {JaasToken::kText, Bytes(text_.substr(begin, at_ - begin))};
  }

 private:
  void skip_blanks_and_comments() {
    while (at_ < text_.size()) {
      if (static_cast<uint8_t>(text_[at_]) <= ' ') {
        at_++;
      } else if (text_[at_] != '/') {
        return;
      } else if (text_.substr(at_).starts_with("/*")) {
        size_t end = text_.find("*/", at_ + 2);
        at_ = end == ByteView::npos ? text_.size() : end + 2;
      } else {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      }
    }
  }

  JaasToken quoted() {
    const char quote = text_[at_++];
    JaasToken token{JaasToken::kText, {}};
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\n' || text_[at_] == '\r') return {JaasToken::kUnclosed};
      token.text += text_[at_] == '\\' ? escaped() : text_[at_++];
    }
    if (at_ == text_.size()) return {JaasToken::kUnclosed};
    at_++;
    return token;
  }

  char escaped() {
    at_++;
    if (at_ == text_.size()) return '\\';
    const char c = text_[at_++];
    switch (c) {
      case 'a': return '\a';
      case 'b': return '\b';
      case 'f': return '\f';
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'v': return '\v';
      default: break;
    }
    if (c < '0' || c > '7') return c;
    int value = c - '0';
    const int most = c <= '3' ? 2 : 1;
    for (int i = 0; i < most && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; i++) {
      value = value * 8 + (text_[at_++] - '0');
    }
    return static_cast<char>(value);
  }

  ByteView text_;
  size_t at_ = 0;
};

bool is_control_flag(ByteView text) {
  const Bytes lower = ascii_lower(text);
  return lower == "required" || lower == "requisite" || lower == "sufficient" || lower == "optional";
}

Error jaas_error(ByteView what) {
  return make_error(ErrorKind::kInvalid, "{}; expected MODULE required name=\"value\" ... ;", what);
}

}  // namespace

Result<JaasEntry> parse_jaas(ByteView text) {
  JaasTokenizer tokens(text);
  JaasEntry entry;
  JaasToken token = tokens.next();
  if (token.kind == JaasToken::kEnd) return jaas_error("the login module is missing");
  if (token.kind != JaasToken::kText) return jaas_error("expected the class of a login module at the start");
  entry.module = std::move(token.text);
  token = tokens.next();
  if (token.kind != JaasToken::kText || !is_control_flag(token.text)) {
    return jaas_error("expected a control flag (required, requisite, sufficient or optional) after the login module");
  }
  entry.flag = std::move(token.text);
  for (int number = 1;; number++) {
    token = tokens.next();
    if (token.kind == JaasToken::kSign && token.sign == ';') break;
    if (token.kind == JaasToken::kEnd) return jaas_error("the entry does not end with a semicolon");
    if (token.kind != JaasToken::kText) return jaas_error(fmt::format("option {} has no name", number));
    JaasToken equals = tokens.next();
    if (equals.kind != JaasToken::kSign || equals.sign != '=') {
      return jaas_error(fmt::format("option {} lacks '='", number));
    }
    JaasToken value = tokens.next();
    if (value.kind == JaasToken::kUnclosed) {
      return jaas_error(fmt::format("the value of option {} has no closing quote", number));
    }
    if (value.kind != JaasToken::kText) {
      return jaas_error(fmt::format("option {} has no value (quote it if it is not a word)", number));
    }
    entry.options[std::move(token.text)] = std::move(value.text);
  }
  if (tokens.next().kind != JaasToken::kEnd) return jaas_error("expected a single login module");
  return entry;
}

}  // namespace milena::security
