// Records as lines of text, in the formats of Kafka's console producer and console consumer.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "tools/records/record.h"

namespace milena::tools {

// Reads "h1:v1,h2:v2<TAB>key<TAB>value" and less, by the properties of Kafka's LineMessageReader.
class LineParser {
 public:
  static Result<LineParser> from_properties(const std::map<std::string, std::string>& properties);

  // `number` is the line's, for errors.
  Result<TextRecord> parse(const std::string& line, int64_t number) const;

 private:
  struct Piece {
    bool there = false;
    std::string text;
  };
  Result<Piece> cut(const std::string& line, size_t& at, const std::string& mark, const char* what,
                    int64_t number) const;
  Status parse_headers(const std::string& text, int64_t number, TextRecord& record) const;

  bool with_key_ = false;
  bool with_headers_ = false;
  bool lenient_ = false;
  std::string key_separator_ = "\t";
  std::string headers_delimiter_ = "\t";
  std::string headers_separator_ = ",";
  std::string headers_key_separator_ = ":";
  std::optional<std::string> null_marker_;
};

// Writes by the properties of Kafka's DefaultMessageFormatter.
class LineFormatter {
 public:
  enum class Kind { kDefault, kLogging, kNothing };
  enum class Type { kBytes, kByte, kShort, kInteger, kLong, kFloat, kDouble };

  // `class_name` is that of Kafka's formatter; empty for the default.
  static Result<LineFormatter> from_properties(const std::string& class_name,
                                               const std::map<std::string, std::string>& properties);

  // Kafka's deserializers throw on bytes of another size: that is the Error.
  Result<std::string> format(const FetchedRecord& record) const;

 private:
  Result<std::string> shown(const std::optional<ByteView>& bytes, Type type) const;

  Kind kind_ = Kind::kDefault;
  bool timestamp_ = false, key_ = false, value_ = true, partition_ = false, offset_ = false, delivery_ = false,
       epoch_ = false, headers_ = false;
  std::string key_separator_ = "\t", line_separator_ = "\n", headers_separator_ = ",", null_literal_ = "null";
  Type key_type_ = Type::kBytes, value_type_ = Type::kBytes, header_type_ = Type::kBytes;
};

// A double in Java's format: "1.0", "1.0E10".
std::string java_double(double number);

// Reads lines of a descriptor. must_wait(): whether reading the next one would block.
class LineInput {
 public:
  explicit LineInput(int descriptor) : descriptor_(descriptor) {}
  // False at the end. Without the line's end.
  bool next(std::string& line);
  bool must_wait();
  bool failed() const { return failed_; }
  int64_t taken_bytes() const { return taken_bytes_; }

 private:
  bool fill();

  const int descriptor_;
  std::string buffer_;
  size_t at_ = 0;
  int64_t taken_bytes_ = 0;  // of lines and their ends
  bool ended_ = false;
  bool failed_ = false;
};

}  // namespace milena::tools
