// Validates the text of a config, with error messages: Kafka's ConfigDef, its parsing and validators.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/ascii.h"
#include "config/config_def.h"
#include "config/config_values.h"

namespace milena::config {
namespace {

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  ByteView low_text;
  ByteView high_text;
  ByteView also;  // another allowed value outside of the range
};

// "[1,...]", "[1,...,9]", "[1,...,9] or -1"
Range parse_range(ByteView valid) {
  Range range;
  size_t end = valid.find(']');
  ByteView inside = valid.substr(1, end - 1);
  size_t dots = inside.find(",...");
  range.low_text = inside.substr(0, dots);
  range.low = parse_double(range.low_text).value();
  if (dots + 4 < inside.size()) {
    range.high_text = inside.substr(dots + 5);
    range.high = parse_double(range.high_text).value();
  }
  size_t alternative = valid.find(" or ", end);
  if (alternative != ByteView::npos) range.also = valid.substr(alternative + 4);
  return range;
}

// The complaint about a number; empty if it is valid. Kafka lets NaN pass.
Bytes outside_range(ByteView valid, double number, ByteView text) {
  if (!valid.starts_with('[')) return {};
  Range range = parse_range(valid);
  bool low = number < range.low, high = number > range.high;
  if (!range.also.empty()) {
    if (text == range.also || !(low || high)) return {};
    return fmt::format("Value must be between {} and {} or equal to {}", range.low_text, range.high_text, range.also);
  }
  if (low) return fmt::format("Value must be at least {}", range.low_text);
  if (high) return fmt::format("Value must be no more than {}", range.high_text);
  return {};
}

bool any_case(ByteView valid) { return valid.ends_with(" any case"); }
ByteView choices(ByteView valid) { return valid.substr(1, valid.find('}') - 1); }

bool is_choice(ByteView valid, ByteView text) {
  for (ByteView choice : split_list(choices(valid))) {
    if (any_case(valid) ? equals_ignoring_case(choice, text) : choice == text) return true;
  }
  return false;
}

bool is_number(ByteView text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "0:1" entries, or "*" alone.
bool are_throttled_replicas(const std::vector<ByteView>& entries) {
  if (entries.size() == 1 && entries[0] == "*") return true;
  return std::all_of(entries.begin(), entries.end(), [](ByteView entry) {
    if (entry.empty()) return true;
    size_t colon = entry.find(':');
    return colon != ByteView::npos && is_number(entry.substr(0, colon)) && is_number(entry.substr(colon + 1));
  });
}

// One number of an ISO duration, with its unit: "10D", "0.5S". Removes it from the text.
bool take_amount(ByteView& text, ByteView& units, bool fraction) {
  size_t digits = 0;
  while (digits < text.size() && ((text[digits] >= '0' && text[digits] <= '9') || (fraction && text[digits] == '.')))
    digits++;
  if (digits == 0 || digits == text.size()) return false;
  char unit = text[digits] >= 'a' ? static_cast<char>(text[digits] - 32) : text[digits];
  size_t place = units.find(unit);
  if (place == ByteView::npos) return false;
  if (text.substr(0, digits).find('.') != ByteView::npos && unit != 'S') return false;
  units.remove_prefix(place + 1);
  text.remove_prefix(digits + 1);
  return true;
}

// A non-negative duration that Duration.parse accepts: PnDTnHnMn.nS.
bool is_duration(ByteView text) {
  if (text.size() < 3 || (text[0] != 'P' && text[0] != 'p')) return false;
  text.remove_prefix(1);
  ByteView days = "D", rest = "HMS";
  while (!text.empty() && text[0] != 'T' && text[0] != 't') {
    if (!take_amount(text, days, false)) return false;
  }
  if (text.empty()) return true;
  text.remove_prefix(1);
  if (text.empty()) return false;
  while (!text.empty()) {
    if (!take_amount(text, rest, true)) return false;
  }
  return true;
}

bool is_offset_reset(ByteView text) {
  if (text == "earliest" || text == "latest") return true;
  constexpr ByteView kPrefix = "by_duration:";
  return text.starts_with(kPrefix) && is_duration(text.substr(kPrefix.size()));
}

bool fits_type(ConfigType type, int64_t number) {
  if (type == ConfigType::kShort) return number >= INT16_MIN && number <= INT16_MAX;
  if (type == ConfigType::kInt) return number >= INT32_MIN && number <= INT32_MAX;
  return true;
}

ByteView java_type_name(ConfigType type) {
  switch (type) {
    case ConfigType::kInt: return "INT";
    case ConfigType::kShort: return "SHORT";
    case ConfigType::kLong: return "LONG";
    default: return "DOUBLE";
  }
}

Bytes one_of_message(ByteView valid) {
  return fmt::format("String must be one of{}: {}", any_case(valid) ? " (case insensitive)" : "", choices(valid));
}

Bytes refusal(const ConfigDef& def, ByteView value, ByteView why) {
  return fmt::format("Invalid value {} for configuration {}: {}", value, def.name, why);
}

std::optional<Bytes> list_complaint(const ConfigDef& def, ByteView text) {
  ByteView valid = def.valid;
  std::vector<ByteView> items = split_list(text);
  if (valid == "throttled-replicas") {
    if (are_throttled_replicas(items)) return std::nullopt;
    return refusal(def, fmt::format("[{}]", fmt::join(items, ", ")),
                   fmt::format("{} must be the literal '*' or a list of replicas in the following format: "
                               "[partitionId]:[brokerId],[partitionId]:[brokerId],...", def.name));
  }
  if (valid == "non-empty" && items.empty()) {
    return fmt::format("Configuration '{}' must not be empty. Valid values include: any non-empty value", def.name);
  }
  if (valid.empty()) return std::nullopt;
  for (ByteView item : items) {
    if (item.empty()) return fmt::format("Configuration '{}' values must not be empty.", def.name);
    if (valid.starts_with('{') && !is_choice(valid, item)) return refusal(def, item, one_of_message(valid));
  }
  return std::nullopt;
}

std::optional<Bytes> text_complaint(const ConfigDef& def, ByteView text) {
  ByteView valid = def.valid;
  if (valid == "non-empty" && text.empty()) return refusal(def, text, "String must be non-empty");
  if (valid.starts_with('{') && !is_choice(valid, text)) return refusal(def, text, one_of_message(valid));
  if (valid == "offset-reset" && !is_offset_reset(text)) {
    return refusal(
        def, text,
        fmt::format("Invalid value `{}` for configuration {}. The value must be either 'earliest', 'latest' or "
                    "of the format 'by_duration:<PnDTnHnMn.nS>'.",
                    text, def.name));
  }
  return std::nullopt;
}

std::optional<Bytes> number_complaint(const ConfigDef& def, ByteView text) {
  double number = 0;
  if (def.type == ConfigType::kDouble) {
    auto parsed = parse_double(text);
    if (!parsed) return refusal(def, text, "Not a number of type DOUBLE");
    number = *parsed;
  } else {
    auto parsed = parse_integer_of(def.type, text);
    if (!parsed) return refusal(def, text, fmt::format("Not a number of type {}", java_type_name(def.type)));
    number = static_cast<double>(*parsed);
  }
  Bytes value = canonical_config_value(def, text);
  Bytes why = outside_range(def.valid, number, value);
  if (why.empty()) return std::nullopt;
  return refusal(def, value, why);
}

}  // namespace

std::optional<int64_t> parse_integer_of(ConfigType type, ByteView text) {
  auto number = parse_integer(text);
  return number && fits_type(type, *number) ? number : std::nullopt;
}

std::optional<Bytes> config_complaint(const ConfigDef& def, ByteView text) {
  switch (def.type) {
    case ConfigType::kBoolean:
      if (parse_boolean(text)) return std::nullopt;
      return refusal(def, text, "Expected value to be either true or false");
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong:
    case ConfigType::kDouble:
      return number_complaint(def, text);
    case ConfigType::kList:
      return list_complaint(def, text);
    default:
      return text_complaint(def, trim_blanks(text));
  }
}

Bytes canonical_config_value(const ConfigDef& def, ByteView text) {
  switch (def.type) {
    case ConfigType::kBoolean:
      if (auto parsed = parse_boolean(text)) return *parsed ? "true" : "false";
      break;
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong:
      if (auto parsed = parse_integer_of(def.type, text)) return fmt::format("{}", *parsed);
      break;
    case ConfigType::kDouble:
      if (auto parsed = parse_double(text)) return double_text(*parsed);
      break;
    case ConfigType::kList: {
      std::vector<ByteView> unique;
      for (ByteView item : split_list(text)) {
        if (std::find(unique.begin(), unique.end(), item) == unique.end()) unique.push_back(item);
      }
      return fmt::format("{}", fmt::join(unique, ","));
    }
    default:
      break;
  }
  return Bytes(trim_blanks(text));
}

std::string describe_expected(const ConfigDef& def) {
  ByteView valid = def.valid;
  std::string what;
  switch (def.type) {
    case ConfigType::kBoolean: return "true or false";
    case ConfigType::kInt: what = "an integer"; break;
    case ConfigType::kShort: what = "a small integer"; break;
    case ConfigType::kLong: what = "an integer"; break;
    case ConfigType::kDouble: what = "a number"; break;
    case ConfigType::kList: what = "a list separated by commas"; break;
    default: what = "a text"; break;
  }
  if (valid == "non-empty") return what + " that is not empty";
  if (valid == "items") return what + ", without empty items";
  if (valid.starts_with('{')) {
    return fmt::format("{}{}", def.type == ConfigType::kList ? "some of " : "one of ", choices(valid));
  }
  if (valid.starts_with('[')) {
    Range range = parse_range(valid);
    what += range.high_text.empty() ? fmt::format(" of at least {}", range.low_text)
                                    : fmt::format(" from {} to {}", range.low_text, range.high_text);
    if (!range.also.empty()) what += fmt::format(", or {}", range.also);
  }
  return what;
}

Status check_config_value(const ConfigDef& def, ByteView text) {
  if (!config_complaint(def, text)) return ok_status();
  return make_error(ErrorKind::kInvalid, "expected {}", describe_expected(def));
}

}  // namespace milena::config
