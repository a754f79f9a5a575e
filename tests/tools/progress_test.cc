// The line that says how far a command is.
#include "tools/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/manual_executor.h"

namespace milena::tools {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Unit = Progress::Unit;

TEST(Progress, SaysHowMuchIsLeft) {
  EXPECT_EQ(Progress::text("orders", 25, 100, Unit::kRecords, 5, 80),
            "orders  25 %  [#######.......................]  25 of 100  5/s  0:15 left");
  EXPECT_EQ(Progress::text("orders", 1'500'000, 3'000'000, Unit::kBytes, 2, 80),
            "orders  50 %  [###########...........]  1.5 MB of 3.0 MB  750.0 kB/s  0:02 left");
}

TEST(Progress, HasNoBarWithoutATotal) {
  EXPECT_EQ(Progress::text("orders", 2'500'000, 0, Unit::kRecords, 100, 80), "orders  2.5 M  25000/s  1:40");
}

TEST(Progress, FitsTheTerminal) {
  for (size_t columns : {0u, 1u, 20u, 40u, 60u, 80u, 200u}) {
    for (int64_t total : {0, 7, 1'000'000}) {
      const std::string line = Progress::text("a topic with a long name", 5, total, Unit::kBytes, 7200, columns);
      EXPECT_LT(line.size(), std::max<size_t>(columns, 1)) << line;
    }
  }
  EXPECT_THAT(Progress::text("orders", 25, 100, Unit::kRecords, 5, 40), Not(HasSubstr("[")));
}

TEST(Progress, TakesAnyNumbers) {
  EXPECT_THAT(Progress::text("t", 300, 100, Unit::kRecords, 1, 80), HasSubstr("100 %"));
  EXPECT_THAT(Progress::text("t", 0, 100, Unit::kRecords, 0, 80), HasSubstr("  0 %"));
  EXPECT_THAT(Progress::text("t", INT64_MIN, INT64_MAX, Unit::kBytes, 1, 80), HasSubstr("  0 %"));
  EXPECT_THAT(Progress::text("t", 1, INT64_MAX, Unit::kRecords, 1e9, 80), EndsWith("99:59:59 left"));
}

TEST(Progress, WritesNothingWhereNoTerminalIs) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_NONBLOCK), 0);
  {
    ManualClock clock;
    Progress progress("t", 10, Unit::kRecords, -1, pipe[1], clock);
    clock.advance(1100);  // it would be drawn from now on
    progress.at(5);
    progress.clear();
  }
  char byte;
  EXPECT_EQ(::read(pipe[0], &byte, 1), -1);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

}  // namespace
}  // namespace milena::tools
