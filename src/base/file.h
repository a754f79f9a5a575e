// Interface for files and directories, so that tests can use a disk that loses data, fills up or fails.
// posix_file_system() is the real one. No method throws; every error names the path and the operation.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace milena {

// An open file. Positions are explicit, so reads from several threads do not disturb each other.
class File {
 public:
  virtual ~File() = default;

  // Reads at most `size` bytes; fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t position, char* to, size_t size) const = 0;
  // Writes all of the parts one behind the other, or fails.
  virtual Status write_at(uint64_t position, std::span<const iovec> parts) = 0;
  virtual Status truncate(uint64_t size) = 0;
  // Data and the metadata that is needed to read it back (fdatasync).
  virtual Status sync() = 0;
  virtual Result<uint64_t> size() const = 0;
  // For sendfile; -1 if the file has no descriptor.
  virtual int descriptor() const = 0;
  virtual const std::string& path() const = 0;

  Status write_at(uint64_t position, ByteView bytes);
  // Exactly `size` bytes, or kCorrupt if the file ends before.
  Status read_exactly(uint64_t position, char* to, size_t size) const;
};

enum class OpenMode {
  kRead,           // must exist
  kReadWrite,      // must exist
  kReadOrCreate,   // read and write, created if missing
};

// -1 if unknown.
struct DiskSpace {
  int64_t total_bytes = -1;
  int64_t usable_bytes = -1;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual bool exists(const std::string& path) = 0;
  // Creates the directory and its parents.
  virtual Status make_directories(const std::string& path) = 0;
  // Names in a directory, without "." and "..", in no order.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Removes a file; no error if it does not exist.
  virtual Status remove(const std::string& path) = 0;
  virtual Status remove_tree(const std::string& path) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
  // Syncs everything written so far on the file system of `path`, files and names: cheaper than syncing thousands of
  // files. kUnsupported if a failed write would not be reported.
  virtual Status sync_everything(const std::string& path) {
    return make_error(ErrorKind::kUnsupported, "{}: this file system is synced file by file", path);
  }
  // Creates a file of this size, or grows it to that, with its blocks allocated. If that fails the file is unchanged.
  virtual Status allocate(const std::string& path, uint64_t bytes) {
    return make_error(ErrorKind::kUnsupported, "{}: no {} bytes can be allocated on this file system", path, bytes);
  }
  // Space of the path's disk.
  virtual DiskSpace space(const std::string& path) {
    (void)path;
    return {};
  }

  Result<Bytes> read_file(const std::string& path);
  // Replaces the file atomically: writes `path`.tmp, syncs, renames, syncs the directory (Kafka's
  // Utils.atomicMoveWithFallback). Without `durable` nothing is synced.
  Status write_file_atomically(const std::string& path, ByteView content, bool durable = true);
};

FileSystem& posix_file_system();

// The directory of a path ("." if there is none).
std::string parent_directory(const std::string& path);

}  // namespace milena
