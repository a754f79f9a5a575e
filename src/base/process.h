// Ends the process. A simulator sets the hook before anything runs, to end a simulated process in another way; it is
// null otherwise.
#pragma once

namespace milena {

// Ends the process at once, without destructors.
[[noreturn]] void end_process(int code);
// The hook must not return either: it throws.
extern void (*end_process_instead)(int code);

}  // namespace milena
