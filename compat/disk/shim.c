// A disk that fails when it is told to: preloaded into the broker (LD_PRELOAD), it lets chosen calls on chosen files fail.
//
// $MILENA_FAULTS names a file of 4096 bytes that faults.py writes and this maps: rules, one a line, up to a zero byte:
//     CALLS ERRNO PART
// CALLS is one of open, create, read, write, sync, grow, or "room", which is all that needs room on the disk: create, write
// and grow. PART is a part of the path. The last eight bytes
// of the file count the calls that failed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SIZE 4096

static char *control;

__attribute__((constructor)) static void map_control(void) {
  const char *path = getenv("MILENA_FAULTS");
  if (path == NULL) return;
  int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
  int fd = next(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) control = mapped;
}

static int needs_room(const char *call) {
  return strcmp(call, "create") == 0 || strcmp(call, "write") == 0 || strcmp(call, "grow") == 0;
}

// The error that this call shall fail with; 0 for none.
static int fault(const char *call, const char *path) {
  static __thread char rules[SIZE];
  if (control == NULL || control[0] == 0) return 0;
  memcpy(rules, control, SIZE - 8);
  rules[SIZE - 8] = 0;
  char *rest = rules;
  for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
    char calls[16], part[512];
    int error;
    if (sscanf(line, "%15s %d %511s", calls, &error, part) != 3) continue;
    if (strcmp(calls, call) != 0 && !(strcmp(calls, "room") == 0 && needs_room(call))) continue;
    if (strstr(path, part) == NULL) continue;
    __atomic_add_fetch((uint64_t *)(control + SIZE - 8), 1, __ATOMIC_RELAXED);
    return error;
  }
  return 0;
}

static int fault_of(const char *call, int fd) {
  if (control == NULL || control[0] == 0) return 0;
  char link[64], path[1024];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return fault(call, path);
}

#define REAL(name) \
  static __typeof__(&name) next; \
  if (next == NULL) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FAIL_IF(error, value) \
  do { \
    const int failed = (error); \
    if (failed != 0) { errno = failed; return value; } \
  } while (0)

static int open_fault(const char *path, int flags) {
  const int failed = fault("open", path);
  if (failed != 0 || !(flags & O_CREAT) || access(path, F_OK) == 0) return failed;
  return fault("create", path);
}

int open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = va_arg(args, mode_t);
  va_end(args);
  REAL(open);
  FAIL_IF(open_fault(path, flags), -1);
  return next(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = va_arg(args, mode_t);
  va_end(args);
  REAL(open64);
  FAIL_IF(open_fault(path, flags), -1);
  return next(path, flags, mode);
}

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  FAIL_IF(fault("create", path), -1);
  return next(path, mode);
}

ssize_t pread64(int fd, void *to, size_t size, off64_t at) {
  REAL(pread64);
  FAIL_IF(fault_of("read", fd), -1);
  return next(fd, to, size, at);
}

ssize_t pread(int fd, void *to, size_t size, off_t at) {
  REAL(pread);
  FAIL_IF(fault_of("read", fd), -1);
  return next(fd, to, size, at);
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
  REAL(sendfile64);
  FAIL_IF(fault_of("read", from), -1);
  return next(to, from, at, size);
}

ssize_t sendfile(int to, int from, off_t *at, size_t size) {
  REAL(sendfile);
  FAIL_IF(fault_of("read", from), -1);
  return next(to, from, at, size);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  REAL(pwritev64);
  FAIL_IF(fault_of("write", fd), -1);
  return next(fd, parts, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  REAL(pwritev);
  FAIL_IF(fault_of("write", fd), -1);
  return next(fd, parts, count, at);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
  REAL(pwrite64);
  FAIL_IF(fault_of("write", fd), -1);
  return next(fd, from, size, at);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
  REAL(pwrite);
  FAIL_IF(fault_of("write", fd), -1);
  return next(fd, from, size, at);
}

static int grows(int fd, off64_t size) {
  struct stat info;
  return fstat(fd, &info) == 0 && size > info.st_size;
}

int ftruncate64(int fd, off64_t size) {
  REAL(ftruncate64);
  if (grows(fd, size)) FAIL_IF(fault_of("grow", fd), -1);
  return next(fd, size);
}

int ftruncate(int fd, off_t size) {
  REAL(ftruncate);
  if (grows(fd, size)) FAIL_IF(fault_of("grow", fd), -1);
  return next(fd, size);
}

int fallocate64(int fd, int mode, off64_t at, off64_t size) {
  REAL(fallocate64);
  FAIL_IF(fault_of("grow", fd), -1);
  return next(fd, mode, at, size);
}

int fallocate(int fd, int mode, off_t at, off_t size) {
  REAL(fallocate);
  FAIL_IF(fault_of("grow", fd), -1);
  return next(fd, mode, at, size);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  FAIL_IF(fault_of("sync", fd), -1);
  return next(fd);
}

int fsync(int fd) {
  REAL(fsync);
  FAIL_IF(fault_of("sync", fd), -1);
  return next(fd);
}

int syncfs(int fd) {
  REAL(syncfs);
  FAIL_IF(fault_of("sync", fd), -1);
  return next(fd);
}
