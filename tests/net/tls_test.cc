// Listeners with TLS, against OpenSSL's client.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <thread>

#include "net/http_protocol.h"
#include "net/server_fixture.h"
#include "net/tls_client.h"
#include "net/tls_protocol.h"
#include "security/test_authority.h"

namespace milena::net {
namespace {

using namespace net_test;
using security::security_test::TestAuthority;
using security::security_test::TestFolder;
using security::security_test::TestIdentity;
using security::security_test::TestNames;

class TlsTest : public ServerTest {
 protected:
  TlsTest() {
    values_ = {{"ssl.keystore.type", "PEM"},
               {"ssl.truststore.type", "PEM"},
               {"ssl.truststore.certificates", authority_.certificate()},
               {"ssl.client.auth", "none"},
               {"ssl.protocol", "TLSv1.3"},
               {"ssl.enabled.protocols", "TLSv1.2,TLSv1.3"},
               {"ssl.principal.mapping.rules", "DEFAULT"}};
    put_store(authority_.issue("localhost"));
  }
  // Sessions are notified of their end on the loops, which the fixture stops first.
  ~TlsTest() override { stop(); }

  void put_store(const TestIdentity& identity) {
    values_["ssl.keystore.location"] = folder_.write("store.pem", identity.key + identity.certificate);
  }
  security::TlsSettings settings() const {
    return security::TlsSettings([this](ByteView name) {
      auto found = values_.find(std::string(name));
      return security::TlsSettings::Value{found == values_.end() ? std::nullopt : std::optional<Bytes>(found->second),
                                          std::string(name)};
    });
  }
  void start_tls(ServerOptions options = {}) {
    ListenerOptions listener;
    listener.name = "SSL";
    listener.host = "127.0.0.1";
    listener.backlog = 1024;
    listener.security_protocol = security::SecurityProtocol::kSsl;
    listener.tls = settings();
    options.listeners.push_back(listener);
    start(std::move(options));
  }
  TlsClientOptions client_options() const { return {authority_.certificate()}; }
  std::shared_ptr<const security::TlsPeer> last_peer() {
    std::lock_guard lock(journal_.mutex);
    return journal_.infos.back().tls;
  }

