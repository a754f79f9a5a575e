// Codecs: any bytes read as a compressed block; any bytes compressed, read back, and read again with one byte changed.
#include <algorithm>

#include "fuzz_input.h"
#include "protocol/compression/compression.h"

namespace milena::fuzz {
namespace {

constexpr size_t kReadLimit = 4 << 20;

// The output of a stream, in portions of `step`; at most kReadLimit.
Bytes read_stream(Codec codec, ByteView compressed, Lz4Framing framing, size_t step, bool& ok) {
  const auto stream = DecompressStream::open(codec, compressed, framing);
  Bytes all, portion(step, '\0');
  ok = true;
  while (all.size() < kReadLimit) {
    Result<size_t> n = stream->read(portion.data(), step);
    if (!n.ok()) {
      ok = false;
      CHECK(!stream->read(portion.data(), step).ok());
      break;
    }
    CHECK(*n <= step);
    all.append(portion, 0, *n);
    if (*n < step) break;
  }
  return all;
}

}  // namespace
}  // namespace milena::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace milena;
  fuzz::Input input(data, size);
  const uint8_t choice = input.choice();
  const auto codec = static_cast<Codec>(choice % (kMaxCodec + 1));
  const Lz4Framing framing = choice & 0x80 ? Lz4Framing::kMagic0 : Lz4Framing::kStandard;
  const size_t step = 1 + input.wide_choice();
  bool ok = false;
  fuzz::read_stream(codec, input.rest(), framing, step, ok);

  const int level = static_cast<int8_t>(input.choice()) % 10;
  const size_t position = input.wide_choice();
  const uint8_t change = input.choice();
  Bytes compressed = compress(codec, level, input.rest(), framing);
  const Bytes read = fuzz::read_stream(codec, compressed, framing, step, ok);
  CHECK(ok && read == input.rest());
  if (!compressed.empty()) {
    compressed[position % compressed.size()] ^= static_cast<char>(change);
    fuzz::read_stream(codec, compressed, framing, step, ok);
  }
  return 0;
}
