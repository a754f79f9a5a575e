#include "protocol/compression/compression.h"

#include <gtest/gtest.h>
#include <snappy.h>
#include <zstd.h>

#include <random>

namespace milena {
namespace {

constexpr Codec kCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

// Half text, half noise: some blocks can be compressed, some cannot.
Bytes sample(size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  Bytes bytes;
  while (bytes.size() < size) {
    if (random() % 2) {
      bytes.append(random() % 3000, 'a' + static_cast<char>(random() % 20));
    } else {
      for (size_t i = random() % 3000; i > 0; i--) bytes += static_cast<char>(random());
    }
  }
  bytes.resize(size);
  return bytes;
}

Result<Bytes> read_all(DecompressStream& stream, size_t step, size_t limit = size_t{1} << 30) {
  Bytes all;
  Bytes portion(step, '\0');
  while (all.size() < limit) {
    Result<size_t> n = stream.read(portion.data(), step);
    if (!n.ok()) return n.error();
    all.append(portion, 0, *n);
    if (*n < step) break;
  }
  return all;
}

Result<Bytes> read_all(Codec codec, ByteView compressed, size_t step = 10000) {
  return read_all(*DecompressStream::open(codec, compressed), step);
}

TEST(Compression, RoundTripInEverySizeAndStep) {
  for (const Codec codec : kCodecs) {
    for (const size_t size : {0, 1, 100, 32768, 65536, 65537, 1000000}) {
      const Bytes bytes = sample(size);
      const Bytes compressed = compress(codec, default_level(codec), bytes);
      for (const size_t step : {7, 4096, 2000000}) {
        if (size > 100000 && step == 7) continue;
        Result<Bytes> read = read_all(codec, compressed, step);
        ASSERT_TRUE(read.ok()) << codec_name(codec) << " " << size << ": " << read.error().message;
        ASSERT_TRUE(*read == bytes) << codec_name(codec) << " " << size << " step " << step;
      }
    }
  }
}

TEST(Compression, EveryLevelAndBeyond) {
  const Bytes bytes = sample(150000);
  for (const Codec codec : {Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
    for (const int level : {-200000, -1, 0, 1, 2, 5, 9, 10, 12, 17, 19, 100}) {
      if (codec == Codec::kZstd && level == 100) continue;  // level 22 takes half a gigabyte
      Result<Bytes> read = read_all(codec, compress(codec, level, bytes));
      ASSERT_TRUE(read.ok()) << codec_name(codec) << " " << level;
      EXPECT_TRUE(*read == bytes);
    }
  }
}

TEST(Compression, NamesGoBothWays) {
  for (const Codec codec : kCodecs) EXPECT_EQ(codec_from_name(codec_name(codec)), codec);
  EXPECT_EQ(codec_from_name("producer"), std::nullopt);
  EXPECT_EQ(codec_from_name("GZIP"), std::nullopt);
}

TEST(Compression, EveryCutIsAnErrorOrShort) {
  const Bytes bytes = sample(3000);
  for (const Codec codec : kCodecs) {
    const Bytes compressed = compress(codec, default_level(codec), bytes);
    for (size_t size = 0; size < compressed.size(); size++) {
      Result<Bytes> read = read_all(codec, ByteView(compressed).substr(0, size));
      if (read.ok()) {
        EXPECT_EQ(bytes.substr(0, read->size()), *read);
        EXPECT_LE(read->size(), bytes.size());
      }
    }
  }
}

TEST(Compression, FlippedBitsNeverCrash) {
  const Bytes bytes = sample(2000);
  std::mt19937 random(3);
  for (const Codec codec : kCodecs) {
    const Bytes compressed = compress(codec, default_level(codec), bytes);
    for (int i = 0; i < 2000; i++) {
      Bytes broken = compressed;
      for (size_t flips = 1 + random() % 3; flips > 0; flips--) broken[random() % broken.size()] ^= 1 << random() % 8;
      auto stream = DecompressStream::open(codec, broken);
      (void)read_all(*stream, 4096, 1 << 20);
    }
  }
}

TEST(Compression, ReadingAfterAnErrorFailsAgain) {
  for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    auto stream = DecompressStream::open(codec, "\x05 this is nothing that was ever compressed");
    char to[10];
    EXPECT_FALSE(stream->read(to, sizeof(to)).ok()) << codec_name(codec);
    EXPECT_FALSE(stream->read(to, sizeof(to)).ok()) << codec_name(codec);
  }
}

TEST(Compression, GzipReadsSeveralMembersAndIgnoresWhatFollows) {
  const Bytes compressed = compress(Codec::kGzip, -1, "one ") + compress(Codec::kGzip, 9, "two");
  EXPECT_EQ(*read_all(Codec::kGzip, compressed), "one two");
  EXPECT_EQ(*read_all(Codec::kGzip, compressed + "zz"), "one two");
}

TEST(Compression, SnappyReadsARawBlock) {
  for (const size_t size : {10, 70000, 1000000}) {
    const Bytes bytes = sample(size);
    Bytes raw;
    snappy::Compress(bytes.data(), bytes.size(), &raw);
    EXPECT_TRUE(*read_all(Codec::kSnappy, raw) == bytes);
  }
}

// The header's version numbers exist in both byte orders.
TEST(Compression, SnappyIgnoresTheXerialVersions) {
  Bytes compressed = compress(Codec::kSnappy, 0, "hello");
  for (size_t i = 8; i < 16; i++) compressed[i] ^= '\x5a';
  EXPECT_EQ(*read_all(Codec::kSnappy, compressed), "hello");
  EXPECT_EQ(*read_all(Codec::kSnappy, compressed + compressed), "hellohello");
}

// A block that claims to hold much more than it is long is read through a window, with the same result.
TEST(Compression, SnappyBombGoesThroughAWindow) {
  Bytes bytes = sample(50000) + Bytes(20000000, 'x') + sample(300000) + Bytes(3000000, 'y');
  Bytes raw;
  snappy::Compress(bytes.data(), bytes.size(), &raw);
  ASSERT_LT(raw.size() * 4, bytes.size());
  for (const size_t step : {1000, 100000, 1 << 20}) EXPECT_TRUE(*read_all(Codec::kSnappy, raw, step) == bytes);
  // If cut off, it returns the available bytes, then the error.
  auto stream = DecompressStream::open(Codec::kSnappy, ByteView(raw).substr(0, raw.size() / 2));
  EXPECT_FALSE(read_all(*stream, 4096).ok());
}

// For writing test blocks: the claimed length, literals, copies with four bytes of offset.
Bytes snappy_length(size_t size) {
  Bytes out;
  for (; size > 0x7f; size >>= 7) out.push_back(static_cast<char>(size | 0x80));
  return out + static_cast<char>(size);
}

Bytes snappy_literal(ByteView bytes) {
  Bytes out = "\xfc";
  for (size_t n = bytes.size() - 1, i = 0; i < 4; i++, n >>= 8) out.push_back(static_cast<char>(n));
  return out.append(bytes);
}

Bytes snappy_copy(size_t offset) {
  Bytes out(1, static_cast<char>(63 << 2 | 3));
  for (size_t i = 0; i < 4; i++, offset >>= 8) out.push_back(static_cast<char>(offset));
  return out;
}

// S2, which franz-go compresses with, copies from further back than the 64 KiB of Google's encoder.
TEST(Compression, SnappyCopiesFromFarBack) {
  for (const size_t distance : {65536, 65537, 128 * 1024, 131136, 400000, 3000000}) {
    SCOPED_TRACE(distance);
    const Bytes start = sample(distance);
    Bytes bytes = start, elements = snappy_literal(start);
    // The start repeated five times: the first two by far copies, then alternately from far and near.
    while (bytes.size() < 6 * distance) {
      const size_t offset = bytes.size() < 3 * distance || bytes.size() % 128 == 0 ? distance : 64;
      elements += snappy_copy(offset);
      bytes += bytes.substr(bytes.size() - offset, 64);
    }
    const Bytes block = snappy_length(bytes.size()) + elements;
    Bytes expected;
    ASSERT_TRUE(snappy::Uncompress(block.data(), block.size(), &expected));
    ASSERT_TRUE(expected == bytes);
    ASSERT_GT(bytes.size(), 3 * block.size());
    for (const size_t step : {1000, 100000, 1 << 24}) EXPECT_TRUE(*read_all(Codec::kSnappy, block, step) == bytes);
  }
}

TEST(Compression, SnappyBlockThatSaysItIsEmptyIs) {
  EXPECT_EQ(*read_all(Codec::kSnappy, Bytes(1, '\0')), "");
  EXPECT_FALSE(read_all(Codec::kSnappy, Bytes(200, '\0')).ok());
}

// False claims and offsets take no memory, and end in an error.
TEST(Compression, SnappyBelievesNoImpossibleBlock) {
  const Bytes start = sample(1000);
  Bytes copies;
  for (int i = 0; i < 20000; i++) copies += snappy_copy(1);
  for (const size_t size : {size_t{1281000} - 1, size_t{1281000} + 1, size_t{30} << 20, size_t{0xffffffff}}) {
    const Bytes block = snappy_length(size) + snappy_literal(start) + copies;
    auto stream = DecompressStream::open(Codec::kSnappy, block);
    EXPECT_FALSE(read_all(*stream, 4096).ok()) << size;
  }
  for (const size_t offset : {size_t{0}, size_t{1281001}, size_t{0xffffffff}}) {
    const Bytes block = snappy_length(1281000 + 64) + snappy_literal(start) + copies + snappy_copy(offset);
    auto stream = DecompressStream::open(Codec::kSnappy, block);
    EXPECT_FALSE(read_all(*stream, 4096).ok()) << offset;
  }
}

TEST(Compression, Lz4HeaderOfMagic0HasItsOwnChecksum) {
  const Bytes standard = compress(Codec::kLz4, 9, "hello");
  const Bytes magic_0 = compress(Codec::kLz4, 9, "hello", Lz4Framing::kMagic0);
  EXPECT_EQ(standard.substr(0, 7), Bytes("\x04\x22\x4d\x18\x60\x40\x82"));
  EXPECT_NE(standard[6], magic_0[6]);
  EXPECT_FALSE(read_all(Codec::kLz4, magic_0).ok());
  // In the opposite case the checksum is not checked.
  for (const Bytes& frame : {standard, magic_0}) {
    auto stream = DecompressStream::open(Codec::kLz4, frame, Lz4Framing::kMagic0);
    EXPECT_EQ(*read_all(*stream, 100), "hello");
  }
}

TEST(Compression, Lz4RefusesBlocksBeyondTheFramesSize) {
  Bytes frame = compress(Codec::kLz4, 9, Bytes(60000, 'x'));
  EXPECT_TRUE(read_all(Codec::kLz4, frame).ok());
  frame[7] = '\x01';
  frame[8] = '\x00';
  frame[9] = '\x01';  // 65537
  EXPECT_FALSE(read_all(Codec::kLz4, frame).ok());
}

TEST(Compression, ZstdReadsFramesOneBehindTheOther) {
  const Bytes compressed = compress(Codec::kZstd, 3, "one ") + compress(Codec::kZstd, 3, "two");
  EXPECT_EQ(*read_all(Codec::kZstd, compressed), "one two");
  EXPECT_FALSE(read_all(Codec::kZstd, compressed + "zz").ok());
}

Bytes zstd_with_window(int window_log, size_t size) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  Bytes out(1 << 20, '\0');
  const Bytes zeros(1 << 20, '\0');
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  for (size_t done = 0; done < size; done += zeros.size()) {
    ZSTD_inBuffer in{zeros.data(), std::min(zeros.size(), size - done), 0};
    ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
  }
  ZSTD_inBuffer none{nullptr, 0, 0};
  ZSTD_compressStream2(context, &to, &none, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

// Level 22 of the Java clients asks for a window of 128 MiB even for a small batch.
TEST(Compression, ZstdLargeWindowIsFineForSmallContentOnly) {
  for (const int window_log : {23, 24, 27}) {
    Result<Bytes> read = read_all(Codec::kZstd, zstd_with_window(window_log, 3000000));
    ASSERT_TRUE(read.ok()) << window_log << " " << read.error().message;
    EXPECT_EQ(read->size(), 3000000u);
  }
  EXPECT_TRUE(read_all(Codec::kZstd, zstd_with_window(23, 100 << 20), 1 << 20).ok());
  EXPECT_FALSE(read_all(Codec::kZstd, zstd_with_window(27, 100 << 20), 1 << 20).ok());
  EXPECT_FALSE(read_all(Codec::kZstd, zstd_with_window(28, 3000000)).ok());
}

}  // namespace
}  // namespace milena
