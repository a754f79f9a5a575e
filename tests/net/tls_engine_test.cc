// The engine of an open connection, against another and against OpenSSL, over sockets in memory.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <random>

#include "net/tls_sides.h"

namespace milena::net {
namespace {

using net_test::Pipe;
using net_test::shake_hands;
using net_test::TlsSide;
using net_test::TlsSides;
using net_test::ViewSource;

constexpr size_t kBudget = 512 * 1024;

const TlsSides& sides(const std::string& version) {
  static const TlsSides v12("TLSv1.2"), v13("TLSv1.3");
  return version == "TLSv1.2" ? v12 : v13;
}

// No part is like another.
Bytes distinct_bytes(size_t size, uint32_t seed) {
  Bytes bytes(size, '\0');
  std::minstd_rand random(seed + 1);
  for (char& byte : bytes) byte = static_cast<char>(random() >> 8);
  return bytes;
}

// Returns pieces of any size.
class PieceSource final : public TlsSource {
 public:
  PieceSource(ByteView all, std::mt19937& random) : all_(all), random_(random) {}
  IoResult get(uint64_t offset, size_t most, ByteView& bytes) override {
    bytes = all_.substr(offset, 1 + random_() % most);
    return {IoResult::kMoved, bytes.size()};
  }

 private:
  const ByteView all_;
  std::mt19937& random_;
};

IoResult read_some(TlsSide& side, Bytes& to, size_t size = 5000, size_t budget = kBudget) {
  Bytes first(size / 3, '\0'), second(size - size / 3, '\0');
  iovec parts[] = {{first.data(), first.size()}, {second.data(), second.size()}};
  const IoResult result = side.engine.read(parts, budget, side.buffer);
  if (result.kind == IoResult::kMoved) to += (first + second).substr(0, result.bytes);
  return result;
}

IoResult read_all(TlsSide& side, Bytes& to) {
  for (;;) {
    if (const IoResult result = read_some(side, to); result.kind != IoResult::kMoved) return result;
  }
}

// A client of OpenSSL alone, whose records the test can choose.
class RawClient {
 public:
  explicit RawClient(TlsSide& server) : server_(server) {
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
    while (SSL_do_handshake(ssl_.get()) != 1) {
      server.engine.give(sent());
      server.engine.step();
      take(std::exchange(server.engine.outgoing(), {}));
    }
    server.engine.give(sent());
    server.engine.step();
    take(std::exchange(server.engine.outgoing(), {}));
    server.engine.attach(server.pipe);
  }

