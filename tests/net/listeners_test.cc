#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/tcp.h>

#include <cstring>

#include "net/server_fixture.h"

namespace milena::net::net_test {
namespace {

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
    EXPECT_EQ(v6.receive(), "0:0:0:0:0:0:0:1 ::1 PLAINTEXT");
  }
}

TEST_P(ServerTest, ConnectionsOfThisMachineAreNotPaced) {
  const auto algorithm_at_the_server = [&](const char* of_listener) -> std::string {
    const int listening = server_->sockets().front().descriptor;
    if (::setsockopt(listening, IPPROTO_TCP, TCP_CONGESTION, of_listener, std::strlen(of_listener)) != 0) return "";
    TestClient client(port());
    if (!client.send_frame("hello") || client.receive() != "hello") return "no answer";
    return congestion_control(find_socket(port(), client.local_port()));
  };
  start({}, "127.0.0.1");
  EXPECT_EQ(algorithm_at_the_server("reno"), "reno");
  // A kernel without CUBIC refuses it, and the one of before stays.
  EXPECT_THAT(algorithm_at_the_server("cubic"), ::testing::AnyOf("cubic", ""));
  const std::string bbr = algorithm_at_the_server("bbr");
  if (bbr.empty()) GTEST_SKIP() << "this kernel has no BBR";
  EXPECT_EQ(bbr, "reno");
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
  if (!look_up_addresses(any, look_up_host).ok()) return 0;
  auto bound = bind_listener(any);
  if (!bound.ok()) return 0;
  ::close(bound->front().descriptor);
  return bound->front().port;
}

TEST_P(ServerTest, ListenersComeAndGoWithTheSetting) {
  start();
  const uint16_t new_port = free_port();
  const auto change = [&](const std::string& listeners) {
    auto settings = config::Settings::load(
        {"", {"listeners=" + listeners, "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,NEW:PLAINTEXT"}});
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
  // If one cannot be opened nothing changes.
  change(fmt::format("PLAINTEXT://127.0.0.1:1,NEW://127.0.0.1:{}", port()));
  ASSERT_TRUE(TestClient(port()).send_frame("a"));
}

// A name server that takes its time: slow.example is this machine once it is let go.
class SlowNames {
 public:
  ~SlowNames() { let_go(); }
  HostLookUp look_up() {
    return [this](const std::string& host, std::vector<SocketAddress>& all) {
      if (host == "unknown.example") return count(), EAI_NONAME;
      if (host != "slow.example") return look_up_host(host, all);
      std::unique_lock lock(mutex_);
      asked_++;
      changed_.notify_all();
      // A loop that waits here keeps the test from letting go: that fails, and does not hang.
      EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [this] { return free_; }));
      return look_up_host("127.0.0.1", all);
    };
  }
  void let_go() {
    std::lock_guard lock(mutex_);
    free_ = true;
    changed_.notify_all();
  }
  bool wait_until_asked(int times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return asked_ == times; });
  }
  int asked() {
    std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void count() {
    std::lock_guard lock(mutex_);
    asked_++;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool free_ = false;
  int asked_ = 0;
};

class ServerWithSlowNamesTest : public ServerTest {
 protected:
  ~ServerWithSlowNamesTest() override {
    names_.let_go();
    stop();
  }
  void start_with(HostLimits limits) {
    ServerOptions options;
    options.max_connections_of_hosts = std::move(limits);
    options.look_up = names_.look_up();
    start(std::move(options));
  }
  void change(const std::string& overrides, const std::string& more_listeners = "") {
    auto settings = config::Settings::load({"",
                                            {"listeners=PLAINTEXT://127.0.0.1:1" + more_listeners,
                                             "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,NEW:PLAINTEXT",
                                             "max.connections.per.ip.overrides=" + overrides}});
    ASSERT_TRUE(settings.ok()) << settings.error().message;
    loops_.run_on_each([&](int shard) {
      if (shard == 0) factory_.change(*settings);
    });
  }
  static bool is_served(TestClient& client) { return client.send_frame("x") && client.receive() == "x"; }
  // Waits until a further client beside those that are there is turned away.
  bool is_full_at_last() {
    const int64_t end_ms = system_clock().steady_ms() + 60'000;
    while (system_clock().steady_ms() < end_ms) {
      if (TestClient further(port()); !is_served(further)) return true;
    }
    return false;
  }

  SlowNames names_;
};
INSTANTIATE_TEST_SUITE_P(Shards, ServerWithSlowNamesTest, testing::Values(1, 4));

TEST_P(ServerWithSlowNamesTest, ClientsAreServedWhileAHostsLimitIsLookedUp) {
  start_with({});
  change("slow.example:1");
  ASSERT_TRUE(names_.wait_until_asked(1));
  TestClient first(port()), second(port());
  EXPECT_TRUE(is_served(first));
  EXPECT_TRUE(is_served(second));
  second.close();
  names_.let_go();
  EXPECT_TRUE(is_full_at_last());
  // Other changes do not ask again.
  change("slow.example:1");
  change("slow.example:1");
  EXPECT_EQ(names_.asked(), 1);
}

TEST_P(ServerWithSlowNamesTest, OneLookUpAtATimeAndTheLastLimitCounts) {
  start_with({});
  for (int limit = 4; limit >= 2; limit--) change(fmt::format("slow.example:{}", limit));
  ASSERT_TRUE(names_.wait_until_asked(1));
  TestClient first(port()), second(port());
  EXPECT_TRUE(is_served(first));
  EXPECT_TRUE(is_served(second));
  names_.let_go();
  EXPECT_TRUE(is_full_at_last());
  EXPECT_EQ(names_.asked(), 2);
  // An address needs no look-up.
  change("127.0.0.1:3");
  TestClient third(port());
  EXPECT_TRUE(is_served(third));
}

TEST_P(ServerWithSlowNamesTest, AnAddressThatIsSetMeanwhileCounts) {
  start_with({});
  change("slow.example:2");
  ASSERT_TRUE(names_.wait_until_asked(1));
  change("127.0.0.1:1");
  TestClient first(port());
  EXPECT_TRUE(is_served(first));
  names_.let_go();
  for (int i = 0; i < 20; i++) {
    TestClient second(port());
    EXPECT_FALSE(is_served(second));
  }
}

TEST_P(ServerWithSlowNamesTest, AHostThatIsUnknownLeavesTheLimitsAndIsAskedForAgain) {
  start_with({{"127.0.0.1", 1}});
  for (int i = 1; i <= 3; i++) {
    change("unknown.example:5");
    ASSERT_TRUE(names_.wait_until_asked(i));
    TestClient first(port());
    EXPECT_TRUE(is_served(first));
    EXPECT_TRUE(is_full_at_last());
    first.close();
    ASSERT_TRUE(journal_.wait([&] { return journal_.opened == journal_.closed; }));
    loops_.run_on_each([](int) {});
  }
  ServerOptions options;
  options.max_connections_of_hosts = {{"unknown.example", 5}};
  options.look_up = names_.look_up();
  const Status opened = Server(loops_, std::move(options)).open();
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, testing::HasSubstr("the host unknown.example is unknown"));
}

