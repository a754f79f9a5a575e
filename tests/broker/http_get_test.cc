// URLs and HTTP responses that a broker accepts.
#include "broker/clients/http_get.h"

#include <gtest/gtest.h>

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

std::string body(ByteView answer) {
  auto found = body_of_http_answer(answer);
  return found ? *found : "refused";
}

TEST(HttpAnswerTest, Bodies) {
  EXPECT_EQ(body("HTTP/1.1 200 OK\r\n\r\nabc"), "abc");
  EXPECT_EQ(body("HTTP/1.0 200\r\nContent-Length: 2\r\n\r\nabc"), "ab");
  EXPECT_EQ(body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"),
            "ab0123456789");
  for (const char* odd :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 404 No\r\n\r\nabc", "HTTP/1.1 301 Moved\r\n\r\n", "SSH-2.0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n"}) {
    EXPECT_EQ(body(odd), "refused") << odd;
  }
}

}  // namespace
}  // namespace milena::broker
