// What a process does that a simulated one must do otherwise: it ends, and it has threads besides its loops. The hooks
// are null except in a simulator, which sets them before anything runs.
#pragma once

#include <vector>

#include "base/executor.h"

namespace milena {

// Ends the process at once, without destructors.
[[noreturn]] void end_process(int code);
// Does not return either: it throws.
extern void (*end_process_instead)(int code);

// Runs each of the tasks on a thread of its own, and returns when all are done.
void run_on_threads(std::vector<Task> tasks);
extern void (*run_on_threads_instead)(std::vector<Task> tasks);

}  // namespace milena
