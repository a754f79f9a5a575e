// The codecs of record batches (attributes bits 0-2), each from its library, with the framing that Kafka's clients
// use (org.apache.kafka.common.compress). Pure functions and one stream reader; any thread.
//
// Input may be hostile: a few kilobytes may claim to hold gigabytes. So there is no one-shot decompression;
// DecompressStream returns as much as its caller asks for, and keeps a bounded window.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace milena {

enum class Codec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

constexpr uint8_t kMaxCodec = 4;

// The names of compression.type: none, gzip, snappy, lz4, zstd.
const char* codec_name(Codec codec);
std::optional<Codec> codec_from_name(ByteView name);

// Defaults of compression.{gzip,lz4,zstd}.level (GzipCompression: -1, Lz4: 9, Zstd: 3).
int default_level(Codec codec);

// The lz4 frame header of magic-0 messages has a checksum over the wrong bytes, and must keep it for compatibility.
enum class Lz4Framing : uint8_t { kStandard, kMagic0 };

// Writes one compressed block, piece by piece. `level` is ignored by none and snappy; out of range, the nearest level
// is used.
class CompressStream {
 public:
  virtual ~CompressStream() = default;

  static std::unique_ptr<CompressStream> open(Codec codec, int level, Lz4Framing framing = Lz4Framing::kStandard);

  // Both append to `to`. The last pieces may come out only with finish().
  virtual void write(ByteView bytes, Bytes& to) = 0;
  virtual void finish(Bytes& to) = 0;
};

// Compresses all bytes at once, through such a stream.
Bytes compress(Codec codec, int level, ByteView bytes, Lz4Framing framing = Lz4Framing::kStandard);

// Reads one compressed block, front to back. The compressed bytes must outlive the stream.
class DecompressStream {
 public:
  virtual ~DecompressStream() = default;

  static std::unique_ptr<DecompressStream> open(Codec codec, ByteView compressed,
                                                Lz4Framing framing = Lz4Framing::kStandard);

  // Fills `to` with up to `size` bytes and returns how many; fewer than `size` only at the end of the stream. After an
  // error every further read fails.
  virtual Result<size_t> read(char* to, size_t size) = 0;
};

}  // namespace milena
