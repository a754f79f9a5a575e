// snappy, in its two formats: Java clients write the xerial stream (a header, then blocks each with its length),
// librdkafka and franz-go one raw block. Both are read; the xerial stream is written.
#include <snappy.h>

#include <algorithm>

#include "protocol/compression/codecs.h"

namespace milena::codecs {
namespace {

constexpr ByteView kXerialMagic("\x82SNAPPY\0", 8);
constexpr size_t kXerialHeaderSize = 16;  // the magic, the version, the oldest version that can read it
constexpr int32_t kXerialVersion = 1;
constexpr size_t kXerialBlockSize = 32 * 1024;

// A raw block up to this size, or this many times its compressed size, is decoded in one go.
constexpr size_t kDirectSize = 256 * 1024;
constexpr size_t kDirectRatio = 3;

// The highest ratio of an element: three bytes for a copy of 64. (A copy with one byte of offset, two in all, makes
// 11.)
constexpr size_t kHighestRatio = 22;

class SnappyWriter final : public CompressStream {
 public:
  void write(ByteView bytes, Bytes& to) override {
    while (!bytes.empty()) {
      const size_t n = std::min(kXerialBlockSize - pending_.size(), bytes.size());
      pending_.append(bytes.substr(0, n));
      bytes.remove_prefix(n);
      if (pending_.size() == kXerialBlockSize) write_block(to);
    }
  }

  void finish(Bytes& to) override {
    if (!pending_.empty()) write_block(to);
    write_header(to);
  }

 private:
  void write_header(Bytes& to) {
    if (header_written_) return;
    header_written_ = true;
    to.append(kXerialMagic);
    append_big_endian(to, kXerialVersion);
    append_big_endian(to, kXerialVersion);
  }

  void write_block(Bytes& to) {
    write_header(to);
    const size_t at = to.size();
    to.resize(at + sizeof(int32_t) + snappy::MaxCompressedLength(pending_.size()));
    size_t size = 0;
    snappy::RawCompress(pending_.data(), pending_.size(), to.data() + at + sizeof(int32_t), &size);
    store_big_endian(to.data() + at, static_cast<int32_t>(size));
    to.resize(at + sizeof(int32_t) + size);
    pending_.clear();
  }

  Bytes pending_;
  bool header_written_ = false;
};

Error snappy_error(const char* what) { return make_error(ErrorKind::kCorrupt, "snappy: {}", what); }

// An element of a block. A block: the uncompressed length as an unsigned varint, then elements. The low two bits of an
// element's first byte: literal (0), or copy with 1, 2 or 4 more bytes of offset (1, 2, 3).
struct Element {
  size_t length = 0;
  size_t offset = 0;  // how far back a copy begins; 0: a literal, whose bytes follow
  bool is_copy = false;
};

bool take_little_endian(ByteView& from, size_t size, size_t& value) {
  if (from.size() < size) return false;
  value = 0;
  for (size_t i = 0; i < size; i++) value |= static_cast<size_t>(static_cast<uint8_t>(from[i])) << (8 * i);
  from.remove_prefix(size);
  return true;
}

// False if there is no complete element.
bool take_element(ByteView& from, Element& element) {
  if (from.empty()) return false;
  const auto tag = static_cast<uint8_t>(from[0]);
  from.remove_prefix(1);
  element = {};
  element.is_copy = (tag & 3) != 0;
  if (!element.is_copy) {
    size_t length = tag >> 2;
    if (length >= 60 && !take_little_endian(from, length - 59, length)) return false;
    element.length = length + 1;
    return true;
  }
  if ((tag & 3) == 1) {
    if (!take_little_endian(from, 1, element.offset)) return false;
    element.length = 4 + (tag >> 2 & 7);
    element.offset |= static_cast<size_t>(tag >> 5) << 8;
    return true;
  }
  element.length = 1 + (tag >> 2);
  return take_little_endian(from, (tag & 3) == 2 ? 2 : 4, element.offset);
}

// How far back the block's furthest copy reaches. Broken elements are left to the decoder, which stops there as well.
size_t furthest_offset(ByteView elements) {
  size_t furthest = 0;
  Element element;
  while (take_element(elements, element)) {
    if (element.is_copy) {
      furthest = std::max(furthest, element.offset);
    } else if (element.length > elements.size()) {
      break;
    } else {
      elements.remove_prefix(element.length);
    }
  }
  return furthest;
}

// Decodes one raw block in portions, for blocks that claim to hold far more than they are long. The window is as large
// as the furthest copy needs: Google's encoders cut their input every 64 KiB, franz-go's (S2) look further back.
class WindowedBlock {
 public:
  void begin(ByteView elements, size_t uncompressed_size, size_t furthest) {
    rest_ = elements;
    left_ = uncompressed_size;
    filled_ = given_ = 0;
    literal_left_ = 0;
    history_ = std::max(kSmallestHistory, furthest);
    if (2 * history_ > buffer_size_) {
      buffer_size_ = 2 * history_;
      buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size_);
    }
  }

  bool ended() const { return left_ == 0 && given_ == filled_; }

