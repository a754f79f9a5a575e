// The rest of a large request wakes the loop when much or all of it is there, and not for each small write.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "net/frame_reader.h"
#include "net/server_fixture.h"

namespace milena::net {
namespace {

using namespace net_test;

// Exposes the descriptor of its connection.
class OpenProtocol final : public Protocol {
 public:
  std::unique_ptr<Stream> make_stream(EventLoop& loop, int descriptor) const override {
    seen = descriptor;
    return make_plain_stream(loop, descriptor);
  }
  std::unique_ptr<RequestReader> make_reader(const ConnectionLimits& limits) const override {
    return kafka_protocol()->make_reader(limits);
  }
  // Waits until the connection's SO_RCVLOWAT is large, or small.
  bool awaits(bool many) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      int mark = 0;
      socklen_t size = sizeof mark;
      ::getsockopt(seen, SOL_SOCKET, SO_RCVLOWAT, &mark, &size);
      if (many ? mark >= 32 * 1024 : mark == 1) return true;
      std::this_thread::yield();
    }
    return false;
  }
  mutable std::atomic<int> seen = -1;
};

class ExpectedBytesTest : public ServerTest {};
INSTANTIATE_TEST_SUITE_P(Loops, ExpectedBytesTest, testing::Values(1, 2));

TEST_P(ExpectedBytesTest, TheRestOfALargeRequestIsAwaitedInLargeParts) {
  auto protocol = std::make_shared<OpenProtocol>();
  ServerOptions options;
  ListenerOptions listener;
  listener.name = "PLAINTEXT";
  listener.host = "127.0.0.1";
  listener.backlog = 16;
  listener.protocol = protocol;
  options.listeners.push_back(listener);
  start(std::move(options));
  TestClient client(port());
  const Bytes body = "e" + Bytes(4 << 20, 'x');
  const Bytes frame = TestClient::frame(body);
  ASSERT_TRUE(client.send_raw(ByteView(frame).substr(0, 1000)));
  EXPECT_TRUE(protocol->awaits(true));
  ASSERT_TRUE(client.send_raw(ByteView(frame).substr(1000)));
  ASSERT_EQ(client.receive(), body);
  // The next frame is small again and is not waited for.
  EXPECT_TRUE(protocol->awaits(false));
  for (const char* small : {"e1", "e22", "e333"}) {
    client.send_raw(TestClient::frame(small));
    ASSERT_EQ(client.receive(), small);
  }
}

TEST(FrameReader, SaysWhatIsMissing) {
  FrameReader reader(1 << 20);
  std::deque<broker::Frame> frames;
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
}  // namespace milena::net
