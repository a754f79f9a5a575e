// Continues a request after the turn in which it arrived. That turn has a catch around it (client_session.cc); later
// work goes through these functions. If memory is short, the work is dropped with its call, and only that connection is
// closed. Not for work that changes a log or applies records (base/out_of_memory.h).
#pragma once

#include <memory>
#include <utility>

#include "base/executor.h"
#include "base/log.h"
#include "base/out_of_memory.h"

namespace milena::broker {

// Returns false if it was dropped.
template <class Work>
bool continue_or_drop(Work&& work) {
  if (fits_into_memory(std::forward<Work>(work))) return true;
  log_warn("a request is dropped: it needs more memory than is available");
  return false;
}

// Executor::run_computation and run_blocking for a request. `then` does not run if there was no memory for `work`.
inline void run_or_drop(Executor& executor, void (Executor::*run)(Task work, Task then), Task work, Task then) {
  auto fits = std::make_shared<bool>(false);
  (executor.*run)([fits, work = std::move(work)] { *fits = continue_or_drop(work); },
                  [fits, then = std::move(then)] {
                    if (*fits) continue_or_drop(then);
                  });
}

// The cost of a request's filters before any lookup: a worker sorts them if there are many.
inline void put_filters_in_order(Executor& executor, size_t filters, Task put_in_order, Task then) {
  constexpr size_t kMaxFiltersHere = 10'000;
  if (filters > kMaxFiltersHere) {
    return run_or_drop(executor, &Executor::run_computation, std::move(put_in_order), std::move(then));
  }
  put_in_order();
  then();
}

}  // namespace milena::broker
