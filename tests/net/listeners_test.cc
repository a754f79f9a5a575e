#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
