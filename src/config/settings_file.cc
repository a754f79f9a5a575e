#include "config/settings_file.h"

#include "base/file.h"
#include "config/config_values.h"

namespace milena::config {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

void append_utf8(Bytes& to, uint32_t code) {
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xC0 | code >> 6);
    to += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    to += static_cast<char>(0xE0 | code >> 12);
    to += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    to += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    to += static_cast<char>(0xF0 | code >> 18);
    to += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    to += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    to += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// The four hex digits behind \u.
std::optional<uint32_t> parse_unit(ByteView text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t code = 0;
  for (char c : text.substr(0, 4)) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return std::nullopt;
    code = code * 16 + static_cast<uint32_t>(digit);
  }
  return code;
}

// Takes an escape from the front of `rest`, which begins behind the backslash.
bool unescape_one(ByteView& rest, Bytes& to) {
  char c = rest[0];
  rest.remove_prefix(1);
  switch (c) {
    case 't': to += '\t'; return true;
    case 'n': to += '\n'; return true;
    case 'r': to += '\r'; return true;
    case 'f': to += '\f'; return true;
    case 'u': break;
    default: to += c; return true;
  }
  auto unit = parse_unit(rest);
  if (!unit) return false;
  rest.remove_prefix(4);
  uint32_t code = *unit;
  // Java writes characters beyond 16 bits as two units.
  if (code >= 0xD800 && code < 0xDC00 && rest.starts_with("\\u")) {
    auto second = parse_unit(rest.substr(2));
    if (second && *second >= 0xDC00 && *second < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (*second - 0xDC00);
      rest.remove_prefix(6);
    }
  }
  append_utf8(to, code);
  return true;
}

// One logical line to key and value.
bool split_line(ByteView line, FileSetting& setting) {
  while (!line.empty()) {
    char c = line[0];
    if (c == '=' || c == ':' || is_blank(c)) break;
    line.remove_prefix(1);
    if (c != '\\') {
      setting.key += c;
    } else if (!line.empty() && !unescape_one(line, setting.key)) {
      return false;
    }
  }
  bool seen_separator = false;
  while (!line.empty() && (is_blank(line[0]) || (!seen_separator && (line[0] == '=' || line[0] == ':')))) {
    seen_separator |= !is_blank(line[0]);
    line.remove_prefix(1);
  }
  while (!line.empty()) {
    char c = line[0];
    line.remove_prefix(1);
    if (c != '\\') {
      setting.value += c;
    } else if (!line.empty() && !unescape_one(line, setting.value)) {
      return false;
    }
  }
  return true;
}

// Takes one line; false at the end.
bool take_line(ByteView& rest, ByteView& line) {
  if (rest.empty()) return false;
  size_t end = rest.find_first_of("\r\n");
  line = rest.substr(0, end);
  if (end == ByteView::npos) {
    rest = {};
  } else {
    rest.remove_prefix(rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n' ? end + 2 : end + 1);
  }
  return true;
}

ByteView skip_blanks(ByteView line) {
  while (!line.empty() && is_blank(line[0])) line.remove_prefix(1);
  return line;
}

bool is_continued(ByteView line) {
  size_t last = line.find_last_not_of('\\');
  size_t backslashes = last == ByteView::npos ? line.size() : line.size() - last - 1;
  return backslashes % 2 == 1;
}

}  // namespace

Result<std::vector<FileSetting>> parse_properties(ByteView content) {
  std::vector<FileSetting> settings;
  int line_number = 0;
  ByteView line;
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  while (take_line(content, line)) {
    FileSetting setting;
    setting.line = ++line_number;
    line = skip_blanks(line);
    if (line.empty() || line[0] == '#' || line[0] == '!') continue;
    Bytes whole(line);
    while (is_continued(whole)) {
      whole.pop_back();
      if (!take_line(content, line)) break;
      line_number++;
      whole += skip_blanks(line);
    }
    if (!split_line(whole, setting)) {
      return make_error(ErrorKind::kInvalid, "line {}: \\u wants four hexadecimal digits behind it", setting.line);
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

Result<std::vector<FileSetting>> read_settings_file(const std::string& path) {
  Result<Bytes> content = posix_file_system().read_file(path);
  if (!content.ok()) {
    return make_error(content.error().kind, "cannot read the configuration file: {}", content.error().message);
  }
  bool yaml = path.ends_with(".yaml") || path.ends_with(".yml");
  Result<std::vector<FileSetting>> settings = yaml ? parse_yaml_settings(*content) : parse_properties(*content);
  if (!settings.ok()) return make_error(ErrorKind::kInvalid, "{}: {}", path, settings.error().message);
  return settings;
}

}  // namespace milena::config
