#include "protocol/reader.h"

#include <type_traits>

#include "base/payload.h"

namespace milena {

namespace {

constexpr int32_t kLongestString =
    32767;  // a string's length is an int16 in inflexible messages, and never more in others

template <class T>
constexpr size_t least_size() {
  if constexpr (std::is_same_v<T, Uuid>) return 16;
  if constexpr (std::is_integral_v<T>) return sizeof(T);
  return 1;
}

}  // namespace

void Reader::fail() {
  ok_ = false;
  position_ = end_;
}

ByteView Reader::read_raw(size_t size) {
  if (size > remaining()) {
    fail();
    return {};
  }
  const ByteView view(position_, size);
  position_ += size;
  return view;
}

Uuid Reader::read_uuid() {
  if (remaining() < 16) {
    fail();
    return {};
  }
  Uuid id;
  id.hi = static_cast<uint64_t>(read_int64());
  id.lo = static_cast<uint64_t>(read_int64());
  return id;
}

uint32_t Reader::read_unsigned_varint() {
  uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(read_int8());
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail();
  return 0;
}

int32_t Reader::read_varint() {
  const uint32_t raw = read_unsigned_varint();
  return static_cast<int32_t>((raw >> 1) ^ (0u - (raw & 1)));
}

int64_t Reader::read_varlong() {
  uint64_t raw = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(read_int8());
    raw |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return static_cast<int64_t>((raw >> 1) ^ (uint64_t{0} - (raw & 1)));
  }
  fail();
  return 0;
}

// A failed reader returns size 0 in both: varint 0 would mean null, which callers with an optional cannot distinguish
// from a real one, but their result is invalid anyway.
int32_t Reader::read_string_size() {
  const int32_t size = flexible_ ? static_cast<int32_t>(read_unsigned_varint() - 1) : read_int16();
  if (size > kLongestString) fail();
  return ok_ ? size : 0;
}

int32_t Reader::read_bytes_size() {
  const int32_t size = flexible_ ? static_cast<int32_t>(read_unsigned_varint() - 1) : read_int32();
  return ok_ ? size : 0;
}

int32_t Reader::read_nullable_array_count(size_t least_element_size) {
  const int32_t count = read_bytes_size();
  if (count < 0) return -1;
  // Division, so that no product can overflow; an element without bytes (a structure with no field in this version)
  // counts as one.
  const size_t least = least_element_size == 0 ? 1 : least_element_size;
  if (static_cast<size_t>(count) > remaining() / least) {
    fail();
    return 0;
  }
  return count;
}

int32_t Reader::read_array_count(size_t least_element_size) {
  const int32_t count = read_nullable_array_count(least_element_size);
  if (count >= 0) return count;
  fail();
  return 0;
}

void Reader::read_string(ByteView& out) {
  const int32_t size = read_string_size();
  if (size < 0) fail();
  out = size > 0 ? read_raw(static_cast<size_t>(size)) : ByteView();
}

void Reader::read_nullable_string(std::optional<ByteView>& out) {
  const int32_t size = read_string_size();
  if (size < 0) {
    out.reset();
  } else {
    out = read_raw(static_cast<size_t>(size));
  }
}

void Reader::read_bytes(ByteView& out) {
  const int32_t size = read_bytes_size();
  if (size < 0) fail();
  out = size > 0 ? read_raw(static_cast<size_t>(size)) : ByteView();
}

void Reader::read_nullable_bytes(std::optional<ByteView>& out) {
  const int32_t size = read_bytes_size();
  if (size < 0) {
    out.reset();
  } else {
    out = read_raw(static_cast<size_t>(size));
  }
}

void Reader::read_string(Bytes& out) {
  ByteView view;
  read_string(view);
  out.assign(view);
}

void Reader::read_nullable_string(std::optional<Bytes>& out) {
  std::optional<ByteView> view;
  read_nullable_string(view);
  out.reset();
  if (view) out.emplace(*view);
}

void Reader::read_bytes(Bytes& out) {
  ByteView view;
  read_bytes(view);
  out.assign(view);
}

void Reader::read_nullable_bytes(std::optional<Bytes>& out) {
  std::optional<ByteView> view;
  read_nullable_bytes(view);
  out.reset();
  if (view) out.emplace(*view);
}

void Reader::read_records(ByteView& out) { read_bytes(out); }

void Reader::read_records(Payload& out) {
  ByteView view;
  read_records(view);
  out = Payload(Bytes(view));
}

void Reader::read_nullable_records(std::optional<ByteView>& out) { read_nullable_bytes(out); }

void Reader::read_nullable_records(std::optional<Payload>& out) {
  std::optional<ByteView> view;
  read_nullable_bytes(view);
  out.reset();
  if (view) out.emplace(Bytes(*view));
}

template <class T>
void Reader::fill(std::vector<T>& out, int32_t count) {
  out.clear();
  if (!take_array_room(count, sizeof(T))) return;
  out.resize(static_cast<size_t>(count));
  for (T& element : out) {
    if constexpr (std::is_same_v<T, Uuid>) {
      element = read_uuid();
    } else if constexpr (std::is_integral_v<T>) {
      element = fixed<T>();
    } else {
      read_string(element);
    }
    if (!ok_) return;
  }
}

template <class T>
void Reader::read_array(std::vector<T>& out) {
  fill(out, read_array_count(least_size<T>()));
}

void Reader::read_array(NodeList& out) {
  std::vector<int32_t> elements;
  read_array(elements);
  out.assign(elements);
}

template <class T>
void Reader::read_nullable_array(std::optional<std::vector<T>>& out) {
  const int32_t count = read_nullable_array_count(least_size<T>());
  out.reset();
  if (count >= 0) fill(out.emplace(), count);
}

#define MILENA_ARRAY_OF(T)                                 \
  template void Reader::read_array<T>(std::vector<T>&);    \
  template void Reader::read_nullable_array<T>(std::optional<std::vector<T>>&);
MILENA_ARRAY_OF(int8_t)
MILENA_ARRAY_OF(int16_t)
MILENA_ARRAY_OF(int32_t)
MILENA_ARRAY_OF(int64_t)
MILENA_ARRAY_OF(Uuid)
MILENA_ARRAY_OF(ByteView)
MILENA_ARRAY_OF(Bytes)
#undef MILENA_ARRAY_OF

uint32_t Reader::read_tag_count() {
  if (!flexible_) return 0;
  const uint32_t count = read_unsigned_varint();
  if (count <= remaining() / 2) return count;  // a tag has a number and a size
  fail();
  return 0;
}

Reader::Tag Reader::begin_tag() {
  const uint32_t number = read_unsigned_varint();
  const uint32_t size = read_unsigned_varint();
  const Tag tag{number, end_};
  if (size > remaining()) {
    fail();
  } else if (ok_) {
    end_ = position_ + size;
  }
  return tag;
}

void Reader::end_tag(const Tag& tag) {
  const bool used_up = position_ == end_;
  end_ = tag.outer_end;
  if (!used_up || !ok_) fail();
}

void Reader::skip_tags() {
  for (uint32_t count = read_tag_count(); count > 0 && ok_; --count) {
    const Tag tag = begin_tag();
    skip_tag(tag);
    end_tag(tag);
  }
}

}  // namespace milena
