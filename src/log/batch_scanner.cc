#include "log/batch_scanner.h"

#include <algorithm>

#include "base/crc32c.h"
#include "log/planted_storage_bugs.h"
#include "protocol/records/legacy_messages.h"

namespace milena::log {
namespace {

// Messages of the old formats are read whole.
constexpr size_t kMinOldWindow = 4 << 10;
// Limit for a search behind damage: how often it may read the file for checksums.
constexpr uint64_t kMaxChecked = 4;

}  // namespace

BatchScanner::BatchScanner(std::shared_ptr<const File> file, uint32_t position, uint32_t end, size_t window_bytes)
    : file_(std::move(file)), end_(end), position_(position) {
  window_.resize(std::max(window_bytes, kBatchHeaderSize));
}

Result<ByteView> BatchScanner::fetch(uint32_t position, size_t size) {
  if (position < window_position_ || position + size > window_position_ + window_size_) {
    size_t wanted = std::min<size_t>(window_.size(), end_ - position);
    Result<size_t> got = file_->read_at(position, window_.data(), wanted);
    RETURN_IF_ERROR(got);
    window_position_ = position;
    window_size_ = *got;
    if (*got < size) {
      return make_error(ErrorKind::kCorrupt, "{} ends at byte {}, expected {}", file_->path(), position + *got, end_);
    }
  }
  return ByteView(window_.data() + (position - window_position_), size);
}

Result<bool> BatchScanner::next() {
  uint32_t at = position_ + size_;
  if (at >= end_) return false;
  Result<ByteView> raw = fetch(at, std::min<size_t>(kBatchHeaderSize, end_ - at));
  RETURN_IF_ERROR(raw);
  std::optional<BatchHeader> header = log_entry_header(*raw, end_ - at);
  if (MILENA_STORAGE_BUG(kShortOldMessageIsTorn) && raw->size() < kBatchHeaderSize) header.reset();
  const bool looks_old = raw->size() > kBatchMagicPosition && magic_of(*raw) == 0;
  if (!header && looks_old && MILENA_STORAGE_BUG(kZerosAreOldFormat))
    return make_error(ErrorKind::kUnsupported, "{}: a message of magic 0 at {}", file_->path(), at);
  if (!header) {
    if (raw->size() < kBatchHeaderSize) {
      return make_error(ErrorKind::kCorrupt, "{}: {} bytes at {} are not a batch", file_->path(), raw->size(),
                        at);
    }
    const BatchHeader said = BatchHeader::read(raw->data());
    return make_error(ErrorKind::kCorrupt, "{}: no batch at {} (offset {}, length {}, magic {})", file_->path(), at,
                      said.base_offset, said.batch_length, said.magic);
  }
  header_ = *header;
  position_ = at;
  size_ = static_cast<uint32_t>(header_.total_size());
  if (header_.magic == kMagicV2) return true;
  Result<bool> right = crc_ok();
  RETURN_IF_ERROR(right);
  if (!*right) {
    size_ = 0;
    return make_error(ErrorKind::kCorrupt, "{}: no batch at {}, nor a message of magic {} with that checksum",
                      file_->path(), at, header_.magic);
  }
  return true;
}

// The length that led here may be damaged. Then batches were skipped, and the search begins before them.
Result<bool> BatchScanner::skip_damage(int64_t least_offset) {
  uint32_t at = position_ + size_ + 1;
  if (size_ > 0) {
    Result<bool> right = crc_ok();
    RETURN_IF_ERROR(right);
    if (!*right) at = position_ + 1;
  }
  // Records may contain any number of bytes that look like batch headers.
  uint64_t budget = kMaxChecked * uint64_t{end_};
  while (at + kBatchHeaderSize <= end_) {
    Result<bool> found = find_in_window(at, least_offset, budget);
    if (!found || *found) return found;
  }
  position_ = end_;
  size_ = 0;
  return false;
}

// Tries the positions of one window from `at` on, and moves `at` behind them.
Result<bool> BatchScanner::find_in_window(uint32_t& at, int64_t least_offset, uint64_t& budget) {
  Result<ByteView> raw = fetch(at, std::min<size_t>(window_.size(), end_ - at));
  RETURN_IF_ERROR(raw);
  const size_t positions = raw->size() - kBatchHeaderSize + 1;
  for (size_t i = 0; i < positions; ++i) {
    const size_t magic = raw->find(static_cast<char>(kMagicV2), i + kBatchMagicPosition);
    if (magic == ByteView::npos || magic - kBatchMagicPosition >= positions) break;
    i = magic - kBatchMagicPosition;
    const auto position = static_cast<uint32_t>(at + i);
    std::optional<BatchHeader> header = log_entry_header(raw->substr(i, kBatchHeaderSize), end_ - position);
    if (!header || header->base_offset < least_offset || header->total_size() > budget) continue;
    budget -= header->total_size();
    header_ = *header;
    position_ = position;
    size_ = static_cast<uint32_t>(header_.total_size());
    Result<bool> right = crc_ok();
    if (!right || *right) return right;
    at = position + 1;  // the window may have moved
    return false;
  }
  at += static_cast<uint32_t>(positions);
  return false;
}

Result<bool> BatchScanner::crc_ok() {
  const bool old = header_.magic < kMagicV2;
  if (old && window_.size() < kMinOldWindow) {
    window_.resize(kMinOldWindow);
    window_size_ = 0;
  }
  uint32_t crc = 0;
  auto at = static_cast<uint32_t>(position_ + (old ? kBatchMagicPosition : kBatchAttributesPosition));
  uint32_t end = position_ + size_;
  while (at < end) {
    // From the window if it has the bytes, else as much as fits into it.
    bool inside = at >= window_position_ && at < window_position_ + window_size_;
    size_t room = inside ? window_position_ + window_size_ - at : window_.size();
    size_t size = std::min<size_t>(room, end - at);
    Result<ByteView> part = fetch(at, size);
    RETURN_IF_ERROR(part);
    crc = old ? crc32_ieee(*part, crc) : crc32c(*part, crc);
    at += static_cast<uint32_t>(size);
  }
  return crc == header_.crc;
}

Result<RecordBatchView> BatchScanner::batch() {
  Result<ByteView> raw = view();
  RETURN_IF_ERROR(raw);
  if (header_.magic == kMagicV2) return RecordBatchView::parse(*raw);
  Result<Bytes> converted = up_convert(*raw);
  RETURN_IF_ERROR(converted);
  converted_ = converted.take();
  return RecordBatchView::parse(converted_);
}

Result<ByteView> BatchScanner::view() {
  if (size_ > window_.size()) {
    window_.resize(size_);
    window_size_ = 0;
  }
  return fetch(position_, size_);
}

Result<Bytes> BatchScanner::bytes() {
  Bytes all(size_, '\0');
  RETURN_IF_ERROR(file_->read_exactly(position_, all.data(), all.size()));
  return all;
}

}  // namespace milena::log
