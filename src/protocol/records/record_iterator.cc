#include "protocol/records/record_iterator.h"

#include <algorithm>

#include "base/varint.h"
#include "protocol/records/record_fields.h"
#include "protocol/records/record_window.h"

namespace milena {
namespace {

Error cut_off() { return make_error(ErrorKind::kCorrupt, "record batch ends before its last record"); }
Error senseless_record() { return make_error(ErrorKind::kCorrupt, "the fields of a record do not match its length"); }

std::optional<ByteView> view_of(const char* content, int32_t size) {
  if (size < 0) return std::nullopt;
  return ByteView(content, static_cast<size_t>(size));
}

}  // namespace

void RecordHeaders::Iterator::read() {
  if (left_ <= 0) return;
  const char* const end = rest_.data() + rest_.size();
  const char* content = nullptr;
  int32_t size = 0;
  const char* from = pass_sized(rest_.data(), end, size, content);
  CHECK(from != nullptr && size >= 0, "headers that nobody checked");
  header_.key = ByteView(content, static_cast<size_t>(size));
  from = pass_sized(from, end, size, content);
  CHECK(from != nullptr, "headers that nobody checked");
  header_.value = view_of(content, size);
  rest_ = ByteView(from, static_cast<size_t>(end - from));
}

RecordIterator::RecordIterator(const RecordBatchView& batch, Content content, size_t max_record_bytes)
    : header_(batch.header()), content_(content), max_record_bytes_(max_record_bytes) {
  if (header_.compression() == Codec::kNone) {
    rest_ = batch.records();
  } else {
    window_ = std::make_unique<RecordWindow>(DecompressStream::open(header_.compression(), batch.records()));
  }
}

RecordIterator::~RecordIterator() = default;
RecordIterator::RecordIterator(RecordIterator&&) noexcept = default;
RecordIterator& RecordIterator::operator=(RecordIterator&&) noexcept = default;

bool RecordIterator::fail(Error error) {
  error.message = fmt::format("batch at offset {}, record {}: {}", header_.base_offset, read_count_, error.message);
  status_ = std::move(error);
  return false;
}

bool RecordIterator::next() {
  if (!status_.ok()) return false;
  if (read_count_ == header_.record_count) return check_end();
  Result<ByteView> body = next_body();
  if (!body.ok()) return fail(body.error());
  RecordFields fields;
  if (!body->empty()) {
    if (!read_record_fields(body->data(), body->data() + body->size(), fields)) return fail(senseless_record());
    record_.headers =
        RecordHeaders(ByteView(fields.headers, static_cast<size_t>(body->data() + body->size() - fields.headers)),
                      fields.header_count);
  } else {
    if (Status status = read_large_record(fields); !status.ok()) return fail(status.error());
    record_.headers = RecordHeaders();
  }
  record_.offset_delta = fields.offset_delta;
  record_.offset = header_.base_offset + fields.offset_delta;
  record_.timestamp = header_.timestamp_type() == TimestampType::kLogAppendTime
                          ? header_.max_timestamp
                          : static_cast<int64_t>(static_cast<uint64_t>(header_.base_timestamp) +
                                                 static_cast<uint64_t>(fields.timestamp_delta));
  record_.key = view_of(fields.key, fields.key_size);
  record_.value = view_of(fields.value, fields.value_size);
  read_count_++;
  return true;
}

Status RecordIterator::fill_window(size_t size) {
  Status status = window_->fill(size);
  if (!status.ok()) stream_failed_ = true;
  return status;
}

// Consumes and returns the next record's body; empty for one that must be skipped in pieces.
Result<ByteView> RecordIterator::next_body() {
  if (window_) {
    RETURN_IF_ERROR(fill_window(kMaxVarintSize));
    rest_ = window_->available();
  }
  int32_t size = 0;
  const char* const end = rest_.data() + rest_.size();
  const char* const from = read_varint(rest_.data(), end, size);
  if (from == nullptr) return cut_off();
  if (size <= 0) return senseless_record();
  const auto length_size = static_cast<size_t>(from - rest_.data());
  record_.total_size = static_cast<uint32_t>(length_size) + static_cast<uint32_t>(size);
  if (!window_) {
    if (size > end - from) return cut_off();
    rest_.remove_prefix(record_.total_size);
    return ByteView(from, static_cast<size_t>(size));
  }
  window_->consume(length_size);
  return window_body(static_cast<size_t>(size));
}

Result<ByteView> RecordIterator::window_body(size_t size) {
  if (size > kWindowedRecordBytes) {
    if (content_ == Content::kSkip) {
      large_left_ = size;
      return ByteView();
    }
    if (size > max_record_bytes_) {
      record_too_large_ = true;
      return make_error(ErrorKind::kCorrupt, "record of {} bytes, expected at most {}", size,
                        max_record_bytes_);
    }
  }
  // Step by step: a length may be false, and memory is only allocated for bytes that are there.
  for (size_t step = std::min(size, kWindowedRecordBytes);; step = std::min(size, 2 * step)) {
    RETURN_IF_ERROR(fill_window(step));
    if (window_->available().size() < step) return cut_off();
    if (step == size) break;
  }
  const ByteView body = window_->available().substr(0, size);
  window_->consume(size);
  return body;
}

// Skips a record of `large_left_` bytes through the window, and reads the fields besides key, value and headers.
Status RecordIterator::read_large_record(RecordFields& fields) {
  RETURN_IF_ERROR(pass_large(1));  // the attributes
  uint64_t raw = 0;
  RETURN_IF_ERROR(read_large_number(raw, kMaxVarlongSize));
  fields.timestamp_delta = zigzag_decode(raw);
  RETURN_IF_ERROR(read_large_int(fields.offset_delta));
  RETURN_IF_ERROR(pass_large_sized(fields.key_size));
  RETURN_IF_ERROR(pass_large_sized(fields.value_size));
  RETURN_IF_ERROR(read_large_int(fields.header_count));
  if (fields.header_count < 0) return senseless_record();
  for (int32_t i = 0; i < fields.header_count; i++) {
    int32_t size = 0;
    RETURN_IF_ERROR(pass_large_sized(size));
    if (size < 0) return senseless_record();
    RETURN_IF_ERROR(pass_large_sized(size));
  }
  if (large_left_ != 0) return senseless_record();
  // The key itself is not available, only whether it was null.
  fields.key_size = std::min(fields.key_size, 0);
  fields.value_size = std::min(fields.value_size, 0);
  return ok_status();
}

Status RecordIterator::pass_large(size_t size) {
  if (size > large_left_) return senseless_record();
  Result<bool> there = window_->skip(size);
  if (!there.ok()) {
    stream_failed_ = true;
    return there.error();
  }
  if (!*there) return cut_off();
  large_left_ -= size;
  return ok_status();
}

Status RecordIterator::pass_large_sized(int32_t& size) {
  RETURN_IF_ERROR(read_large_int(size));
  return size > 0 ? pass_large(static_cast<size_t>(size)) : ok_status();
}

Status RecordIterator::read_large_int(int32_t& value) {
  uint64_t raw = 0;
  RETURN_IF_ERROR(read_large_number(raw, kMaxVarintSize));
  value = zigzag_decode(static_cast<uint32_t>(raw));
  return ok_status();
}

Status RecordIterator::read_large_number(uint64_t& value, size_t max_size) {
  RETURN_IF_ERROR(fill_window(max_size));
  const ByteView bytes = window_->available().substr(0, std::min(max_size, large_left_));
  const char* const end = bytes.data() + bytes.size();
  const char* const from = read_unsigned_varlong(bytes.data(), end, value);
  if (from == nullptr) return senseless_record();
  window_->consume(static_cast<size_t>(from - bytes.data()));
  large_left_ -= static_cast<size_t>(from - bytes.data());
  return ok_status();
}

// There must be no bytes behind the last record. Always false, as there is no further record either way.
bool RecordIterator::check_end() {
  bool more = !rest_.empty();
  if (window_) {
    if (Status status = fill_window(1); !status.ok()) return fail(status.error());
    more = !window_->available().empty();
  }
  if (more) return fail(make_error(ErrorKind::kCorrupt, "record batch with bytes after its last record"));
  return false;
}

}  // namespace milena
