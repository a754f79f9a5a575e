// GroupTurn: one input of a GroupShard while it is handled: its effects, and how to undo them.
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
  // Drops all effects so far.
  void drop() {
    effects = {};
    undo = nullptr;
    then = nullptr;
  }
  // If the append fails, this response becomes the error.
  void undo_with_error(AnswerToken token);
  // The same, in addition to the present undo.
  void also_undo_with_error(AnswerToken token);
};

// Turns a response into Kafka's error response for its request.
void turn_into_error(GroupResponse& response, ErrorCode error);

}  // namespace milena::coordinator
