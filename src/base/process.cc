#include "base/process.h"

#include <cstdlib>

namespace milena {

void (*end_process_instead)(int code) = nullptr;

void end_process(int code) {
  if (end_process_instead != nullptr) end_process_instead(code);
  std::_Exit(code);
}

}  // namespace milena
