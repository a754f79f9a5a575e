#include "metadata/config_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace milena {
namespace {

ByteView type_name(ConfigType type) {
  switch (type) {
    case ConfigType::kInt:
      return "INT";
    case ConfigType::kShort:
      return "SHORT";
    case ConfigType::kLong:
      return "LONG";
    default:
      return "DOUBLE";
  }
}

bool equals_ignoring_case(ByteView a, ByteView lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x) == y; });
}

Bytes refuse(const ConfigRule& def, ByteView value, ByteView why) {
  return fmt::format("The value {} is not valid for {}: {}", value, def.name, why);
}

std::optional<Bytes> check_range(const ConfigRule& def, ByteView value, double number) {
  if (def.check == ConfigCheck::kRangeOrMinusOne) {
    if (number == -1 || (number >= def.min && number <= def.max)) return std::nullopt;
    return refuse(def, value, fmt::format("it must be between {:.0f} and {:.0f}, or -1", def.min, def.max));
  }
  // Not "unless in range": Kafka lets NaN pass.
  if (number < def.min) return refuse(def, value, fmt::format("it must be at least {:.0f}", def.min));
  if (number > def.max) return refuse(def, value, fmt::format("it must be no more than {:.0f}", def.max));
  return std::nullopt;
}

bool is_one_of(ByteView word, ByteView valid) {
  const std::vector<ByteView> words = parse_config_list(valid);
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_number(ByteView text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "0:1" entries, or "*" alone.
bool are_throttled_replicas(const std::vector<ByteView>& entries) {
  if (entries.size() == 1 && entries[0] == "*") return true;
  return std::all_of(entries.begin(), entries.end(), [](ByteView entry) {
    if (entry.empty()) return true;
    const size_t colon = entry.find(':');
    return colon != ByteView::npos && is_number(entry.substr(0, colon)) && is_number(entry.substr(colon + 1));
  });
}

std::optional<Bytes> check_list(const ConfigRule& def, ByteView value) {
  const std::vector<ByteView> entries = parse_config_list(value);
  if (def.check == ConfigCheck::kOneOf) {
    for (const ByteView entry : entries) {
      if (entry.empty()) return fmt::format("The list {} has an empty entry", def.name);
      if (!is_one_of(entry, def.valid))
        return refuse(def, entry, fmt::format("it must be one of {}", def.valid));
    }
  } else if (def.check == ConfigCheck::kThrottledReplicas && !are_throttled_replicas(entries)) {
    return refuse(def, fmt::format("[{}]", fmt::join(entries, ", ")),
                  "it must be * or a list of partition:broker pairs, like 0:1,1:1");
  }
  return std::nullopt;
}

}  // namespace

ByteView trim_config_value(ByteView text) {
  // String.trim: everything up to the blank.
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<bool> parse_config_bool(ByteView text) {
  text = trim_config_value(text);
  if (equals_ignoring_case(text, "true")) return true;
  if (equals_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

std::optional<int64_t> parse_config_int(ByteView text, ConfigType type) {
  text = trim_config_value(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (type == ConfigType::kInt && value != static_cast<int32_t>(value)) return std::nullopt;
  if (type == ConfigType::kShort && value != static_cast<int16_t>(value)) return std::nullopt;
  return value;
}

// Double.parseDouble: a sign, digits, an exponent, a suffix out of fFdD; NaN and Infinity as words. (Its
// hexadecimal form is not taken: nobody sets a ratio so.)
std::optional<double> parse_config_double(ByteView text) {
  text = trim_config_value(text);
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
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  // Too large or too small to say; strtod knows which.
  if (error == std::errc::result_out_of_range) value = std::strtod(Bytes(text).c_str(), nullptr);
  return sign * value;
}

std::vector<ByteView> parse_config_list(ByteView text) {
  std::vector<ByteView> entries;
  text = trim_config_value(text);
  if (text.empty()) return entries;
  while (true) {
    const size_t comma = text.find(',');
    entries.push_back(trim_config_value(text.substr(0, comma)));
    if (comma == ByteView::npos) return entries;
    text.remove_prefix(comma + 1);
  }
}

// Double.toString for the numbers that occur: 0.5, 1.0.
static Bytes double_text(double value) {
  Bytes text = fmt::format("{}", value);
  if (text.find_first_not_of("0123456789-") == Bytes::npos) text += ".0";
  return text;
}

Bytes canonical_config_value(const ConfigRule& def, ByteView value) {
  switch (def.type) {
    case ConfigType::kBoolean:
      if (const auto parsed = parse_config_bool(value)) return *parsed ? "true" : "false";
      break;
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong:
      if (const auto parsed = parse_config_int(value, def.type)) return fmt::format("{}", *parsed);
      break;
    case ConfigType::kDouble:
      if (const auto parsed = parse_config_double(value)) return double_text(*parsed);
      break;
    case ConfigType::kList: {
      std::vector<ByteView> unique;
      for (const ByteView entry : parse_config_list(value)) {
        if (std::find(unique.begin(), unique.end(), entry) == unique.end()) unique.push_back(entry);
      }
      return fmt::format("{}", fmt::join(unique, ","));
    }
    default:
      break;
  }
  return Bytes(trim_config_value(value));
}

std::optional<Bytes> check_config_rule(const ConfigRule& def, ByteView value) {
  switch (def.type) {
    case ConfigType::kBoolean:
      if (!parse_config_bool(value)) return refuse(def, value, "it must be true or false");
      return std::nullopt;
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong: {
      const std::optional<int64_t> number = parse_config_int(value, def.type);
      if (!number)
        return refuse(def, value, fmt::format("it is not a number of type {}", type_name(def.type)));
      if (def.check == ConfigCheck::kNone) return std::nullopt;
      return check_range(def, trim_config_value(value), static_cast<double>(*number));
    }
    case ConfigType::kDouble: {
      const std::optional<double> number = parse_config_double(value);
      if (!number) return refuse(def, value, "it is not a number of type DOUBLE");
      return check_range(def, trim_config_value(value), *number);
    }
    case ConfigType::kList:
      return check_list(def, value);
    default:
      if (def.check == ConfigCheck::kOneOf && !is_one_of(trim_config_value(value), def.valid)) {
        return refuse(def, trim_config_value(value), fmt::format("it must be one of {}", def.valid));
      }
      return std::nullopt;
  }
}

}  // namespace milena
