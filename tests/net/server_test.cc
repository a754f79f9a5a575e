#include "net/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>

#include "base/settings.h"
#include "net/test_client.h"

namespace milena {
namespace {

// What the sessions of a test share with it; the sessions live on the shards' threads.
struct Journal {
  std::mutex mutex;
  std::condition_variable changed;
  int opened = 0;
  int closed = 0;
  int closed_by_peer = 0;
  int destroyed = 0;
  std::set<int> shards;
  std::vector<ConnectionInfo> infos;
  int slow = 0;  // slow requests that were handled
  Bytes seen;  // bodies of requests that want no answer
  std::vector<Transport*> parked;
  std::vector<int> parked_shards;

  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), condition);
  }
  template <class Value>
  Value get(Value Journal::*member) {
    std::lock_guard lock(mutex);
    return this->*member;
  }
  template <class Change>
  void note(Change change) {
    std::lock_guard lock(mutex);
    change();
    changed.notify_all();
  }
};

// Echoes; the first letter of a request may ask for something else:
// 'p' park, 'n' no answer, 'c' answer then close, 'b' a big answer, 'f' the answer from a file, 'a' the address, 's' an
// answer that takes the processor for 4 ms.
class EchoSession final : public Session {
 public:
  EchoSession(Journal& journal, int shard, ConnectionInfo info, Transport& transport)
      : journal_(journal), shard_(shard), info_(std::move(info)), transport_(transport) {}
  ~EchoSession() override {
    EXPECT_TRUE(closed_) << "destroyed without on_closed";
    journal_.note([&] { journal_.destroyed++; });
  }

  void on_request(Frame frame) override {
    EXPECT_FALSE(closed_);
    EXPECT_FALSE(in_request_) << "called from within its own call";
    in_request_ = true;
    handle(std::move(frame));
    in_request_ = false;
  }

  void on_closed(bool by_peer) override {
    EXPECT_FALSE(in_request_);
    EXPECT_FALSE(closed_) << "told twice";
    closed_ = true;
    journal_.note([&] {
      journal_.closed++;
      journal_.closed_by_peer += by_peer ? 1 : 0;
    });
  }

 private:
  void handle(Frame frame) {
    switch (frame.bytes[0]) {
      case 'p':
        return journal_.note([&] {
          journal_.parked.push_back(&transport_);
          journal_.parked_shards.push_back(shard_);
        });
      case 'n':
        journal_.note([&] { journal_.seen += frame.bytes; });
        return transport_.send_nothing();
      case 's': {
        const int64_t until_ms = system_clock().steady_ms() + 4;
        while (system_clock().steady_ms() < until_ms) {}
        transport_.send(answer(frame));
        return journal_.note([&] { journal_.slow++; });
      }
      case 'c':
        transport_.send(answer(frame));
        return transport_.close("asked for");
      case 'b':
        return transport_.send(Payload(TestClient::frame(Bytes(8 << 20, 'b'))));
      case 'f':
        return transport_.send(file_answer(frame.bytes.substr(1)));
      case 'a':
        return transport_.send(Payload(TestClient::frame(
            fmt::format("{} {} {}", info_.peer_host, info_.local_host, info_.listener_name))));
      default:
        return transport_.send(answer(frame));
    }
  }

  // Size, then the frame's own bytes without a copy.
  static Payload answer(const Frame& frame) {
    Payload payload;
    Bytes size;
    append_big_endian<int32_t>(size, static_cast<int32_t>(frame.bytes.size()));
    payload.append(std::move(size));
    payload.append(SharedBytes{frame.buffer, frame.bytes});
    return payload;
  }

  // head, slice, middle, slice, tail: as a fetch of two partitions.
  static Payload file_answer(ByteView path) {
    std::shared_ptr<const File> file = posix_file_system().open(Bytes(path), OpenMode::kRead).take();
    uint64_t size = file->size().value();
    Payload payload;
    Bytes head;
    append_big_endian<int32_t>(head, static_cast<int32_t>(6 + size + size / 2));
    head += "<<";
    payload.append(std::move(head));
    payload.append(FileSlice{file, 0, size});
    payload.append(Bytes("||"));
    payload.append(FileSlice{file, size / 2, size - size / 2});
    payload.append(Bytes(">>"));
    return payload;
  }

