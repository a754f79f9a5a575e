#include "log/format/properties.h"

namespace milena::log {
namespace {

ByteView trim_front(ByteView text) {
  size_t start = text.find_first_not_of(" \t\f");
  return start == ByteView::npos ? ByteView() : text.substr(start);
}

// Up to an unescaped separator (for keys) or to the end; removes the backslashes.
std::string unescape(ByteView text, bool key, size_t& used) {
  std::string out;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    char c = text[i];
    if (key && (c == '=' || c == ':' || c == ' ' || c == '\t')) break;
    if (c == '\\' && i + 1 < text.size()) c = text[++i];
    out += c;
  }
  used = i;
  return out;
}

}  // namespace

Properties parse_properties(ByteView text) {
  Properties properties;
  while (!text.empty()) {
    size_t end = text.find_first_of("\r\n");
    ByteView line = trim_front(text.substr(0, end));
    text.remove_prefix(end == ByteView::npos ? text.size() : end + 1);
    if (line.empty() || line[0] == '#' || line[0] == '!') continue;
    size_t used = 0;
    std::string key = unescape(line, true, used);
    line = trim_front(line.substr(used));
    if (!line.empty() && (line[0] == '=' || line[0] == ':')) line = trim_front(line.substr(1));
    properties.emplace_back(std::move(key), unescape(line, false, used));
  }
  return properties;
}

const std::string* find_property(const Properties& properties, ByteView key) {
  for (auto it = properties.rbegin(); it != properties.rend(); ++it) {
    if (it->first == key) return &it->second;
  }
  return nullptr;
}

Bytes encode_properties(const Properties& properties) {
  Bytes text;
  for (const auto& [key, value] : properties) text += key + "=" + value + "\n";
  return text;
}

}  // namespace milena::log
