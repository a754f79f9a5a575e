// Reader: reads Kafka's wire types from bytes that it does not own. Lives on the decoder's stack.
//
// Reads do not throw or return Result: the first invalid value makes the reader fail for good, all later reads return
// zero or empty at once, and the caller checks ok() at the end. Each length is checked against the remaining bytes
// first, and no array is allocated that these could not fill.
//
// The reader carries the "flexible" bit (KIP-482), which generated code sets once per message: with it, lengths are
// unsigned varints and structures end in tagged fields. Strings need not be UTF-8: Kafka replaces malformed bytes when
// it decodes them, we keep them.
//
// Source of the format: Kafka's ByteBufferAccessor and its generated message classes.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/small_vector.h"
#include "base/uuid.h"

namespace milena {

class Payload;

class Reader {
 public:
  explicit Reader(ByteView data) : position_(data.data()), end_(data.data() + data.size()) {}

  bool ok() const { return ok_; }
  // Makes the reader fail, for a caller that found an invalid value.
  void fail();
  size_t remaining() const { return static_cast<size_t>(end_ - position_); }
  ByteView rest() const { return {position_, remaining()}; }

  bool flexible() const { return flexible_; }
  void set_flexible(bool flexible) { flexible_ = flexible; }

  bool read_bool() { return read_int8() != 0; }
  int8_t read_int8() { return fixed<int8_t>(); }
  int16_t read_int16() { return fixed<int16_t>(); }
  uint16_t read_uint16() { return fixed<uint16_t>(); }
  int32_t read_int32() { return fixed<int32_t>(); }
  uint32_t read_uint32() { return fixed<uint32_t>(); }
  int64_t read_int64() { return fixed<int64_t>(); }
  double read_float64() { return std::bit_cast<double>(fixed<int64_t>()); }
  Uuid read_uuid();
  uint32_t read_unsigned_varint();
  // Zig-zag, as in records.
  int32_t read_varint();
  int64_t read_varlong();
  // Exactly `size` bytes, as a view.
  ByteView read_raw(size_t size);

  void read_string(ByteView& out);
  void read_string(Bytes& out);
  void read_nullable_string(std::optional<ByteView>& out);
  void read_nullable_string(std::optional<Bytes>& out);
  void read_bytes(ByteView& out);
  void read_bytes(Bytes& out);
  void read_nullable_bytes(std::optional<ByteView>& out);
  void read_nullable_bytes(std::optional<Bytes>& out);
  // Record batches are read as bytes; their contents are checked elsewhere.
  void read_records(ByteView& out);
  void read_records(Payload& out);
  void read_nullable_records(std::optional<ByteView>& out);
  void read_nullable_records(std::optional<Payload>& out);

  // For messages of clients: limits the memory of all arrays, plus that of the response to each of their elements. The
  // reader fails beyond it. Without it only the size of the message is a bound.
  void limit_arrays(int64_t bytes) { array_room_bytes_ = bytes; }
  // The remaining room; negative once it was exceeded.
  int64_t array_room_bytes() const { return array_room_bytes_; }

  // Arrays of int8_t, int16_t, int32_t, int64_t, Uuid, ByteView or Bytes.
  template <class T>
  void read_array(std::vector<T>& out);
  void read_array(NodeList& out);
  template <class T>
  void read_nullable_array(std::optional<std::vector<T>>& out);

  // Arrays of generated structures.
  template <class T>
  void read_structs(std::vector<T>& out, int16_t version) {
    fill_structs(out, read_array_count(T::kMinSize), version);
  }
  template <class T>
  void read_nullable_structs(std::optional<std::vector<T>>& out, int16_t version) {
    const int32_t count = read_nullable_array_count(T::kMinSize);
    out.reset();
    if (count >= 0) fill_structs(out.emplace(), count, version);
  }
  // A nullable structure is preceded by one byte, negative for null.
  // (clang cannot yet see that a nested structure with defaults has a default constructor, hence emplace(T()).)
  template <class T>
  void read_nullable_struct(std::optional<T>& out, int16_t version) {
    out.reset();
    if (read_int8() >= 0 && ok_) out.emplace(T()).read(*this, version);
  }
  // Inside a tagged field that byte is a varint instead, and zero is null.
  template <class T>
  void read_tagged_struct(std::optional<T>& out, int16_t version) {
    out.reset();
    if (read_unsigned_varint() > 0 && ok_) out.emplace(T()).read(*this, version);
  }

  // The number of elements that follow: fails if they cannot fit into the remaining bytes. The nullable form returns -1
  // for null.
  int32_t read_array_count(size_t least_element_size);
  int32_t read_nullable_array_count(size_t least_element_size);

  // Tagged fields: for (n = read_tag_count(); n > 0; --n) { tag = begin_tag(); <read or skip_tag(tag)>; end_tag(tag); }
  // Between begin and end only the tag's own bytes can be read; a known field must use them up.
  struct Tag {
    uint32_t number;
    const char* outer_end;
  };
  uint32_t read_tag_count();
  Tag begin_tag();
  void skip_tag(const Tag&) { position_ = end_; }
  void end_tag(const Tag& tag);
  // Skips the tagged fields of a structure without known ones; nothing in an inflexible message.
  void skip_tags();

 private:
  template <class T>
  T fixed() {
    if (remaining() < sizeof(T)) [[unlikely]] {
      fail();
      return T{};
    }
    const T value = load_big_endian<T>(position_);
    position_ += sizeof(T);
    return value;
  }

  template <class T>
  void fill_structs(std::vector<T>& out, int32_t count, int16_t version) {
    out.clear();
    if (!take_array_room(count, sizeof(T))) return;
    out = std::vector<T>(static_cast<size_t>(count));  // less code than resize(), which would move elements
    for (T& element : out) {
      element.read(*this, version);
      if (!ok_) return;
    }
  }
  template <class T>
  void fill(std::vector<T>& out, int32_t count);

  // Size of a response's element for one of the request: a structure, a name, an error and its text.
  static constexpr int64_t kAnswerElement_bytes = 256;
  bool take_array_room(int32_t count, size_t element_size) {
    array_room_bytes_ -= count * (static_cast<int64_t>(element_size) + kAnswerElement_bytes);
    if (array_room_bytes_ < 0) [[unlikely]] fail();
    return ok_;
  }

  int32_t read_string_size();
  int32_t read_bytes_size();

  const char* position_;
  const char* end_;
  bool ok_ = true;
  bool flexible_ = false;
  int64_t array_room_bytes_ = INT64_MAX;
};

// Reads a whole message (no header, nothing after it). False if the bytes are invalid.
template <class Message>
[[nodiscard]] bool read_message(ByteView bytes, int16_t version, Message& out) {
  Reader reader(bytes);
  out.read(reader, version);
  return reader.ok() && reader.remaining() == 0;
}

}  // namespace milena
