// HeldShard: a GroupShard whose log is replicated late. Responses are held until the high watermark covers everything
// that was appended before them, as in CoordinatorRuntime, and records beyond the high watermark may be lost with the
// node. Lives as long as a simulator; violations are kept in `faults`, so that a planted bug can be found without a
// failing test.
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/consumer_harness.h"
#include "coordinator/group/planted_group_bugs.h"

namespace milena {

class HeldShard : public coordinator::ConsumerHarness {
 public:
  explicit HeldShard(coordinator::GroupConfig config) : coordinator::ConsumerHarness(std::move(config)) {}

  // While it lags, the high watermark does not move.
  void lag(bool lags) {
    lags_ = lags;
    replicate();
  }
  bool lags() const { return lags_; }
  void replicate() {
    if (lags_) return;
    high_watermark_ = log().size();
    while (!held_.empty()) {
      Held first = std::move(held_.front());
      held_.pop_front();
      deliver(std::move(first.answer));
    }
  }

  // The append times out: waiting requests get the error, and the records stay.
  void time_out() {
    for (Held& one : std::exchange(held_, {})) {
      coordinator::turn_into_error(one.answer.response, ErrorCode::kCoordinatorNotAvailable);
      deliver(std::move(one.answer));
    }
  }

  // Another node leads now, with only the replicated records.
  void crash() {
    for (Held& one : std::exchange(held_, {})) {
      coordinator::turn_into_error(one.answer.response, ErrorCode::kNotCoordinator);
      deliver(std::move(one.answer));
    }
    cut_log(high_watermark_);
    lags_ = false;
    reload();
    replicate();
  }

  // The response, whether it was already delivered or not; null if the request is parked.
  const coordinator::GroupResponse* decided(coordinator::AnswerToken token) const {
    for (const Held& one : held_) {
      if (one.answer.token == token) return &one.answer.response;
    }
    return find_answer(token);
  }

  const std::vector<std::string>& faults() const { return faults_; }

 protected:
  void take(coordinator::Effects effects) override {
    for (coordinator::Answer& answer : effects.answers) {
      const bool free = high_watermark_ >= log().size() || (MILENA_GROUP_BUG(kReadsAreNotHeld) && is_read(answer));
      if (free) {
        deliver(std::move(answer));
      } else {
        held_.push_back({std::move(answer)});
      }
    }
    replicate();
  }
  void fault(const std::string& what) override { faults_.push_back(what); }

 private:
  struct Held {
    coordinator::Answer answer;
  };
  static bool is_read(const coordinator::Answer& answer) {
    return std::holds_alternative<coordinator::OffsetFetchGroupResponse>(answer.response);
  }

  bool lags_ = false;
  size_t high_watermark_ = 0;
  std::deque<Held> held_;
  std::vector<std::string> faults_;
};

}  // namespace milena
