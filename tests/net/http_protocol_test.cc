#include "net/http_protocol.h"

#include <gtest/gtest.h>

#include "net/server_fixture.h"

namespace milena::net::net_test {
namespace {

std::deque<broker::Frame> cut(ByteView bytes, size_t piece, const http::HttpLimits& limits = {}) {
  HttpReader reader(limits);
  std::deque<broker::Frame> frames;
  Bytes scratch(4096, '\0');
  while (!bytes.empty()) {
    iovec parts[2];
    EXPECT_EQ(reader.prepare(parts, scratch.data(), scratch.size()), 1);
    const ByteView part = bytes.substr(0, std::min(piece, parts[0].iov_len));
    std::memcpy(parts[0].iov_base, part.data(), part.size());
    EXPECT_TRUE(reader.commit(part.size(), scratch.data(), frames).ok());
    bytes.remove_prefix(part.size());
  }
  return frames;
}

TEST(HttpReader, HandsOverWholeRequestsHoweverTheyArrive) {
  const Bytes first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const Bytes second = "POST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
  for (size_t piece : {size_t{1}, size_t{5}, size_t{30}, size_t{4096}}) {
    const std::deque<broker::Frame> frames = cut(first + second + first + "GET /half", piece);
    ASSERT_EQ(frames.size(), 3u) << piece;
    EXPECT_EQ(frames[0].bytes, first);
    EXPECT_EQ(frames[1].bytes, second);
    EXPECT_EQ(frames[2].bytes, first);
  }
}

// The session must get the invalid bytes itself, and nothing behind them is served.
TEST(HttpReader, WhatIsRefusedIsHandedOverOnce) {
  http::HttpLimits limits;
  limits.body_bytes = 10;
  limits.header_bytes = 100;
  const Bytes good = "GET / HTTP/1.1\r\n\r\n";
  for (const Bytes& bad : {Bytes("\x16\x03\x01\x01hello"), "GET /" + Bytes(200, 'a') + " HTTP/1.1\r\n\r\n",
                           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + Bytes(11, 'x')}) {
    for (size_t piece : {size_t{1}, size_t{7}, size_t{4096}}) {
      const std::deque<broker::Frame> frames = cut(good + bad + good, piece, limits);
      ASSERT_EQ(frames.size(), 2u) << bad;
      http::HttpParser parser(limits);
      parser.feed(frames[1].bytes);
      EXPECT_EQ(parser.state(), http::HttpParser::State::kRefused) << bad;
    }
  }
}

// Chunk headers are not part of the body: without a separate limit they could go on for ever.
TEST(HttpReader, WhatIsTooLargeOnTheWireEnds) {
  http::HttpLimits limits;
  limits.body_bytes = 1000;
  limits.header_bytes = 100;
  Bytes bytes = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 500; i++) bytes += "1;" + Bytes(60, 'e') + "\r\nx\r\n";
  const std::deque<broker::Frame> frames = cut(bytes, 64, limits);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_LE(frames[0].bytes.size(), limits.wire_bytes() + 64);
}

// A session that keeps the times of its requests.
class TimedSession final : public broker::Session {
 public:
  TimedSession(Journal& journal, std::vector<broker::RequestTimes>& told, broker::Transport& transport)
      : journal_(journal), told_(told), transport_(transport) {}
  void on_request(broker::Frame frame) override {
    if (frame.bytes == "nothing") return transport_.send_nothing();
    if (frame.bytes != "later") return transport_.send(Payload(TestClient::frame(Bytes(frame.bytes))));
    journal_.note([&] { journal_.parked.push_back(&transport_); });
  }
  void on_sent(std::span<const broker::RequestTimes> requests, int64_t sent_ns) override {
    journal_.note([&] {
      for (const broker::RequestTimes& times : requests) {
        EXPECT_LE(times.arrived_ns, times.started_ns);
        EXPECT_LE(times.started_ns, times.handled_ns);
        EXPECT_LE(times.handled_ns, times.answered_ns);
        // 0: there was nothing to send.
        EXPECT_TRUE(sent_ns == 0 || times.answered_ns <= sent_ns);
        told_.push_back(times);
      }
    });
  }
  void on_closed(bool) override {}

 private:
  Journal& journal_;
  std::vector<broker::RequestTimes>& told_;
  broker::Transport& transport_;
};

class TimedFactory final : public broker::SessionFactory {
 public:
  std::unique_ptr<broker::Session> open(int, broker::ConnectionInfo, broker::Transport& transport) override {
    return std::make_unique<TimedSession>(journal, told, transport);
  }
  Journal journal;
  std::vector<broker::RequestTimes> told;
};

TEST(RequestTimesTest, AreToldOfEveryRequestThatWasAnswered) {
  TimedFactory factory;
  LoopGroup loops(1);
  ServerOptions options;
  options.listeners.push_back({.name = "PLAINTEXT", .host = "127.0.0.1"});
  Server server(loops, options);
  ASSERT_TRUE(server.open().ok());
  ASSERT_TRUE(server.start(factory).ok());
  TestClient client(server.sockets().front().port);
  Bytes stream;
  for (int i = 0; i < 3000; i++) stream += TestClient::frame("now");
  stream += TestClient::frame("nothing") + TestClient::frame("later");
  ASSERT_TRUE(client.send_raw(stream));
  for (int i = 0; i < 3000; i++) ASSERT_EQ(client.receive(), "now");
  ASSERT_TRUE(factory.journal.wait([&] { return factory.journal.parked.size() == 1; }));
  const int64_t parked_ns = system_clock().steady_ns();
  loops.loop(0).post([&] { factory.journal.parked[0]->send(Payload(TestClient::frame("done"))); });
  ASSERT_EQ(client.receive(), "done");
  ASSERT_TRUE(factory.journal.wait([&] { return factory.told.size() == 3002; }));
  EXPECT_LE(factory.told.back().handled_ns, parked_ns);
  EXPECT_GE(factory.told.back().answered_ns, parked_ns);
  server.stop();
  loops.stop();
}

}  // namespace
}  // namespace milena::net::net_test
