#include "net/frame_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace milena::net {
namespace {

constexpr size_t kScratch = 16 * 1024;

// Acts as a socket with `stream` as its input, at most `at_most` bytes per read.
struct Feeder {
  explicit Feeder(uint32_t max_frame_bytes, uint32_t max_stranger_bytes = UINT32_MAX)
      : reader(max_frame_bytes, max_stranger_bytes) {}

  Status feed(ByteView stream, size_t at_most) {
    while (!stream.empty()) {
      iovec parts[2];
      int count = reader.prepare(parts, scratch, sizeof scratch);
      size_t given = 0;
      for (int i = 0; i < count; i++) {
        EXPECT_GT(parts[i].iov_len, 0u);
        largest_part = std::max(largest_part, parts[i].iov_len);
        size_t part = std::min({parts[i].iov_len, stream.size(), at_most - given});
        std::memcpy(parts[i].iov_base, stream.data(), part);
        stream.remove_prefix(part);
        given += part;
      }
      RETURN_IF_ERROR(reader.commit(given, scratch, frames));
    }
    return ok_status();
  }

  FrameReader reader;
  char scratch[kScratch];
  std::deque<broker::Frame> frames;
  size_t largest_part = 0;
};

Bytes framed(ByteView body) {
  Bytes all;
  append_big_endian<int32_t>(all, static_cast<int32_t>(body.size()));
  all += body;
  return all;
}

Bytes pattern(size_t size, char seed) {
  Bytes body(size, '\0');
  for (size_t i = 0; i < size; i++) body[i] = static_cast<char>(seed + i * 131 + i / 251);
  return body;
}

TEST(FrameReader, CutsTheStreamHoweverItArrives) {
  std::vector<Bytes> bodies;
  for (size_t size : {1, 2, 3, 4, 5, 100, 4095, 16384, 16385, 70000, 300000, 1, 65536, 65537, 9}) {
    bodies.push_back(pattern(size, static_cast<char>(size)));
  }
  Bytes stream;
  for (const Bytes& body : bodies) stream += framed(body);
  for (size_t at_most : {1, 3, 7, 100, 4096, 16384, 1000000}) {
    Feeder feeder(1 << 20);
    ASSERT_TRUE(feeder.feed(stream, at_most).ok());
    ASSERT_EQ(feeder.frames.size(), bodies.size()) << at_most;
    for (size_t i = 0; i < bodies.size(); i++) {
      EXPECT_EQ(feeder.frames[i].bytes, bodies[i]) << "frame " << i << " in reads of " << at_most;
      EXPECT_EQ(feeder.frames[i].bytes.data(), feeder.frames[i].buffer.get());
    }
    EXPECT_EQ(feeder.reader.partial_bytes(), 0u);
  }
}

TEST(FrameReader, RefusesSizesThatAreNone) {
  for (int32_t size : {-1, INT32_MIN, 0, 1001, INT32_MAX}) {
    Feeder feeder(1000);
    Bytes stream = framed("abc");
    append_big_endian<int32_t>(stream, size);
    Status status = feeder.feed(stream, 2);
    ASSERT_FALSE(status.ok()) << size;
    EXPECT_NE(status.error().message.find(std::to_string(size)), Bytes::npos) << status.error().message;
    EXPECT_EQ(feeder.frames.size(), 1u) << "what came before is lost";
  }
  Feeder feeder(1000);
  EXPECT_TRUE(feeder.feed(framed(pattern(1000, 1)), 100).ok());
  EXPECT_EQ(feeder.frames.size(), 1u);
}

TEST(FrameReader, AStrangersRequestsAreSmaller) {
  Feeder stranger(1000, 100);
  ASSERT_TRUE(stranger.feed(framed(pattern(100, 'a')), 1000).ok());
  Status refused = stranger.feed(framed(pattern(101, 'a')), 1000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "request of size 101: expected at most 100 (sasl.server.max.receive.size, before authentication)");
  Feeder known(1000, 100);
  known.reader.authenticated();
  EXPECT_TRUE(known.feed(framed(pattern(1000, 'a')), 1000).ok());
  EXPECT_FALSE(known.feed(framed(pattern(1001, 'a')), 1000).ok());
}

TEST(FrameReader, AnotherProtocolIsCalledByItsName) {
  struct {
    ByteView start;
    const char* expected;
  } kCases[] = {
      {ByteView("\x16\x03\x01\x02\x00\x01", 6), "the client speaks TLS, but this listener is PLAINTEXT"},
      {"GET / HTTP/1.1\r\n", "the client speaks HTTP"},
      {"POST /topics HTTP/1.1\r\n", "the client speaks HTTP"},
      {ByteView("\x7f\x00\x00\x00", 4), "request of size 2130706432"},
  };
  for (const auto& [start, expected] : kCases) {
    Feeder feeder(100 << 20);
    Status status = feeder.feed(start, 3);  // the size comes in two pieces
    ASSERT_FALSE(status.ok()) << expected;
    EXPECT_NE(status.error().message.find(expected), std::string::npos) << status.error().message;
  }
  // A possible size is accepted.
  Feeder feeder(INT32_MAX);
  EXPECT_TRUE(feeder.feed(ByteView("\x16\x03\x01\x02", 4), 4).ok());
}

TEST(FrameReader, AClaimCostsNothing) {
  Feeder feeder(100 << 20);
  Bytes stream;
  append_big_endian<int32_t>(stream, 100 << 20);
  stream += "some bytes of it";
  ASSERT_TRUE(feeder.feed(stream, 1000).ok());
  iovec parts[2];
  ASSERT_EQ(feeder.reader.prepare(parts, feeder.scratch, sizeof feeder.scratch), 2);
  EXPECT_LE(parts[0].iov_len, 64u * 1024);
  EXPECT_EQ(feeder.reader.partial_bytes(), 16u);
  // With more bytes it may grow, to a small multiple of them.
  Bytes more = pattern(1 << 20, 7);
  ASSERT_TRUE(feeder.feed(more, 100000).ok());
  EXPECT_LE(feeder.largest_part, 4u * (1 << 20));
}

TEST(FrameReader, ASecondBigFrameIsReadInOnePiece) {
  Feeder feeder(100 << 20);
  Bytes body = pattern(1 << 20, 3);
  ASSERT_TRUE(feeder.feed(framed(body), 1 << 20).ok());
  Bytes head = framed(body).substr(0, 10);
  ASSERT_TRUE(feeder.feed(head, 100).ok());
  iovec parts[2];
  ASSERT_EQ(feeder.reader.prepare(parts, feeder.scratch, sizeof feeder.scratch), 2);
  EXPECT_EQ(parts[0].iov_len, body.size() - 6);
  // The scratch buffer is offered in part only, so that the frame behind it is not copied either.
  EXPECT_LT(parts[1].iov_len, kScratch);
}

}  // namespace
}  // namespace milena::net
