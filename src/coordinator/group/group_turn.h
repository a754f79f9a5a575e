// GroupTurn: one input of a GroupShard while it is handled: what it decides, and how that is taken back.
#pragma once

#include <functional>
#include <utility>

#include "coordinator/group/group_types.h"

namespace milena::coordinator {

struct GroupTurn {
  Now now;
  Effects effects;
  // Runs if the records cannot be appended; without it the answers stay as they are.
  std::function<void(ErrorCode, GroupTurn&)> undo;
  // Runs when the records are applied: changes of soft state that depend on them. Has no effects of its own.
  std::function<void(GroupTurn&)> then;

  template <class Response>
  void answer(AnswerToken token, Response response) {
    effects.answers.push_back({token, std::move(response)});
  }
  void write(CoordinatorRecord record) { effects.records.push_back(std::move(record)); }
  // Nothing of what was decided until now shall happen.
  void drop() {
    effects = {};
    undo = nullptr;
    then = nullptr;
  }
  // If the append fails, this answer becomes the error.
  void undo_with_error(AnswerToken token);
  // The same, besides what is to be undone anyhow.
  void also_undo_with_error(AnswerToken token);
};

// Puts an error in place of what an answer says, as Kafka's error answer of that request looks.
void turn_into_error(GroupResponse& response, ErrorCode error);

}  // namespace milena::coordinator
