// lz4 frames of Kafka's clients (Lz4BlockOutputStream, Lz4BlockInputStream):
//
//   magic 0x184D2204 LE, FLG, BD, [content size u64], HC, then blocks: u32 LE size (high bit: stored as is), data,
//   [block checksum u32]; a size of 0 ends, then [content checksum u32].
//
// Blocks are independent, so a reader only keeps one block's buffer: at most 4 MiB, by default 64 KiB. The frame is
// parsed here and not by the library because of its header's checksum HC: it covers FLG..content size, but in magic-0
// messages the frame's magic as well, so there it is written that way and not checked.
#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>

#include "protocol/compression/codecs.h"
#include "protocol/compression/xxhash32.h"

namespace milena::codecs {
namespace {

constexpr uint32_t kFrameMagic = 0x184d2204;
constexpr size_t kMagicSize = 4;
constexpr uint8_t kVersionBits = 0x40;
constexpr uint8_t kVersionMask = 0xc0;
constexpr uint8_t kIndependentBlocks = 0x20;
constexpr uint8_t kBlockChecksums = 0x10;
constexpr uint8_t kContentSize = 0x08;
constexpr uint8_t kReservedFlags = 0x03;
constexpr uint8_t kBlockSize64K = 0x40;
constexpr size_t kWrittenBlockSize = 64 * 1024;
constexpr uint32_t kStoredBit = 0x80000000;
constexpr int kHighestLevel = 17;  // in Kafka; the library's is 12
constexpr int kFastLevel = 9;  // Kafka's default uses the fast compressor, every other level the high one

void append_little_endian_32(Bytes& to, uint32_t value) {
  char raw[sizeof(value)];
  std::memcpy(raw, &value, sizeof(value));
  to.append(raw, sizeof(raw));
}

char header_checksum(ByteView covered) { return static_cast<char>(xxhash32(covered) >> 8); }

class Lz4Writer final : public CompressStream {
 public:
  Lz4Writer(int level, Lz4Framing framing) : level_(std::clamp(level, 1, kHighestLevel)), framing_(framing) {}

  void write(ByteView bytes, Bytes& to) override {
    while (!bytes.empty()) {
      const size_t n = std::min(kWrittenBlockSize - pending_.size(), bytes.size());
      pending_.append(bytes.substr(0, n));
      bytes.remove_prefix(n);
      if (pending_.size() == kWrittenBlockSize) write_block(to);
    }
  }

  void finish(Bytes& to) override {
    if (!pending_.empty()) write_block(to);
    write_header(to);
    append_little_endian_32(to, 0);
  }

 private:
  void write_header(Bytes& to) {
    if (header_written_) return;
    header_written_ = true;
    const size_t at = to.size();
    append_little_endian_32(to, kFrameMagic);
    to += static_cast<char>(kVersionBits | kIndependentBlocks);
    to += static_cast<char>(kBlockSize64K);
    const size_t covered_from = framing_ == Lz4Framing::kMagic0 ? at : at + kMagicSize;
    to += header_checksum(ByteView(to).substr(covered_from));
  }

  void write_block(Bytes& to) {
    write_header(to);
    const size_t at = to.size();
    const int size = static_cast<int>(pending_.size());
    const int bound = LZ4_compressBound(size);
    to.resize(at + sizeof(uint32_t) + static_cast<size_t>(bound));
    char* const out = to.data() + at + sizeof(uint32_t);
    const int written = level_ == kFastLevel ? LZ4_compress_default(pending_.data(), out, size, bound)
                                             : LZ4_compress_HC(pending_.data(), out, size, bound, level_);
    CHECK(written > 0);
    uint32_t block_size = static_cast<uint32_t>(written);
    if (written >= size) {
      pending_.copy(out, pending_.size());
      block_size = static_cast<uint32_t>(size);
    }
    const uint32_t marked_size = written >= size ? block_size | kStoredBit : block_size;
    std::memcpy(to.data() + at, &marked_size, sizeof(marked_size));
    to.resize(at + sizeof(uint32_t) + block_size);
    pending_.clear();
  }

  int level_;
  const Lz4Framing framing_;
  bool header_written_ = false;
  Bytes pending_;
};

Error lz4_error(const char* what) { return make_error(ErrorKind::kCorrupt, "lz4: {}", what); }

class Lz4Reader final : public BlockReader {
 public:
  Lz4Reader(ByteView compressed, Lz4Framing framing) : rest_(compressed), framing_(framing) {}

