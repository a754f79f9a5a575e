// Connections to other nodes that authenticate: before they are used, and again before their session ends.
#include "broker/cluster/sasl_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/manual_executor.h"
#include "broker/cluster/peer_security.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/reader.h"
#include "protocol/request_frame.h"
#include "protocol/request_header.h"

namespace milena::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The other side, by hand.
struct Wire final : Network {
  struct WireLink final : Link {
    explicit WireLink(Wire& own) : wire(own) {}
    ~WireLink() override { wire.watcher = nullptr; }
    void send(Payload request) override { wire.requests.push_back(*request.flatten()); }
    Wire& wire;
  };
  std::unique_ptr<Link> connect(size_t, const std::string&, uint16_t, LinkWatcher& who) override {
    watcher = &who;
    return std::make_unique<WireLink>(*this);
  }

  // The API keys sent since the last call.
  std::vector<ApiKey> sent() {
    std::vector<ApiKey> keys;
    for (const Bytes& request : std::exchange(requests, {})) {
      Reader reader(ByteView(request).substr(4));
      RequestHeader header;
      header.read(reader);
      keys.push_back(static_cast<ApiKey>(header.api_key));
      last_id = header.correlation_id;
    }
    return keys;
  }
  template <class Response>
  void answer(const Response& response) {
    Writer writer;
    ResponseHeader{last_id}.write(writer, Response::kApiKey, 1);
    response.write(writer, 1);
    const Bytes bytes = *writer.take().flatten();
    Frame frame;
    frame.buffer = std::shared_ptr<char[]>(new char[bytes.size()]);
    bytes.copy(frame.buffer.get(), bytes.size());
    frame.bytes = ByteView(frame.buffer.get(), bytes.size());
    watcher->on_frame(std::move(frame));
  }

  LinkWatcher* watcher = nullptr;
  std::vector<Bytes> requests;
  int32_t last_id = 0;
};

struct Told final : LinkWatcher {
  void on_connected() override { connected++; }
  void on_frame(Frame) override { frames++; }
  void on_lost(const std::string& why) override { lost = why; }
  void on_refused(const std::string& why) override { refused = why; }
  int connected = 0, frames = 0;
  std::string lost, refused;
};

class SaslNetworkTest : public testing::Test {
 protected:
  SaslNetworkTest() { link_ = network_.connect(0, "other", 9092, told_); }

  void log_in(int64_t session_ms) {
    EXPECT_THAT(wire_.sent(), ElementsAre(ApiKey::kSaslHandshake));
    wire_.answer(SaslHandshakeResponse{ErrorCode::kNone, {"PLAIN"}});
    EXPECT_THAT(wire_.sent(), ElementsAre(ApiKey::kSaslAuthenticate));
    SaslAuthenticateResponse done;
    done.session_lifetime_ms = session_ms;
    wire_.answer(done);
  }
  void ask() { link_->send(request_frame(MetadataRequest{}, 1, 100, "client")); }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  Wire wire_;
  SaslNetwork network_{wire_, {&executor_}, {"PLAIN", "broker", "secret"}, "broker-1"};
  Told told_;
  std::unique_ptr<Link> link_;
};

TEST_F(SaslNetworkTest, ALinkIsConnectedWhenItHasLoggedIn) {
  EXPECT_THAT(wire_.sent(), IsEmpty());
  wire_.watcher->on_connected();
  EXPECT_EQ(told_.connected, 0);
  log_in(0);
  EXPECT_EQ(told_.connected, 1);
  ask();
  EXPECT_THAT(wire_.sent(), ElementsAre(ApiKey::kMetadata));
  wire_.answer(MetadataResponse());
  EXPECT_EQ(told_.frames, 1);
}

TEST_F(SaslNetworkTest, WhoIsRefusedIsTold) {
  wire_.watcher->on_connected();
  wire_.sent();
  wire_.answer(SaslHandshakeResponse{ErrorCode::kNone, {"PLAIN"}});
  wire_.sent();
  SaslAuthenticateResponse no;
  no.error_code = ErrorCode::kSaslAuthenticationFailed;
  no.error_message = "no";
  wire_.answer(no);
  EXPECT_EQ(told_.connected, 0);
  EXPECT_EQ(told_.refused, "SASL: no");
}

