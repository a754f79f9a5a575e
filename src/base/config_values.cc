#include "base/config_values.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

namespace milena {

ByteView trim_blanks(ByteView text) {
  constexpr ByteView kBlanks = " \t\r\n\f\v";
  size_t first = text.find_first_not_of(kBlanks);
  if (first == ByteView::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<int64_t> parse_integer(ByteView text) {
  text = trim_blanks(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<double> parse_double(ByteView text) {
  Bytes copy(trim_blanks(text));
  if (copy.empty()) return std::nullopt;
  char* end = nullptr;
  double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(ByteView text) {
  text = trim_blanks(text);
  if (equals_ignoring_case(text, "true")) return true;
  if (equals_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

std::vector<Bytes> parse_list(ByteView text) {
  std::vector<Bytes> items;
  text = trim_blanks(text);
  if (text.empty()) return items;
  while (true) {
    size_t comma = text.find(',');
    items.emplace_back(trim_blanks(text.substr(0, comma)));
    if (comma == ByteView::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

bool equals_ignoring_case(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

}  // namespace milena
