#include "net/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <future>

#include "net/server_fixture.h"

namespace milena::net::net_test {
namespace {

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
  // One response of 8 MB does not fit into the socket, so the second request waits until it is sent.
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
    // In the background: the response begins only when the request is complete, but sending may block a little.
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
    // Longer than the least interval of checks for idle connections.
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
  options.max_connections_of_hosts = {{"127.0.0.1", 3}};
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
}  // namespace milena::net::net_test
