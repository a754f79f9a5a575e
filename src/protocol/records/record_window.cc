#include "protocol/records/record_window.h"

#include <algorithm>

#include "protocol/compression/decompression_budget.h"

namespace milena {

Status RecordWindow::fill(size_t size) {
  if (available().size() >= size || stream_ended_) return ok_status();
  if (size > capacity_) {
    const size_t capacity = std::max({size, kInitialSize, 2 * capacity_});
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    available().copy(larger.get(), available().size());
    buffer_ = std::move(larger);
    capacity_ = capacity;
  } else {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  }
  end_ -= begin_;
  begin_ = 0;
  return read_more();
}

Status RecordWindow::read_more() {
  if (!DecompressionBudget::any_left()) {
    return make_error(ErrorKind::kExhausted, "the records are too large to decompress here");
  }
  Result<size_t> n = stream_->read(buffer_.get() + end_, capacity_ - end_);
  RETURN_IF_ERROR(n);
  DecompressionBudget::spend(*n);
  if (*n < capacity_ - end_) stream_ended_ = true;
  end_ += *n;
  return ok_status();
}

Result<bool> RecordWindow::skip(size_t size) {
  while (true) {
    const size_t here = std::min(size, available().size());
    begin_ += here;
    size -= here;
    if (size == 0) return true;
    if (stream_ended_) return false;
    RETURN_IF_ERROR(fill(1));
  }
}

}  // namespace milena
