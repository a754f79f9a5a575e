#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace milena {
namespace {

ErrorKind kind_of(int error) {
  switch (error) {
    case ENOENT: return ErrorKind::kNotFound;
    case EACCES:
    case EPERM:
    case EISDIR:
    case ENOTDIR:
    case ELOOP: return ErrorKind::kDenied;
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
    case ENOMEM: return ErrorKind::kExhausted;
    default: return ErrorKind::kIo;
  }
}

Error system_error(const char* what, const std::string& path) {
  ErrorKind kind = kind_of(errno);
  return make_error(kind, "{} {}: {}", what, path, std::strerror(errno));
}

// Any failure counts: the kernel may drop unwritten pages, and the next sync would succeed without them.
Error sync_error(const std::string& path) {
  Error failed = system_error("cannot sync", path);
  failed.kind = ErrorKind::kIo;
  return failed;
}

Error error_of(const char* what, const std::string& path, const std::error_code& error) {
  errno = error.value();
  return system_error(what, path);
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }

  Result<size_t> read_at(uint64_t position, char* to, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      ssize_t n = ::pread(fd_, to + done, size - done, static_cast<off_t>(position + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("cannot read", path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Status write_at(uint64_t position, std::span<const iovec> parts) override {
    std::vector<iovec> rest(parts.begin(), parts.end());
    size_t first = 0;
    while (first < rest.size()) {
      int count = static_cast<int>(std::min<size_t>(rest.size() - first, 512));
      ssize_t n = ::pwritev(fd_, rest.data() + first, count, static_cast<off_t>(position));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("cannot write", path_);
      position += static_cast<uint64_t>(n);
      size_t left = static_cast<size_t>(n);
      while (first < rest.size() && left >= rest[first].iov_len) left -= rest[first++].iov_len;
      if (first < rest.size() && left > 0) {
        rest[first].iov_base = static_cast<char*>(rest[first].iov_base) + left;
        rest[first].iov_len -= left;
      }
    }
    return ok_status();
  }

  Status truncate(uint64_t size) override {
    // ext4 takes a file that was cut to nothing for one that replaces another, and sends what is written next to the
    // disk when it is closed, even if it was empty before.
    struct stat info;
    if (::fstat(fd_, &info) == 0 && static_cast<uint64_t>(info.st_size) == size) return ok_status();
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return system_error("cannot truncate", path_);
    return ok_status();
  }

  Status sync() override {
    return ::fdatasync(fd_) == 0 ? ok_status() : Status(sync_error(path_));
  }

  Result<uint64_t> size() const override {
    struct stat info;
    if (::fstat(fd_, &info) != 0) return system_error("cannot stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

  int descriptor() const override { return fd_; }
  const std::string& path() const override { return path_; }

 private:
  int fd_;
  std::string path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC | (mode == OpenMode::kRead ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::kReadOrCreate) flags |= O_CREAT;
    int fd = ::open(path.c_str(), flags, 0644);
    if (fd < 0) return system_error("cannot open", path);
    return std::shared_ptr<File>(std::make_shared<PosixFile>(fd, path));
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Status make_directories(const std::string& path) override {
    if (::mkdir(path.c_str(), 0755) == 0) return ok_status();
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (!error) return ok_status();
    Error failed = error_of("cannot make directory", path, error);
    // A log directory in which no log can be created goes offline, whatever the reason (as in Kafka's LogManager).
    if (failed.kind != ErrorKind::kExhausted) failed.kind = ErrorKind::kIo;
    return failed;
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    DIR* dir = ::opendir(path.c_str());
    if (dir == nullptr) return system_error("cannot list", path);
    std::vector<std::string> names;
    while (dirent* entry = ::readdir(dir)) {
      std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(dir);
    return names;
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("cannot rename", from + " to " + to);
    return ok_status();
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("cannot remove", path);
    return ok_status();
  }

  Status remove_tree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return error_of("cannot remove", path, error);
    return ok_status();
  }

  Status sync_directory(const std::string& path) override {
    int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_error("cannot open", path);
    int failed = ::fsync(fd);
    ::close(fd);
    return failed == 0 ? ok_status() : Status(sync_error(path));
  }

  Status sync_everything(const std::string& path) override {
    if (!reports_failed_writes_) return FileSystem::sync_everything(path);
    int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_error("cannot open", path);
    int failed = ::syncfs(fd);
    ::close(fd);
    if (failed != 0) return system_error("cannot sync the file system of", path);
    return ok_status();
  }

  Status allocate(const std::string& path, uint64_t bytes) override {
    int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return system_error("cannot open", path);
    struct stat before {};
    Status done = ok_status();
    if (::fstat(fd, &before) != 0 || ::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) != 0) {
      done = errno == EOPNOTSUPP ? FileSystem::allocate(path, bytes) : Status(system_error("cannot allocate", path));
      const bool kept = before.st_size > 0 && ::ftruncate(fd, before.st_size) == 0;
      if (!kept) ::unlink(path.c_str());
    }
    ::close(fd);
    return done;
  }

  DiskSpace space(const std::string& path) override {
    struct statvfs info;
    if (::statvfs(path.c_str(), &info) != 0) return {};
    auto block = static_cast<int64_t>(info.f_frsize);
    return {static_cast<int64_t>(info.f_blocks) * block, static_cast<int64_t>(info.f_bavail) * block};
  }

 private:
  // Before Linux 5.8 syncfs() does not report failed writes.
  static bool kernel_is_at_least(int major, int minor) {
    utsname about{};
    int found_major = 0, found_minor = 0;
    if (::uname(&about) != 0 || std::sscanf(about.release, "%d.%d", &found_major, &found_minor) != 2) return false;
    return std::pair(found_major, found_minor) >= std::pair(major, minor);
  }

  const bool reports_failed_writes_ = kernel_is_at_least(5, 8);
};

}  // namespace

Status File::write_at(uint64_t position, ByteView bytes) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  return write_at(position, std::span<const iovec>(&part, 1));
}

Status File::read_exactly(uint64_t position, char* to, size_t size) const {
  Result<size_t> got = read_at(position, to, size);
  RETURN_IF_ERROR(got);
  if (*got != size) {
    return make_error(ErrorKind::kCorrupt, "{} ends at byte {}, wanted {} bytes from {}", path(), position + *got, size,
                      position);
  }
  return ok_status();
}

Result<Bytes> FileSystem::read_file(const std::string& path) {
  auto file = open(path, OpenMode::kRead);
  RETURN_IF_ERROR(file);
  Result<uint64_t> size = (*file)->size();
  RETURN_IF_ERROR(size);
  Bytes content(static_cast<size_t>(*size), '\0');
  Result<size_t> got = (*file)->read_at(0, content.data(), content.size());
  RETURN_IF_ERROR(got);
  content.resize(*got);
  return content;
}

Status FileSystem::write_file_atomically(const std::string& path, ByteView content, bool durable) {
  std::string temporary = path + ".tmp";
  RETURN_IF_ERROR(remove(temporary));
  {
    auto file = open(temporary, OpenMode::kReadOrCreate);
    RETURN_IF_ERROR(file);
    RETURN_IF_ERROR((*file)->write_at(0, content));
    if (durable) RETURN_IF_ERROR((*file)->sync());
  }
  RETURN_IF_ERROR(rename(temporary, path));
  if (durable) RETURN_IF_ERROR(sync_directory(parent_directory(path)));
  return ok_status();
}

FileSystem& posix_file_system() {
  static PosixFileSystem instance;
  return instance;
}

std::string parent_directory(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace milena