  TestAuthority authority_;
  TestFolder folder_;
  std::map<std::string, std::string> values_;
};

INSTANTIATE_TEST_SUITE_P(Shards, TlsTest, testing::Values(1, 3));

TEST_P(TlsTest, EchoesInBothVersions) {
  start_tls();
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientOptions options = client_options();
    options.version = version;
    TlsClient client(port(), options);
    ASSERT_TRUE(client.connected()) << client.error();
    EXPECT_EQ(client.ask("hello"), "hello");
    EXPECT_EQ(client.ask(Bytes(1'000'000, 'x')), Bytes(1'000'000, 'x'));
    EXPECT_EQ(last_peer()->version, version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
    EXPECT_EQ(last_peer()->principal, std::nullopt);
  }
}

TEST_P(TlsTest, AnswersManyPipelinedRequests) {
  start_tls();
  TlsClient client(port(), client_options());
  ASSERT_TRUE(client.connected()) << client.error();
  Bytes all;
  for (int i = 0; i < 5000; i++) all += TestClient::frame(fmt::format("request {}", i));
  std::thread sender([&] { EXPECT_TRUE(client.send_raw(all.substr(0, 16'000))); });
  sender.join();
  int answered = 0;
  for (size_t at = 16'000; at < all.size(); at += 9'999) EXPECT_TRUE(client.send_raw(ByteView(all).substr(at, 9'999)));
  for (; answered < 5000; answered++) ASSERT_EQ(client.receive(), fmt::format("request {}", answered));
}

TEST_P(TlsTest, SendsFilesAndLargeAnswersToAClientThatReadsLate) {
  start_tls();
  Bytes content;
  for (int i = 0; content.size() < 3'000'000; i++) content += fmt::format("line {} of the file\n", i);
  const std::string path = folder_.write("content", content);
  TlsClient client(port(), client_options());
  ASSERT_TRUE(client.connected()) << client.error();
  ASSERT_TRUE(client.send_frame("f" + path));
  ASSERT_TRUE(client.send_frame("b"));
  ASSERT_TRUE(client.send_frame("f" + path));
  const Bytes expected = "<<" + content + "||" + content.substr(content.size() / 2) + ">>";
  EXPECT_EQ(client.receive(), expected);
  EXPECT_EQ(client.receive(), Bytes(8 << 20, 'b'));
  EXPECT_EQ(client.receive(), expected);
}

// They share the loops' buffers. Each reads little at a time, from a narrow socket, and sends more meanwhile.
TEST_P(TlsTest, SlowReadersGetTheirOwnBytes) {
  start_tls();
  struct Reader {
    std::unique_ptr<TlsClient> client;
    Bytes expected, got;
  };
  std::vector<Reader> readers(8);
  for (size_t i = 0; i < readers.size(); i++) {
    TlsClientOptions options = client_options();
    options.version = i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    options.receive_buffer_bytes = 4096;
    readers[i].client = std::make_unique<TlsClient>(port(), options);
    ASSERT_TRUE(readers[i].client->connected()) << readers[i].client->error();
    Bytes content;
    for (int line = 0; content.size() < 300'000; line++) content += fmt::format("line {} of reader {}\n", line, i);
    const std::string path = folder_.write(fmt::format("content{}", i), content);
    ASSERT_TRUE(readers[i].client->send_frame("f" + path));
    ASSERT_TRUE(readers[i].client->send_frame("x" + content.substr(0, 40'000)));
    readers[i].expected = TestClient::frame("<<" + content + "||" + content.substr(content.size() / 2) + ">>") +
                          TestClient::frame("x" + content.substr(0, 40'000));
  }
  for (size_t unfinished = readers.size(), turn = 0; unfinished > 0; turn++) {
    unfinished = 0;
    for (Reader& reader : readers) {
      if (reader.got.size() == reader.expected.size()) continue;
      char piece[3000];
      const int count = SSL_read(reader.client->ssl(), piece, static_cast<int>(1 + turn * 37 % sizeof piece));
      ASSERT_GT(count, 0) << reader.got.size() << " bytes came";
      reader.got.append(piece, static_cast<size_t>(count));
      ASSERT_LE(reader.got.size(), reader.expected.size());
      unfinished++;
      if (turn % 50 != 0) continue;
      const Bytes request = "y" + std::to_string(turn);
      ASSERT_TRUE(reader.client->send_frame(request));
      reader.expected += TestClient::frame(request);
    }
  }
  for (const Reader& reader : readers) EXPECT_TRUE(reader.got == reader.expected);
}

TEST_P(TlsTest, SaysGoodbyeWhenItCloses) {
  start_tls();
  TlsClient client(port(), client_options());
  ASSERT_TRUE(client.connected()) << client.error();
  EXPECT_EQ(client.ask("close"), "close");
  EXPECT_TRUE(client.sees_goodbye()) << client.error();
}

TEST_P(TlsTest, AClientThatSaysGoodbyeHasClosedItsConnection) {
  start_tls();
  {
    TlsClient client(port(), client_options());
    ASSERT_TRUE(client.connected()) << client.error();
    EXPECT_EQ(client.ask("x"), "x");
    SSL_shutdown(client.ssl());
    EXPECT_TRUE(journal_.wait([this] { return journal_.closed == 1; }));
  }
  {
    TlsClient client(port(), client_options());
    EXPECT_EQ(client.ask("x"), "x");
  }
  EXPECT_TRUE(journal_.wait([this] { return journal_.closed == 2; }));
  EXPECT_EQ(journal_.get(&Journal::closed_by_peer), 2);
}

TEST_P(TlsTest, AClientsCertificateNamesItsPrincipal) {
  values_["ssl.client.auth"] = "required";
  values_["ssl.principal.mapping.rules"] = "RULE:^CN=(.*?),OU=apps$/$1/,DEFAULT";
  start_tls();
  TlsClientOptions options = client_options();
  options.identity = authority_.issue({{{"OU", "apps"}, {"CN", "billing"}}});
  TlsClient mapped(port(), options);
  EXPECT_EQ(mapped.ask("x"), "x") << mapped.error();
  EXPECT_EQ(last_peer()->principal, "billing");
  options.identity = authority_.issue("other");
  TlsClient other(port(), options);
  EXPECT_EQ(other.ask("x"), "x") << other.error();
  EXPECT_EQ(last_peer()->principal, "CN=other");
}

TEST_P(TlsTest, RefusesClientsWithoutAFittingCertificate) {
  values_["ssl.client.auth"] = "required";
  values_["ssl.principal.mapping.rules"] = "RULE:^CN=known$/known/";
  start_tls();
  TlsClientOptions options = client_options();
  TlsClient without(port(), options);
  EXPECT_EQ(without.ask("x"), std::nullopt);
  options.identity = TestAuthority("Other CA").issue("known");
  TlsClient foreign(port(), options);
  EXPECT_EQ(foreign.ask("x"), std::nullopt);
  TestNames expired{{{"CN", "known"}}};
  expired.from_s = -7200;
  expired.until_s = -3600;
  options.identity = authority_.issue(expired);
  TlsClient late(port(), options);
  EXPECT_EQ(late.ask("x"), std::nullopt);
  options.identity = authority_.issue("unknown");  // no rule applies
  TlsClient unmapped(port(), options);
  EXPECT_EQ(unmapped.ask("x"), std::nullopt);
  options.identity = authority_.issue("known");
  TlsClient known(port(), options);
  EXPECT_EQ(known.ask("x"), "x") << known.error();
  EXPECT_EQ(journal_.get(&Journal::opened), 1);
}

TEST_P(TlsTest, ARequestedCertificateMayBeLeftOutAndMayNotBeFalse) {
  values_["ssl.client.auth"] = "requested";
  start_tls();
  TlsClientOptions options = client_options();
  TlsClient without(port(), options);
  EXPECT_EQ(without.ask("x"), "x") << without.error();
  EXPECT_EQ(last_peer()->principal, std::nullopt);
  options.identity = TestAuthority("Other CA").issue("x");
  TlsClient foreign(port(), options);
  EXPECT_EQ(foreign.ask("x"), std::nullopt);
}

TEST_P(TlsTest, SessionsAreResumedWithTheClientsCertificate) {
  values_["ssl.client.auth"] = "required";
  start_tls();
  TlsClientOptions options = client_options();
  options.identity = authority_.issue("app");
  TlsClient first(port(), options);
  EXPECT_EQ(first.ask("x"), "x") << first.error();
  EXPECT_EQ(SSL_session_reused(first.ssl()), 0);
  std::unique_ptr<SSL_SESSION, security::OpensslFree<SSL_SESSION_free>> session(SSL_get1_session(first.ssl()));
  ASSERT_TRUE(SSL_SESSION_is_resumable(session.get()));
  options.resumed = session.get();
  TlsClient second(port(), options);
  EXPECT_EQ(second.ask("x"), "x") << second.error();
  EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
  EXPECT_EQ(last_peer()->principal, "CN=app");
}

// A general property: bytes that are not TLS only end their own connection.
TEST_P(TlsTest, WhatIsNoTlsEndsItsConnectionAlone) {
  start_tls();
  TlsClient good(port(), client_options());
  ASSERT_TRUE(good.connected()) << good.error();
  for (const Bytes& bytes : {TestClient::frame("plain"), Bytes("GET / HTTP/1.1\r\n\r\n"), Bytes(100'000, '\x16'),
                             Bytes("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc", 9) + Bytes(20'000, '\0')}) {
    TestClient bad(port());
    bad.send_raw(bytes);
    // An alert may come before the end.
    while (!bad.sees_close()) {
    }
  }
  // Garbage where records are expected, behind a handshake.
  TlsClient spoilt(port(), client_options());
  EXPECT_EQ(spoilt.ask("x"), "x");
  const Bytes garbage(500, '\x17');
  EXPECT_EQ(::send(spoilt.socket(), garbage.data(), garbage.size(), MSG_NOSIGNAL), 500);
  EXPECT_EQ(spoilt.receive(), std::nullopt);
  EXPECT_EQ(good.ask("still there"), "still there");
  EXPECT_EQ(journal_.get(&Journal::opened), 2);
}

// A relay that cuts the client's bytes into pieces of one byte, including the handshake.
TEST_P(TlsTest, RecordsMayComeByteByByte) {
  start_tls();
  TlsClientOptions options = client_options();
  std::unique_ptr<SSL_CTX, security::OpensslFree<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  security::OpensslConnection ssl(SSL_new(context.get()));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_connect_state(ssl.get());
  TestClient wire(port());
  const auto send_bytes = [&] {
    char byte;
    while (BIO_read(out, &byte, 1) == 1) ASSERT_TRUE(wire.send_raw(ByteView(&byte, 1)));
  };
  const auto take_bytes = [&] {
    char byte;
    ASSERT_EQ(wire.receive_some(&byte, 1), 1);
    BIO_write(in, &byte, 1);
  };
  while (SSL_do_handshake(ssl.get()) != 1) {
    send_bytes();
    take_bytes();
  }
  const Bytes frame = TestClient::frame("in pieces");
  ASSERT_GT(SSL_write(ssl.get(), frame.data(), static_cast<int>(frame.size())), 0);
  send_bytes();
  Bytes answer(frame.size(), '\0');
  int got = 0;
  while ((got = SSL_read(ssl.get(), answer.data(), static_cast<int>(answer.size()))) <= 0) take_bytes();
  EXPECT_EQ(answer.substr(0, static_cast<size_t>(got)), frame.substr(0, static_cast<size_t>(got)));
}

TEST_P(TlsTest, KeysMayBeUpdatedAndHandshakesNotRepeated) {
  start_tls();
  TlsClient client(port(), client_options());
  ASSERT_TRUE(client.connected()) << client.error();
  for (int i = 0; i < 10; i++) {
    EXPECT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    EXPECT_EQ(client.ask("x"), "x");
  }
  TlsClientOptions options = client_options();
  options.version = TLS1_2_VERSION;
  TlsClient old(port(), options);
  EXPECT_EQ(old.ask("x"), "x");
  SSL_renegotiate(old.ssl());
  SSL_do_handshake(old.ssl());
  EXPECT_EQ(journal_.get(&Journal::opened), 2);
  EXPECT_EQ(client.ask("still there"), "still there");
}

TEST_P(TlsTest, AStoreThatIsExchangedCountsForNewConnections) {
  start_tls();
  TlsClient before(port(), client_options());
  ASSERT_TRUE(before.connected()) << before.error();
  const auto serial_of = [](TlsClient& client) {
    const ASN1_INTEGER* number = X509_get0_serialNumber(SSL_get0_peer_certificate(client.ssl()));
    return Bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(number)),
                 static_cast<size_t>(ASN1_STRING_length(number)));
  };
  const Bytes serial = serial_of(before);
  put_store(authority_.issue("localhost"));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  Bytes now = serial;
  while (now == serial && std::chrono::steady_clock::now() < end) {
    TlsClient after(port(), client_options());
    ASSERT_TRUE(after.connected()) << after.error();
    now = serial_of(after);
  }
  EXPECT_NE(now, serial);
  EXPECT_EQ(before.ask("still there"), "still there");
}

// The protocol within is the listener's: here HTTP.
TEST_P(TlsTest, CarriesOtherProtocols) {
  ListenerOptions listener;
  listener.name = "HTTPS";
  listener.host = "127.0.0.1";
  listener.security_protocol = security::SecurityProtocol::kSsl;
  listener.tls = settings();
  listener.protocol = http_protocol();
  ServerOptions options;
  options.listeners.push_back(listener);
  start(std::move(options));
  TlsClient client(port(), client_options());
  ASSERT_TRUE(client.connected()) << client.error();
  const Bytes request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_TRUE(client.send_raw(request.substr(0, 7)));
  ASSERT_TRUE(client.send_raw(request.substr(7) + request));
  EXPECT_EQ(client.receive(), request);
  EXPECT_EQ(client.receive(), request);
}

TEST_P(TlsTest, AStoreThatIsNoGoodDoesNotTakeTheOldOnesPlace) {
  const auto contexts = TlsProtocol::make(settings()).take()->contexts();
  const auto first = contexts->current();
  put_store(authority_.issue("somebody else"));
  Status other_name = contexts->replace(settings());
  ASSERT_FALSE(other_name.ok());
  EXPECT_NE(other_name.error().message.find("DistinguishedName does not match"), std::string::npos);
  folder_.write("store.pem", "-----BEGIN CERTIFICATE-----\n");
  EXPECT_FALSE(contexts->replace(settings()).ok());
  EXPECT_EQ(contexts->current(), first);
  put_store(authority_.issue("localhost"));
  EXPECT_TRUE(contexts->replace(settings()).ok());
  EXPECT_NE(contexts->current(), first);
}

TEST_P(TlsTest, StrangersAreBoundedInTime) {
  ServerOptions options;
  options.limits.authentication_ms = 300;
  start_tls(std::move(options));
  TestClient silent(port());
  TestClient halfway(port());
  halfway.send_raw(Bytes("\x16\x03\x01", 3));
  TlsClient known(port(), client_options());
  ASSERT_TRUE(known.connected()) << known.error();
  EXPECT_TRUE(silent.sees_close());
  EXPECT_TRUE(halfway.sees_close());
  EXPECT_EQ(known.ask("still there"), "still there");
}

TEST_P(TlsTest, StrangersAreBoundedInNumberAndTheSilentGoFirst) {
  ServerOptions options;
  options.limits.max_strangers = static_cast<size_t>(4 * GetParam());
  start_tls(std::move(options));
  std::vector<std::unique_ptr<TestClient>> silent;
  for (int i = 0; i < 40; i++) silent.push_back(std::make_unique<TestClient>(port()));
  TlsClient known(port(), client_options());
  ASSERT_TRUE(known.connected()) << known.error();
  EXPECT_EQ(known.ask("x"), "x");
  EXPECT_TRUE(silent.front()->sees_close());
  EXPECT_EQ(journal_.get(&Journal::opened), 1);
}

// The ones within a step of the handshake cannot be dropped for those that follow; they are when the step is done.
TEST_P(TlsTest, StrangersWithHalfAHandshakeDoNotFillTheServer) {
  ServerOptions options;
  options.limits.max_strangers = static_cast<size_t>(4 * GetParam());
  options.max_connections = 8 * GetParam();
  start_tls(std::move(options));
  std::vector<std::unique_ptr<TestClient>> halfway;
  for (int i = 0; i < 60; i++) {
    halfway.push_back(std::make_unique<TestClient>(port()));
    halfway.back()->send_raw(Bytes("\x16\x03\x01\x02\x00\x01", 6));
  }
  // While steps of several handshakes are being computed, this client may be the one that is dropped; it comes again.
  std::unique_ptr<TlsClient> known;
  for (int attempts = 0; attempts < 50 && (known == nullptr || !known->connected()); attempts++) {
    known = std::make_unique<TlsClient>(port(), client_options());
  }
  ASSERT_TRUE(known->connected()) << known->error();
  EXPECT_EQ(known->ask("x"), "x");
}

TEST_P(TlsTest, AListenersConnectionsAreLimited) {
  ServerOptions options;
  ListenerOptions limited;
  limited.name = "LIMITED";
  limited.host = "127.0.0.1";
  limited.max_connections = 2;
  options.listeners.push_back(limited);
  start(std::move(options));
  TestClient first(port()), second(port());
  for (TestClient* each : {&first, &second}) {
    each->send_frame("x");
    EXPECT_EQ(each->receive(), "x");
  }
  TestClient third(port());
  third.send_frame("x");
  EXPECT_TRUE(journal_.wait([this] { return journal_.opened == 2; }));
  first.close();
  EXPECT_EQ(third.receive(), "x");
  EXPECT_EQ(journal_.get(&Journal::opened), 3);
}

TEST(TlsServer, AListenerWithoutAStoreIsRefusedBeforeItListens) {
  LoopGroup loops(1);
  ListenerOptions listener;
  listener.name = "SSL";
  listener.security_protocol = security::SecurityProtocol::kSsl;
  listener.tls = security::TlsSettings([](ByteView name) {
    return security::TlsSettings::Value{name.ends_with(".type") ? std::optional<Bytes>("JKS") : std::nullopt,
                                        std::string(name)};
  });
  ServerOptions options;
  options.listeners.push_back(listener);
  Server server(loops, std::move(options));
  Status opened = server.open();
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("ssl.keystore.location: a listener with TLS needs a key"), std::string::npos);
}

}  // namespace
}  // namespace milena::net