  Journal& journal_;
  const int shard_;
  const ConnectionInfo info_;
  Transport& transport_;
  bool closed_ = false;
  bool in_request_ = false;
};

class EchoFactory final : public SessionFactory {
 public:
  explicit EchoFactory(Journal& journal) : journal_(journal) {}
  void watch_settings(std::function<void(const Settings&)> changed) override { changed_ = std::move(changed); }
  void change(const Settings& settings) { changed_(settings); }
  std::unique_ptr<Session> open(int shard, ConnectionInfo info, Transport& transport) override {
    journal_.note([&] {
      journal_.opened++;
      journal_.shards.insert(shard);
      journal_.infos.push_back(info);
    });
    return std::make_unique<EchoSession>(journal_, shard, std::move(info), transport);
  }

 private:
  Journal& journal_;
  std::function<void(const Settings&)> changed_;
};

class ServerTest : public testing::TestWithParam<int> {
 protected:
  ~ServerTest() override { stop(); }

  void start(ServerOptions options = {}, const std::string& host = "127.0.0.1") {
    if (options.listeners.empty()) {
      ListenerOptions listener;
      listener.name = "PLAINTEXT";
      listener.host = host;
      listener.backlog = 1024;
      options.listeners.push_back(listener);
    }
    server_ = std::make_unique<Server>(loops_, std::move(options));
    Status opened = server_->open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    ASSERT_TRUE(server_->start(factory_).ok());
  }
  void stop() {
    if (server_) server_->stop();
    server_.reset();
    loops_.stop();
    EXPECT_EQ(journal_.opened, journal_.closed);
    EXPECT_EQ(journal_.opened, journal_.destroyed);
  }
  uint16_t port() const { return server_->sockets().front().port; }

  // Answers a parked request, on its shard.
  void answer_parked(size_t index, Bytes body) {
    Transport* transport = journal_.get(&Journal::parked)[index];
    loops_.loop(journal_.get(&Journal::parked_shards)[index]).post([transport, body] {
      transport->send(Payload(TestClient::frame(body)));
    });
  }

  Journal journal_;
  EchoFactory factory_{journal_};
  LoopGroup loops_{GetParam()};
  std::unique_ptr<Server> server_;
};

TEST_P(ServerTest, AnswersInOrderHoweverTheRequestsArrive) {
  start();
  TestClient client(port());
  Bytes stream;
  for (int i = 0; i < 2000; i++) stream += TestClient::frame("request " + std::to_string(i));
  ASSERT_TRUE(client.send_raw(stream));
  for (int i = 0; i < 2000; i++) ASSERT_EQ(client.receive(), "request " + std::to_string(i));
}

TEST_P(ServerTest, ManyConnectionsAreSpreadOverTheShards) {
  // Both ends of each are in this process.
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 1000; i++) {
    clients.emplace_back(port());
    ASSERT_TRUE(clients.back().connected());
  }
  for (int i = 0; i < 1000; i++) ASSERT_TRUE(clients[i].send_frame("hello " + std::to_string(i)));
  for (int i = 0; i < 1000; i++) ASSERT_EQ(clients[i].receive(), "hello " + std::to_string(i));
  EXPECT_EQ(journal_.get(&Journal::shards).size(), static_cast<size_t>(GetParam()));
  clients.clear();
  EXPECT_TRUE(journal_.wait([&] { return journal_.closed_by_peer == 1000; }));
}

