#include "tools/records/line_format.h"

#include <fmt/format.h>
#include <poll.h>
#include <strings.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cmath>

#include "tools/transport.h"

namespace milena::tools {
namespace {

using PropertyMap = std::map<std::string, std::string>;

void take_text(const PropertyMap& properties, const char* key, std::string& to) {
  if (auto found = properties.find(key); found != properties.end()) to = found->second;
}

void take_bool(const PropertyMap& properties, const char* key, bool& to) {
  auto found = properties.find(key);
  if (found == properties.end()) return;
  size_t begin = found->second.find_first_not_of(" \t");
  size_t end = found->second.find_last_not_of(" \t");
  to = begin != std::string::npos && ::strcasecmp(found->second.substr(begin, end - begin + 1).c_str(), "true") == 0;
}

}  // namespace

Result<LineParser> LineParser::from_properties(const PropertyMap& properties) {
  LineParser parser;
  take_bool(properties, "parse.key", parser.with_key_);
  take_bool(properties, "parse.headers", parser.with_headers_);
  take_bool(properties, "ignore.error", parser.lenient_);
  take_text(properties, "key.separator", parser.key_separator_);
  take_text(properties, "headers.delimiter", parser.headers_delimiter_);
  take_text(properties, "headers.separator", parser.headers_separator_);
  take_text(properties, "headers.key.separator", parser.headers_key_separator_);
  if (auto found = properties.find("null.marker"); found != properties.end()) parser.null_marker_ = found->second;
  const std::pair<const char*, const std::string*> marks[] = {{"headers.delimiter", &parser.headers_delimiter_},
                                                              {"headers.separator", &parser.headers_separator_},
                                                              {"headers.key.separator", &parser.headers_key_separator_},
                                                              {"key.separator", &parser.key_separator_}};
  for (const auto& [name, text] : marks) {
    if (text->empty()) return make_error(ErrorKind::kInvalid, "{}: expected a text", name);
    if (parser.null_marker_ == *text) {
      return make_error(ErrorKind::kInvalid, "null.marker and {} may not be equal", name);
    }
  }
  for (size_t i = 0; i < 3; i++) {
    for (size_t k = i + 1; k < 3; k++) {
      if (*marks[i].second != *marks[k].second) continue;
      return make_error(ErrorKind::kInvalid, "{} and {} may not be equal", marks[i].first, marks[k].first);
    }
  }
  return parser;
}

Result<LineParser::Piece> LineParser::cut(const std::string& line, size_t& at, const std::string& mark,
                                          const char* what, int64_t number) const {
  size_t end = line.find(mark, at);
  if (end == std::string::npos) {
    if (lenient_) return Piece{};
    return make_error(ErrorKind::kInvalid, "No {} found on line number {}: '{}'", what, number, line);
  }
  Piece piece{true, line.substr(at, end - at)};
  at = end + mark.size();
  return piece;
}

Status LineParser::parse_headers(const std::string& text, int64_t number, TextRecord& record) const {
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(headers_separator_, begin), text.size());
    std::string pair = text.substr(begin, end - begin);
    begin = end + headers_separator_.size();
    size_t colon = pair.find(headers_key_separator_);
    if (colon == std::string::npos) {
      if (!lenient_) {
        return make_error(ErrorKind::kInvalid, "No header key separator found in pair '{}' on line number {}", pair,
                          number);
      }
      record.headers.emplace_back(pair, std::nullopt);
      continue;
    }
    std::string key = pair.substr(0, colon);
    if (null_marker_ == key) {
      return make_error(ErrorKind::kInvalid,
                        "Header keys should not be equal to the null marker '{}' as they can't be null", key);
    }
    std::optional<std::string> value = pair.substr(colon + headers_key_separator_.size());
    if (null_marker_ == value) value.reset();
    record.headers.emplace_back(key, value);
  }
  return ok_status();
}

Result<TextRecord> LineParser::parse(const std::string& line, int64_t number) const {
  TextRecord record;
  size_t at = 0;
  if (with_headers_) {
    Result<Piece> headers = cut(line, at, headers_delimiter_, "headers delimiter", number);
    RETURN_IF_ERROR(headers);
    if (headers->there && null_marker_ != headers->text) {
      RETURN_IF_ERROR(parse_headers(headers->text, number, record));
    }
  }
  if (with_key_) {
    Result<Piece> key = cut(line, at, key_separator_, "key separator", number);
    RETURN_IF_ERROR(key);
    if (key->there && null_marker_ != key->text) record.key = key->text;
  }
  record.value = line.substr(at);
  if (null_marker_ == record.value) record.value.reset();
  return record;
}

