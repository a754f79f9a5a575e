#include "http/parser.h"

#include <gtest/gtest.h>

namespace milena::http {
namespace {

using State = HttpParser::State;

HttpLimits small_limits() {
  HttpLimits limits;
  limits.header_bytes = 200;
  limits.headers = 5;
  limits.body_bytes = 50;
  return limits;
}

// Result of a parser that gets the bytes in pieces of that size: the status of the refusal, 0 for a whole request, -1
// if it expects more.
int verdict(ByteView bytes, size_t piece, const HttpLimits& limits) {
  HttpParser parser(limits);
  while (!bytes.empty() && parser.state() == State::kMore) {
    const ByteView part = bytes.substr(0, piece);
    parser.feed(part);
    bytes.remove_prefix(part.size());
  }
  if (parser.state() == State::kMore) return -1;
  return parser.state() == State::kComplete ? 0 : parser.refusal().status;
}

TEST(HttpParser, ReadsARequest) {
  HttpParser parser;
  const Bytes bytes =
      "GET /topics/a%20b?names=jmx%2Credpanda&x=1+2 HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n";
  EXPECT_EQ(parser.feed(bytes), bytes.size());
  ASSERT_EQ(parser.state(), State::kComplete);
  const HttpRequest request = parser.take_request();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/topics/a b");
  EXPECT_EQ(request.query_value("names"), "jmx,redpanda");
  EXPECT_EQ(request.query_value("x"), "1 2");
  EXPECT_EQ(request.query_value("y"), std::nullopt);
  EXPECT_EQ(request.header("accept"), "text/plain");
  EXPECT_EQ(request.header("accep"), std::nullopt);
  EXPECT_TRUE(request.keep_alive);
}

TEST(HttpParser, ReadsBodiesOfBothKinds) {
  HttpParser sized;
  sized.feed("POST /a HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  ASSERT_EQ(sized.state(), State::kComplete);
  const HttpRequest request = sized.take_request();
  EXPECT_EQ(request.body, "hello");
  EXPECT_FALSE(request.keep_alive);

  HttpParser chunked;
  chunked.feed("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
  ASSERT_EQ(chunked.state(), State::kComplete);
  EXPECT_EQ(chunked.take_request().body, "hello");
}

TEST(HttpParser, LeavesTheNextRequestAlone) {
  const Bytes second = "GET /2 HTTP/1.1\r\n\r\n";
  for (ByteView first : {"GET /1 HTTP/1.1\r\n\r\n", "POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab",
                         "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
                         "GET /1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"}) {
    HttpParser parser;
    EXPECT_EQ(parser.feed(Bytes(first) + second), first.size()) << first;
    EXPECT_EQ(parser.state(), State::kComplete);
    EXPECT_EQ(parser.feed(second), 0u);
    EXPECT_EQ(parser.take_request().path, "/1");
  }
}

struct Refused {
  const char* what;
  Bytes bytes;
  int status;
};

class HttpRefused : public testing::TestWithParam<Refused> {};

// However the bytes are cut: finding the end of a request and parsing it must give the same result.
TEST_P(HttpRefused, TheSameInPiecesOfAnySize) {
  const Refused& param = GetParam();
  for (size_t piece : {size_t{1}, size_t{2}, size_t{7}, size_t{64}, param.bytes.size()}) {
    EXPECT_EQ(verdict(param.bytes, piece, small_limits()), param.status) << param.what << " in pieces of " << piece;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, HttpRefused,
    testing::Values(
        Refused{"nothing that is HTTP",
                Bytes("\x00\x00\x00\x20"
                      "abcdef",
                      10),
                400},
        Refused{"a handshake of TLS", Bytes("\x16\x03\x01\x02", 4), 400},
        Refused{"a target that is too long", "GET /" + Bytes(300, 'a') + " HTTP/1.1\r\n\r\n", 414},
        Refused{"too many headers", "GET / HTTP/1.1\r\na: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\nf: 1\r\n\r\n", 431},
        Refused{"a header that is too long", "GET / HTTP/1.1\r\na: " + Bytes(300, 'b') + "\r\n\r\n", 431},
        Refused{"a body that is said to be too long", "POST / HTTP/1.1\r\nContent-Length: 51\r\n\r\n", 413},
        Refused{"a body that becomes too long",
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n33\r\n" + Bytes(51, 'x') + "\r\n0\r\n\r\n", 413},
        Refused{"a length that is none", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
        Refused{"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400},
        Refused{"a length beside chunks",
                "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Refused{"a target that is no path", "GET http://localhost/ HTTP/1.1\r\n\r\n", 400},
        Refused{"a percent that is none", "GET /%4 HTTP/1.1\r\n\r\n", 400},
        Refused{"another HTTP", "GET / HTTP/2.0\r\n\r\n", 505},
        Refused{"half a request", "GET / HTTP/1.1\r\nHost: a", -1},
        Refused{"an upgrade that nobody offers", "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 0}));

TEST(HttpParser, EmptyLinesWithoutEndAreRefused) {
  EXPECT_EQ(verdict(Bytes(1 << 20, '\n'), 4096, small_limits()), 431);
}

TEST(HttpResponse, IsWrittenWithItsLength) {
  HttpResponse response = HttpResponse::text(200, "alive");
  response.headers.emplace_back("Cache-Control", "no-store");
  const Bytes whole = *write_http_response(response, true, true).flatten();
  EXPECT_EQ(whole,
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Cache-Control: no-store\r\n\r\nalive\n");
  const Bytes head = *write_http_response(response, false, false).flatten();
  EXPECT_EQ(head,
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace milena::http
