// DecompressionBudget: a limit on decompression within a scope. An event loop sets one, checks afterwards whether it
// was enough, and if not moves the work to another thread.
//
// It applies to everything that this thread reads through a RecordWindow in the scope; without one there is no limit.
// Must not be nested.
#pragma once

#include <algorithm>
#include <cstddef>

namespace milena {

class DecompressionBudget {
 public:
  explicit DecompressionBudget(size_t bytes) : left_(bytes) { current_ = this; }
  ~DecompressionBudget() { current_ = nullptr; }
  DecompressionBudget(const DecompressionBudget&) = delete;
  DecompressionBudget& operator=(const DecompressionBudget&) = delete;

  // Something was not read for lack of budget: the results are not usable.
  bool exceeded() const { return exceeded_; }

  // False if the thread has a budget and it is used up: nothing more may be read.
  static bool any_left() {
    if (current_ == nullptr || current_->left_ > 0) return true;
    current_->exceeded_ = true;
    return false;
  }
  static void spend(size_t bytes) {
    if (current_ != nullptr) current_->left_ -= std::min(current_->left_, bytes);
  }

 private:
  inline static thread_local DecompressionBudget* current_ = nullptr;

  size_t left_;
  bool exceeded_ = false;
};

}  // namespace milena
