#include "log/file_cache.h"

namespace milena::log {

void FileCache::Slot::close() {
  if (cache_ == nullptr) return;
  std::shared_ptr<File> doomed;  // closed after the lock is released
  std::lock_guard lock(cache_->mutex_);
  if (file_ == nullptr) return;
  doomed = std::move(file_);
  cache_->unlink(*this);
}

FileCache::~FileCache() { CHECK(count_ == 0, "{} files are still in use", count_); }

size_t FileCache::open_files() const {
  std::lock_guard lock(mutex_);
  return count_;
}

std::shared_ptr<File> FileCache::find(Slot& slot) {
  std::lock_guard lock(mutex_);
  if (slot.file_ == nullptr) return nullptr;
  if (newest_ != &slot) {
    unlink(slot);
    link_newest(slot);
  }
  return slot.file_;
}

Result<std::shared_ptr<File>> FileCache::open(Slot& slot, const std::string& path, OpenMode mode) {
  auto opened = file_system_.open(path, mode);
  // If there are no descriptors left, closes cached files first.
  while (!opened && opened.error().kind == ErrorKind::kExhausted && close_oldest())
    opened = file_system_.open(path, mode);
  if (!opened) return opened;
  std::shared_ptr<File> evicted;
  std::lock_guard lock(mutex_);
  CHECK(slot.file_ == nullptr, "{} is open already", path);
  slot.cache_ = this;
  slot.file_ = *opened;
  link_newest(slot);
  if (count_ > limit_ && oldest_ != &slot) {
    evicted = std::move(oldest_->file_);
    unlink(*oldest_);
  }
  return opened;
}

bool FileCache::close_oldest() {
  std::shared_ptr<File> doomed;
  std::lock_guard lock(mutex_);
  if (oldest_ == nullptr) return false;
  doomed = std::move(oldest_->file_);
  unlink(*oldest_);
  return true;
}

void FileCache::link_newest(Slot& slot) {
  slot.older_ = newest_;
  slot.newer_ = nullptr;
  if (newest_ != nullptr) newest_->newer_ = &slot;
  newest_ = &slot;
  if (oldest_ == nullptr) oldest_ = &slot;
  ++count_;
}

void FileCache::unlink(Slot& slot) {
  (slot.newer_ != nullptr ? slot.newer_->older_ : newest_) = slot.older_;
  (slot.older_ != nullptr ? slot.older_->newer_ : oldest_) = slot.newer_;
  slot.newer_ = slot.older_ = nullptr;
  --count_;
}

}  // namespace milena::log
