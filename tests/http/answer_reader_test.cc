// Answers of HTTP servers, as they come in parts.
#include "http/answer_reader.h"

#include <gtest/gtest.h>

namespace milena::http {
namespace {

// Byte by byte, or in parts.
Status feed(HttpAnswerReader& reader, ByteView bytes, size_t at_a_time, Bytes& body) {
  for (size_t at = 0; at < bytes.size(); at += at_a_time) {
    RETURN_IF_ERROR(reader.feed(bytes.substr(at, at_a_time), body));
  }
  return ok_status();
}

TEST(HttpAnswerReaderTest, ReadsABodyOfAKnownLength) {
  for (size_t at_a_time : {1u, 7u, 1000u}) {
    HttpAnswerReader reader;
    Bytes body;
    ASSERT_TRUE(feed(reader, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nMilena-Findings: 2\r\n\r\nhello", at_a_time, body)
                    .ok());
    EXPECT_TRUE(reader.ended());
    EXPECT_EQ(reader.answer().status, 200);
    EXPECT_EQ(reader.answer().header("milena-findings"), "2");
    EXPECT_EQ(reader.answer().header("other"), "");
    EXPECT_EQ(body, "hello");
  }
}

TEST(HttpAnswerReaderTest, ReadsChunks) {
  for (size_t at_a_time : {1u, 3u, 1000u}) {
    HttpAnswerReader reader;
    Bytes body;
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

TEST(HttpAnswerReaderTest, ABodyWithoutALengthEndsWithTheConnection) {
  HttpAnswerReader reader;
  Bytes body;
  ASSERT_TRUE(reader.feed("HTTP/1.1 500 X\r\n\r\nsome", body).ok());
  EXPECT_FALSE(reader.ended());
  EXPECT_TRUE(reader.end().ok());
  EXPECT_TRUE(reader.ended());
  EXPECT_EQ(reader.answer().status, 500);
  EXPECT_EQ(body, "some");
}

TEST(HttpAnswerReaderTest, RefusesWhatIsNoAnswer) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nab\r\n"}) {
    HttpAnswerReader reader;
    Bytes body;
    EXPECT_FALSE(reader.feed(bytes, body).ok()) << bytes;
  }
  HttpAnswerReader reader;
  Bytes body;
  EXPECT_FALSE(reader.feed("HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'x'), body).ok()) << "a head without an end";
  HttpAnswerReader many;
  std::string fields = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 1000; i++) fields += "A: b\r\n";
  EXPECT_FALSE(many.feed(fields, body).ok());
}

TEST(HttpAnswerReaderTest, WhatFollowsTheEndIsLeft) {
  HttpAnswerReader reader;
  Bytes body;
  ASSERT_TRUE(reader.feed("HTTP/1.0 200\r\nContent-Length: 2\r\n\r\nabc", body).ok());
  EXPECT_TRUE(reader.ended());
  ASSERT_TRUE(reader.feed("HTTP/1.1 404 No\r\n\r\n", body).ok());
  EXPECT_EQ(reader.answer().status, 200);
  EXPECT_EQ(body, "ab");
}

TEST(HttpAnswerReaderTest, TheEndOfTheConnectionCutsOff) {
  for (const char* cut :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    HttpAnswerReader reader;
    Bytes body;
    ASSERT_TRUE(reader.feed(cut, body).ok()) << cut;
    EXPECT_FALSE(reader.ended());
    EXPECT_FALSE(reader.end().ok()) << cut;
  }
}

}  // namespace
}  // namespace milena::http
