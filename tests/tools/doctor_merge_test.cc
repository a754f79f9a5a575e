// The findings of several brokers' doctors, merged.
#include "tools/own/doctor_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace milena::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kNow_ms = 1'800'000'000'000;

DoctorReport report(int32_t node, const std::string& more = "") {
  auto parsed = DoctorReport::parse("{\"healthy\": true, \"findings\": [], \"node\": " + std::to_string(node) +
                                    ", \"now_ms\": 1800000000050, \"brokers\": [1, 2]" + more + "}");
  EXPECT_TRUE(parsed.ok());
  DoctorReport one = parsed.take();
  one.address = "b" + std::to_string(node) + ":9644";
  one.asked_ms = kNow_ms;
  one.answered_ms = kNow_ms + 100;
  return one;
}

constexpr char kAbsent[] =
    R"(, "absent": [{"severity": "warning", "kind": "client-not-arrived",
       "about": {"type": "client", "name": "billing@h"}, "problem": "It has not come.", "remedy": "Look."}])";

TEST(DoctorMerge, NamesAClientThatNoBrokerServes) {
  const auto found = findings_of_all({report(1, kAbsent), report(2, kAbsent)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].about, "billing@h");
  EXPECT_EQ(found[0].problem, "It has not come. It works at no other broker either.");
  EXPECT_THAT(findings_of_all({report(1, kAbsent), report(2, R"(, "served": ["billing@h"])")}), IsEmpty())
      << "it works at the other one";
  EXPECT_THAT(findings_of_all({report(1, kAbsent)}), IsEmpty()) << "it may work at the one that was not asked";
  EXPECT_THAT(findings_of_all({report(1, kAbsent), report(1, kAbsent)}), IsEmpty()) << "one broker, asked twice";
}

TEST(DoctorMerge, NamesClocksThatDiffer) {
  DoctorReport first = report(1), second = report(2);
  EXPECT_THAT(findings_of_all({first, second}), IsEmpty());
  second.now_ms += 5000;
  auto found = findings_of_all({first, second});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].problem, "The clock of broker 2 is 4.9 s ahead of that of broker 1.");
  found = findings_of_all({second, first});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].problem, "The clock of broker 1 is 4.9 s behind that of broker 2.");
  second.asked_ms = kNow_ms - 10'000;
  second.answered_ms = kNow_ms + 10'000;
  EXPECT_THAT(findings_of_all({first, second}), IsEmpty()) << "the answer took too long to tell";
  second = report(2);
  second.now_ms = first.now_ms + 2099;
  EXPECT_THAT(findings_of_all({first, second}), IsEmpty());
}

TEST(DoctorMerge, PrintsWhatEachBrokerFound) {
  auto parsed = DoctorReport::parse(
      R"({"findings": [{"severity": "info", "kind": "k", "about": {"type": "topic", "name": "a\"b"}, "problem": "P.",
          "remedy": "R."}], "node": 2})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->findings[0].counts());
  parsed->address = "b2:9644";
  EXPECT_EQ(merged_text({report(1), *parsed}, {}), "broker 2 at b2:9644\ninfo topic a\"b (k)\n  P.\n  R.\n");
  EXPECT_EQ(merged_text({report(1)}, {}), "Nothing is wrong.\n");
  const std::string json = merged_json({report(1), *parsed}, {{"warning", "w", "broker", "1", "P.", "R."}});
  EXPECT_THAT(json, HasSubstr("\"healthy\": false"));
  EXPECT_THAT(json, HasSubstr("a\\\"b"));
  EXPECT_TRUE(DoctorReport::parse(json).ok()) << json;
  EXPECT_THAT(merged_json({report(1), *parsed}, {}), HasSubstr("\"healthy\": true"));
}

TEST(DoctorMerge, TakesNoOtherAnswers) {
  for (const char* text : {"", "<html>", "[]", "{}", "1"}) EXPECT_FALSE(DoctorReport::parse(text).ok()) << text;
  auto odd = DoctorReport::parse(
      R"({"findings": [1, {"about": 2}], "node": "x", "now_ms": 1e99, "brokers": {"a": 1}, "served": 3,
          "absent": "x"})");
  ASSERT_TRUE(odd.ok());
  EXPECT_THAT(odd->findings, SizeIs(1));
  EXPECT_EQ(odd->node, -1);
  EXPECT_THAT(findings_of_all({*odd, *odd}), IsEmpty());
}

}  // namespace
}  // namespace milena::tools