  // The next portion, never empty before the end; an error if the elements are invalid.
  Result<ByteView> next() {
    if (filled_ > history_) {
      std::memmove(buffer_.get(), buffer_.get() + filled_ - history_, history_);
      filled_ = history_;
    }
    given_ = filled_;
    while (left_ > 0 && buffer_size_ - filled_ >= kLongestCopy) {
      if (!decode_element()) return snappy_error("the block is damaged");
    }
    if (left_ == 0 && (literal_left_ > 0 || !rest_.empty())) return snappy_error("the block is longer than its "
                                                                                 "header's length");
    const ByteView portion(buffer_.get() + given_, filled_ - given_);
    given_ = filled_;
    return portion;
  }

 private:
  static constexpr size_t kSmallestHistory = 64 * 1024;
  static constexpr size_t kLongestCopy = 64;

  bool decode_element() {
    if (literal_left_ > 0) return take_literal();
    Element element;
    if (!take_element(rest_, element)) return false;
    if (element.is_copy) return copy(element.offset, element.length);
    literal_left_ = element.length;
    return take_literal();
  }

  bool take_literal() {
    const size_t n = std::min({literal_left_, buffer_size_ - filled_, rest_.size()});
    if (n == 0 || n > left_) return false;
    std::memcpy(buffer_.get() + filled_, rest_.data(), n);
    rest_.remove_prefix(n);
    filled_ += n;
    left_ -= n;
    literal_left_ -= n;
    return true;
  }

  bool copy(size_t offset, size_t length) {
    if (offset == 0 || offset > filled_ || length > left_) return false;
    // One by one: a copy may overlap what it writes.
    for (size_t i = 0; i < length; i++) buffer_[filled_ + i] = buffer_[filled_ + i - offset];
    filled_ += length;
    left_ -= length;
    return true;
  }

  ByteView rest_;
  size_t left_ = 0;  // of the uncompressed bytes
  size_t literal_left_ = 0;
  std::unique_ptr<char[]> buffer_;
  size_t buffer_size_ = 0;
  size_t history_ = 0;
  size_t filled_ = 0;
  size_t given_ = 0;
};

class SnappyReader final : public BlockReader {
 public:
  explicit SnappyReader(ByteView compressed) : rest_(compressed) {}

 protected:
  Result<ByteView> next_block() override {
    while (true) {
      if (in_window_) {
        if (!window_.ended()) return window_.next();
        in_window_ = false;
      }
      ByteView block;
      RETURN_IF_ERROR(find_block(block));
      if (block.empty()) return ByteView();
      size_t size = 0;
      if (!snappy::GetUncompressedLength(block.data(), block.size(), &size))
        return snappy_error("a block without its length");
      if (size / kHighestRatio > block.size()) return snappy_error("the block's claimed length is impossible");
      const ByteView elements = elements_of(block);
      const bool large = size > std::max(kDirectSize, kDirectRatio * block.size());
      const size_t furthest = large ? furthest_offset(elements) : 0;
      // A window not much smaller than the whole is useless, and an offset beyond the whole is a broken block.
      if (large && furthest <= size / 4) {
        window_.begin(elements, size, furthest);
        in_window_ = true;
      } else {
        Result<ByteView> bytes = decode_whole(block, size);
        if (!bytes.ok() || !bytes->empty()) return bytes;
      }
    }
  }

 private:
  static ByteView elements_of(ByteView block) {
    size_t prefix = 0;
    while (block[prefix++] & 0x80) continue;
    return block.substr(prefix);
  }

  // The next raw block; empty at the end.
  Status find_block(ByteView& block) {
    if (!begun_) {
      begun_ = true;
      if (rest_.empty()) return snappy_error("nothing there");
      framed_ = rest_.substr(0, kXerialMagic.size()) == kXerialMagic;
      if (!framed_) {
        std::swap(block, rest_);
        return ok_status();
      }
    }
    if (!framed_) return ok_status();
    // Streams may follow each other, each with its header.
    while (rest_.substr(0, kXerialMagic.size()) == kXerialMagic) {
      if (rest_.size() < kXerialHeaderSize) return snappy_error("the stream's header is cut off");
      rest_.remove_prefix(kXerialHeaderSize);
    }
    if (rest_.empty()) return ok_status();
    if (rest_.size() < sizeof(int32_t)) return snappy_error("a block's length is cut off");
    const auto size = load_big_endian<int32_t>(rest_.data());
    rest_.remove_prefix(sizeof(int32_t));
    if (size <= 0 || static_cast<size_t>(size) > rest_.size()) return snappy_error("a block is cut off");
    block = rest_.substr(0, static_cast<size_t>(size));
    rest_.remove_prefix(static_cast<size_t>(size));
    return ok_status();
  }

  Result<ByteView> decode_whole(ByteView block, size_t size) {
    if (size > capacity_) {
      buffer_ = std::make_unique_for_overwrite<char[]>(size);
      capacity_ = size;
    }
    // The library may want a buffer even for nothing.
    char none = 0;
    if (!snappy::RawUncompress(block.data(), block.size(), buffer_ ? buffer_.get() : &none)) {
      return snappy_error("the block is damaged");
    }
    return ByteView(buffer_.get(), size);
  }

  ByteView rest_;
  bool begun_ = false;
  bool framed_ = false;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  bool in_window_ = false;
  WindowedBlock window_;
};

}  // namespace

std::unique_ptr<CompressStream> open_snappy_writer() { return std::make_unique<SnappyWriter>(); }
std::unique_ptr<DecompressStream> open_snappy_reader(ByteView compressed) {
  return std::make_unique<SnappyReader>(compressed);
}

}  // namespace milena::codecs
