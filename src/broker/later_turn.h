// What continues a request after the turn in which it came. That turn has a catch around it (client_session.cc); what
// runs later goes through these. A lack of memory drops the work, and with it the call that it keeps: the connection is
// closed, and nothing else. Not for work that changes a log or applies records (base/out_of_memory.h).
#pragma once

#include <memory>
#include <utility>

#include "base/executor.h"
#include "base/log.h"
#include "base/out_of_memory.h"

namespace milena::broker {

// False if it was dropped.
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

// What a request's filters cost before anything is looked up: many of them are put in order by a worker.
inline void put_filters_in_order(Executor& executor, size_t filters, Task put_in_order, Task then) {
  constexpr size_t kMostFiltersHere = 10'000;
  if (filters > kMostFiltersHere) {
    return run_or_drop(executor, &Executor::run_computation, std::move(put_in_order), std::move(then));
  }
  put_in_order();
  then();
}

}  // namespace milena::broker