 protected:
  Result<ByteView> next_block() override {
    if (!header_read_) RETURN_IF_ERROR(read_header());
    while (!ended_) {
      uint32_t size = 0;
      if (!take_u32(size)) return lz4_error("cut off");
      if (size == 0) {
        ended_ = true;  // a content checksum may follow; Kafka does not check it either
        break;
      }
      const bool stored = size & kStoredBit;
      size &= ~kStoredBit;
      if (size > max_block_size_) return lz4_error("a block larger than the frame allows");
      if (size > rest_.size()) return lz4_error("cut off");
      const ByteView block = rest_.substr(0, size);
      rest_.remove_prefix(size);
      RETURN_IF_ERROR(check_block(block));
      if (stored && !block.empty()) return block;
      Result<ByteView> bytes = decode(block);
      if (!bytes.ok() || !bytes->empty()) return bytes;
    }
    return ByteView();
  }

 private:
  bool take_u32(uint32_t& value) {
    if (rest_.size() < sizeof(value)) return false;
    value = load_little_endian_32(rest_.data());
    rest_.remove_prefix(sizeof(value));
    return true;
  }

  Status read_header() {
    const ByteView frame = rest_;
    uint32_t magic = 0;
    if (rest_.size() < kMagicSize + 3 || !take_u32(magic) || magic != kFrameMagic) return lz4_error("not an lz4 frame");
    const auto flags = static_cast<uint8_t>(rest_[0]);
    const auto descriptor = static_cast<uint8_t>(rest_[1]);
    rest_.remove_prefix(2);
    if ((flags & kVersionMask) != kVersionBits || (flags & kReservedFlags) != 0)
      return lz4_error("unknown frame flags");
    if (!(flags & kIndependentBlocks)) return lz4_error("blocks that depend on each other are not supported");
    const int size_class = descriptor >> 4;
    if (size_class < 4 || size_class > 7 || (descriptor & 0x0f) != 0) return lz4_error("unknown block size");
    max_block_size_ = size_t{1} << (8 + 2 * size_class);
    block_checksums_ = flags & kBlockChecksums;
    const size_t left_of_header = (flags & kContentSize ? 8 : 0) + 1;
    if (rest_.size() < left_of_header) return lz4_error("the frame's header is cut off");
    rest_.remove_prefix(left_of_header - 1);
    const ByteView covered = frame.substr(kMagicSize, frame.size() - rest_.size() - kMagicSize);
    const bool checksum_matters = framing_ == Lz4Framing::kStandard;
    if (checksum_matters && header_checksum(covered) != rest_[0])
      return lz4_error("wrong checksum of the frame's header");
    rest_.remove_prefix(1);
    header_read_ = true;
    return ok_status();
  }

  Status check_block(ByteView block) {
    if (!block_checksums_) return ok_status();
    uint32_t checksum = 0;
    if (!take_u32(checksum)) return lz4_error("cut off");
    if (xxhash32(block) != checksum) return lz4_error("wrong checksum of a block");
    return ok_status();
  }

  Result<ByteView> decode(ByteView block) {
    // lz4 packs at most 255 to 1, so a small block needs no large buffer, whatever the frame allows.
    const size_t needed = std::min(max_block_size_, 255 * block.size() + 64);
    if (needed > capacity_) {
      buffer_ = std::make_unique_for_overwrite<char[]>(needed);
      capacity_ = needed;
    }
    const int size = LZ4_decompress_safe(block.data(), buffer_.get(), static_cast<int>(block.size()),
                                         static_cast<int>(needed));
    if (size < 0) return lz4_error("the block is damaged");
    return ByteView(buffer_.get(), static_cast<size_t>(size));
  }

  ByteView rest_;
  const Lz4Framing framing_;
  bool header_read_ = false;
  bool ended_ = false;
  bool block_checksums_ = false;
  size_t max_block_size_ = 0;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
};

}  // namespace

std::unique_ptr<CompressStream> open_lz4_writer(int level, Lz4Framing framing) {
  return std::make_unique<Lz4Writer>(level, framing);
}
std::unique_ptr<DecompressStream> open_lz4_reader(ByteView compressed, Lz4Framing framing) {
  return std::make_unique<Lz4Reader>(compressed, framing);
}

}  // namespace milena::codecs
