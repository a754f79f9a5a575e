// HTTP with TLS and passwords, over real sockets, and the commands that ask there.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>

#include "e2e/e2e_fixture.h"
#include "net/tls_client.h"
#include "security/test_authority.h"

namespace milena::e2e {
namespace {

using net::net_test::TlsClient;
using net::net_test::TlsClientOptions;
using security::security_test::TestAuthority;
using security::security_test::TestFolder;
using security::security_test::TestIdentity;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// "monitor:watch"
constexpr char kMonitor[] = "Authorization: Basic bW9uaXRvcjp3YXRjaA==\r\n";
constexpr char kLine[] =
    "listener.name.http.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
    "user_monitor=\"watch\";";

class HttpSecured : public testing::TestWithParam<int> {
 protected:
  // One address with TLS.
  void start(std::vector<std::string> more = {}, const std::string& listeners = "https://127.0.0.1:0") {
    put_store("store.pem", authority_.issue("localhost"));
    trusted_ = folder_.write("trusted.pem", authority_.certificate());
    more.insert(more.end(),
                {"milena.http.listeners=" + listeners, "listener.name.http.ssl.keystore.type=PEM",
                 "listener.name.http.ssl.keystore.location=" + store_, "listener.name.http.ssl.truststore.type=PEM",
                 "listener.name.http.ssl.truststore.location=" + trusted_});
    broker_ = std::make_unique<BrokerProcess>(GetParam(), std::move(more));
  }
  void put_store(const std::string& name, const TestIdentity& identity) {
    store_ = folder_.write(name, identity.key + identity.certificate);
  }
  // Of the address that was opened as the first, second...
  int port(int number = 0, const std::string& scheme = "HTTPS") {
    const std::string line = "Listening on " + scheme + "://127.0.0.1:", output = broker_->output();
    size_t at = output.find(line);
    for (; number > 0 && at != std::string::npos; number--) at = output.find(line, at + 1);
    return at == std::string::npos ? -1 : std::atoi(output.c_str() + at + line.size());
  }
  TlsClientOptions options(const TestAuthority& authority) const { return {authority.certificate()}; }
  TlsClientOptions options() const { return options(authority_); }
  std::string address() { return "https://localhost:" + std::to_string(port()); }

  // The answer to a request with Connection: close; empty if the client is not let in.
  std::string get(const std::string& path, const std::string& headers = "", std::optional<TlsClientOptions> how = {},
                  int number = 0) {
    TlsClient client(static_cast<uint16_t>(port(number)), how ? *how : options());
    if (!client.connected()) return "";
    client.send_raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n");
    std::string answer;
    char part[4096];
    for (int size; (size = SSL_read(client.ssl(), part, sizeof part)) > 0;) {
      answer.append(part, static_cast<size_t>(size));
    }
    return answer;
  }
  // Properties of a command's user.
  std::string properties(const std::string& name, const std::string& protocol, const std::string& user,
                         const std::string& password) {
    return folder_.write(name, "security.protocol=" + protocol + "\nssl.truststore.type=PEM\nssl.truststore.location=" +
                                   trusted_ + "\nsasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common." +
                                   "security.plain.PlainLoginModule required username=\"" + user + "\" password=\"" +
                                   password + "\";\n");
  }

