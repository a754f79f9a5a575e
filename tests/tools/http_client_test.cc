// The commands' reader of HTTP responses.
#include "tools/own/http_client.h"

#include <gtest/gtest.h>

namespace milena::tools {
namespace {

// Byte by byte, or in parts.
Status feed(HttpAnswerReader& reader, ByteView bytes, size_t at_a_time, std::string& body) {
  for (size_t at = 0; at < bytes.size(); at += at_a_time) {
    RETURN_IF_ERROR(reader.feed(bytes.substr(at, at_a_time), body));
  }
  return ok_status();
}

TEST(HttpAnswerReader, ReadsABodyOfAKnownLength) {
  for (size_t at_a_time : {1u, 7u, 1000u}) {
    HttpAnswerReader reader;
    std::string body;
    ASSERT_TRUE(feed(reader, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nMilena-Findings: 2\r\n\r\nhello", at_a_time, body)
                    .ok());
    EXPECT_TRUE(reader.ended());
    EXPECT_EQ(reader.answer().status, 200);
    EXPECT_EQ(reader.answer().header("milena-findings"), "2");
    EXPECT_EQ(reader.answer().header("other"), "");
    EXPECT_EQ(body, "hello");
  }
}

TEST(HttpAnswerReader, ReadsChunks) {
  for (size_t at_a_time : {1u, 3u, 1000u}) {
    HttpAnswerReader reader;
    std::string body;
    ASSERT_TRUE(feed(reader,
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n",
                     at_a_time, body)
                    .ok());
    EXPECT_FALSE(reader.ended());
    EXPECT_EQ(body, "abc0123456789abcdef");
    ASSERT_TRUE(feed(reader, "0\r\n\r\n", at_a_time, body).ok());
    EXPECT_TRUE(reader.ended());
  }
}

TEST(HttpAnswerReader, ABodyWithoutALengthEndsWithTheConnection) {
  HttpAnswerReader reader;
  std::string body;
  ASSERT_TRUE(reader.feed("HTTP/1.1 500 X\r\n\r\nsome", body).ok());
  EXPECT_FALSE(reader.ended());
  EXPECT_TRUE(reader.ends_with_connection());
  EXPECT_EQ(reader.answer().status, 500);
}

TEST(HttpAnswerReader, RefusesWhatIsNoAnswer) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcd"}) {
    HttpAnswerReader reader;
    std::string body;
    EXPECT_FALSE(reader.feed(bytes, body).ok()) << bytes;
  }
  HttpAnswerReader reader;
  std::string body;
  EXPECT_FALSE(reader.feed(std::string(100'000, 'x'), body).ok()) << "a head without an end";
}

TEST(HttpClient, TakesTheAddressOfTheBroker) {
  EXPECT_EQ(http_address("", "")->text(), "127.0.0.1:9644");
  EXPECT_EQ(http_address("", "broker:9092")->text(), "broker:9644");
  EXPECT_EQ(http_address("broker:8080", "other:9092")->text(), "broker:8080");
  EXPECT_EQ(percent_encoded("a b&c\xff"), "a%20b%26c%FF");
}

}  // namespace
}  // namespace milena::tools
