// gzip: one or more consecutive RFC 1952 members, by zlib.
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "protocol/compression/codecs.h"

namespace milena::codecs {
namespace {

constexpr int kGzipWrapped = 15 + 16;  // for zlib: a 32 KiB window, in a gzip member
constexpr int kMemoryLevel = 8;

Bytef* input_of(ByteView bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); }

uInt at_most_uint(size_t size) {
  return static_cast<uInt>(std::min<size_t>(size, std::numeric_limits<uInt>::max()));
}

class GzipWriter final : public CompressStream {
 public:
  explicit GzipWriter(int level) {
    const int known = level < 1 ? Z_DEFAULT_COMPRESSION : std::min(level, Z_BEST_COMPRESSION);
    const int rc = deflateInit2(&stream_, known, Z_DEFLATED, kGzipWrapped, kMemoryLevel, Z_DEFAULT_STRATEGY);
    CHECK(rc == Z_OK, "deflateInit2: {}", rc);
  }
  ~GzipWriter() override { deflateEnd(&stream_); }

  void write(ByteView bytes, Bytes& to) override {
    while (!bytes.empty()) {
      const uInt portion = at_most_uint(bytes.size());
      stream_.next_in = input_of(bytes);
      stream_.avail_in = portion;
      while (stream_.avail_in > 0) deflate_some(Z_NO_FLUSH, to);
      bytes.remove_prefix(portion);
    }
  }

  void finish(Bytes& to) override {
    stream_.avail_in = 0;
    while (deflate_some(Z_FINISH, to) != Z_STREAM_END) continue;
  }

 private:
  int deflate_some(int flush, Bytes& to) {
    char out[16384];
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = sizeof(out);
    const int rc = deflate(&stream_, flush);
    CHECK(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR, "deflate: {}", rc);
    to.append(out, sizeof(out) - stream_.avail_out);
    return rc;
  }

  z_stream stream_{};
};

class GzipReader final : public DecompressStream {
 public:
  explicit GzipReader(ByteView compressed) : rest_(compressed) {
    const int rc = inflateInit2(&stream_, kGzipWrapped);
    CHECK(rc == Z_OK, "inflateInit2: {}", rc);
  }
  ~GzipReader() override { inflateEnd(&stream_); }

  Result<size_t> read(char* to, size_t size) override {
    size_t done = 0;
    while (done < size && !ended_) {
      if (failed_) return broken();
      const uInt in = at_most_uint(rest_.size());
      const uInt out = at_most_uint(size - done);
      stream_.next_in = input_of(rest_);
      stream_.avail_in = in;
      stream_.next_out = reinterpret_cast<Bytef*>(to + done);
      stream_.avail_out = out;
      const int rc = inflate(&stream_, Z_NO_FLUSH);
      rest_.remove_prefix(in - stream_.avail_in);
      done += out - stream_.avail_out;
      if (rc == Z_STREAM_END) {
        begin_next_member();
      } else if (rc != Z_OK) {
        failed_ = true;
      } else if (stream_.avail_in == in && stream_.avail_out == out) {
        failed_ = true;  // no progress: the input is cut off
      }
    }
    return done;
  }

 private:
  // Behind a member there may be another one. Anything else is ignored, as Java's GZIPInputStream does.
  void begin_next_member() {
    const bool another = rest_.size() > 2 && rest_[0] == '\x1f' && rest_[1] == '\x8b';
    if (another) {
      inflateReset(&stream_);
    } else {
      ended_ = true;
    }
  }

  static Error broken() { return make_error(ErrorKind::kCorrupt, "gzip: the compressed data are damaged or cut off"); }

  ByteView rest_;
  z_stream stream_{};
  bool ended_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<CompressStream> open_gzip_writer(int level) { return std::make_unique<GzipWriter>(level); }
std::unique_ptr<DecompressStream> open_gzip_reader(ByteView compressed) {
  return std::make_unique<GzipReader>(compressed);
}

}  // namespace milena::codecs
