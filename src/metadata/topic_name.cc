#include "metadata/topic_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace milena::metadata {
namespace {

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

}  // namespace

std::optional<Bytes> invalid_topic_name(ByteView name) {
  if (name.empty()) return "A topic name must not be the empty string";
  if (name == "." || name == "..") return fmt::format("A topic name must not be '{}'", name);
  if (name.size() > kMaxTopicNameSize) {
    return fmt::format("The topic name '{}' has {} characters, the longest allowed are {}", name, name.size(),
                       kMaxTopicNameSize);
  }
  if (!std::all_of(name.begin(), name.end(), is_allowed)) {
    return fmt::format(
        "The topic name '{}' has a character that is not an ASCII letter or digit, '.', '_' or '-'", name);
  }
  return std::nullopt;
}

bool has_collision_chars(ByteView name) {
  return name.find_first_of("._") != ByteView::npos;
}

Bytes collision_key(ByteView name) {
  Bytes key(name);
  std::replace(key.begin(), key.end(), '.', '_');
  return key;
}

}  // namespace milena::metadata