  TestAuthority authority_;
  TestFolder folder_;
  std::string store_, trusted_;
  std::unique_ptr<BrokerProcess> broker_;
};

INSTANTIATE_TEST_SUITE_P(Shards, HttpSecured, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(HttpSecured, ServesOverTlsAlone) {
  start();
  ASSERT_GT(port(), 0) << broker_->output();
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get("/metrics"), HasSubstr("\nmilena_topics "));
  EXPECT_EQ(get("/livez", "", options(TestAuthority("Other CA"))), "");
  // Without passwords each handshake counts.
  const std::string page = get("/metrics");
  EXPECT_THAT(page, HasSubstr("\nmilena_authentications_total{listener=\"HTTPS\",result=\"success\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("\nmilena_authentications_total{listener=\"HTTPS\",result=\"failure\"} 1\n"));
  // A client without TLS gets no HTTP.
  EXPECT_EQ(run_milena("doctor --http localhost:" + std::to_string(port())).code, 2);
  EXPECT_EQ(broker_->stop(), 0);
}

TEST_P(HttpSecured, PasswordsOfBothKindsOfUsers) {
  start({"milena.http.authentication=basic", kLine, "connection.failed.authentication.delay.ms=1"});
  ASSERT_GT(port(), 0) << broker_->output();
  for (const char* mechanism : {"SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    const Outcome set = run_milena("users -b " + broker_->address() + " set carol --mechanism " + mechanism + " < " +
                            folder_.write("password", "singer\n"));
    ASSERT_EQ(set.code, 0) << set.output;
    // "carol:singer", "carol:dancer", "nobody:singer"
    EXPECT_THAT(get("/metrics", "Authorization: Basic Y2Fyb2w6c2luZ2Vy\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(get("/metrics", "Authorization: Basic Y2Fyb2w6ZGFuY2Vy\r\n"), StartsWith("HTTP/1.1 401 "));
    EXPECT_THAT(get("/metrics", "Authorization: Basic bm9ib2R5OnNpbmdlcg==\r\n"), StartsWith("HTTP/1.1 401 "));
  }
  EXPECT_THAT(get("/metrics", kMonitor), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get("/metrics"), HasSubstr("\r\nWWW-Authenticate: Basic realm=\"Milena\""));
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  const std::string output = broker_->output();
  EXPECT_THAT(output, HasSubstr("authentication failed: unknown user or wrong password"));
  for (const char* secret : {"singer", "dancer", "watch", "bW9uaXRvcjp3YXRjaA"}) {
    EXPECT_THAT(output, Not(HasSubstr(secret)));
  }
}

TEST_P(HttpSecured, MutualTls) {
  start({"listener.name.http.ssl.client.auth=required", "milena.http.authentication=basic",
         "listener.name.http.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/",
         "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
         "super.users=User:prometheus"});
  ASSERT_GT(port(), 0) << broker_->output();
  TlsClientOptions known = options(), other = options(), foreign = options();
  known.identity = authority_.issue("prometheus");
  other.identity = authority_.issue("app");
  foreign.identity = TestAuthority("Other CA").issue("prometheus");
  EXPECT_THAT(get("/metrics", "", known), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get("/metrics", "", other), StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(get("/livez", "", other), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(get("/livez", "", foreign), "");
  EXPECT_EQ(get("/livez"), "");
  // Those who asked for a page, this one too; and those without a certificate that is trusted.
  const std::string page = get("/metrics", "", known);
  EXPECT_THAT(page, HasSubstr("\nmilena_authentications_total{listener=\"HTTPS\",result=\"success\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("\nmilena_authentications_total{listener=\"HTTPS\",result=\"failure\"} 2\n"));
}

// Half of a handshake, and none: they end, and others are served meanwhile.
TEST_P(HttpSecured, ClientsThatOnlyConnectKeepNobodyOut) {
  start({"milena.http.max.connections=8", "milena.authentication.timeout.ms=600000"});
  ASSERT_GT(port(), 0) << broker_->output();
  std::vector<std::unique_ptr<net::TestClient>> silent;
  for (int i = 0; i < 40; i++) {
    silent.push_back(std::make_unique<net::TestClient>(static_cast<uint16_t>(port())));
    if (i % 2 == 0) silent.back()->send_raw(Bytes("\x16\x03\x01\x02\x00\x01", 6));
  }
  // While handshakes of several of them are being computed, this client may be the one that is dropped; it comes again.
  EXPECT_TRUE(wait_until([this] { return get("/livez").starts_with("HTTP/1.1 200 OK\r\n"); }));
  // The first that sent nothing was dropped for the later ones. One whose handshake is being computed is not.
  EXPECT_TRUE(silent[1]->sees_close());
}

TEST_P(HttpSecured, AHandshakeThatDoesNotEndIsCutOff) {
  start({"milena.authentication.timeout.ms=1000"});
  net::TestClient silent(static_cast<uint16_t>(port()));
  EXPECT_TRUE(silent.sees_close());
}

TEST_P(HttpSecured, StoresAreExchangedWhileItRuns) {
  start({}, "https://127.0.0.1:0,http://127.0.0.1:0,https://127.0.0.1:0");
  ASSERT_GT(port(1), 0) << broker_->output();
  ASSERT_GT(port(0, "HTTP"), 0) << broker_->output();
  // A file is replaced.
  TlsClient before(static_cast<uint16_t>(port()), options());
  ASSERT_TRUE(before.connected());
  const TestAuthority next("Next CA"), last("Last CA");
  put_store("store.pem", next.issue("localhost"));
  for (int number : {0, 1}) {
    EXPECT_TRUE(wait_until([&] { return !get("/livez", "", options(next), number).empty(); })) << number;
  }
  EXPECT_EQ(get("/livez"), "");
  // Another one is set.
  Admin admin(broker_->address());
  const std::string key = "listener.name.http.ssl.keystore.location";
  EXPECT_NE(admin.alter_broker_configs(1, {{key, "/nowhere/store.pem"}}), "");
  EXPECT_NE(admin.alter_broker_configs(1, {{key, folder_.write("empty.pem", "")}}), "");
  put_store("other.pem", last.issue("localhost"));
  EXPECT_EQ(admin.alter_broker_configs(1, {{key, store_}}), "");
  for (int number : {0, 1}) {
    EXPECT_TRUE(wait_until([&] { return !get("/livez", "", options(last), number).empty(); })) << number;
  }
  EXPECT_EQ(get("/livez", "", options(next)), "");
  before.send_raw("GET /livez HTTP/1.1\r\n\r\n");
  char byte = 0;
  EXPECT_EQ(SSL_read(before.ssl(), &byte, 1), 1) << "a connection that is there keeps its keys";
}

TEST_P(HttpSecured, CommandsHaveAPasswordAndTls) {
  start({"milena.http.authentication=basic", kLine, "connection.failed.authentication.delay.ms=1"},
        "https://127.0.0.1:0,127.0.0.1:0");
  ASSERT_GT(port(), 0) << broker_->output();
  const std::string plain = "127.0.0.1:" + std::to_string(port(0, "HTTP"));
  const std::string good = properties("good", "SASL_SSL", "monitor", "watch");
  const std::string wrong = properties("wrong", "SASL_SSL", "monitor", "look");
  const std::string open = properties("open", "SASL_PLAINTEXT", "monitor", "watch");
  const std::string tls_only = folder_.write("tls", "security.protocol=SSL\nssl.truststore.type=PEM\n"
                                                    "ssl.truststore.location=" + trusted_ + "\n");
  const auto doctor = [](const std::string& http, const std::string& file) {
    return run_milena("doctor --http " + http + (file.empty() ? "" : " --command-config " + file));
  };
  EXPECT_LE(doctor(address(), good).code, 1) << doctor(address(), good).output;
  EXPECT_LE(doctor(plain, open).code, 1) << doctor(plain, open).output;
  EXPECT_THAT(doctor(address(), wrong).output, HasSubstr("the user is unknown, or the password is wrong"));
  EXPECT_EQ(doctor(address(), wrong).code, 2);
  EXPECT_THAT(doctor(address(), tls_only).output, HasSubstr("the broker needs a user's name and password"));
  EXPECT_THAT(doctor(plain, "").output, HasSubstr("the broker needs a user's name and password"));
  EXPECT_THAT(doctor(address(), "").output, HasSubstr("TLS: certificate verify failed"));
  // Not sent where it can be read.
  EXPECT_THAT(doctor(plain, good).output, HasSubstr("is not sent without TLS"));
  // Several.
  EXPECT_LE(doctor(address() + "," + plain, open).code, 1) << doctor(address() + "," + plain, open).output;

  const std::string check = "check --nagios --disk '' --http ";
  EXPECT_THAT(run_milena(check + address() + " --command-config " + good).output, StartsWith("MILENA OK"));
  const Outcome denied = run_milena(check + address() + " --command-config " + wrong);
  EXPECT_EQ(denied.code, 3) << denied.output;
  EXPECT_THAT(denied.output, HasSubstr("the password is wrong"));
  EXPECT_THAT(run_milena("tap --client-id x --http " + address() + " --command-config " + wrong).output,
              HasSubstr("the password is wrong"));
}

TEST_P(HttpSecured, MistakesEndTheStart) {
  const auto refusal = [](const std::string& settings) {
    const Outcome outcome =
        run_milena("--override log.dirs=/nowhere/at/all --override listeners=PLAINTEXT://127.0.0.1:0 " +
                   settings);
    EXPECT_EQ(outcome.code, 1) << outcome.output;
    return outcome.output;
  };
  EXPECT_THAT(refusal("--override milena.http.listeners=https://127.0.0.1:0"),
              HasSubstr("ssl.keystore.location: a listener with TLS needs a key"));
  EXPECT_THAT(refusal("--override milena.http.authentication=digest"), HasSubstr("one of none, basic"));
  EXPECT_THAT(refusal("--override milena.http.authentication=basic --override "
                      "listener.name.http.plain.sasl.jaas.config=hunter2"),
              testing::AllOf(HasSubstr("plain.sasl.jaas.config=[hidden]"), Not(HasSubstr("hunter2"))));
}

}  // namespace
}  // namespace milena::e2e
