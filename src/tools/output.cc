#include "tools/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace milena::tools {
namespace {

bool is_number(const std::string& text) {
  size_t begin = text.starts_with("-") ? 1 : 0;
  return text.size() > begin && text.size() < 19 + begin && (text[begin] != '0' || text.size() == begin + 1) &&
         std::all_of(text.begin() + static_cast<ptrdiff_t>(begin), text.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

// The bytes of the UTF-8 sequence at the front of `text`; 0 if there is none.
size_t utf8_length(ByteView text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0u; };
  uint32_t first = byte(0);
  size_t length = first < 0x80                    ? 1
                  : first >= 0xc2 && first < 0xe0 ? 2
                  : first >= 0xe0 && first < 0xf0 ? 3
                  : first >= 0xf0 && first < 0xf5 ? 4
                                                  : 0;
  for (size_t i = 1; i < length; i++) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  bool surrogate = first == 0xed && byte(1) >= 0xa0;
  bool beyond = first == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

bool is_utf8(ByteView text) {
  while (!text.empty()) {
    size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string json_text(ByteView text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    size_t length = utf8_length(text.substr(at));
    char c = text[at];
    if (length == 0) {
      out += "\\ufffd";
    } else if (length > 1) {
      out.append(text.substr(at, length));
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<uint8_t>(c));
    } else {
      out += c;
    }
    at += std::max<size_t>(length, 1);
  }
  return out + "\"";
}

Table::Table(std::vector<std::string> heads) : heads_(std::move(heads)) {
  for (std::string& head : heads_) {
    Kind kind = head.ends_with("[]") ? Kind::kNumbers : head.ends_with("$") ? Kind::kText : Kind::kAny;
    head.resize(head.size() - (kind == Kind::kNumbers ? 2 : kind == Kind::kText ? 1 : 0));
    kinds_.push_back(kind);
  }
}

std::string Table::text() const {
  std::vector<size_t> widths;
  std::vector<bool> right;
  for (size_t i = 0; i < heads_.size(); i++) {
    widths.push_back(heads_[i].size());
    right.push_back(!rows_.empty());
    for (const auto& row : rows_) {
      widths[i] = std::max(widths[i], row[i].size());
      if (!is_number(row[i]) && row[i] != "-") right[i] = false;
    }
  }
  std::string out;
  auto add = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); i++) {
      line += right[i] ? fmt::format("{:>{}}  ", cells[i], widths[i]) : fmt::format("{:<{}}  ", cells[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add(heads_);
  for (const auto& row : rows_) add(row);
  return out;
}

std::string Table::json() const {
  std::string out = "[";
  const char* between = "\n  ";
  for (const auto& row : rows_) {
    out += between;
    out += "{";
    for (size_t i = 0; i < row.size(); i++) {
      std::string name = heads_[i];
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c == ' ' || c == '-' ? '_' : c | 0x20; });
      const std::string& cell = row[i];
      bool bare = kinds_[i] == Kind::kAny && (is_number(cell) || cell == "true" || cell == "false");
      std::string value = bare ? cell : cell == "-" ? "null" : json_text(cell);
      if (kinds_[i] == Kind::kNumbers) value = "[" + cell + "]";
      out += fmt::format("{}{}: {}", i == 0 ? "" : ", ", json_text(name), value);
    }
    out += "}";
    between = ",\n  ";
  }
  return out + (rows_.empty() ? "]\n" : "\n]\n");
}

void Table::print(bool as_json) const {
  fmt::print("{}", as_json ? json() : text());
}

std::string readable_bytes(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    unit++;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string readable_time(int64_t milliseconds) {
  time_t seconds = milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, milliseconds - seconds * 1000);
}

}  // namespace milena::tools