TEST_P(ServerTest, BadSizesCloseTheirConnectionOnly) {
  ServerOptions options;
  options.limits.request_max_bytes = 1000;
  start(options);
  TestClient good(port());
  for (int32_t size : {-1, 0, 1001, INT32_MAX, INT32_MIN}) {
    TestClient bad(port());
    Bytes bytes;
    append_big_endian<int32_t>(bytes, size);
    ASSERT_TRUE(bad.send_raw(bytes + "xyz"));
    EXPECT_TRUE(bad.sees_close()) << size;
    ASSERT_TRUE(good.send_frame("still here"));
    EXPECT_EQ(good.receive(), "still here");
  }
  EXPECT_EQ(journal_.get(&Journal::closed_by_peer), 0);
  // The largest that is allowed.
  Bytes largest(1000, 'x');
  ASSERT_TRUE(good.send_frame(largest));
  EXPECT_EQ(good.receive(), largest);
}

TEST_P(ServerTest, RequestsBeforeABadOneAreAnswered) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.send_raw(TestClient::frame("one") + TestClient::frame("two") + "\xff\xff\xff\xff"));
  EXPECT_EQ(client.receive(), "one");
  EXPECT_EQ(client.receive(), "two");
  EXPECT_TRUE(client.sees_close());
}

TEST_P(ServerTest, HalfAFrameHoldsNobodyUp) {
  start();
  TestClient half(port());
  Bytes frame = TestClient::frame(Bytes(5000, 'h'));
  ASSERT_TRUE(half.send_raw(frame.substr(0, 2)));
  TestClient other(port());
  ASSERT_TRUE(other.send_frame("other"));
  EXPECT_EQ(other.receive(), "other");
  ASSERT_TRUE(half.send_raw(frame.substr(2, 1000)));
  ASSERT_TRUE(other.send_frame("other"));
  EXPECT_EQ(other.receive(), "other");
  ASSERT_TRUE(half.send_raw(frame.substr(1002)));
  EXPECT_EQ(half.receive(), Bytes(5000, 'h'));
}

TEST_P(ServerTest, TheNextRequestWaitsForTheAnswerOfTheOneBefore) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.send_raw(TestClient::frame("p") + TestClient::frame("n1") + TestClient::frame("second")));
  ASSERT_TRUE(journal_.wait([&] { return journal_.parked.size() == 1; }));
  // A second connection of the same shard is served meanwhile (one goes to each shard in turn).
  for (int i = 0; i < GetParam(); i++) {
    TestClient other(port());
    ASSERT_TRUE(other.send_frame("x"));
    EXPECT_EQ(other.receive(), "x");
  }
  EXPECT_EQ(journal_.get(&Journal::seen), "");
  answer_parked(0, "first");
  EXPECT_EQ(client.receive(), "first");
  EXPECT_EQ(client.receive(), "second");
  EXPECT_EQ(journal_.get(&Journal::seen), "n1");
}

TEST_P(ServerTest, PipelinedRequestsThatTakeLongHoldNobodyUp) {
  start();
  constexpr int kSlow = 200;
  std::vector<std::unique_ptr<TestClient>> slow;
  for (int c = 0; c < 4; c++) {
    slow.push_back(std::make_unique<TestClient>(port()));
    Bytes all;
    for (int i = 0; i < kSlow; i++) all += TestClient::frame("s");
    slow.back()->send_raw(all);
  }
  // On every shard, some of which are busy.
  std::vector<std::unique_ptr<TestClient>> others;
  for (int c = 0; c < 4; c++) others.push_back(std::make_unique<TestClient>(port()));
  ASSERT_TRUE(journal_.wait([&] { return journal_.slow > 4; }));
  const int before = journal_.get(&Journal::slow);
  for (auto& other : others) {
    ASSERT_TRUE(other->send_frame("quick"));
    EXPECT_EQ(other->receive(), "quick");
  }
  EXPECT_LE(journal_.get(&Journal::slow) - before, 4 * GetParam() * 10);
  for (auto& client : slow) {
    for (int i = 0; i < kSlow; i++) ASSERT_EQ(client->receive(), "s");
  }
}

