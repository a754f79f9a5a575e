// DecompressionBudget: how much may be decompressed within a scope. A thread that has others to serve sets one, looks
// afterwards whether it was enough, and if not gives the work to a thread that has the time.
//
// It holds for whatever this thread reads through a RecordWindow, however deep below; where none is set there is no
// limit. Not to be nested.
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

  // Something was not read for want of budget: what came out is worth nothing.
  bool exceeded() const { return exceeded_; }

  // Of the thread's budget, where there is one: false if it is used up, and nothing more is to be read.
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
