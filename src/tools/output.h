// Output of commands: tables for people, JSON for programs.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace milena::tools {

// Columns as wide as their longest cell, two spaces apart. Numbers are aligned to the right. A head ending with [] is
// for lists of numbers, one ending with $ for texts even if they look like numbers; both only matter for JSON.
class Table {
 public:
  explicit Table(std::vector<std::string> heads);
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  size_t rows() const { return rows_.size(); }
  std::string text() const;
  // An array of objects, by the heads in lower case; numbers, true and false as such.
  std::string json() const;
  // Prints the table or the JSON to standard output.
  void print(bool as_json) const;

 private:
  enum class Kind { kAny, kNumbers, kText };

  std::vector<std::string> heads_;
  std::vector<Kind> kinds_;
  std::vector<std::vector<std::string>> rows_;
};

// In quotes; bytes that are not UTF-8 become U+FFFD.
std::string json_text(ByteView text);
bool is_utf8(ByteView text);
// "12.3 MB".
std::string readable_bytes(int64_t bytes);
// UTC, "2026-11-29T22:14:40.123Z".
std::string readable_time(int64_t milliseconds);

}  // namespace milena::tools
