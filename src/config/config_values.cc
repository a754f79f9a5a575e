#include "config/config_values.h"

#include "base/ascii.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace milena::config {

ByteView trim_blanks(ByteView text) {
  return trim_if(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

std::optional<int64_t> parse_integer(ByteView text) {
  text = trim_blanks(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// A sign, digits, an exponent, a suffix of fFdD; NaN and Infinity as words.
std::optional<double> parse_double(ByteView text) {
  text = trim_blanks(text);
  double sign = 1;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
  }
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return sign * std::numeric_limits<double>::infinity();
  if (text.size() > 1 && ByteView("fFdD").find(text.back()) != ByteView::npos) text.remove_suffix(1);
  if (text.empty() || !((text[0] >= '0' && text[0] <= '9') || text[0] == '.')) return std::nullopt;
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  // Too large or too small; strtod decides which.
  if (error == std::errc::result_out_of_range) value = std::strtod(Bytes(text).c_str(), nullptr);
  return sign * value;
}

std::optional<bool> parse_boolean(ByteView text) {
  text = trim_blanks(text);
  if (equals_ignoring_case(text, "true")) return true;
  if (equals_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

std::vector<ByteView> split_list(ByteView text) {
  std::vector<ByteView> items;
  text = trim_blanks(text);
  if (text.empty()) return items;
  while (true) {
    size_t comma = text.find(',');
    items.push_back(trim_blanks(text.substr(0, comma)));
    if (comma == ByteView::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::vector<Bytes> parse_list(ByteView text) {
  std::vector<ByteView> items = split_list(text);
  return {items.begin(), items.end()};
}

Bytes double_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  double size = std::fabs(value);
  if (size == 0 || (size >= 1e-3 && size < 1e7)) {
    Bytes text = fmt::format("{}", value);
    return text.find('.') == Bytes::npos ? text + ".0" : text;
  }
  // The shortest digits that identify the number, as a mantissa with a point and a bare exponent. (std::to_chars has
  // tables for this that would be a hundredth of the whole program.)
  Bytes text;
  for (int digits = 0; digits <= std::numeric_limits<double>::max_digits10; digits++) {
    text = fmt::format("{:.{}e}", value, digits);
    if (std::strtod(text.c_str(), nullptr) == value) break;
  }
  size_t e = text.find('e');
  Bytes mantissa = text.substr(0, e);
  if (mantissa.find('.') == Bytes::npos) mantissa += ".0";
  return fmt::format("{}E{}", mantissa, std::atoi(text.c_str() + e + 1));
}

}  // namespace milena::config
