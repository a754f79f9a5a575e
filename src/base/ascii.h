// ASCII letters, independent of the locale. For text of protocols and settings.
#pragma once

#include <algorithm>

#include "base/bytes.h"

namespace milena {

constexpr bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char ascii_lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); }
inline Bytes ascii_lower(ByteView text) {
  Bytes result(text);
  for (char& c : result) c = ascii_lower(c);
  return result;
}
inline Bytes ascii_upper(ByteView text) {
  Bytes result(text);
  for (char& c : result) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
  return result;
}
inline bool equals_ignoring_case(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}
// The text without the characters at both ends for which `blank` returns true; a view.
template <class IsBlank>
ByteView trim_if(ByteView text, IsBlank blank) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}
// False for an empty text.
inline bool all_of_text(ByteView text, bool (*fits)(char)) {
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

}  // namespace milena
