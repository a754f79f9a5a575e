#include "http/router.h"

#include <gtest/gtest.h>

namespace milena::http {
namespace {

class HttpRouterTest : public testing::Test {
 protected:
  HttpRouterTest() {
    router_.add("GET", "/metrics", say("metrics"));
    router_.add("GET", "/topics/{topic}", [](HttpCall call) {
      call.answer(HttpResponse::text(200, Bytes(call.parameter("topic")) + "|" + Bytes(call.parameter("other"))));
    });
    router_.add("POST", "/topics/{topic}", say("made"));
  }

  static HttpRouter::Handler say(Bytes what) {
    return [what](HttpCall call) { call.answer(HttpResponse::text(200, what)); };
  }

  // Status, a blank, and the body or the methods that are allowed.
  Bytes ask(ByteView method, ByteView path) {
    Bytes answered;
    HttpCall call;
    call.request.method = method;
    call.request.path = path;
    call.answer = [&answered](HttpResponse response) {
      answered = std::to_string(response.status) + " ";
      answered += response.headers.empty() ? *response.body.flatten() : response.headers[0].second;
    };
    router_.route(std::move(call));
    return answered;
  }

  HttpRouter router_;
};

TEST_F(HttpRouterTest, FindsTheHandlerByMethodAndPath) {
  EXPECT_EQ(ask("GET", "/metrics"), "200 metrics\n");
  EXPECT_EQ(ask("HEAD", "/metrics"), "200 metrics\n");
  EXPECT_EQ(ask("GET", "/topics/a.b"), "200 a.b|\n");
  EXPECT_EQ(ask("POST", "/topics/a.b"), "200 made\n");
}

TEST_F(HttpRouterTest, SaysWhatIsNotServed) {
  EXPECT_EQ(ask("GET", "/"), "404 nothing is served at /\n");
  EXPECT_EQ(ask("GET", "/metrics/more"), "404 nothing is served at /metrics/more\n");
  EXPECT_EQ(ask("GET", "/topics/"), "404 nothing is served at /topics/\n");
  EXPECT_EQ(ask("DELETE", "/topics/a"), "405 GET, HEAD, POST");
  EXPECT_EQ(ask("POST", "/metrics"), "405 GET, HEAD");
}

}  // namespace
}  // namespace milena::http
