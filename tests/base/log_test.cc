// Text of clients in the log.
#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/executor.h"
#include "base/left_out_lines.h"
#include "base/log_format.h"
#include "base/manual_executor.h"

namespace milena {
namespace {

// The standard output while `task` runs.
template <class Task>
std::string logged(Task task) {
  const LogLevel before = log_level();
  set_log_level(LogLevel::kInfo);
  testing::internal::CaptureStdout();
  task();
  set_log_level(before);
  return testing::internal::GetCapturedStdout();
}

size_t lines_in(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST(Log, ATextWithLineEndsIsOneLine) {
  const std::string id = "me\n[2026-01-01 00:00:00,000] ERROR forged\r\x1b[2J\xc2\x9b\x7f, h\xc3\xa9";
  const std::string text = logged([&] { log_warn("client {} came", id); });
  EXPECT_EQ(lines_in(text), 1u);
  EXPECT_NE(text.find("client me\\n[2026-01-01 00:00:00,000] ERROR forged\\x0d\\x1b[2J\\x9b\\x7f, h\xc3\xa9 came\n"),
            std::string::npos)
      << text;
}

TEST(Log, LinesAreJsonOnRequest) {
  set_format_of_log_lines(LogFormatOfLines::kJson);
  const std::string text = logged([] {
    log_warn("client {} came", "\"me\"\n\xff\\");
    log_always("[KafkaRaftServer nodeId=1] Kafka Server started");
  });
  set_format_of_log_lines(LogFormatOfLines::kText);
  ASSERT_EQ(lines_in(text), 2u) << text;
  const auto first = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(first["level"], "WARN");
  EXPECT_EQ(first["message"], "client \"me\"\\n\xef\xbf\xbd\\ came");
  const std::string time = first["time"];
  EXPECT_EQ(time.size(), sizeof "2026-11-29T22:14:40.123Z" - 1);
  EXPECT_EQ(time.back(), 'Z');
  // The text that programs wait for is unchanged.
  EXPECT_NE(text.find("[KafkaRaftServer nodeId=1] Kafka Server started"), std::string::npos);
  EXPECT_EQ(logged([] { log_info("plain"); }).front(), '[');
}

TEST(Log, ALongTextIsCut) {
  const std::string text = logged([] { log_warn("client {} came", std::string(100'000, 'x')); });
  EXPECT_LT(text.size(), 5000u);
  EXPECT_NE(text.find("bytes more)"), std::string::npos);
}

TEST(Log, LinesOfOneKindAreLimitedAndCounted) {
  const std::string text = logged([] {
    for (int i = 0; i < 50'000; i++) log_warn("one kind of line, number {}", i);
    log_warn("another kind");
  });
  EXPECT_GE(lines_in(text), 1000u);
  EXPECT_LT(lines_in(text), 3000u);
  EXPECT_NE(text.find("another kind"), std::string::npos);
  // A moment later the first line of any kind is preceded by the number of omitted ones.
  const std::string later = logged([] {
    const int64_t until_ms = system_clock().steady_ms() + 1100;
    while (system_clock().steady_ms() < until_ms) admit_log_line(LogLevel::kInfo, "a kind that is never written");
  });
  EXPECT_NE(later.find("more lines like this were left out: one kind of line, number {}"), std::string::npos) << later;
}

TEST(Log, TheNumberOfOmittedLinesNeedsNoOtherLine) {
  ManualClock clock;
  ManualExecutor executor(clock);
  const LeftOutLines told(executor);
  const std::string text = logged([&] {
    for (int i = 0; i < 3'000; i++) log_warn("the last kind of line, number {}", i);
    const int64_t until_ms = system_clock().steady_ms() + 1100;
    while (system_clock().steady_ms() < until_ms) std::this_thread::yield();
    for (int turn = 0; turn < 3; turn++) {
      executor.run_turn();
      clock.advance(1000);
    }
  });
  EXPECT_NE(text.find("more lines like this were left out: the last kind of line, number {}"), std::string::npos);
}

}  // namespace
}  // namespace milena
