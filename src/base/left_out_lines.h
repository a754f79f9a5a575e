// While it lives, the log says how many lines it left out a second later, even if no other line comes: a flood of one
// kind of line is often the last that happens. There may be one in a process; its executor outlives it.
#pragma once

#include "base/executor.h"

namespace milena {

class LeftOutLines {
 public:
  explicit LeftOutLines(Executor& executor);
  ~LeftOutLines();
  LeftOutLines(const LeftOutLines&) = delete;
  LeftOutLines& operator=(const LeftOutLines&) = delete;
};

}  // namespace milena