TEST_P(ServerWithSlowNamesTest, ClientsAreServedWhileAListenersHostIsLookedUp) {
  start_with({});
  const std::string added = fmt::format(",NEW://slow.example:{}", free_port());
  for (int i = 0; i < 3; i++) change("", added);
  ASSERT_TRUE(names_.wait_until_asked(1));
  TestClient first(port());
  EXPECT_TRUE(is_served(first));
  // It was taken back: it must not be opened when its address is there.
  change("");
  const uint16_t other = free_port();
  change("", fmt::format(",NEW://slow.example:{}", other));
  names_.let_go();
  ASSERT_TRUE(names_.wait_until_asked(2));
  const int64_t end_ms = system_clock().steady_ms() + 60'000;
  while (!TestClient(other).connected() && system_clock().steady_ms() < end_ms) {}
  TestClient client(other);
  ASSERT_TRUE(client.send_frame("a"));
  EXPECT_EQ(client.receive(), "127.0.0.1 127.0.0.1 NEW");
  EXPECT_FALSE(TestClient(static_cast<uint16_t>(std::stoi(added.substr(added.rfind(':') + 1)))).connected());
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

TEST(Addresses, PeersAreWrittenAsJavaDoes) {
  const auto described = [](const char* text) {
    sockaddr_storage address{};
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(9092);
    EXPECT_EQ(::inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return describe_peer(address);
  };
  EXPECT_EQ(described("::1").first, "0:0:0:0:0:0:0:1");
  EXPECT_EQ(described("2001:db8::a0").first, "2001:db8:0:0:0:0:0:a0");
  EXPECT_EQ(described("::ffff:10.0.0.1").first, "10.0.0.1");
  EXPECT_EQ(described("::1").second, 9092);
}

}  // namespace
}  // namespace milena::net::net_test
