// Writer: puts Kafka's wire types into one growing buffer; record batches are spliced in without copying their bytes.
// The result is a Payload: our own bytes and, between them, the spliced chunks. Lives on the encoder's stack.
//
// Carries the "flexible" bit like Reader. A string that is too long for the wire is cut at 32767 bytes (Kafka throws):
// a response should not fail for it.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/payload.h"
#include "base/small_vector.h"
#include "base/uuid.h"
#include "protocol/error_code.h"

namespace milena {

class Writer {
 public:
  // Usually one allocation: most responses are smaller than this.
  explicit Writer(size_t reserve = 256) { buffer_.reserve(reserve); }

  bool flexible() const { return flexible_; }
  void set_flexible(bool flexible) { flexible_ = flexible; }

  // Bytes written so far, spliced ones included.
  uint64_t size() const { return buffer_.size() + spliced_size_; }

  void write_bool(bool value) { buffer_.push_back(value ? 1 : 0); }
  void write_int8(int8_t value) { buffer_.push_back(static_cast<char>(value)); }
  void write_int16(int16_t value) { append_big_endian(buffer_, value); }
  // Counts codes other than NONE, for the metrics.
  void write_error_code(ErrorCode value) {
    if (value != ErrorCode::kNone) note_error(value);
    write_int16(static_cast<int16_t>(value));
  }
  void write_uint16(uint16_t value) { append_big_endian(buffer_, value); }
  void write_int32(int32_t value) { append_big_endian(buffer_, value); }
  void write_uint32(uint32_t value) { append_big_endian(buffer_, value); }
  void write_int64(int64_t value) { append_big_endian(buffer_, value); }
  void write_float64(double value) { append_big_endian(buffer_, std::bit_cast<int64_t>(value)); }
  void write_uuid(const Uuid& value);
  void write_unsigned_varint(uint32_t value);
  // Zig-zag, as in records.
  void write_varint(int32_t value);
  void write_varlong(int64_t value);
  void write_raw(ByteView bytes) { buffer_.append(bytes); }
  void write_raw(Payload payload);
  // Overwrites four bytes written earlier, before anything was spliced: for the size in front of a frame.
  void overwrite_int32(size_t position, int32_t value);

  void write_string(ByteView value);
  template <class T>
  void write_nullable_string(const std::optional<T>& value) {
    if (value) {
      write_string(*value);
    } else {
      write_null_string();
    }
  }
  void write_bytes(ByteView value);
  template <class T>
  void write_nullable_bytes(const std::optional<T>& value) {
    if (value) {
      write_bytes(*value);
    } else {
      write_null_array();
    }
  }
  void write_records(ByteView value) { write_bytes(value); }
  void write_records(const Payload& value);
  template <class T>
  void write_nullable_records(const std::optional<T>& value) {
    if (value) {
      write_records(*value);
    } else {
      write_null_array();
    }
  }

  // Arrays of int8_t, int16_t, int32_t, int64_t, Uuid, ByteView or Bytes.
  template <class T>
  void write_array(const std::vector<T>& value);
  void write_array(const NodeList& value);
  template <class T>
  void write_nullable_array(const std::optional<std::vector<T>>& value) {
    if (value) {
      write_array(*value);
    } else {
      write_null_array();
    }
  }

  // Arrays of generated structures.
  template <class T>
  void write_structs(const std::vector<T>& value, int16_t version) {
    write_array_count(value.size());
    for (const T& element : value) element.write(*this, version);
  }
  template <class T>
  void write_nullable_structs(const std::optional<std::vector<T>>& value, int16_t version) {
    if (value) {
      write_structs(*value, version);
    } else {
      write_null_array();
    }
  }
  template <class T>
  void write_nullable_struct(const std::optional<T>& value, int16_t version) {
    write_int8(value ? 1 : -1);
    if (value) value->write(*this, version);
  }
  // The same in a tagged field.
  template <class T>
  void write_tagged_struct(const std::optional<T>& value, int16_t version) {
    write_unsigned_varint(value ? 1 : 0);
    if (value) value->write(*this, version);
  }

  void write_array_count(size_t count);
  void write_null_array();
  void write_null_string();

  // Tagged fields, in the order of their numbers: write_tag_count(n), then for each mark = begin_tag(number), its
  // value, end_tag(mark). Nothing can be spliced between the two.
  void write_tag_count(uint32_t count) { write_unsigned_varint(count); }
  size_t begin_tag(uint32_t number);
  void end_tag(size_t mark);
  // Ends a structure without tagged fields: one zero byte in a flexible message.
  void write_no_tags() {
    if (flexible_) buffer_.push_back(0);
  }

  // The error codes written so far, with their counts.
  using Errors = std::vector<std::pair<ErrorCode, uint32_t>>;
  const Errors& errors() const { return errors_; }

  // Returns everything written; the writer is empty afterwards.
  Payload take();
  // The same in one piece, if nothing was spliced.
  Bytes take_bytes();

 private:
  void note_error(ErrorCode error);

  struct Splice {
    size_t position;  // of the payload in buffer_
    Payload payload;
  };

  Bytes buffer_;
  std::vector<Splice> splices_;
  uint64_t spliced_size_ = 0;
  bool flexible_ = false;
  Errors errors_;
};

// The value of a nullable field in a version without null for it.
template <class T>
const T& or_empty(const std::optional<T>& value) {
  static const T kEmpty{};
  return value ? *value : kEmpty;
}

// A message without a header, in one piece.
template <class Message>
Bytes write_message(const Message& message, int16_t version) {
  Writer writer;
  message.write(writer, version);
  return writer.take_bytes();
}

}  // namespace milena
