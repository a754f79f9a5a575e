// Files and directories behind an interface, so that a test can put a disk there that forgets, fills or breaks.
// posix_file_system() is the real one. No method throws; every failure names the path and what was tried.
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
  // For sendfile; -1 where there is no descriptor behind the file.
  virtual int descriptor() const = 0;
  virtual const std::string& path() const = 0;

  Status write_at(uint64_t position, ByteView bytes);
  // Exactly `size` bytes, or kCorrupt if the file ends before.
  Status read_exactly(uint64_t position, char* to, size_t size) const;
};

enum class OpenMode {
  kRead,           // must be there
  kReadWrite,      // must be there
  kReadOrCreate,   // read and write, made if it is not there
};

// -1 where it is not known.
struct DiskSpace {
  int64_t total_bytes = -1;
  int64_t usable_bytes = -1;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual bool exists(const std::string& path) = 0;
  // Makes the directory and the ones above it.
  virtual Status make_directories(const std::string& path) = 0;
  // Names in a directory, without "." and "..", in no order.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // A file; no error if it is not there.
  virtual Status remove(const std::string& path) = 0;
  virtual Status remove_tree(const std::string& path) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
  // Everything written so far on the file system that holds `path`, files and names: cheaper than syncing thousands of
  // files. kUnsupported where a failed write would not be reported.
  virtual Status sync_everything(const std::string& path) {
    return make_error(ErrorKind::kUnsupported, "{}: this file system is synced file by file", path);
  }
  // Makes a file of this size, or lets it grow so far, with its blocks allocated. Where that fails it is as before.
  virtual Status allocate(const std::string& path, uint64_t bytes) {
    return make_error(ErrorKind::kUnsupported, "{}: no {} bytes can be allocated on this file system", path, bytes);
  }
  // Of the disk that the path is on.
  virtual DiskSpace space(const std::string& path) {
    (void)path;
    return {};
  }

  Result<Bytes> read_file(const std::string& path);
  // Whole or not at all: written to `path`.tmp, synced, renamed, directory synced (Kafka's
  // Utils.atomicMoveWithFallback). `durable` false leaves the two syncs out.
  Status write_file_atomically(const std::string& path, ByteView content, bool durable = true);
};

FileSystem& posix_file_system();

// The folder part of a path ("." if there is none).
std::string parent_directory(const std::string& path);

}  // namespace milena