namespace {

Result<LineFormatter::Type> deserializer(const PropertyMap& properties, const char* key) {
  using Type = LineFormatter::Type;
  std::string name;
  take_text(properties, key, name);
  name = name.substr(name.rfind('.') + 1);
  constexpr std::pair<const char*, Type> kKnown[] = {{"", Type::kBytes},
                                                     {"StringDeserializer", Type::kBytes},
                                                     {"ByteArrayDeserializer", Type::kBytes},
                                                     {"BytesDeserializer", Type::kBytes},
                                                     {"ShortDeserializer", Type::kShort},
                                                     {"IntegerDeserializer", Type::kInteger},
                                                     {"LongDeserializer", Type::kLong},
                                                     {"FloatDeserializer", Type::kFloat},
                                                     {"DoubleDeserializer", Type::kDouble}};
  for (const auto& [known, type] : kKnown) {
    if (name == known) return type;
  }
  return make_error(ErrorKind::kInvalid, "{}: unknown deserializer {}", key, name);
}

}  // namespace

Result<LineFormatter> LineFormatter::from_properties(const std::string& class_name, const PropertyMap& properties) {
  LineFormatter formatter;
  std::string name = class_name.substr(class_name.rfind('.') + 1);
  if (name == "LoggingMessageFormatter")
    formatter.kind_ = Kind::kLogging;
  else if (name == "NoOpMessageFormatter")
    formatter.kind_ = Kind::kNothing;
  else if (!name.empty() && name != "DefaultMessageFormatter") {
    return make_error(ErrorKind::kInvalid, "{}: unknown formatter", class_name);
  }
  take_bool(properties, "print.timestamp", formatter.timestamp_);
  take_bool(properties, "print.key", formatter.key_);
  take_bool(properties, "print.value", formatter.value_);
  take_bool(properties, "print.partition", formatter.partition_);
  take_bool(properties, "print.offset", formatter.offset_);
  take_bool(properties, "print.delivery", formatter.delivery_);
  take_bool(properties, "print.epoch", formatter.epoch_);
  take_bool(properties, "print.headers", formatter.headers_);
  take_text(properties, "key.separator", formatter.key_separator_);
  take_text(properties, "line.separator", formatter.line_separator_);
  take_text(properties, "headers.separator", formatter.headers_separator_);
  take_text(properties, "null.literal", formatter.null_literal_);
  const std::pair<const char*, Type*> types[] = {{"key.deserializer", &formatter.key_type_},
                                                 {"value.deserializer", &formatter.value_type_},
                                                 {"headers.deserializer", &formatter.header_type_}};
  for (const auto& [key, type] : types) {
    Result<Type> found = deserializer(properties, key);
    RETURN_IF_ERROR(found);
    *type = *found;
  }
  return formatter;
}

