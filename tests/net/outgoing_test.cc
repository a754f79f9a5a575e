// Connections to other nodes over TLS: the accepted certificates, and the client's own.
#include "net/outgoing.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/server_fixture.h"
#include "net/tls_protocol.h"
#include "security/test_authority.h"

namespace milena::net {
namespace {

using namespace net_test;
using security::security_test::TestAuthority;
using security::security_test::TestFolder;
using security::security_test::TestIdentity;
using testing::HasSubstr;

// Called on a loop's thread.
class Told final : public broker::LinkWatcher {
 public:
  void on_connected() override {
    note([this] { connected_ = true; });
  }
  void on_frame(broker::Frame frame) override {
    note([this, text = Bytes(frame.bytes)] { answer_ = text; });
  }
  void on_lost(const std::string& why) override {
    note([this, why] { end_ = "lost: " + why; });
  }
  void on_refused(const std::string& why) override {
    note([this, why] { end_ = "refused: " + why; });
  }
  // "connected", or why not.
  std::string outcome() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return connected_ || !end_.empty(); });
    return connected_ ? "connected" : end_;
  }
  Bytes answer() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !answer_.empty(); });
    return answer_;
  }
  std::string end() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !end_.empty(); });
    return end_;
  }

 private:
  template <class Change>
  void note(Change change) {
    std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool connected_ = false;
  Bytes answer_;
  std::string end_;
};

class OutgoingTlsTest : public ServerTest {
 protected:
  ~OutgoingTlsTest() override { stop(); }

  security::TlsSettings settings(const TestIdentity* identity, const std::string& trusted, bool verify_name = true,
                                 const std::string& client_auth = "none") {
    std::map<std::string, std::string> values = {{"ssl.keystore.type", "PEM"}, {"ssl.truststore.type", "PEM"},
        {"ssl.truststore.certificates", trusted}, {"ssl.client.auth", client_auth}, {"ssl.protocol", "TLSv1.3"},
        {"ssl.enabled.protocols", "TLSv1.2,TLSv1.3"}, {"ssl.principal.mapping.rules", "DEFAULT"}};
    if (verify_name) values["ssl.endpoint.identification.algorithm"] = "https";
    if (identity != nullptr) {
      values["ssl.keystore.key"] = identity->key;
      values["ssl.keystore.certificate.chain"] = identity->certificate;
    }
    return security::TlsSettings([values](ByteView name) {
      auto found = values.find(std::string(name));
      return security::TlsSettings::Value{found == values.end() ? std::nullopt : std::optional<Bytes>(found->second),
                                          std::string(name)};
    });
  }
  void start_listener(const TestIdentity& identity, const std::string& client_auth = "none") {
    ServerOptions options;
    ListenerOptions listener;
    listener.name = "SSL";
    listener.host = "127.0.0.1";
    listener.backlog = 16;
    listener.security_protocol = security::SecurityProtocol::kSsl;
    listener.tls = settings(&identity, authority_.certificate(), false, client_auth);
    options.listeners.push_back(listener);
    start(std::move(options));
  }
  std::shared_ptr<TlsContexts> contexts(const security::TlsSettings& settings) {
    auto made = TlsContexts::make(settings, security::TlsRole::kClient);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made.take();
  }
  // On the loop's thread, as links are used.
  template <class Use>
  void connect(const std::shared_ptr<TlsContexts>& tls, Use use, const std::string& host = "localhost") {
    OutgoingNetwork network(loops_, tls);
    Told told;
    std::unique_ptr<broker::Link> link;
    loops_.run_on_each([&](int shard) {
      if (shard == 0) link = network.connect(0, host, port(), told);
    });
    use(told, link);
    loops_.run_on_each([&](int shard) {
      if (shard == 0) link.reset();
    });
  }
  std::string outcome(const std::shared_ptr<TlsContexts>& tls, const std::string& host = "localhost") {
    std::string told_outcome;
    connect(tls, [&](Told& told, auto&) { told_outcome = told.outcome(); }, host);
    return told_outcome;
  }

  TestAuthority authority_, stranger_{"Another CA"};
};

INSTANTIATE_TEST_SUITE_P(Loops, OutgoingTlsTest, testing::Values(1, 2));

