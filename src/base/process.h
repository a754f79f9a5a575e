// The end of the process, behind a hook: a simulated process ends otherwise. The hook is null except in a simulator,
// which sets it before anything runs.
#pragma once

namespace milena {

// Ends the process at once, without destructors.
[[noreturn]] void end_process(int code);
// Does not return either: it throws.
extern void (*end_process_instead)(int code);

}  // namespace milena
