#include "log/batch_scanner.h"

#include <algorithm>

#include "base/crc32c.h"

namespace milena {

BatchScanner::BatchScanner(std::shared_ptr<const File> file, uint32_t position, uint32_t end, size_t window_bytes)
    : file_(std::move(file)), end_(end), position_(position) {
  window_.resize(std::max(window_bytes, kBatchHeaderSize));
}

Result<ByteView> BatchScanner::fetch(uint32_t position, size_t size) {
  if (position < window_position_ || position + size > window_position_ + window_size_) {
    size_t wanted = std::min<size_t>(window_.size(), end_ - position);
    Result<size_t> got = file_->read_at(position, window_.data(), wanted);
    if (!got) return got.error();
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
  if (end_ - at < kBatchHeaderSize) {
    return make_error(ErrorKind::kCorrupt, "{}: {} bytes at {} are no batch", file_->path(), end_ - at, at);
  }
  Result<ByteView> raw = fetch(at, kBatchHeaderSize);
  if (!raw) return raw.error();
  BatchHeader header = BatchHeader::read(raw->data());
  bool long_enough = header.batch_length >= static_cast<int32_t>(kBatchHeaderSize - kBatchLogOverhead);
  if (long_enough && header.magic >= 0 && header.magic < kMagicV2 && header.total_size() <= end_ - at) {
    return make_error(ErrorKind::kUnsupported,
                      "{}: the batch at {} has message format {}, which Kafka 4 no longer writes nor this broker reads; "
                      "let Kafka 3 rewrite or expire it first", file_->path(), at, header.magic);
  }
  if (!long_enough || header.magic != kMagicV2 || header.total_size() > end_ - at || header.last_offset_delta < 0 ||
      header.base_offset < 0) {
    return make_error(ErrorKind::kCorrupt, "{}: no batch at {} (offset {}, length {}, magic {})", file_->path(), at,
                      header.base_offset, header.batch_length, header.magic);
  }
  header_ = header;
  position_ = at;
  size_ = static_cast<uint32_t>(header.total_size());
  return true;
}

Result<bool> BatchScanner::crc_ok() {
  uint32_t crc = 0;
  uint32_t at = position_ + kBatchAttributesPosition;
  uint32_t end = position_ + size_;
  while (at < end) {
    // What the window holds already, else as much as it takes.
    bool inside = at >= window_position_ && at < window_position_ + window_size_;
    size_t room = inside ? window_position_ + window_size_ - at : window_.size();
    size_t size = std::min<size_t>(room, end - at);
    Result<ByteView> part = fetch(at, size);
    if (!part) return part.error();
    crc = crc32c(*part, crc);
    at += static_cast<uint32_t>(size);
  }
  return crc == header_.crc;
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

}  // namespace milena
