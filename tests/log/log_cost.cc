// Usage: log_cost DIRECTORY
//
// Measures the CPU cost of an append of 16 KB and of a read at the end of a log, beside the bare system call; and the
// cost of opening and holding many partitions. Not a test: the numbers help when changing the log.
#include <fcntl.h>
#include <malloc.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

#include "log/partition_log.h"
#include "protocol/records/record_batch_builder.h"

namespace milena::log {
namespace {

double cpu_us() {
  timespec now;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

template <class F>
double per_call_us(int count, F&& call) {
  double start = cpu_us();
  for (int i = 0; i < count; ++i) call(i);
  return (cpu_us() - start) / count;
}

Bytes make_batch(size_t size, bool idempotent, int32_t sequence) {
  RecordBatchBuilder builder({.producer_id = idempotent ? 1 : kNoProducerId,
                              .producer_epoch = idempotent ? int16_t{0} : kNoProducerEpoch,
                              .base_sequence = idempotent ? sequence : kNoSequence});
  builder.append(std::nullopt, Bytes(size, 'x'), 1'700'000'000'000);
  return builder.build();
}

void run(const std::string& directory, size_t size, int count) {
  Bytes batch = make_batch(size, false, 0);
  std::string path = directory + "/bare";
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
  double bare = per_call_us(count, [&](int i) {
    iovec parts[2] = {{batch.data(), 16}, {batch.data() + 16, batch.size() - 16}};
    CHECK(::pwritev(fd, parts, 2, static_cast<off_t>(i) * static_cast<off_t>(batch.size())) > 0);
  });
  ::close(fd);
  ::unlink(path.c_str());

  FileCache files(posix_file_system(), 100);
  auto log = PartitionLog::open(files, system_clock(), directory + "/cost-0", {"cost", 0},
                                std::make_shared<const LogConfig>(), {})
                 .take();
  double append = per_call_us(count, [&](int) {
    CHECK(log->append_as_leader(batch, 0, AppendOrigin::kClient).ok());
  });
  double tail = per_call_us(count, [&](int) {
    auto outcome = log->read(log->log_end_offset() - 3, 1 << 20, log->log_end_offset(), true);
    CHECK(outcome.ok() && outcome->batches.size() == 3 * batch.size());
  });
  double idle = per_call_us(count, [&](int) {
    CHECK(log->read(log->log_end_offset(), 1 << 20, log->log_end_offset(), true).ok());
  });
  double cold = per_call_us(count, [&](int i) {
    auto outcome = log->read(i, 1 << 20, log->log_end_offset(), true);
    CHECK(outcome.ok() && !outcome->batches.empty());
  });
  int32_t sequence = 0;
  Bytes sequenced = make_batch(size, true, 0);
  double idempotent = per_call_us(count, [&](int) {
    store_big_endian(sequenced.data() + 53, sequence++);
    CHECK(log->append_as_leader(sequenced, 0, AppendOrigin::kClient)->error == ErrorCode::kNone);
  });
  std::printf("%6zu bytes: bare pwritev %.2f us, append %.2f, idempotent %.2f; read at the end %.2f, nothing new %.3f, "
              "anywhere %.2f\n", size, bare, append, idempotent, tail, idle, cold);
  log.reset();
  CHECK(posix_file_system().remove_tree(directory + "/cost-0").ok());
}

void run_many(const std::string& directory, int count) {
  FileCache files(posix_file_system(), 500);
  auto config = std::make_shared<const LogConfig>();
  Bytes batch = make_batch(100, false, 0);
  std::vector<std::unique_ptr<PartitionLog>> logs;
  auto open_all = [&](bool clean) {
    return per_call_us(count, [&](int i) {
      auto log = PartitionLog::open(files, system_clock(), directory + "/many-" + std::to_string(i), {"many", i},
                                    config, {.clean_shutdown = clean, .recovery_point = clean ? 1 : 0, .progress = {}});
      logs.push_back(log.take());
    });
  };
  auto report = [&](const char* what, double us) {
    std::printf("%d partitions, %s: %.1f us and %.0f bytes each, %zu files open\n", count, what, us,
                static_cast<double>(mallinfo2().uordblks) / count, files.open_files());
  };
  logs.reserve(static_cast<size_t>(count));
  report("created", open_all(false));
  report("one batch each", per_call_us(count, [&](int i) {
    CHECK(logs[static_cast<size_t>(i)]->append_as_leader(batch, 0, AppendOrigin::kClient).ok());
  }));
  report("closed", per_call_us(count, [&](int i) { CHECK(logs[static_cast<size_t>(i)]->close_cleanly(false).ok()); }));
  logs.clear();
  report("opened after a clean shutdown", open_all(true));
  logs.clear();
  report("opened after a crash", open_all(false));
  logs.clear();
  for (int i = 0; i < count; ++i) CHECK(posix_file_system().remove_tree(directory + "/many-" + std::to_string(i)).ok());
}

}  // namespace
}  // namespace milena::log

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: log_cost DIRECTORY\n");
    return 2;
  }
  for (size_t size : {100, 1000, 16'000, 100'000}) milena::log::run(argv[1], size, size > 50'000 ? 2000 : 10'000);
  milena::log::run_many(argv[1], 5000);
  return 0;
}
