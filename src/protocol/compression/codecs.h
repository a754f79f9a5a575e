// Shared by compression.cc and the codecs' files; internal.
#pragma once

#include <memory>

#include "protocol/compression/compression.h"

namespace milena::codecs {

std::unique_ptr<CompressStream> open_gzip_writer(int level);
std::unique_ptr<CompressStream> open_snappy_writer();
std::unique_ptr<CompressStream> open_lz4_writer(int level, Lz4Framing framing);
std::unique_ptr<CompressStream> open_zstd_writer(int level);

std::unique_ptr<DecompressStream> open_gzip_reader(ByteView compressed);
std::unique_ptr<DecompressStream> open_snappy_reader(ByteView compressed);
std::unique_ptr<DecompressStream> open_lz4_reader(ByteView compressed, Lz4Framing framing);
std::unique_ptr<DecompressStream> open_zstd_reader(ByteView compressed);

// For codecs whose blocks are decoded whole into a buffer of their own (snappy, lz4): hands the buffer out in the
// portions the caller asks for.
class BlockReader : public DecompressStream {
 public:
  Result<size_t> read(char* to, size_t size) final;

 protected:
  // The next decoded bytes, valid until the next call; empty at the end of the stream.
  virtual Result<ByteView> next_block() = 0;

 private:
  ByteView block_;
  std::optional<Error> error_;
};

}  // namespace milena::codecs
