#include "base/process.h"

#include <cstdlib>
#include <thread>
#include <utility>

namespace milena {

void (*end_process_instead)(int code) = nullptr;
void (*run_on_threads_instead)(std::vector<Task> tasks) = nullptr;

void end_process(int code) {
  if (end_process_instead != nullptr) end_process_instead(code);
  std::_Exit(code);
}

void run_on_threads(std::vector<Task> tasks) {
  if (run_on_threads_instead != nullptr) return run_on_threads_instead(std::move(tasks));
  std::vector<std::thread> threads;
  for (Task& task : tasks) threads.emplace_back(std::move(task));
  for (std::thread& thread : threads) thread.join();
}

}  // namespace milena
