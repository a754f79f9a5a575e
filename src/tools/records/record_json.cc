#include "tools/records/record_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/output.h"

namespace milena::tools {
namespace {

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string bytes_to_json(const std::optional<ByteView>& bytes) {
  if (!bytes) return "null";
  if (!is_utf8(*bytes)) return fmt::format("{{\"base64\":\"{}\"}}", base64(*bytes));
  return json_text(*bytes);
}

}  // namespace

std::string base64(ByteView bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    auto byte = [&](size_t i) {
      return at + i < bytes.size() ? static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) : 0u;
    };
    uint32_t word = byte(0) << 16 | byte(1) << 8 | byte(2);
    size_t there = std::min<size_t>(3, bytes.size() - at);
    for (size_t i = 0; i < 4; i++) out += i <= there ? kDigits[word >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(const std::string& text) {
  std::string out;
  uint32_t word = 0;
  size_t bits = 0;
  size_t end = text.find_last_not_of('=') == std::string::npos ? 0 : text.find_last_not_of('=') + 1;
  for (size_t i = 0; i < end; i++) {
    const char* digit = std::char_traits<char>::find(kDigits, 64, text[i]);
    if (digit == nullptr) return std::nullopt;
    word = word << 6 | static_cast<uint32_t>(digit - kDigits);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(word >> bits & 0xff);
  }
  return out;
}

std::string record_to_json(const FetchedRecord& record) {
  std::string out = fmt::format("{{\"topic\":{},\"partition\":{},\"offset\":{}", json_text(record.topic),
                                record.partition, record.offset);
  if (record.timestamp_ms >= 0) out += fmt::format(",\"timestamp\":{}", record.timestamp_ms);
  out += fmt::format(",\"key\":{},\"value\":{}", bytes_to_json(record.key), bytes_to_json(record.value));
  if (!record.headers.empty()) {
    out += ",\"headers\":[";
    const char* between = "";
    for (const auto& [key, value] : record.headers) {
      out += fmt::format("{}[{},{}]", between, json_text(key), bytes_to_json(value));
      between = ",";
    }
    out += "]";
  }
  return out + "}";
}

namespace {

using Json = nlohmann::json;

Status take_bytes(const Json& json, std::optional<std::string>& to) {
  if (json.is_null()) {
    to.reset();
  } else if (json.is_string()) {
    to = json.get<std::string>();
  } else if (json.is_object() && json.size() == 1 && json.contains("base64") && json["base64"].is_string()) {
    to = from_base64(json["base64"].get<std::string>());
    if (!to) return make_error(ErrorKind::kInvalid, "{} is not base64", json["base64"].get<std::string>());
  } else {
    to = json.dump();
  }
  return ok_status();
}

Status take_headers(const Json& json, TextRecord& record) {
  auto add = [&](const std::string& key, const Json& value) {
    record.headers.emplace_back(key, std::nullopt);
    return take_bytes(value, record.headers.back().second);
  };
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) RETURN_IF_ERROR(add(key, value));
    return ok_status();
  }
  if (!json.is_array()) return make_error(ErrorKind::kInvalid, "headers: expected [[key, value], ...] or an object");
  for (const Json& pair : json) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) {
      return make_error(ErrorKind::kInvalid, "headers: expected [[key, value], ...] or an object");
    }
    RETURN_IF_ERROR(add(pair[0].get<std::string>(), pair[1]));
  }
  return ok_status();
}

Status take_member(const std::string& name, const Json& value, TextRecord& record) {
  if (name == "key") return take_bytes(value, record.key);
  if (name == "value") return take_bytes(value, record.value);
  if (name == "headers") return take_headers(value, record);
  if (name == "offset") return ok_status();  // written by consume; the broker assigns another
  if (name == "topic" && value.is_string()) {
    record.topic = value.get<std::string>();
  } else if (name == "partition" && value.is_number_integer() && value >= 0 && value <= INT32_MAX) {
    record.partition = value.get<int32_t>();
  } else if (name == "timestamp" && value.is_number_integer() && value >= 0) {
    record.timestamp_ms = value.get<int64_t>();
  } else {
    return make_error(ErrorKind::kInvalid, "{}: {} is unknown or has a wrong type", name, value.dump());
  }
  return ok_status();
}

}  // namespace

Result<TextRecord> record_from_json(const std::string& line, int64_t number) {
  Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return make_error(ErrorKind::kInvalid, "line {}: expected a JSON object", number);
  }
  TextRecord record;
  for (const auto& [name, value] : json.items()) {
    Status taken = take_member(name, value, record);
    if (!taken.ok()) return make_error(ErrorKind::kInvalid, "line {}: {}", number, taken.error().message);
  }
  return record;
}

}  // namespace milena::tools
