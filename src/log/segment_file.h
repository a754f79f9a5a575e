// SegmentFile: one file of a segment, opened on use through the FileCache. Its path is built when needed, so that a
// segment at rest is small. Belongs to its segment.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "log/file_cache.h"
#include "log/format/file_names.h"

namespace milena::log {

class SegmentFile {
 public:
  // `directory` is the log's own string and must outlive this.
  SegmentFile(FileCache& files, const std::string& directory, int64_t base_offset, ByteView suffix)
      : files_(files), directory_(directory), base_offset_(base_offset), suffix_(suffix.data()) {}

  std::string path() const { return directory_ + "/" + segment_file_name(base_offset_, suffix_); }

  // The file must exist.
  Result<std::shared_ptr<File>> open() { return open_as(OpenMode::kReadWrite); }
  Result<std::shared_ptr<File>> open_or_create() { return open_as(OpenMode::kReadOrCreate); }
  void close() { slot_.close(); }
  FileSystem& file_system() { return files_.file_system(); }

 private:
  Result<std::shared_ptr<File>> open_as(OpenMode mode) {
    if (std::shared_ptr<File> file = files_.find(slot_)) return file;
    return files_.open(slot_, path(), mode);
  }

  FileCache& files_;
  const std::string& directory_;
  const int64_t base_offset_;
  const char* const suffix_;  // one of the constants of file_names.h
  FileCache::Slot slot_;
};

}  // namespace milena::log
