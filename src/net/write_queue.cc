#include "net/write_queue.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace milena::net {
namespace {

constexpr size_t kMaxParts = 64;
// Bytes read at a time if sendfile is not possible.
constexpr uint64_t kFilePart = 256 * 1024;

// To copy so much costs less than a call of sendfile. And the few bytes behind a slice would go out in a packet of
// their own, which wakes the peer twice for one answer.
constexpr uint64_t kSmallSlice = 16 * 1024;
// Slices behind so many bytes stay in their files, however often a slow peer takes a little.
constexpr uint64_t kMaxAhead = 64 * 1024;

// Whether an error cannot come from the peer or the network.
bool is_file_error(int error) {
  return error == EIO || error == ENOMEM || error == EBADF || error == EFAULT || error == EOVERFLOW ||
         error == ENXIO;
}

bool is_file(const Chunk& chunk) { return std::holds_alternative<FileSlice>(chunk); }

ByteView memory_of(const Chunk& chunk) {
  if (const auto* bytes = std::get_if<Bytes>(&chunk)) return *bytes;
  return std::get<SharedBytes>(chunk).view;
}

}  // namespace

void WriteQueue::push(Payload payload) {
  unsent_bytes_ += payload.size();
  for (Chunk& chunk : std::move(payload).take_chunks()) {
    file_slices_ += is_file(chunk) ? 1 : 0;
    chunks_.push_back(std::move(chunk));
  }
}

// Those that the next write takes. One that cannot be read stays, and fails where it is sent.
void WriteQueue::load_small_slices() {
  uint64_t ahead = 0;
  size_t count = 0;
  for (Chunk& chunk : chunks_) {
    ahead += chunk_size(chunk);
    if (count++ == kMaxParts || ahead > kMaxAhead) return;
    const auto* slice = std::get_if<FileSlice>(&chunk);
    if (slice == nullptr) continue;
    const bool has_begun = count == 1 && front_done_ > 0;
    if (has_begun || slice->size > kSmallSlice) return;
    Bytes bytes(slice->size, '\0');
    if (!slice->file->read_exactly(slice->position, bytes.data(), bytes.size()).ok()) return;
    chunk = std::move(bytes);
    file_slices_--;
  }
}

WriteQueue::Outcome WriteQueue::flush(Stream& stream, uint64_t budget) {
  if (file_slices_ > 0) load_small_slices();
  // Each slice would end with its own packet.
  bool cork = file_slices_ > 1;
  if (cork) stream.set_cork(true);
  Outcome outcome = kEmpty;
  uint64_t before = written_bytes_;
  while (!chunks_.empty()) {
    if (written_bytes_ - before >= budget) {
      outcome = kPaused;
      break;
    }
    IoResult result = is_file(chunks_.front()) ? write_file(stream) : write_memory(stream);
    if (result.kind == IoResult::kMoved) {
      drop_written(result.bytes);
      if (file_slices_ > 0) load_small_slices();
      continue;
    }
    if (result.kind == IoResult::kFailed) error_ = result.error;
    wants_read_ = result.kind == IoResult::kWantsRead;
    outcome = result.would_block() ? kBlocked : kFailed;
    break;
  }
  if (cork) stream.set_cork(false);
  return outcome;
}

IoResult WriteQueue::write_memory(Stream& stream) {
  iovec parts[kMaxParts];
  size_t count = 0;
  uint64_t skip = front_done_;
  auto chunk = chunks_.begin();
  for (; chunk != chunks_.end() && count < kMaxParts && !is_file(*chunk); ++chunk, ++count) {
    ByteView bytes = memory_of(*chunk).substr(skip);
    parts[count] = {const_cast<char*>(bytes.data()), bytes.size()};
    skip = 0;
  }
  return stream.write(std::span<const iovec>(parts, count), chunk != chunks_.end());
}

IoResult WriteQueue::write_file(Stream& stream) {
  const FileSlice& slice = std::get<FileSlice>(chunks_.front());
  int descriptor = slice.file->descriptor();
  IoResult result{IoResult::kFailed, 0, EINVAL};
  if (descriptor >= 0) {
    result = stream.send_file(descriptor, slice.position + front_done_, slice.size - front_done_);
  }
  if (result.kind == IoResult::kFailed && (result.error == EINVAL || result.error == ENOSYS)) {
    return load_file_part() ? IoResult{IoResult::kMoved, 0} : IoResult{IoResult::kFailed, 0, error_};
  }
  if (result.kind == IoResult::kFailed && is_file_error(result.error)) {
    failure_text_ = "cannot send " + slice.file->path() + ": " + std::strerror(result.error);
  }
  if (result.kind == IoResult::kEnd) {
    // The answer's size is out already, so the only honest thing left is to close.
    failure_text_ = slice.file->path() + " ended before the end of the slice to send";
    return {IoResult::kFailed};
  }
  return result;
}

// Reads the next part of the file slice into memory, and puts it in front.
bool WriteQueue::load_file_part() {
  FileSlice& slice = std::get<FileSlice>(chunks_.front());
  slice.position += front_done_;
  slice.size -= front_done_;
  front_done_ = 0;
  Bytes part(std::min(slice.size, kFilePart), '\0');
  Status read = slice.file->read_exactly(slice.position, part.data(), part.size());
  if (!read.ok()) {
    failure_text_ = read.error().message;
    return false;
  }
  slice.position += part.size();
  slice.size -= part.size();
  if (slice.size == 0) {
    chunks_.pop_front();
    file_slices_--;
  }
  chunks_.push_front(std::move(part));
  return true;
}

void WriteQueue::drop_written(uint64_t count) {
  unsent_bytes_ -= count;
  written_bytes_ += count;
  count += front_done_;
  while (!chunks_.empty() && count >= chunk_size(chunks_.front())) {
    count -= chunk_size(chunks_.front());
    file_slices_ -= is_file(chunks_.front()) ? 1 : 0;
    chunks_.pop_front();
  }
  front_done_ = count;
}

}  // namespace milena::net