  SSL* ssl() { return ssl_.get(); }
  void take(ByteView bytes) { BIO_write(in_, bytes.data(), static_cast<int>(bytes.size())); }
  Bytes sent() {
    Bytes bytes(BIO_ctrl_pending(out_), '\0');
    if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  // The server's data; `end` is what ended them.
  Bytes read(int& end) {
    take(std::exchange(server_.pipe.out, {}));
    Bytes all;
    char buffer[20'000];
    for (;;) {
      const int count = SSL_read(ssl_.get(), buffer, sizeof buffer);
      end = SSL_get_error(ssl_.get(), count);
      if (count <= 0) return all;
      all.append(buffer, static_cast<size_t>(count));
    }
  }

 private:
  TlsSide& server_;
  security::OpensslContext context_{SSL_CTX_new(TLS_client_method())};
  security::OpensslConnection ssl_{SSL_new(context_.get())};
  BIO* in_ = BIO_new(BIO_s_mem());
  BIO* out_ = BIO_new(BIO_s_mem());
};

class TlsEngineTest : public testing::TestWithParam<const char*> {
 protected:
  TlsSide server_{sides(GetParam()).server};
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsEngineTest, testing::Values("TLSv1.2", "TLSv1.3"));

// Both sides write at the same time, over sockets that take and return any number of bytes.
TEST_P(TlsEngineTest, LosesNoByteOverManyRecordsAndBlocks) {
  for (uint32_t seed = 0; seed < 20; seed++) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    TlsSide client(sides(GetParam()).client, "localhost"), server(sides(GetParam()).server);
    ASSERT_TRUE(shake_hands(client, server));
    // Some sockets are narrow, some take all.
    const size_t narrow = size_t{1} << (3 + random() % 16);
    struct Way {
      TlsSide& from;
      TlsSide& to;
      Bytes all;
      size_t written = 0, offered = 0;
      Bytes got;
    };
    Way ways[] = {{client, server, distinct_bytes(narrow * 30 + random() % 300'000, seed)},
                  {server, client, distinct_bytes(narrow * 30 + random() % 300'000, seed + 1000)}};
    const auto done = [](const Way& way) { return way.got.size() == way.all.size(); };
    for (int turn = 0; turn < 100'000 && !(done(ways[0]) && done(ways[1])); turn++) {
      Way& way = ways[random() % 2];
      Pipe& socket = way.from.pipe;
      socket.room = random() % 8 == 0 ? SIZE_MAX : random() % (2 * narrow);
      // The same bytes are offered again, and possibly more.
      way.offered = std::min(way.all.size(), std::max(way.offered, way.written + random() % (8 * narrow)));
      if (way.offered > way.written) {
        PieceSource source(ByteView(way.all).substr(way.written), random);
        const IoResult wrote = way.from.engine.write(source, way.offered - way.written, random() % 2 == 0,
                                                     way.from.buffer);
        ASSERT_TRUE(wrote.kind == IoResult::kMoved || wrote.kind == IoResult::kWantsWrite);
        if (wrote.kind == IoResult::kMoved) way.written += wrote.bytes;
        ASSERT_LE(way.written, way.offered);
      }
      const size_t carried = std::min<size_t>(socket.out.size(), random() % (4 * narrow));
      way.to.pipe.in += socket.out.substr(0, carried);
      socket.out.erase(0, carried);
      way.to.pipe.most_read = 1 + random() % (2 * narrow);
      const IoResult read = read_some(way.to, way.got, 3 + random() % (4 * narrow), 1 + random() % (4 * narrow));
      ASSERT_TRUE(read.kind == IoResult::kMoved || read.kind == IoResult::kWantsRead);
    }
    for (const Way& way : ways) EXPECT_TRUE(way.got == way.all) << way.got.size() << " of " << way.all.size();
  }
}

TEST_P(TlsEngineTest, SendsSeveralRecordsWithOneCall) {
  RawClient client(server_);
  const Bytes data = distinct_bytes(1 << 20, 1);
  EXPECT_EQ(server_.write(data).bytes, data.size());
  EXPECT_LE(server_.pipe.writes, 8);
  int end = 0;
  EXPECT_TRUE(client.read(end) == data);
}

// However small they are, the socket is asked once for as much as the reader has room for.
TEST_P(TlsEngineTest, ReceivesSeveralRecordsWithOneCall) {
  RawClient client(server_);
  const Bytes data = distinct_bytes(300'000, 1);
  for (size_t at = 0, size = 1; at < data.size(); at += size, size = size * 7 % 20'011) {
    const ByteView part = ByteView(data).substr(at, size);
    ASSERT_GT(SSL_write(client.ssl(), part.data(), static_cast<int>(part.size())), 0);
  }
  server_.pipe.in = client.sent();
  Bytes got;
  EXPECT_EQ(read_some(server_, got, 400'000).bytes, data.size());
  EXPECT_TRUE(got == data);
  EXPECT_LE(server_.pipe.reads, 5);
}

// The reader's room is at an end within the received records, again and again: the rest waits for the next read, and an
// end of the input comes behind all of it.
TEST_P(TlsEngineTest, KeepsTheRestOfReceivedRecords) {
  RawClient client(server_);
  const Bytes data = distinct_bytes(100'000, 1);
  for (size_t at = 0; at < data.size(); at += 100) {
    ASSERT_EQ(SSL_write(client.ssl(), data.data() + at, 100), 100);
  }
  server_.pipe.in = client.sent();
  server_.pipe.ended = true;
  Bytes got;
  for (size_t room = 3; got.size() < data.size(); room = room * 5 % 1009) {
    ASSERT_EQ(read_some(server_, got, room).kind, IoResult::kMoved);
    ASSERT_TRUE(server_.engine.has_more() || got.size() == data.size());
  }
  EXPECT_TRUE(got == data);
  EXPECT_EQ(read_some(server_, got).kind, IoResult::kEnd);
}

// A socket that takes nothing: one buffer is encrypted, and no more is read from the source until it is sent.
TEST_P(TlsEngineTest, KeepsOneBufferForASlowReaderAndNothingBehindIt) {
  RawClient client(server_);
  const Bytes data = distinct_bytes(4 << 20, 1);
  server_.pipe.room = 0;
  ViewSource source(data);
  for (int i = 0; i < 10; i++) {
    EXPECT_EQ(server_.engine.write(source, data.size(), false, server_.buffer).kind, IoResult::kWantsWrite);
    EXPECT_LE(source.asked, TlsEngine::kBufferBytes);
  }
  EXPECT_LE(server_.engine.outgoing().size(), TlsEngine::kBufferBytes);
  server_.pipe.room = 1;
  EXPECT_EQ(server_.engine.write(source, data.size(), false, server_.buffer).kind, IoResult::kWantsWrite);
  EXPECT_LE(source.asked, TlsEngine::kBufferBytes);
  server_.pipe.room = SIZE_MAX;
  const IoResult wrote = server_.engine.write(source, data.size(), false, server_.buffer);
  EXPECT_EQ(wrote.kind, IoResult::kMoved);
  EXPECT_EQ(wrote.bytes, data.size());
  EXPECT_LT(server_.engine.outgoing().capacity(), 64u);
  int end = 0;
  EXPECT_TRUE(client.read(end) == data);
}

TEST_P(TlsEngineTest, SaysGoodbyeBehindWhatTheSocketHasNotTaken) {
  RawClient client(server_);
  const Bytes data = distinct_bytes(100'000, 1);
  server_.pipe.room = 50'000;
  EXPECT_EQ(server_.write(data).kind, IoResult::kWantsWrite);
  server_.pipe.room = SIZE_MAX;
  server_.engine.say_goodbye();
  int end = 0;
  EXPECT_TRUE(client.read(end) == data);
  EXPECT_EQ(end, SSL_ERROR_ZERO_RETURN);
}

TEST_P(TlsEngineTest, AnAlertComesBehindWhatTheSocketHasNotTaken) {
  RawClient client(server_);
  const Bytes data = distinct_bytes(100'000, 1);
  server_.pipe.room = 50'000;
  EXPECT_EQ(server_.write(data).kind, IoResult::kWantsWrite);
  server_.pipe.room = SIZE_MAX;
  server_.pipe.in = Bytes("\x17\x03\x03\x00\x20", 5) + Bytes(32, 'x');
  Bytes got;
  EXPECT_EQ(read_all(server_, got).kind, IoResult::kFailed);
  EXPECT_EQ(server_.write(data).kind, IoResult::kFailed);
  int end = 0;
  EXPECT_TRUE(client.read(end) == data);
  EXPECT_EQ(end, SSL_ERROR_SSL);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC);
  ERR_clear_error();
}

// The answers of a side that reads nothing are bounded: then it is not read either.
TEST(TlsEngineKeys, UpdatesOfKeysAreNotAnsweredWithoutEnd) {
  TlsSide server(sides("TLSv1.3").server);
  RawClient client(server);
  constexpr int kUpdates = 5000;
  for (int i = 0; i < kUpdates; i++) {
    ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client.ssl()), 1);
  }
  ASSERT_EQ(SSL_write(client.ssl(), "behind", 6), 6);
  server.pipe.in = client.sent();
  server.pipe.room = 0;
  Bytes got;
  for (int i = 0; i < 10; i++) {
    EXPECT_EQ(read_all(server, got).kind, IoResult::kWantsWrite);
    EXPECT_LT(server.engine.outgoing().size(), 20u * 1024);
  }
  EXPECT_EQ(got, "");
  server.pipe.room = SIZE_MAX;
  EXPECT_EQ(read_all(server, got).kind, IoResult::kWantsRead);
  EXPECT_EQ(got, "behind");
  EXPECT_EQ(server.write("answer").bytes, 6u);
  int end = 0;
  EXPECT_EQ(client.read(end), "answer");
}

}  // namespace
}  // namespace milena::net