TEST_P(ServerTest, APeerThatLeavesWhileItsRequestIsParkedIsNoticed) {
  start();
  for (bool reset : {false, true}) {
    TestClient client(port());
    ASSERT_TRUE(client.send_frame("p"));
    size_t parked = reset ? 2 : 1;
    ASSERT_TRUE(journal_.wait([&] { return journal_.parked.size() == parked; }));
    if (reset) client.reset(); else client.close();
    EXPECT_TRUE(journal_.wait([&] { return journal_.closed_by_peer == static_cast<int>(parked); }));
  }
}

TEST_P(ServerTest, RequestsWithoutAnswerAreDoneThoughThePeerHasLeft) {
  start();
  {
    TestClient client(port());
    Bytes stream;
    for (int i = 0; i < 1000; i++) stream += TestClient::frame("n");
    ASSERT_TRUE(client.send_raw(stream));
  }
  EXPECT_TRUE(journal_.wait([&] { return journal_.seen.size() == 1000; }));
}

TEST_P(ServerTest, CloseComesAfterTheAnswer) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.send_frame("c and bye"));
  EXPECT_EQ(client.receive(), "c and bye");
  EXPECT_TRUE(client.sees_close());
  EXPECT_EQ(journal_.get(&Journal::closed_by_peer), 0);
}

TEST_P(ServerTest, ASlowReaderGetsEverythingAndHoldsNobodyUp) {
  start();
  TestClient slow(port(), false, 4096);
  constexpr int kAnswers = 4;
  // The request bytes fit into the sockets' buffers, so this does not block.
  for (int i = 0; i < kAnswers; i++) ASSERT_TRUE(slow.send_frame("b"));
  TestClient other(port());
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(other.send_frame("quick"));
    ASSERT_EQ(other.receive(), "quick");
  }
  Bytes expected(8 << 20, 'b');
  for (int i = 0; i < kAnswers; i++) ASSERT_EQ(slow.receive(), expected) << i;
}

TEST_P(ServerTest, AReaderThatNeverReadsIsHandedNoMoreRequests) {
  start();
  TestClient deaf(port(), false, 4096);
  // One answer of 8 MB does not fit into the socket, so the second request has to wait until it is out.
  ASSERT_TRUE(deaf.send_raw(TestClient::frame("b") + TestClient::frame("n")));
  TestClient other(port());
  for (int i = 0; i < 50; i++) {
    ASSERT_TRUE(other.send_frame("x"));
    ASSERT_EQ(other.receive(), "x");
  }
  EXPECT_EQ(journal_.get(&Journal::seen), "");
  ASSERT_TRUE(deaf.receive().has_value());
  EXPECT_TRUE(journal_.wait([&] { return journal_.seen == "n"; }));
}

TEST_P(ServerTest, BigRequestsGoThroughBothWays) {
  start();
  TestClient client(port());
  for (size_t size : {1 << 16, 1 << 20, 5 << 20, 3 << 20}) {
    Bytes body(size, 'x');
    for (size_t i = 0; i < size; i += 97) body[i] = static_cast<char>('A' + i % 26);
    body[0] = 'x';
    // In the background: the answer begins only when the request is there as a whole, but it may block a little.
    auto sent = std::async(std::launch::async, [&] { return client.send_frame(body); });
    ASSERT_TRUE(client.receive() == body) << size;
    ASSERT_TRUE(sent.get());
  }
}

TEST_P(ServerTest, FileSlicesAreSent) {
  start();
  std::string path = testing::TempDir() + fmt::format("milena_server_test_{}_{}", ::getpid(), GetParam());
  Bytes content;
  for (int i = 0; content.size() < 3'000'000; i++) content += std::to_string(i) + " ";
  content.resize(3'000'000);
  {
    std::shared_ptr<File> file = posix_file_system().open(path, OpenMode::kReadOrCreate).take();
    ASSERT_TRUE(file->write_at(0, content).ok());
  }
  TestClient client(port());
  ASSERT_TRUE(client.send_frame("f" + path));
  ASSERT_TRUE(client.send_frame("then"));
  EXPECT_TRUE(client.receive() == "<<" + content + "||" + content.substr(content.size() / 2) + ">>");
  EXPECT_EQ(client.receive(), "then");
  ASSERT_TRUE(posix_file_system().remove(path).ok());
}

