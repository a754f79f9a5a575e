// A large request that comes in many little writes wakes the loop seldom, and the end of it at once.
#include <gtest/gtest.h>

#include <atomic>

#include "net/frame_reader.h"
#include "net/server_fixture.h"

namespace milena {
namespace {

using namespace net_test;

class CountingReader final : public RequestReader {
 public:
  CountingReader(const ConnectionLimits& limits, std::atomic<int>& reads)
      : reader_(make_kafka_reader(limits)), reads_(reads) {}

  int prepare(iovec parts[2], char* scratch, size_t scratch_bytes) override {
    return reader_->prepare(parts, scratch, scratch_bytes);
  }
  void authenticated() override { reader_->authenticated(); }
  size_t missing_bytes() const override { return reader_->missing_bytes(); }
  Status commit(size_t count, const char* scratch, std::deque<Frame>& requests) override {
    reads_++;
    return reader_->commit(count, scratch, requests);
  }

 private:
  const std::unique_ptr<RequestReader> reader_;
  std::atomic<int>& reads_;
};

class CountingProtocol final : public Protocol {
 public:
  std::unique_ptr<Stream> make_stream(EventLoop& loop, int descriptor) const override {
    return make_plain_stream(loop, descriptor);
  }
  std::unique_ptr<RequestReader> make_reader(const ConnectionLimits& limits) const override {
    return std::make_unique<CountingReader>(limits, reads);
  }
  mutable std::atomic<int> reads = 0;
};

class ExpectedBytesTest : public ServerTest {};
INSTANTIATE_TEST_SUITE_P(Loops, ExpectedBytesTest, testing::Values(1, 2));

TEST_P(ExpectedBytesTest, ManyLittleWritesOfOneRequestAreReadTogether) {
  auto protocol = std::make_shared<CountingProtocol>();
  ServerOptions options;
  ListenerOptions listener;
  listener.name = "PLAINTEXT";
  listener.host = "127.0.0.1";
  listener.backlog = 16;
  listener.protocol = protocol;
  options.listeners.push_back(listener);
  start(std::move(options));
  TestClient client(port());
  constexpr size_t kBody = 4 << 20, kWrite = 4096;
  const Bytes frame = TestClient::frame("e" + Bytes(kBody, 'x'));
  for (size_t at = 0; at < frame.size(); at += kWrite) {
    ASSERT_TRUE(client.send_raw(ByteView(frame).substr(at, kWrite)));
  }
  ASSERT_EQ(client.receive()->size(), kBody + 1);
  // Of 128 KB each, but for the first ones, which begin to tell how large it is, and those where the kernel was short
  // of room; a read for each write would be a thousand.
  EXPECT_LE(protocol->reads, 100);
  // What follows is small again and is not waited for.
  for (const char* body : {"e1", "e22", "e333"}) {
    client.send_raw(TestClient::frame(body));
    ASSERT_EQ(client.receive(), body);
  }
}

TEST(FrameReader, SaysWhatIsMissing) {
  FrameReader reader(1 << 20);
  std::deque<Frame> frames;
  char scratch[4096];
  const auto feed = [&](ByteView bytes) {
    iovec parts[2];
    const int count = reader.prepare(parts, scratch, sizeof scratch);
    size_t in_body = 0;
    if (count == 2) {
      in_body = std::min(bytes.size(), parts[0].iov_len);
      bytes.copy(static_cast<char*>(parts[0].iov_base), in_body);
    }
    bytes.substr(in_body).copy(scratch, sizeof scratch);
    ASSERT_TRUE(reader.commit(bytes.size(), scratch, frames).ok());
  };
  EXPECT_EQ(reader.missing_bytes(), 1u);
  const Bytes frame = TestClient::frame(Bytes(10'000, 'x'));
  feed(ByteView(frame).substr(0, 2));
  EXPECT_EQ(reader.missing_bytes(), 1u);
  feed(ByteView(frame).substr(2, 102));
  EXPECT_EQ(reader.missing_bytes(), 9'900u);
  feed(ByteView(frame).substr(104, 4'000));
  EXPECT_EQ(reader.missing_bytes(), 5'900u);
  feed(ByteView(frame).substr(4'104, 4'000));
  feed(ByteView(frame).substr(8'104));
  EXPECT_EQ(frames.size(), 1u);
  EXPECT_EQ(reader.missing_bytes(), 1u);
}

}  // namespace
}  // namespace milena
