// The URLs that a broker accepts, and when the answer of an HTTP server is complete.
#include "broker/clients/http_get.h"

#include <gmock/gmock.h>

#include "broker/issuer.h"

namespace milena::broker {
namespace {

std::string taken_apart(ByteView text) {
  auto url = parse_http_url(text);
  if (!url) return "refused";
  return fmt::format("{} {} {} {}", url->tls ? "tls" : "plain", url->host, url->port, url->path);
}

TEST(HttpUrlTest, Parts) {
  EXPECT_EQ(taken_apart("https://issuer.example/keys"), "tls issuer.example 443 /keys");
  EXPECT_EQ(taken_apart("http://issuer:8080"), "plain issuer 8080 /");
  EXPECT_EQ(taken_apart("http://[::1]:8080/a?b=c#d"), "plain ::1 8080 /a?b=c");
  EXPECT_EQ(taken_apart("http://[::1]/"), "plain ::1 80 /");
  EXPECT_EQ(taken_apart("http://host?x"), "plain host 80 /?x");
  for (const char* odd : {"", "ftp://x", "http://", "http:///x", "http://host:0/", "http://host:x/", "http://a@b/",
                          "http://host/a b", "http://host/a\r\nX: y", "https://"}) {
    EXPECT_EQ(taken_apart(odd), "refused") << odd;
  }
}

std::string fetched(const std::string& answer, int64_t timeout_ms) {
  broker_test::Issuer issuer(answer);
  auto body = http_get(*parse_http_url(issuer.url()), "", system_clock(), timeout_ms);
  return body ? *body : "error: " + body.error().message;
}

TEST(HttpGetTest, TheAnswerEndsBeforeTheConnection) {
  constexpr int64_t kLong_ms = 60'000;
  EXPECT_EQ(fetched("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", kLong_ms), "abc");
  EXPECT_EQ(fetched("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", kLong_ms),
            "abc");
  EXPECT_EQ(fetched("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", kLong_ms),
            "error: the answer has status 404");
  EXPECT_THAT(fetched("SSH-2.0-OpenSSH\r\n", kLong_ms), testing::HasSubstr("no HTTP answer"));
}

TEST(HttpGetTest, AnAnswerWithoutAnEndIsNotWaitedForLonger) {
  EXPECT_THAT(fetched("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", 50), testing::HasSubstr("in time"));
  const std::string large(1024 * 1024 + 1, 'x');
  EXPECT_EQ(fetched("HTTP/1.1 200 OK\r\n\r\n" + large, 60'000), "error: the answer is larger than a megabyte");
}

}  // namespace
}  // namespace milena::broker