TEST_P(ServerTest, ConnectionsThatMayBeIdleForEverAreNotClosed) {
  ServerOptions options;
  options.limits.max_idle_ms = INT64_MAX;
  start(options);
  TestClient client(port());
  for (int i = 0; i < 3; i++) {
    ASSERT_TRUE(client.send_frame("x"));
    EXPECT_EQ(client.receive(), "x");
    // Longer than the least time between two looks at who is idle.
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
}

TEST_P(ServerTest, IdleConnectionsAreClosedParkedOnesAreNot) {
  ServerOptions options;
  options.limits.max_idle_ms = 60;
  start(options);
  TestClient parked(port());
  ASSERT_TRUE(parked.send_frame("p"));
  TestClient idle(port());
  ASSERT_TRUE(idle.send_frame("x"));
  EXPECT_EQ(idle.receive(), "x");
  TestClient half(port());
  ASSERT_TRUE(half.send_raw(Bytes("\0\0", 2)));
  EXPECT_TRUE(idle.sees_close());
  EXPECT_TRUE(half.sees_close());
  ASSERT_TRUE(journal_.wait([&] { return journal_.parked.size() == 1; }));
  answer_parked(0, "late");
  EXPECT_EQ(parked.receive(), "late");
}

TEST_P(ServerTest, LimitsOfConnectionsPerAddress) {
  ServerOptions options;
  options.max_connections_per_ip = 1;
  options.max_connections_of_ip["127.0.0.1"] = 3;
  start(options);
  {
    std::vector<TestClient> clients;
    for (int i = 0; i < 3; i++) {
      clients.emplace_back(port());
      ASSERT_TRUE(clients.back().send_frame("x"));
      ASSERT_EQ(clients.back().receive(), "x");
    }
    TestClient fourth(port());
    EXPECT_TRUE(fourth.sees_close());
  }
  // The places of those that left are free again.
  ASSERT_TRUE(journal_.wait([&] { return journal_.closed == 3; }));
  loops_.run_on_each([](int) {});
  TestClient again(port());
  ASSERT_TRUE(again.send_frame("x"));
  EXPECT_EQ(again.receive(), "x");
}

TEST_P(ServerTest, AtTheLimitOfConnectionsNewOnesWait) {
  ServerOptions options;
  options.max_connections = 2;
  start(options);
  TestClient first(port());
  TestClient second(port());
  TestClient third(port());
  ASSERT_TRUE(third.send_frame("third"));
  for (TestClient* client : {&first, &second}) {
    ASSERT_TRUE(client->send_frame("x"));
    EXPECT_EQ(client->receive(), "x");
  }
  EXPECT_EQ(journal_.get(&Journal::opened), 2);
  first.close();
  EXPECT_EQ(third.receive(), "third");
}

TEST_P(ServerTest, EveryAddressMeansBothFamiliesAndTheSessionLearnsItsOwn) {
  for (const char* host : {"", "0.0.0.0"}) {
    if (server_) {
      server_->stop();
      server_.reset();
    }
    start({}, host);
    TestClient v4(port());
    ASSERT_TRUE(v4.send_frame("a"));
    EXPECT_EQ(v4.receive(), "127.0.0.1 127.0.0.1 PLAINTEXT");
    TestClient v6(port(), true);
    if (!v6.connected()) GTEST_SKIP() << "no IPv6 here";
    ASSERT_TRUE(v6.send_frame("a"));
    EXPECT_EQ(v6.receive(), "::1 ::1 PLAINTEXT");
  }
}

TEST_P(ServerTest, SeveralListenersAreToldApart) {
  ServerOptions options;
  for (const char* name : {"INTERNAL", "EXTERNAL"}) {
    ListenerOptions listener;
    listener.name = name;
    listener.host = "127.0.0.1";
    options.listeners.push_back(listener);
  }
  start(options);
  ASSERT_EQ(server_->sockets().size(), 2u);
  for (const BoundSocket& socket : server_->sockets()) {
    EXPECT_NE(socket.port, 0);
    TestClient client(socket.port);
    ASSERT_TRUE(client.send_frame("a"));
    EXPECT_EQ(client.receive(), "127.0.0.1 127.0.0.1 " + socket.listener_name);
  }
}

// A port that was free a moment ago.
uint16_t free_port() {
  ListenerOptions any;
  any.name = "ANY";
  any.host = "127.0.0.1";
  auto bound = bind_listener(any);
  if (!bound.ok()) return 0;
  ::close(bound->front().descriptor);
  return bound->front().port;
}

TEST_P(ServerTest, ListenersComeAndGoWithTheSetting) {
  start();
  const uint16_t new_port = free_port();
  const auto change = [&](const std::string& listeners) {
    auto settings = Settings::load({"", {"listeners=" + listeners, "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,NEW:PLAINTEXT"}});
    ASSERT_TRUE(settings.ok()) << settings.error().message;
    loops_.run_on_each([&](int shard) {
      if (shard == 0) factory_.change(*settings);
    });
  };
  TestClient old(port());
  ASSERT_TRUE(old.send_frame("a"));
  EXPECT_EQ(old.receive(), "127.0.0.1 127.0.0.1 PLAINTEXT");
  change(fmt::format("PLAINTEXT://127.0.0.1:1,NEW://127.0.0.1:{}", new_port));
  TestClient one(new_port), two(new_port);
  for (TestClient* client : {&one, &two}) {
    ASSERT_TRUE(client->send_frame("a"));
    EXPECT_EQ(client->receive(), "127.0.0.1 127.0.0.1 NEW");
  }
  change(fmt::format("PLAINTEXT://127.0.0.1:{}", port()));
  EXPECT_TRUE(one.sees_close());
  EXPECT_TRUE(two.sees_close());
  EXPECT_FALSE(TestClient(new_port).connected());
  ASSERT_TRUE(old.send_frame("a")) << "and the others stay";
  EXPECT_EQ(old.receive(), "127.0.0.1 127.0.0.1 PLAINTEXT");
  // One that cannot be opened leaves all as it was.
  change(fmt::format("PLAINTEXT://127.0.0.1:1,NEW://127.0.0.1:{}", port()));
  ASSERT_TRUE(TestClient(port()).send_frame("a"));
}

TEST_P(ServerTest, APortInUseIsRefusedWithItsNumber) {
  start();
  ServerOptions options;
  ListenerOptions listener;
  listener.name = "PLAINTEXT";
  listener.host = "127.0.0.1";
  listener.port = port();
  options.listeners.push_back(listener);
  Server second(loops_, options);
  Status status = second.open();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find(std::to_string(port())), Bytes::npos) << status.error().message;
  EXPECT_NE(status.error().message.find("in use"), Bytes::npos) << status.error().message;
}

TEST_P(ServerTest, AnAddressOfAnotherMachineIsRefused) {
  ServerOptions options;
  ListenerOptions listener;
  listener.name = "PLAINTEXT";
  listener.host = "192.0.2.1";
  options.listeners.push_back(listener);
  Server server(loops_, options);
  Status status = server.open();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("192.0.2.1"), Bytes::npos);
}

TEST_P(ServerTest, StopClosesWhatIsThere) {
  start();
  TestClient idle(port());
  TestClient parked(port());
  ASSERT_TRUE(parked.send_frame("p"));
  ASSERT_TRUE(journal_.wait([&] { return journal_.opened == 2 && journal_.parked.size() == 1; }));
  uint16_t old_port = port();
  server_->stop();
  EXPECT_TRUE(idle.sees_close());
  EXPECT_TRUE(parked.sees_close());
  EXPECT_FALSE(TestClient(old_port).connected());
  EXPECT_EQ(journal_.closed, 2);
  EXPECT_EQ(journal_.get(&Journal::closed_by_peer), 0);
}

INSTANTIATE_TEST_SUITE_P(Shards, ServerTest, testing::Values(1, 4));

}  // namespace
}  // namespace milena
