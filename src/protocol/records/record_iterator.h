// Reads the records of a batch one by one, decompressing on the way (Kafka's DefaultRecord and the iterators of
// DefaultRecordBatch). A record:
//
//   varint length, i8 attributes, varlong timestamp delta, varint offset delta,
//   varint key length (-1 null), key, varint value length (-1 null), value,
//   varint header count, each header: varint key length, key, varint value length (-1 null), value
//
// Of a compressed batch only a window is held: 64 KiB, or one record if that is larger. With Content::kSkip only
// offsets and timestamps are read, and no record is ever held whole.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/records/record_batch.h"

namespace milena {

struct RecordHeader {
  ByteView key;
  std::optional<ByteView> value;
};

// The headers of one record, parsed on demand. Their bytes were checked when the record was read.
class RecordHeaders {
 public:
  RecordHeaders() = default;
  RecordHeaders(ByteView bytes, int32_t count) : bytes_(bytes), count_(count) {}

  int32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  // The encoded headers, behind their count.
  ByteView bytes() const { return bytes_; }

  class Iterator {
   public:
    Iterator(ByteView rest, int32_t left) : rest_(rest), left_(left) { read(); }
    const RecordHeader& operator*() const { return header_; }
    const RecordHeader* operator->() const { return &header_; }
    Iterator& operator++() {
      left_--;
      read();
      return *this;
    }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    void read();

    ByteView rest_;
    int32_t left_;
    RecordHeader header_;
  };

  Iterator begin() const { return Iterator(bytes_, count_); }
  Iterator end() const { return Iterator(ByteView(), 0); }

 private:
  ByteView bytes_;
  int32_t count_ = 0;
};

// Views into the batch or the iterator's window: valid until the iterator's next step.
struct RecordView {
  int64_t offset = 0;
  int64_t timestamp = kNoTimestamp;
  int32_t offset_delta = 0;
  // With its length field.
  uint32_t total_size = 0;
  // With Content::kSkip, key and value are empty views where there is one, and the headers are left out.
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  RecordHeaders headers;
};

// Most bytes that a reader holds for a single record, far beyond any max.message.bytes in use.
constexpr size_t kMaxHeldRecord_bytes = 128 << 20;

// A window over bytes that come in pieces from a decompressor.
class RecordWindow;
struct RecordFields;

//   RecordIterator it(batch);
//   while (it.next()) use(it.record());
//   RETURN_IF_ERROR(it.status());
class RecordIterator {
 public:
  enum class Content { kFull, kSkip };

  // The batch's bytes must outlive the iterator.
  explicit RecordIterator(const RecordBatchView& batch, Content content = Content::kFull,
                          size_t max_record_bytes = kMaxHeldRecord_bytes);
  ~RecordIterator();
  RecordIterator(RecordIterator&&) noexcept;
  RecordIterator& operator=(RecordIterator&&) noexcept;

  // False at the end, at the first invalid record, and if bytes are left behind the last.
  bool next();
  const RecordView& record() const { return record_; }
  const Status& status() const { return status_; }
  // The reason for a bad status: the compressed stream is broken (rather than the records in it), or a record is too
  // large to be held.
  bool stream_failed() const { return stream_failed_; }
  bool record_too_large() const { return record_too_large_; }

 private:
  // Records up to this size are read in one piece; this is the initial size of the window.
  static constexpr size_t kWindowedRecordBytes = 64 * 1024;

  bool fail(Error error);
  bool check_end();
  Status fill_window(size_t size);
  Result<ByteView> next_body();
  Result<ByteView> window_body(size_t size);
  Status read_large_record(RecordFields& fields);
  Status pass_large(size_t size);
  Status pass_large_sized(int32_t& size);
  Status read_large_int(int32_t& value);
  Status read_large_number(uint64_t& value, size_t max_size);

  BatchHeader header_;
  Content content_;
  size_t max_record_bytes_;
  int32_t read_count_ = 0;
  // Uncompressed: the unread bytes. Compressed: the window, and no rest.
  ByteView rest_;
  std::unique_ptr<RecordWindow> window_;
  // The rest of a record that is skipped in pieces.
  size_t large_left_ = 0;
  RecordView record_;
  bool stream_failed_ = false;
  bool record_too_large_ = false;
  Status status_ = ok_status();
};

}  // namespace milena
