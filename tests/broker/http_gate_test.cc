// Authentication and authorization of the HTTP service.
#include "broker/operations/http_gate.h"

#include <fstream>
#include <sstream>

#include "broker/http_fixture.h"
#include "broker/operations/http_session.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/create_acls.h"

namespace milena::broker::broker_test {
namespace {

using security::ScramMechanism;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kChallenge[] = "\r\nWWW-Authenticate: Basic realm=\"Milena\", charset=\"UTF-8\"\r\n";

std::string header(ByteView user, ByteView password) {
  return "Authorization: " + security::basic_authorization(user, password) + "\r\n";
}

class HttpGateTest : public HttpFixture {
 protected:
  void SetUp() override {
    settings_ = {{"milena.http.authentication", "basic"},
                 {"listener.name.http.plain.sasl.jaas.config",
                  "org.apache.kafka.common.security.plain.PlainLoginModule required user_monitor=\"watch\";"}};
    set_more();
    for (const auto& [key, value] : settings_) node().set(key, value);
    HttpFixture::SetUp();
  }
  virtual void set_more() {}
  std::shared_ptr<const HttpAccess> access() override {
    config::Settings settings;
    for (const auto& [key, value] : settings_) EXPECT_TRUE(settings.set(key, value).ok());
    auto made = HttpAccess::from(settings, node().executor(0).random());
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made.take();
  }

  void make_user(const std::string& name, ScramMechanism mechanism, const std::string& password,
                 int32_t iterations = 4096) {
    AlterUserScramCredentialsRequest request;
    const Bytes salted = security::salted_password(mechanism, password, "salt", iterations);
    request.upsertions = {{name, static_cast<int8_t>(mechanism), iterations, "salt", salted}};
    EXPECT_EQ(client().ask<AlterUserScramCredentialsResponse>(request, 0).results.at(0).error_code, ErrorCode::kNone);
  }
  void remove_user(const std::string& name, ScramMechanism mechanism) {
    AlterUserScramCredentialsRequest request;
    request.deletions = {{name, static_cast<int8_t>(mechanism)}};
    EXPECT_EQ(client().ask<AlterUserScramCredentialsResponse>(request, 0).results.at(0).error_code, ErrorCode::kNone);
  }
  // The answer over this connection, without those before.
  Bytes ask(HttpConnection& connection, const std::string& target, const std::string& headers = "") {
    connection.received.clear();
    connection.get(target, headers);
    node().run();
    return connection.received;
  }
  // The refusal of a wrong name or password: after the pause, and the connection ends.
  Bytes refusal(const std::string& headers) {
    HttpConnection connection(*service_, node().shard_count() - 1);
    EXPECT_EQ(ask(connection, "/metrics", headers), "") << "it is answered at once";
    node().advance(99);
    EXPECT_EQ(connection.received, "");
    node().advance(1);
    EXPECT_TRUE(connection.closed);
    EXPECT_THAT(connection.close_reason, StartsWith("authentication failed: "));
    return connection.received;
  }

