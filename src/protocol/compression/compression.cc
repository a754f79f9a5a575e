#include "protocol/compression/compression.h"

#include <algorithm>
#include <array>

#include "protocol/compression/codecs.h"

namespace milena {
namespace {

constexpr std::array<const char*, kMaxCodec + 1> kCodecNames = {"none", "gzip", "snappy", "lz4", "zstd"};

class PlainWriter final : public CompressStream {
 public:
  void write(ByteView bytes, Bytes& to) override { to.append(bytes); }
  void finish(Bytes&) override {}
};

class PlainReader final : public DecompressStream {
 public:
  explicit PlainReader(ByteView bytes) : rest_(bytes) {}

  Result<size_t> read(char* to, size_t size) override {
    const size_t n = rest_.copy(to, size);
    rest_.remove_prefix(n);
    return n;
  }

 private:
  ByteView rest_;
};

}  // namespace

const char* codec_name(Codec codec) { return kCodecNames.at(static_cast<size_t>(codec)); }

std::optional<Codec> codec_from_name(ByteView name) {
  for (size_t i = 0; i < kCodecNames.size(); i++) {
    if (name == kCodecNames[i]) return static_cast<Codec>(i);
  }
  return std::nullopt;
}

int default_level(Codec codec) {
  switch (codec) {
    case Codec::kGzip: return -1;
    case Codec::kLz4: return 9;
    case Codec::kZstd: return 3;
    case Codec::kNone:
    case Codec::kSnappy: break;
  }
  return 0;
}

std::unique_ptr<CompressStream> CompressStream::open(Codec codec, int level, Lz4Framing framing) {
  switch (codec) {
    case Codec::kNone: return std::make_unique<PlainWriter>();
    case Codec::kGzip: return codecs::open_gzip_writer(level);
    case Codec::kSnappy: return codecs::open_snappy_writer();
    case Codec::kLz4: return codecs::open_lz4_writer(level, framing);
    case Codec::kZstd: return codecs::open_zstd_writer(level);
  }
  check_failed(__FILE__, __LINE__, "a codec", std::to_string(static_cast<int>(codec)));
}

std::unique_ptr<DecompressStream> DecompressStream::open(Codec codec, ByteView compressed, Lz4Framing framing) {
  switch (codec) {
    case Codec::kNone: return std::make_unique<PlainReader>(compressed);
    case Codec::kGzip: return codecs::open_gzip_reader(compressed);
    case Codec::kSnappy: return codecs::open_snappy_reader(compressed);
    case Codec::kLz4: return codecs::open_lz4_reader(compressed, framing);
    case Codec::kZstd: return codecs::open_zstd_reader(compressed);
  }
  check_failed(__FILE__, __LINE__, "a codec", std::to_string(static_cast<int>(codec)));
}

Bytes compress(Codec codec, int level, ByteView bytes, Lz4Framing framing) {
  Bytes to;
  const std::unique_ptr<CompressStream> stream = CompressStream::open(codec, level, framing);
  stream->write(bytes, to);
  stream->finish(to);
  return to;
}

namespace codecs {

Result<size_t> BlockReader::read(char* to, size_t size) {
  if (error_) return *error_;
  size_t done = 0;
  while (done < size) {
    if (block_.empty()) {
      Result<ByteView> block = next_block();
      if (!block.ok()) {
        error_ = block.error();
        return *error_;
      }
      block_ = *block;
      if (block_.empty()) break;
    }
    const size_t n = block_.copy(to + done, size - done);
    block_.remove_prefix(n);
    done += n;
  }
  return done;
}

}  // namespace codecs
}  // namespace milena
