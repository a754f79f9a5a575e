// zstd: standard frames, by the zstd library.
//
// A frame has the window size that its reader must keep, up to 128 MiB, and Java clients at level 20 and above use that
// even for small batches. So large windows are allowed, but then the content is limited: memory is only touched as far
// as content was decoded.
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>

#include "protocol/compression/codecs.h"

namespace milena::codecs {
namespace {

constexpr int kEverydayWindowLog = 23;  // 8 MiB: all levels up to 19
constexpr int kLargestWindowLog = 27;   // what Kafka's zstd-jni accepts
constexpr size_t kLargeWindowContent = 32 << 20;
constexpr size_t kLargeWindowRatio = 4;
// The largest context that a thread keeps between two batches; the usual window of level 3 is 2 MiB.
constexpr size_t kKeptContextSize = 3 << 20;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using CompressContext = std::unique_ptr<ZSTD_CCtx, FreeContext>;
using DecompressContext = std::unique_ptr<ZSTD_DCtx, FreeContext>;

// One spare context of each kind per thread: creating one costs more than a small batch.
thread_local CompressContext spare_compress_context;
thread_local DecompressContext spare_decompress_context;

class ZstdWriter final : public CompressStream {
 public:
  explicit ZstdWriter(int level) : context_(std::move(spare_compress_context)) {
    if (!context_) context_.reset(ZSTD_createCCtx());
    CHECK(context_ != nullptr);
    ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel,
                           std::clamp(level, ZSTD_minCLevel(), ZSTD_maxCLevel()));
  }
  ~ZstdWriter() override {
    if (ZSTD_sizeof_CCtx(context_.get()) <= kKeptContextSize) spare_compress_context = std::move(context_);
  }

  void write(ByteView bytes, Bytes& to) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (in.pos < in.size) step(in, ZSTD_e_continue, to);
  }

  void finish(Bytes& to) override {
    ZSTD_inBuffer in{nullptr, 0, 0};
    while (step(in, ZSTD_e_end, to) != 0) continue;
  }

 private:
  size_t step(ZSTD_inBuffer& in, ZSTD_EndDirective directive, Bytes& to) {
    char raw[16384];
    ZSTD_outBuffer out{raw, sizeof(raw), 0};
    const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
    CHECK(!ZSTD_isError(left), "{}", ZSTD_getErrorName(left));
    to.append(raw, out.pos);
    return left;
  }

  CompressContext context_;
};

class ZstdReader final : public DecompressStream {
 public:
  explicit ZstdReader(ByteView compressed)
      : context_(std::move(spare_decompress_context)), in_{compressed.data(), compressed.size(), 0} {
    if (!context_) context_.reset(ZSTD_createDCtx());
    CHECK(context_ != nullptr);
    begin(kEverydayWindowLog);
  }
  ~ZstdReader() override {
    if (ZSTD_sizeof_DCtx(context_.get()) <= kKeptContextSize) spare_decompress_context = std::move(context_);
  }

  Result<size_t> read(char* to, size_t size) override {
    if (!failure_.empty()) return broken();
    ZSTD_outBuffer out{to, size, 0};
    while (out.pos < out.size) {
      if (in_frame_ == 0 && in_.pos == in_.size) break;
      const size_t in_before = in_.pos, out_before = out.pos;
      const size_t rc = ZSTD_decompressStream(context_.get(), &out, &in_);
      if (ZSTD_isError(rc)) {
        if (ZSTD_getErrorCode(rc) == ZSTD_error_frameParameter_windowTooLarge && !large_window_) {
          allow_large_window(in_before);
          continue;
        }
        failure_ = ZSTD_getErrorName(rc);
        return broken();
      }
      in_frame_ = rc;
      if (in_.pos == in_before && out.pos == out_before) failure_ = "cut off";
      if (large_window_ && total_ + out.pos > std::max(kLargeWindowContent, kLargeWindowRatio * in_.size)) {
        failure_ = "the frame has too much content for the size of its window";
      }
      if (!failure_.empty()) {
        if (out.pos == 0) return broken();
        break;
      }
    }
    total_ += out.pos;
    return out.pos;
  }

 private:
  void begin(int window_log) {
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_and_parameters);
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log);
  }

  // Reads the frame's header again, which is at `frame_begin` unless it came in pieces.
  void allow_large_window(size_t frame_begin) {
    large_window_ = true;
    begin(kLargestWindowLog);
    in_.pos = frame_begin;
  }

  Error broken() const { return make_error(ErrorKind::kCorrupt, "zstd: {}", failure_); }

  DecompressContext context_;
  ZSTD_inBuffer in_;
  // Last result of ZSTD_decompressStream: 0 between two frames.
  size_t in_frame_ = 0;
  bool large_window_ = false;
  size_t total_ = 0;
  std::string failure_;
};

}  // namespace

std::unique_ptr<CompressStream> open_zstd_writer(int level) { return std::make_unique<ZstdWriter>(level); }
std::unique_ptr<DecompressStream> open_zstd_reader(ByteView compressed) {
  return std::make_unique<ZstdReader>(compressed);
}

}  // namespace milena::codecs
