// Patterns: accepted and refused ones of RE2/J 1.8, with its messages, as measured with Kafka 4.3.1.
#include <gtest/gtest.h>

#include "coordinator/group/topic_regex.h"

namespace milena::coordinator {
namespace {

std::string error_of(ByteView pattern) { return TopicRegex(pattern).error().value_or(""); }

TEST(TopicRegex, ANameMustMatchAsAWhole) {
  EXPECT_TRUE(TopicRegex("orders-.*").matches("orders-1"));
  EXPECT_FALSE(TopicRegex("orders").matches("orders-1"));
  EXPECT_FALSE(TopicRegex("orders").matches("my-orders"));
}

TEST(TopicRegex, GroupsAreNamedInBothWays) {
  EXPECT_EQ(error_of("(?<a>abc)"), "");
  EXPECT_TRUE(TopicRegex("x(?<a>abc)(?P<b>d)").matches("xabcd"));
  EXPECT_EQ(error_of("(?P<a>a)(?P<a>b)"), "duplicate capture group name");
  EXPECT_EQ(error_of("(?<a>a)(?P<a>b)"), "duplicate capture group name");
  EXPECT_EQ(error_of("(?<a"), "invalid named capture");
  EXPECT_EQ(error_of("(?<=a)b"), "invalid named capture");
}

TEST(TopicRegex, ANameIsNoneWhereTheTextIsMeant) {
  EXPECT_EQ(error_of("[(?<a>][(?<a>]"), "");
  EXPECT_TRUE(TopicRegex("[^](?<a>]").matches("x"));
  EXPECT_TRUE(TopicRegex("[^](?<a>]").matches("P"));
  EXPECT_TRUE(TopicRegex("[[:alpha:](?<]").matches("<"));
  EXPECT_TRUE(TopicRegex(R"([\](?<a>])").matches("]"));
  EXPECT_TRUE(TopicRegex(R"(\Q(?<a>\Ex)").matches("(?<a>x"));
  EXPECT_TRUE(TopicRegex(R"(\Q\C)").matches(R"(\C)"));
  EXPECT_TRUE(TopicRegex(R"(\\C)").matches(R"(\C)"));
}

TEST(TopicRegex, WhatJavaRefusesIsRefusedInItsWords) {
  EXPECT_EQ(error_of(R"(\Cbc)"), "invalid escape sequence");
  EXPECT_FALSE(TopicRegex(R"(\Cbc)").matches("abc"));
  EXPECT_EQ(error_of("abc)"), "regexp/syntax: internal error");
  EXPECT_EQ(error_of("(abc"), "missing closing )");
  EXPECT_EQ(error_of("["), "missing closing ]");
  EXPECT_EQ(error_of("abc\\"), "trailing backslash at end of expression");
}

TEST(TopicRegex, APatternMayBeLarge) {
  const TopicRegex letters(R"(\p{L}{1,200})");
  EXPECT_FALSE(letters.error());
  EXPECT_TRUE(letters.matches("orders"));
  EXPECT_FALSE(letters.matches("orders-1"));
}

}  // namespace
}  // namespace milena::coordinator
