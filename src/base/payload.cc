#include "base/payload.h"

namespace milena {

uint64_t chunk_size(const Chunk& chunk) {
  if (const auto* bytes = std::get_if<Bytes>(&chunk)) return bytes->size();
  if (const auto* shared = std::get_if<SharedBytes>(&chunk)) return shared->view.size();
  return std::get<FileSlice>(chunk).size;
}

void Payload::append(Bytes bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  chunks_.emplace_back(std::move(bytes));
}

void Payload::append(SharedBytes bytes) {
  if (bytes.view.empty()) return;
  size_ += bytes.view.size();
  chunks_.emplace_back(std::move(bytes));
}

void Payload::append(FileSlice slice) {
  if (slice.size == 0) return;
  size_ += slice.size;
  chunks_.emplace_back(std::move(slice));
}

void Payload::append(Payload other) {
  size_ += other.size_;
  if (chunks_.empty()) {
    chunks_ = std::move(other.chunks_);
  } else {
    for (Chunk& chunk : other.chunks_) chunks_.push_back(std::move(chunk));
  }
}

Result<Bytes> Payload::flatten() const {
  Bytes all;
  all.reserve(size_);
  for (const Chunk& chunk : chunks_) {
    if (const auto* bytes = std::get_if<Bytes>(&chunk)) {
      all += *bytes;
    } else if (const auto* shared = std::get_if<SharedBytes>(&chunk)) {
      all += shared->view;
    } else {
      const FileSlice& slice = std::get<FileSlice>(chunk);
      size_t before = all.size();
      all.resize(before + slice.size);
      RETURN_IF_ERROR(slice.file->read_exactly(slice.position, all.data() + before, slice.size));
    }
  }
  return all;
}

}  // namespace milena
