// Text of clients in the log.
#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/executor.h"

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

}  // namespace
}  // namespace milena
