#include "protocol/writer.h"

#include <type_traits>

#include "base/check.h"

namespace milena {

namespace {

constexpr size_t kLongestWritten = 32767;
constexpr size_t kLongestBytes = 0x7ffffffe;  // an int32 length; its compact form adds one

int encode_unsigned_varint(uint32_t value, char* to) {
  int size = 0;
  for (; value >= 0x80; value >>= 7) to[size++] = static_cast<char>(value | 0x80);
  to[size++] = static_cast<char>(value);
  return size;
}

}  // namespace

void Writer::write_uuid(const Uuid& value) {
  append_big_endian(buffer_, value.hi);
  append_big_endian(buffer_, value.lo);
}

void Writer::write_unsigned_varint(uint32_t value) {
  char raw[5];
  buffer_.append(raw, static_cast<size_t>(encode_unsigned_varint(value, raw)));
}

void Writer::write_varint(int32_t value) {
  write_unsigned_varint((static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31));
}

void Writer::write_varlong(int64_t value) {
  uint64_t raw = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; raw >= 0x80; raw >>= 7) buffer_.push_back(static_cast<char>(raw | 0x80));
  buffer_.push_back(static_cast<char>(raw));
}

void Writer::write_raw(Payload payload) {
  if (payload.empty()) return;
  spliced_size_ += payload.size();
  splices_.push_back({buffer_.size(), std::move(payload)});
}

void Writer::overwrite_int32(size_t position, int32_t value) {
  CHECK(position + 4 <= buffer_.size() && (splices_.empty() || position + 4 <= splices_.front().position));
  store_big_endian(buffer_.data() + position, value);
}

void Writer::write_string(ByteView value) {
  value = value.substr(0, kLongestWritten);
  if (flexible_) {
    write_unsigned_varint(static_cast<uint32_t>(value.size() + 1));
  } else {
    write_int16(static_cast<int16_t>(value.size()));
  }
  buffer_.append(value);
}

void Writer::write_null_string() {
  if (flexible_) {
    buffer_.push_back(0);
  } else {
    write_int16(-1);
  }
}

void Writer::write_bytes(ByteView value) {
  write_array_count(value.size());
  buffer_.append(value);
}

void Writer::write_records(const Payload& value) {
  write_array_count(value.size());
  write_raw(value);
}

void Writer::write_array_count(size_t count) {
  CHECK(count <= kLongestBytes, "{}", count);
  if (flexible_) {
    write_unsigned_varint(static_cast<uint32_t>(count + 1));
  } else {
    write_int32(static_cast<int32_t>(count));
  }
}

void Writer::note_error(ErrorCode error) {
  for (auto& [known, count] : errors_) {
    if (known != error) continue;
    count++;
    return;
  }
  errors_.emplace_back(error, 1);
}

void Writer::write_null_array() {
  if (flexible_) {
    buffer_.push_back(0);
  } else {
    write_int32(-1);
  }
}

template <class T>
void Writer::write_array(const std::vector<T>& value) {
  write_array_count(value.size());
  for (const T& element : value) {
    if constexpr (std::is_same_v<T, Uuid>) {
      write_uuid(element);
    } else if constexpr (std::is_integral_v<T>) {
      append_big_endian(buffer_, element);
    } else {
      write_string(element);
    }
  }
}

void Writer::write_array(const NodeList& value) {
  write_array_count(value.size());
  for (int32_t element : value) append_big_endian(buffer_, element);
}

template void Writer::write_array<int8_t>(const std::vector<int8_t>&);
template void Writer::write_array<int16_t>(const std::vector<int16_t>&);
template void Writer::write_array<int32_t>(const std::vector<int32_t>&);
template void Writer::write_array<int64_t>(const std::vector<int64_t>&);
template void Writer::write_array<Uuid>(const std::vector<Uuid>&);
template void Writer::write_array<ByteView>(const std::vector<ByteView>&);
template void Writer::write_array<Bytes>(const std::vector<Bytes>&);

size_t Writer::begin_tag(uint32_t number) {
  write_unsigned_varint(number);
  return buffer_.size();
}

// The size is known only now. Tagged values are short, so moving them is cheaper than measuring them before.
void Writer::end_tag(size_t mark) {
  CHECK(splices_.empty() || splices_.back().position <= mark);
  char raw[5];
  const int size = encode_unsigned_varint(static_cast<uint32_t>(buffer_.size() - mark), raw);
  buffer_.insert(mark, raw, static_cast<size_t>(size));
}

Payload Writer::take() {
  Payload out;
  if (splices_.empty()) {
    out.append(std::move(buffer_));
  } else {
    const auto owner = std::make_shared<const Bytes>(std::move(buffer_));
    const ByteView own = *owner;
    size_t from = 0;
    for (Splice& splice : splices_) {
      out.append(SharedBytes{owner, own.substr(from, splice.position - from)});
      out.append(std::move(splice.payload));
      from = splice.position;
    }
    out.append(SharedBytes{owner, own.substr(from)});
  }
  buffer_.clear();
  splices_.clear();
  spliced_size_ = 0;
  return out;
}

Bytes Writer::take_bytes() {
  if (splices_.empty()) {
    Bytes out = std::move(buffer_);
    buffer_.clear();
    return out;
  }
  // Only for spliced bytes in memory: reading a file can fail, and there is no way to return that.
  Result<Bytes> flat = take().flatten();
  CHECK(flat.ok(), "take_bytes() of a message that holds file slices");
  return flat.take();
}

}  // namespace milena