namespace {

template <class Number>
std::string java_number(Number number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  Number size = std::fabs(number);
  if (size != 0 && (size < Number(1e-3) || size >= Number(1e7))) {
    std::string text = fmt::format("{:e}", number);
    std::string exact = fmt::format("{}", number);
    size_t e = exact.find('e');
    std::string digits = e == std::string::npos ? exact : exact.substr(0, e);
    int exponent = std::stoi(text.substr(text.find('e') + 1));
    if (e == std::string::npos) {  // all digits are written out: the point goes behind the first
      bool negative = digits[0] == '-';
      digits.erase(0, negative ? 1 : 0);
      std::erase(digits, '.');
      digits.erase(0, digits.find_first_not_of('0'));
      digits.erase(digits.find_last_not_of('0') + 1);
      digits = (negative ? "-" : "") + digits.substr(0, 1) + "." + (digits.size() > 1 ? digits.substr(1) : "0");
    } else if (digits.find('.') == std::string::npos) {
      digits += ".0";
    }
    return fmt::format("{}E{}", digits, exponent);
  }
  std::string text = fmt::format("{}", number);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

size_t size_of(LineFormatter::Type type) {
  switch (type) {
    case LineFormatter::Type::kBytes:
      return 0;
    case LineFormatter::Type::kByte:
      return 1;
    case LineFormatter::Type::kShort:
      return 2;
    case LineFormatter::Type::kInteger:
    case LineFormatter::Type::kFloat:
      return 4;
    case LineFormatter::Type::kLong:
    case LineFormatter::Type::kDouble:
      return 8;
  }
  return 0;
}

}  // namespace

std::string java_double(double number) {
  return java_number(number);
}

Result<std::string> LineFormatter::shown(const std::optional<ByteView>& bytes, Type type) const {
  ByteView given = bytes ? *bytes : ByteView(null_literal_);
  if (type == Type::kBytes) return std::string(given);
  if (given.size() != size_of(type)) {
    return make_error(ErrorKind::kInvalid, "Size of data received by the deserializer is not {}", size_of(type));
  }
  switch (type) {
    case Type::kShort:
      return std::to_string(load_big_endian<int16_t>(given.data()));
    case Type::kInteger:
      return std::to_string(load_big_endian<int32_t>(given.data()));
    case Type::kLong:
      return std::to_string(load_big_endian<int64_t>(given.data()));
    case Type::kFloat:
      return java_number(std::bit_cast<float>(load_big_endian<int32_t>(given.data())));
    case Type::kDouble:
      return java_number(std::bit_cast<double>(load_big_endian<int64_t>(given.data())));
    default:
      return std::string(given);
  }
}

Result<std::string> LineFormatter::format(const FetchedRecord& record) const {
  if (kind_ == Kind::kNothing) return std::string();
  std::string time =
      record.timestamp_ms < 0 && !record.log_append_time
          ? "NO_TIMESTAMP"
          : fmt::format("{}:{}", record.log_append_time ? "LogAppendTime" : "CreateTime", record.timestamp_ms);
  std::string out;
  auto column = [&](const std::string& text) {
    if (!out.empty()) out += key_separator_;
    out += text;
  };
  if (timestamp_) column(time);
  if (partition_) column(fmt::format("Partition:{}", record.partition));
  if (offset_) column(fmt::format("Offset:{}", record.offset));
  if (delivery_) column("Delivery:NOT_PRESENT");
  if (epoch_) column("Epoch:NOT_PRESENT");
  bool first = out.empty();
  auto column_or_first = [&](const std::string& text) {
    if (!first) out += key_separator_;
    first = false;
    out += text;
  };
  if (headers_) {
    std::string headers;
    for (const auto& [key, value] : record.headers) {
      Result<std::string> text = shown(value, header_type_);
      RETURN_IF_ERROR(text);
      headers += fmt::format("{}{}:{}", headers.empty() ? "" : headers_separator_, key, *text);
    }
    column_or_first(record.headers.empty() ? "NO_HEADERS" : headers);
  }
  if (key_) {
    Result<std::string> text = shown(record.key, key_type_);
    RETURN_IF_ERROR(text);
    column_or_first(*text);
  }
  if (value_) {
    Result<std::string> text = shown(record.value, value_type_);
    RETURN_IF_ERROR(text);
    column_or_first(*text);
  }
  bool nothing = first && !value_;
  return nothing ? std::string() : out + line_separator_;
}

bool LineInput::fill() {
  if (ended_) return false;
  if (at_ > 0) buffer_.erase(0, std::exchange(at_, 0));
  size_t had = buffer_.size();
  buffer_.resize(had + 64 * 1024);
  ssize_t count = 0;
  do {
    count = ::read(descriptor_, buffer_.data() + had, buffer_.size() - had);
  } while (count < 0 && errno == EINTR && !stop_requested());
  buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(count, 0)));
  failed_ = count < 0 && !stop_requested();
  ended_ = count <= 0;
  return !ended_;
}

bool LineInput::next(std::string& line) {
  size_t searched = at_;
  for (;;) {
    size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      line.assign(buffer_, at_, end - at_);
      taken_bytes_ += static_cast<int64_t>(end + 1 - at_);
      at_ = end + 1;
      break;
    }
    size_t rest = buffer_.size() - at_;
    if (fill()) {
      searched = rest;
      continue;
    }
    if (rest == 0 || failed_ || stop_requested()) return false;
    line.assign(buffer_, at_);
    taken_bytes_ += static_cast<int64_t>(rest);
    at_ = buffer_.size();
    break;
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

bool LineInput::must_wait() {
  if (ended_ || buffer_.find('\n', at_) != std::string::npos) return false;
  pollfd poll{descriptor_, POLLIN, 0};
  return ::poll(&poll, 1, 0) == 0;
}

}  // namespace milena::tools