  std::map<std::string, std::string> settings_;
};
INSTANTIATE_TEST_SUITE_P(Shards, HttpGateTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(HttpGateTest, ProbesNeedNoPasswordAndAllElseDoes) {
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("/readyz?verbose=1"), StartsWith("HTTP/1.1 200 "));
  for (const char* path : {"/", "/metrics", "/public_metrics", "/doctor", "/tap?client-id=x", "/nothing", "/livez/",
                           "//livez", "/livez/../metrics", "/%6detrics"}) {
    const Bytes answer = get(path);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 Unauthorized\r\n")) << path;
    EXPECT_THAT(answer, HasSubstr(kChallenge)) << path;
    EXPECT_THAT(answer, Not(HasSubstr("milena_"))) << path;
  }
  EXPECT_EQ(node().computations(), 0);
}

TEST_P(HttpGateTest, AClientWithoutAPasswordIsAskedForItAtOnce) {
  HttpConnection connection(*service_, 0);
  EXPECT_THAT(ask(connection, "/metrics"), StartsWith("HTTP/1.1 401 "));
  EXPECT_FALSE(connection.closed);
  EXPECT_THAT(ask(connection, "/metrics", header("monitor", "watch")), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_P(HttpGateTest, UsersAreThoseOfTheLineForPlain) {
  const Bytes page = get("/metrics", header("monitor", "watch"));
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(page, HasSubstr("\nmilena_topics "));
  EXPECT_THAT(get("/", header("monitor", "watch")), HasSubstr("/readyz"));
  EXPECT_THAT(get("/nothing", header("monitor", "watch")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(refusal(header("monitor", "wat")), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(refusal(header("monitor", "")), StartsWith("HTTP/1.1 401 "));
}

TEST_P(HttpGateTest, UsersAreThoseOfTheMetadata) {
  for (ScramMechanism mechanism : {ScramMechanism::kSha256, ScramMechanism::kSha512}) {
    const std::string name = "user-" + std::to_string(static_cast<int>(mechanism));
    make_user(name, mechanism, "secret");
    EXPECT_THAT(get("/metrics", header(name, "secret")), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(get("/metrics", header("monitor", "watch")), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  const Bytes wrong = refusal(header("user-1", "Secret"));
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(wrong, HasSubstr(kChallenge));
  EXPECT_EQ(refusal(header("nobody", "secret")), wrong) << "an unknown name looks the same";
  EXPECT_EQ(refusal(header("monitor", "secret")), wrong);
  for (const char* text : {"Authorization: Bearer abc\r\n", "Authorization: Basic %%%\r\n", "Authorization:\r\n"}) {
    EXPECT_EQ(refusal(text), wrong) << text;
  }
}

// The cost is that of the stored credential, so it is the same for a name that nobody has.
TEST_P(HttpGateTest, AnUnknownNameCostsWhatAWrongPasswordCosts) {
  auto cost = [this](const std::string& headers) {
    const int before = node().computations();
    (void)refusal(headers);
    return node().computations() - before;
  };
  EXPECT_EQ(cost(header("nobody", "x")), cost(header("monitor", "x"))) << "there is no user of SCRAM yet";
  make_user("carol", ScramMechanism::kSha512, "singer");
  EXPECT_EQ(cost(header("nobody", "x")), 1);
  EXPECT_EQ(cost(header("carol", "x")), 1);
  EXPECT_EQ(cost(header("monitor", "x")), 1);
}

// The page is one that needs no computation itself.
TEST_P(HttpGateTest, AConnectionsPasswordIsComputedOnce) {
  make_user("carol", ScramMechanism::kSha256, "singer");
  HttpConnection connection(*service_, node().shard_count() - 1);
  for (int i = 0; i < 20; i++) {
    EXPECT_THAT(ask(connection, "/", header("carol", "singer")), StartsWith("HTTP/1.1 200 OK\r\n"));
    node().advance(5000);
  }
  EXPECT_EQ(node().computations(), 1);
  // Another one is not served for the first one's sake.
  EXPECT_EQ(ask(connection, "/", header("carol", "dancer")), "");
  node().advance(100);
  EXPECT_THAT(connection.received, StartsWith("HTTP/1.1 401 "));
  EXPECT_EQ(node().computations(), 2);
}

TEST_P(HttpGateTest, AnAlteredOrRemovedCredentialLetsNobodyIn) {
  make_user("carol", ScramMechanism::kSha256, "singer");
  HttpConnection connection(*service_, node().shard_count() - 1);
  EXPECT_THAT(ask(connection, "/metrics", header("carol", "singer")), StartsWith("HTTP/1.1 200 OK\r\n"));
  make_user("carol", ScramMechanism::kSha256, "dancer");
  EXPECT_EQ(ask(connection, "/metrics", header("carol", "singer")), "");
  node().advance(100);
  EXPECT_THAT(connection.received, StartsWith("HTTP/1.1 401 "));

  HttpConnection next(*service_, node().shard_count() - 1);
  EXPECT_THAT(ask(next, "/metrics", header("carol", "dancer")), StartsWith("HTTP/1.1 200 OK\r\n"));
  remove_user("carol", ScramMechanism::kSha256);
  EXPECT_EQ(ask(next, "/metrics", header("carol", "dancer")), "");
  node().advance(100);
  EXPECT_THAT(next.received, StartsWith("HTTP/1.1 401 "));
}

// One after the other for a shard, and none for clients that are gone.
TEST_P(HttpGateTest, ChecksAreDoneOneByOne) {
  make_user("carol", ScramMechanism::kSha256, "singer");
  std::vector<std::unique_ptr<HttpConnection>> connections;
  for (int i = 0; i < 10; i++) {
    connections.push_back(std::make_unique<HttpConnection>(*service_, 0));
    connections.back()->get("/livez/", header("carol", "singer"));
  }
  EXPECT_EQ(node().computations(), 1);
  for (int i = 2; i < 10; i++) connections[static_cast<size_t>(i)]->disconnect();
  node().run();
  EXPECT_EQ(node().computations(), 2);
  for (int i = 0; i < 2; i++) {
    EXPECT_THAT(connections[static_cast<size_t>(i)]->received, StartsWith("HTTP/1.1 404 "));
  }
  EXPECT_THAT(get("/metrics", header("carol", "singer")), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_P(HttpGateTest, AClientMayBeGoneBeforeItsCheckIsDone) {
  make_user("carol", ScramMechanism::kSha256, "singer");
  for (const char* password : {"singer", "wrong"}) {
    HttpConnection connection(*service_, 0);
    connection.get("/metrics", header("carol", password));
    connection.disconnect();
    node().advance(200);
    EXPECT_EQ(connection.received, "");
  }
}

TEST_P(HttpGateTest, WhileTheNodeStartsNobodyIsJudged) {
  HttpService starting({&node().executor(0)}, "1.2.3", access());
  HttpConnection connection(starting, 0);
  EXPECT_THAT(ask(connection, "/livez"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask(connection, "/metrics", header("monitor", "watch")), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ask(connection, "/metrics", header("monitor", "wrong")), StartsWith("HTTP/1.1 503 "));
}

TEST_P(HttpGateTest, HeadIsAnsweredWithoutABody) {
  HttpConnection connection(*service_, 0);
  connection.request("HEAD /metrics HTTP/1.1\r\n\r\n");
  EXPECT_THAT(connection.received, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(connection.received, testing::EndsWith("\r\n\r\n"));
}

TEST_P(HttpGateTest, AFailureIsKnownToTheDoctor) {
  (void)refusal(header("nobody", "hunter2"));
  const Bytes page = get("/doctor", header("monitor", "watch"));
  EXPECT_THAT(page, HasSubstr("client-authentication"));
  EXPECT_THAT(page, HasSubstr("unknown user or wrong password"));
  EXPECT_THAT(page, Not(HasSubstr("hunter2")));
}

// The client of a listener with TLS has shown a certificate.
TEST_P(HttpGateTest, ACertificateIsEnough) {
  ConnectionInfo info;
  auto peer = std::make_shared<security::TlsPeer>();
  peer->principal = "CN=prometheus";
  info.tls = peer;
  HttpConnection connection(*service_, 0, info);
  EXPECT_THAT(ask(connection, "/metrics"), StartsWith("HTTP/1.1 200 OK\r\n"));
  // A password counts before it.
  EXPECT_EQ(ask(connection, "/metrics", header("nobody", "x")), "");
  node().advance(100);
  EXPECT_THAT(connection.received, StartsWith("HTTP/1.1 401 "));

  peer->principal.reset();
  HttpConnection without(*service_, 0, info);
  EXPECT_THAT(ask(without, "/metrics"), StartsWith("HTTP/1.1 401 "));
}

// Each connection once, and each new password; not the question for one, and no page that is open to all.
TEST_P(HttpGateTest, AuthenticationsAreCounted) {
  make_user("carol", ScramMechanism::kSha256, "singer");
  ConnectionInfo info;
  info.listener_name = "HTTPS";
  auto counted = [this](const std::string& result) {
    HttpConnection reader(*service_, 0, {.listener_name = "HTTP"});
    return sample(ask(reader, "/metrics", header("monitor", "watch")),
                  "milena_authentications_total{listener=\"HTTPS\",result=\"" + result + "\"}");
  };
  HttpConnection connection(*service_, node().shard_count() - 1, info);
  EXPECT_THAT(ask(connection, "/livez"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask(connection, "/"), StartsWith("HTTP/1.1 401 "));
  EXPECT_EQ(counted("success"), "");
  for (const char* user : {"monitor", "carol"}) {
    for (int i = 0; i < 3; i++) {
      EXPECT_THAT(ask(connection, "/", header(user, *user == 'm' ? "watch" : "singer")), StartsWith("HTTP/1.1 200 "));
    }
  }
  EXPECT_EQ(counted("success"), "2");
  EXPECT_EQ(counted("failure"), "0");
  EXPECT_EQ(ask(connection, "/", header("carol", "dancer")), "");
  HttpConnection malformed(*service_, 0, info);
  EXPECT_EQ(ask(malformed, "/", "Authorization: Bearer abc\r\n"), "");
  EXPECT_EQ(counted("failure"), "2");

  auto peer = std::make_shared<security::TlsPeer>();
  peer->principal = "CN=prometheus";
  info.tls = peer;
  HttpConnection shown(*service_, 0, info);
  for (int i = 0; i < 3; i++) EXPECT_THAT(ask(shown, "/"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(counted("success"), "3");
  node().advance(200);
}

// Both kinds of listeners may have one name: a series is on the page once.
TEST_P(HttpGateTest, AListenerOfKafkasProtocolMayHaveTheSameName) {
  HttpConnection connection(*service_, 0, {.listener_name = "PLAINTEXT"});
  const Bytes page = ask(connection, "/metrics", header("monitor", "watch"));
  const std::string series = "milena_authentications_total{listener=\"PLAINTEXT\",result=\"success\"}";
  EXPECT_EQ(sample(page, series), "1");
  EXPECT_EQ(page.find(series), page.rfind(series));
}

class HttpAuthorizationTest : public HttpGateTest {
 protected:
  void set_more() override {
    settings_["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    settings_["super.users"] = "User:ANONYMOUS;User:CN=prometheus";
    settings_["milena.audit.log"] = audit_path();
  }
  std::string audit_path() { return node().directory() + "/audit.json"; }
  std::string audit_lines() {
    std::ifstream in(audit_path());
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void allow_describe(ByteView principal) {
    CreateAclsRequest request;
    auto& acl = request.creations.emplace_back();
    acl.resource_type = static_cast<int8_t>(AclResourceType::kCluster);
    acl.resource_name = kClusterResource;
    acl.principal = principal;
    acl.host = "*";
    acl.operation = static_cast<int8_t>(AclOperation::kDescribe);
    acl.permission_type = static_cast<int8_t>(AclPermissionType::kAllow);
    ASSERT_EQ(client().ask<CreateAclsResponse>(request, 3).results.at(0).error_code, ErrorCode::kNone);
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, HttpAuthorizationTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(HttpAuthorizationTest, PagesNeedDescribeOnTheCluster) {
  const std::string monitor = header("monitor", "watch");
  for (const char* path : {"/metrics", "/public_metrics", "/doctor", "/tap?client-id=x&count=1", "/nothing"}) {
    EXPECT_THAT(get(path, monitor), StartsWith("HTTP/1.1 403 Forbidden\r\n")) << path;
  }
  for (const char* path : {"/", "/livez", "/readyz"}) {
    EXPECT_THAT(get(path, monitor), StartsWith("HTTP/1.1 200 ")) << path;
  }
  EXPECT_THAT(audit_lines(), HasSubstr("\"event\":\"denied\",\"principal\":\"User:monitor\""));
  EXPECT_THAT(audit_lines(), HasSubstr("\"targets\":[\"GET /metrics\"]"));
  EXPECT_THAT(audit_lines(), Not(HasSubstr("watch")));
  allow_describe("User:monitor");
  EXPECT_THAT(get("/metrics", monitor), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get("/doctor", monitor), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_P(HttpAuthorizationTest, ACertificatesPrincipalIsAsked) {
  ConnectionInfo info;
  auto peer = std::make_shared<security::TlsPeer>();
  info.tls = peer;
  peer->principal = "CN=prometheus";
  HttpConnection super_user(*service_, 0, info);
  EXPECT_THAT(ask(super_user, "/metrics"), StartsWith("HTTP/1.1 200 OK\r\n"));
  peer->principal = "CN=other";
  HttpConnection other(*service_, 0, info);
  EXPECT_THAT(ask(other, "/metrics"), StartsWith("HTTP/1.1 403 "));
}

TEST(HttpAccess, ReadsItsSettings) {
  SeededRandom random(1);
  config::Settings settings;
  EXPECT_EQ(*HttpAccess::from(settings, random), nullptr);
  ASSERT_TRUE(settings.set("milena.http.authentication", "basic").ok());
  auto access = HttpAccess::from(settings, random);
  ASSERT_TRUE(access.ok());
  EXPECT_EQ((*access)->plain_users, nullptr);
  ASSERT_TRUE(settings.set("listener.name.http.plain.sasl.jaas.config", "secret words").ok());
  access = HttpAccess::from(settings, random);
  ASSERT_FALSE(access.ok());
  EXPECT_THAT(access.error().message, HasSubstr("listener.name.http.plain.sasl.jaas.config=[hidden]"));
  EXPECT_THAT(access.error().message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace milena::broker::broker_test
