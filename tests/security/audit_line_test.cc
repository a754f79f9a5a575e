#include "security/audit_line.h"

#include <gtest/gtest.h>

namespace milena::security {
namespace {

constexpr int64_t kTime = 1'700'000'000'123;  // 2023-11-14T22:13:20.123Z

class AuditLineTest : public testing::Test {
 protected:
  Bytes line(bool administrative = false) const {
    const Requester who{principal_, host_, "SASL"};
    return audit_line({kTime, who, client_id_, "Produce", 9, administrative}, trail_);
  }

  Principal principal_{.name = "alice"};
  Bytes host_ = "10.0.0.1", client_id_ = "c";
  AuditTrail trail_;
};

TEST_F(AuditLineTest, ADeniedRequest) {
  trail_.note(kReadTopic, "seen", true);
  trail_.note(kWriteTopic, "t", false);
  EXPECT_EQ(line(),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":\"denied\",\"principal\":\"User:alice\","
            "\"host\":\"10.0.0.1\",\"listener\":\"SASL\",\"client_id\":\"c\",\"request\":\"Produce\",\"version\":9,"
            "\"denied\":[{\"operation\":\"Write\",\"type\":\"Topic\",\"name\":\"t\"}]}\n");
}

TEST_F(AuditLineTest, AnAdministrativeRequestTellsWhatItWasGranted) {
  trail_.note(kAlterCluster, kClusterResource, true);
  trail_.add_target("alice");
  const Bytes text = line(true);
  EXPECT_NE(text.find("\"event\":\"administrative\""), Bytes::npos);
  EXPECT_NE(text.find("\"allowed\":[{\"operation\":\"Alter\",\"type\":\"Cluster\",\"name\":\"kafka-cluster\"}]"),
            Bytes::npos);
  EXPECT_NE(text.find("\"targets\":[\"alice\"]"), Bytes::npos);
  EXPECT_EQ(text.find("denied"), Bytes::npos);
}

// Text of clients must not end the line, nor the string.
TEST_F(AuditLineTest, HostileTextStaysWithinItsString) {
  client_id_ = "a\"}\n{\"event\":\\ \x01\xff\xc3\xa4";
  trail_.note(kWriteTopic, Bytes(10'000, '\n'), false);
  const Bytes text = line();
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_NE(text.find("\"client_id\":\"a\\\"}\\u000a{\\\"event\\\":\\\\ \\u0001\\u00ff\\u00c3\\u00a4\""), Bytes::npos)
      << text;
  EXPECT_LT(text.size(), 3000u);
  for (const char c : text.substr(0, text.size() - 1)) EXPECT_TRUE(c >= ' ' && c <= '~');
}

TEST_F(AuditLineTest, WhatIsMoreIsCounted) {
  for (int i = 0; i < 100'000; i++) trail_.note(kWriteTopic, "t", false);
  for (int i = 0; i < 30; i++) trail_.add_target("x");
  const Bytes text = line();
  EXPECT_NE(text.find("\"denied_more\":99980"), Bytes::npos);
  EXPECT_NE(text.find("\"targets_more\":10"), Bytes::npos);
  EXPECT_LT(text.size(), 3000u);
}

TEST_F(AuditLineTest, AGapIsALine) {
  EXPECT_EQ(audit_gap_line(kTime, 7), "{\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":\"missing\",\"lines\":7}\n");
}

}  // namespace
}  // namespace milena::security
