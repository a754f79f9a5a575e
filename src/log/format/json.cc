#include "log/format/json.h"

#include <charconv>

namespace milena::log {
namespace {

constexpr int kMaxDepth = 16;

class Parser {
 public:
  explicit Parser(ByteView text) : rest_(text) {}

  bool whole(JsonValue& out) { return value(out, 0) && (skip_blanks(), rest_.empty()); }
  size_t left() const { return rest_.size(); }

 private:
  void skip_blanks() {
    size_t start = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(start == ByteView::npos ? rest_.size() : start);
  }
  bool take(ByteView token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  bool value(JsonValue& out, int depth) {
    if (depth > kMaxDepth) return false;
    skip_blanks();
    if (rest_.empty()) return false;
    if (take("{")) return object(out, depth);
    if (take("[")) return array(out, depth);
    if (rest_[0] == '"') {
      out.kind = JsonValue::Kind::kString;
      return string(out.text);
    }
    if (take("null")) return true;
    out.kind = JsonValue::Kind::kBool;
    out.integer = 1;
    if (take("true")) return true;
    out.integer = 0;
    if (take("false")) return true;
    out.kind = JsonValue::Kind::kInteger;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out.integer);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return true;
  }

  bool object(JsonValue& out, int depth) {
    out.kind = JsonValue::Kind::kObject;
    if (take("}")) return true;
    do {
      std::string name;
      skip_blanks();
      if (!string(name) || !take(":") || !value(out.members[name], depth + 1)) return false;
    } while (take(","));
    return take("}");
  }

  bool array(JsonValue& out, int depth) {
    out.kind = JsonValue::Kind::kArray;
    if (take("]")) return true;
    do {
      if (!value(out.array.emplace_back(), depth + 1)) return false;
    } while (take(","));
    return take("]");
  }

  bool string(std::string& out) {
    if (!take("\"")) return false;
    while (!rest_.empty()) {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (rest_.empty()) return false;
      c = rest_[0];
      rest_.remove_prefix(1);
      if (c == 'n') out += '\n';
      else if (c == 't') out += '\t';
      else if (c == '"' || c == '\\' || c == '/') out += c;
      else return false;  // Kafka's files have no others
    }
    return false;
  }

  ByteView rest_;
};

}  // namespace

const JsonValue* JsonValue::member(const std::string& name) const {
  auto it = members.find(name);
  return it == members.end() ? nullptr : &it->second;
}

int64_t JsonValue::integer_or(const std::string& name, int64_t fallback) const {
  const JsonValue* found = member(name);
  return found != nullptr && found->kind == Kind::kInteger ? found->integer : fallback;
}

std::string JsonValue::string_or(const std::string& name, std::string fallback) const {
  const JsonValue* found = member(name);
  return found != nullptr && found->kind == Kind::kString ? found->text : fallback;
}

Result<JsonValue> parse_json(ByteView text) {
  JsonValue out;
  Parser parser(text);
  if (!parser.whole(out)) {
    return make_error(ErrorKind::kCorrupt, "not JSON from byte {} on", text.size() - parser.left());
  }
  return out;
}

std::string json_string(ByteView text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out + "\"";
}

}  // namespace milena::log
