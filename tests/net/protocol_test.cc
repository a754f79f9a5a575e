// A listener with its own protocol: lines instead of Kafka's frames, over a stream that waits for the opposite
// readiness, like TLS during renegotiation.
#include "net/protocol.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "net/server.h"
#include "net/test_client.h"

namespace milena::net {
namespace {

// Every other read first wants the socket writable, every other write first wants it readable.
class ContraryStream final : public Stream {
 public:
  ContraryStream(std::unique_ptr<Stream> plain, std::atomic<int>& refused_writes)
      : plain_(std::move(plain)), refused_writes_(refused_writes) {}

  IoResult read(std::span<iovec> parts) override {
    if (std::exchange(refuse_read_, !refuse_read_)) return {IoResult::kWantsWrite};
    return plain_->read(parts);
  }
  IoResult write(std::span<const iovec> parts, bool more) override {
    if (std::exchange(refuse_write_, !refuse_write_)) {
      if (!std::exchange(counted_, true)) refused_writes_++;
      return {IoResult::kWantsRead};
    }
    return plain_->write(parts, more);
  }
  IoResult send_file(int descriptor, uint64_t position, uint64_t size) override {
    return plain_->send_file(descriptor, position, size);
  }
  void set_cork(bool on) override { plain_->set_cork(on); }
  void wait_readable(std::shared_ptr<StreamWatcher> watcher) override { plain_->wait_readable(std::move(watcher)); }
  void wait_writable(std::shared_ptr<StreamWatcher> watcher) override { plain_->wait_writable(std::move(watcher)); }
  void close() override { plain_->close(); }

 private:
  std::unique_ptr<Stream> plain_;
  std::atomic<int>& refused_writes_;
  bool refuse_read_ = true;
  bool refuse_write_ = true;
  bool counted_ = false;
};

// One request a line, without its end.
class LineReader final : public RequestReader {
 public:
  int prepare(iovec parts[2], char* scratch, size_t scratch_bytes) override {
    parts[0] = {scratch, scratch_bytes};
    return 1;
  }
  Status commit(size_t count, const char* scratch, std::deque<broker::Frame>& requests) override {
    for (size_t i = 0; i < count; i++) {
      if (scratch[i] != '\n') {
        line_ += scratch[i];
        continue;
      }
      if (line_.empty()) return make_error(ErrorKind::kInvalid, "an empty line");
      broker::Frame frame;
      frame.buffer = std::shared_ptr<char[]>(new char[line_.size()]);
      line_.copy(frame.buffer.get(), line_.size());
      frame.bytes = ByteView(frame.buffer.get(), line_.size());
      requests.push_back(std::move(frame));
      line_.clear();
    }
    return ok_status();
  }

 private:
  Bytes line_;
};

class LineProtocol final : public Protocol {
 public:
  // Null: over a plain stream.
  explicit LineProtocol(std::atomic<int>* refused_writes) : refused_writes_(refused_writes) {}
  std::unique_ptr<Stream> make_stream(EventLoop& loop, int descriptor) const override {
    auto plain = make_plain_stream(loop, descriptor);
    if (refused_writes_ == nullptr) return plain;
    return std::make_unique<ContraryStream>(std::move(plain), *refused_writes_);
  }
  std::unique_ptr<RequestReader> make_reader(const ConnectionLimits&) const override {
    return std::make_unique<LineReader>();
  }

 private:
  std::atomic<int>* const refused_writes_;
};

// Answers each request with a frame that holds it.
class LineSession final : public broker::Session {
 public:
  explicit LineSession(broker::Transport& transport) : transport_(transport) {}
  void on_request(broker::Frame frame) override { transport_.send(Payload(TestClient::frame(Bytes(frame.bytes)))); }
  void on_closed(bool) override {}

 private:
  broker::Transport& transport_;
};

class LineFactory final : public broker::SessionFactory {
  std::unique_ptr<broker::Session> open(int, broker::ConnectionInfo info, broker::Transport& transport) override {
    EXPECT_EQ(info.security_protocol, security::SecurityProtocol::kSsl);
    return std::make_unique<LineSession>(transport);
  }
};

class ProtocolTest : public testing::Test {
 protected:
  ~ProtocolTest() override {
    server_->stop();
    server_.reset();
    loops_.stop();
  }
  uint16_t start(std::atomic<int>* refused_writes) {
    ListenerOptions listener;
    listener.name = "LINES";
    listener.security_protocol = security::SecurityProtocol::kSsl;
    listener.protocol = std::make_shared<const LineProtocol>(refused_writes);
    listener.host = "127.0.0.1";
    ServerOptions options;
    options.listeners.push_back(listener);
    server_ = std::make_unique<Server>(loops_, std::move(options));
    EXPECT_TRUE(server_->open().ok());
    EXPECT_TRUE(server_->start(factory_).ok());
    return server_->sockets().front().port;
  }

  // Streams whose first write was refused.
  bool wait_for_refused_writes(int least) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (refused_writes_ < least && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return refused_writes_ >= least;
  }

  std::atomic<int> refused_writes_ = 0;
  LineFactory factory_;
  LoopGroup loops_{2};
  std::unique_ptr<Server> server_;
};

TEST_F(ProtocolTest, TheListenersReaderCutsTheRequests) {
  TestClient client(start(nullptr));
  ASSERT_TRUE(client.send_raw("first\nsecond\nthi"));
  EXPECT_EQ(client.receive(), "first");
  EXPECT_EQ(client.receive(), "second");
  ASSERT_TRUE(client.send_raw("rd\n"));
  EXPECT_EQ(client.receive(), "third");
  // A frame that the reader refuses ends the connection.
  ASSERT_TRUE(client.send_raw("\n"));
  EXPECT_EQ(client.receive(), std::nullopt);
}

TEST_F(ProtocolTest, AReadMayWaitForWritabilityAndAWriteForReadability) {
  const uint16_t port = start(&refused_writes_);
  for (int round = 0; round < 20; round++) {
    TestClient client(port);
    ASSERT_TRUE(client.send_raw("first\n"));
    ASSERT_TRUE(wait_for_refused_writes(round + 1));
    // The response is sent when the socket is readable again: with the next request.
    ASSERT_TRUE(client.send_raw("second\n"));
    ASSERT_EQ(client.receive(), "first");
  }
}

}  // namespace
}  // namespace milena::net
