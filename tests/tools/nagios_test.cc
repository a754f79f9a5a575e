// Ranges, states and lines of the Monitoring Plugins' guidelines.
#include "tools/own/nagios.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace milena::tools {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The table of the guidelines.
TEST(AlertRange, AlertsAsTheGuidelinesSay) {
  const struct {
    const char* text;
    std::vector<double> alerts, rests;
  } cases[] = {{"10", {-1, 10.1, 11}, {0, 5, 10}},    {"10:", {9.9, -5, 0}, {10, 1e12}},
               {"~:10", {10.5, 11}, {-1e9, 0, 10}},   {"10:20", {9, 21, -10}, {10, 15, 20}},
               {"@10:20", {10, 15, 20}, {9.9, 20.1}}, {"0", {1, -1}, {0}},
               {"-5:-1", {0, -6}, {-5, -1}},          {"@0:0", {0}, {1}}};
  for (const auto& one : cases) {
    auto range = AlertRange::parse(one.text);
    ASSERT_TRUE(range) << one.text;
    for (double value : one.alerts) EXPECT_TRUE(range->alerts(value)) << one.text << " " << value;
    for (double value : one.rests) EXPECT_FALSE(range->alerts(value)) << one.text << " " << value;
  }
  for (const char* text : {"", "@", "a", "10:a", "20:10", "1:2:3", "NaN", "nan", "0x10"}) {
    EXPECT_FALSE(AlertRange::parse(text)) << text;
  }
}

TEST(Thresholds, TheWorseCounts) {
  auto both = Thresholds::parse("10:,5:");
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->state_of(10), NagiosState::kOk);
  EXPECT_EQ(both->state_of(9), NagiosState::kWarning);
  EXPECT_EQ(both->state_of(4), NagiosState::kCritical);
  auto critical = Thresholds::parse(",0");
  ASSERT_TRUE(critical.ok());
  EXPECT_EQ(critical->state_of(1), NagiosState::kCritical);
  EXPECT_EQ(critical->state_of(0), NagiosState::kOk);
  EXPECT_EQ(Thresholds::parse("")->state_of(1e9), NagiosState::kOk);
  EXPECT_FALSE(Thresholds::parse("1,2,3").ok());
  EXPECT_FALSE(Thresholds::parse("many").ok());
}

TEST(NagiosReport, IsALineWithPerformanceData) {
  NagiosReport report;
  report.note("1 broker");
  report.figure("offline", 0, "", *Thresholds::parse(",0"), "none");
  report.figure("free_1:/data", 41.5, "%", *Thresholds::parse("10:,5:"), "none");
  EXPECT_EQ(report.text(), "MILENA OK - 1 broker | 'offline'=0;;0;0 'free_1:/data'=41.50%;10:;5:;0;100\n");
  EXPECT_EQ(report.state(), NagiosState::kOk);
}

TEST(NagiosReport, TheWorstIsSaidFirst) {
  NagiosReport report;
  report.problem(NagiosState::kUnknown, "cannot ask");
  EXPECT_EQ(report.state(), NagiosState::kUnknown);
  report.figure("lag_a", 11, "", *Thresholds::parse("10"), "a lags");
  EXPECT_EQ(report.state(), NagiosState::kWarning);
  report.figure("offline", 2, "", *Thresholds::parse(",0"), "2 offline");
  EXPECT_EQ(report.state(), NagiosState::kCritical);
  EXPECT_EQ(report.text(),
            "MILENA CRITICAL - 2 offline; a lags; cannot ask | 'lag_a'=11;10;;0 'offline'=2;;0;0\n"
            "CRITICAL: 2 offline\nWARNING: a lags\nUNKNOWN: cannot ask\n");
}

// Clients name their groups as they like.
TEST(NagiosReport, NamesDoNotBreakTheFormat) {
  NagiosReport report;
  report.figure("lag_it's=a|b\nc", 1, "", {}, "");
  report.problem(NagiosState::kWarning, "a|b\nc");
  EXPECT_EQ(report.text(), "MILENA WARNING - a_b_c | 'lag_it''s_a_b_c'=1;;;0\n");
  for (int i = 0; i < 10'000; i++) report.figure("lag_" + std::to_string(i), i, "", {}, "");
  EXPECT_LT(report.text().size(), 4096u);
}

TEST(ParseMetrics, ReadsLabelsAndValues) {
  auto samples = parse_metrics(
      "# HELP a b\n# TYPE a gauge\na 1\nb{path=\"/x\",text=\"q\\\"\\\\\\n,}\"} 2.5\nc{} 3 1700000000\n"
      "broken{path=\"\nd NaN\ne\nf{a=b} 1\n");
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[0].name, "a");
  EXPECT_EQ(samples[0].value, 1);
  EXPECT_EQ(samples[1].label("path"), "/x");
  EXPECT_EQ(samples[1].label("text"), "q\"\\\n,}");
  EXPECT_EQ(samples[1].label("other"), "");
  EXPECT_EQ(samples[1].value, 2.5);
  EXPECT_EQ(samples[2].value, 3);
}

}  // namespace
}  // namespace milena::tools