TEST_F(SaslNetworkTest, ASessionIsRenewedBeforeItEndsAndNothingIsLost) {
  wire_.watcher->on_connected();
  log_in(10'000);
  ask();
  ask();
  EXPECT_EQ(wire_.sent().size(), 2u);
  clock_.advance(9'500);
  executor_.run_turn();
  ask();  // waits, as two others are under way
  EXPECT_THAT(wire_.sent(), IsEmpty());
  wire_.answer(MetadataResponse());
  EXPECT_THAT(wire_.sent(), IsEmpty());
  wire_.answer(MetadataResponse());
  EXPECT_EQ(told_.frames, 2);
  ask();
  log_in(10'000);
  EXPECT_THAT(wire_.sent(), ElementsAre(ApiKey::kMetadata, ApiKey::kMetadata));
  EXPECT_EQ(told_.connected, 1);
  wire_.answer(MetadataResponse());
  wire_.answer(MetadataResponse());
  EXPECT_EQ(told_.frames, 4);
  // When idle it is renewed at once, and not too early.
  clock_.advance(8'400);
  executor_.run_turn();
  EXPECT_THAT(wire_.sent(), IsEmpty());
  clock_.advance(1'100);
  executor_.run_turn();
  log_in(INT64_MAX);
  EXPECT_EQ(told_.refused + told_.lost, "");
}

TEST_F(SaslNetworkTest, NothingRunsWhenTheLinkIsGone) {
  wire_.watcher->on_connected();
  log_in(10'000);
  link_.reset();
  clock_.advance(60'000);
  executor_.run_turn();
  EXPECT_THAT(wire_.sent(), IsEmpty());
}

config::Settings settings_with(const std::vector<std::string>& overrides) {
  config::SettingsInput input;
  input.overrides = overrides;
  input.overrides.push_back("node.id=1");
  auto settings = config::Settings::load(input);
  EXPECT_TRUE(settings.ok()) << settings.error().message;
  return settings.take();
}

TEST(PeerSecurity, IsThatOfTheListenersOfTheOthers) {
  const std::string plain = "org.apache.kafka.common.security.plain.PlainLoginModule required ";
  std::vector<std::string> base = {
      "process.roles=broker", "controller.quorum.voters=9@localhost:9093", "controller.listener.names=CTRL",
      "listeners=PUBLIC://:9092,BROKER://:9094", "inter.broker.listener.name=broker",
      "listener.security.protocol.map=PUBLIC:PLAINTEXT,BROKER:SASL_PLAINTEXT,CTRL:SSL",
      "sasl.enabled.mechanisms=PLAIN", "listener.name.ctrl.ssl.truststore.location=/own"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return settings_with(more);
  };
  const std::string jaas = "listener.name.broker.plain.sasl.jaas.config=" + plain;
  auto good = broker_peer_security(with({"sasl.mechanism.inter.broker.protocol=PLAIN",
                                         jaas + "username=me password=mine;"}));
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(good->listener, "BROKER");
  EXPECT_EQ(good->protocol, security::SecurityProtocol::kSaslPlaintext);
  EXPECT_FALSE(good->tls);
  EXPECT_EQ(good->login->user, "me");
  auto controllers = controller_peer_security(with({}));
  ASSERT_TRUE(controllers.ok()) << controllers.error().message;
  EXPECT_EQ(controllers->protocol, security::SecurityProtocol::kSsl);
  EXPECT_EQ(controllers->tls->truststore_location.view(), "/own");
  EXPECT_EQ(controllers->tls->endpoint_identification.view(), "https");

  auto complaint = [](const config::Settings& settings) {
    auto security = broker_peer_security(settings);
    return security.ok() ? std::string() : security.error().message;
  };
  EXPECT_THAT(complaint(with({"sasl.mechanism.inter.broker.protocol=PLAIN"})),
              HasSubstr("listener.name.broker.plain.sasl.jaas.config is not set"));
  EXPECT_THAT(complaint(with({"sasl.mechanism.inter.broker.protocol=PLAIN", jaas + "user_me=mine;"})),
              HasSubstr("expected username"));
  EXPECT_THAT(complaint(with({jaas + "username=me password=mine;",
                              "listener.name.broker.gssapi.sasl.jaas.config=x required;"})),
              HasSubstr("sasl.mechanism.inter.broker.protocol=GSSAPI: expected PLAIN"));
  EXPECT_THAT(complaint(with({"sasl.mechanism.inter.broker.protocol=PLAIN", jaas + "username=me password=mine;",
                              "sasl.enabled.mechanisms=SCRAM-SHA-256"})),
              HasSubstr("expected one of sasl.enabled.mechanisms"));
  EXPECT_THAT(complaint(with({"security.inter.broker.protocol=SSL"})), HasSubstr("expected one of them"));
}

}  // namespace
}  // namespace milena::broker