TEST_P(OutgoingTlsTest, RequestsAndAnswersGoThrough) {
  start_listener(authority_.issue("localhost"));
  connect(contexts(settings(nullptr, authority_.certificate())), [&](Told& told, std::unique_ptr<broker::Link>& link) {
    ASSERT_EQ(told.outcome(), "connected");
    const Bytes body = "e" + Bytes(300'000, 'x');  // many records
    loops_.run_on_each([&](int shard) {
      if (shard == 0) link->send(Payload(TestClient::frame(body)));
    });
    EXPECT_EQ(told.answer(), body);
    // Not of this connection, which is one of this machine to itself.
    const int other = ::socket(AF_INET, SOCK_STREAM, 0);
    const std::string usual = congestion_control(other);
    ::close(other);
    EXPECT_EQ(congestion_control(find_socket(0, port())), usual.starts_with("bbr") ? "reno" : usual);
  });
}

TEST_P(OutgoingTlsTest, OnlyTheRightServerIsTaken) {
  start_listener(authority_.issue(security::security_test::TestNames{{{"CN", "broker"}}, "DNS:localhost"}));
  const auto right = contexts(settings(nullptr, authority_.certificate()));
  EXPECT_EQ(outcome(right), "connected");
  EXPECT_THAT(outcome(right, "127.0.0.1"), testing::AllOf(HasSubstr("refused: "), HasSubstr("IP address mismatch")));
  EXPECT_EQ(outcome(contexts(settings(nullptr, authority_.certificate(), false)), "127.0.0.1"), "connected");
  EXPECT_THAT(outcome(contexts(settings(nullptr, stranger_.certificate()))),
              testing::AllOf(HasSubstr("refused: "), HasSubstr("certificate verify failed")));
}

TEST_P(OutgoingTlsTest, ACertificateIsShownWhereOneIsRequired) {
  start_listener(authority_.issue("localhost"), "required");
  const TestIdentity own = authority_.issue("broker-7");
  connect(contexts(settings(&own, authority_.certificate())), [&](Told& told, std::unique_ptr<broker::Link>&) {
    ASSERT_EQ(told.outcome(), "connected");
    ASSERT_TRUE(journal_.wait([&] { return journal_.opened == 1; }));
    EXPECT_EQ(journal_.infos.back().tls->principal, "CN=broker-7");
  });
  // With TLS 1.3 a client learns after its own handshake that it needed a certificate.
  connect(contexts(settings(nullptr, authority_.certificate())), [&](Told& told, std::unique_ptr<broker::Link>&) {
    EXPECT_THAT(told.end(), HasSubstr("certificate required"));
  });
}

// As over a link that was cut: the other node must not get the requests when the link is back.
TEST_P(OutgoingTlsTest, ARequestThatIsNotReadYetIsNotDeliveredAfterTheEnd) {
  start(ServerOptions{});  // the loops run
  int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int least = 1;
  ::setsockopt(listening, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0);

  constexpr size_t kRequest_bytes = 60'000;
  OutgoingNetwork network(loops_);
  Told told;
  std::unique_ptr<broker::Link> link;
  const auto in_a_turn = [&](const Task& task) {
    loops_.run_on_each([&](int shard) {
      if (shard == 0) task();
    });
  };
  in_a_turn([&] { link = network.connect(0, "127.0.0.1", ntohs(address.sin_port), told); });
  ASSERT_EQ(told.outcome(), "connected");
  int accepted = ::accept(listening, nullptr, nullptr);
  in_a_turn([&] { link->send(Payload(TestClient::frame(Bytes(kRequest_bytes, 'x')))); });
  in_a_turn([&] { link.reset(); });  // a turn after the one that wrote to the socket

  size_t got = 0;
  char bytes[4096];
  ssize_t count;
  while ((count = ::read(accepted, bytes, sizeof bytes)) > 0) got += static_cast<size_t>(count);
  EXPECT_EQ(count, -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_LT(got, kRequest_bytes);
  ::close(accepted);
  ::close(listening);
}

TEST_P(OutgoingTlsTest, WhatIsNoTlsIsRefused) {
  ServerOptions options;
  ListenerOptions listener;
  listener.name = "PLAINTEXT";
  listener.host = "127.0.0.1";
  options.listeners.push_back(listener);
  start(std::move(options));
  EXPECT_NE(outcome(contexts(settings(nullptr, authority_.certificate()))), "connected");
}

}  // namespace
}  // namespace milena::net
