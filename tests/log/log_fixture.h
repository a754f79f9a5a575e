// A partition's log in its own temporary directory, on a clock that only the test moves and a file system that counts
// its calls.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>

#include "base/manual_executor.h"
#include "base/temp_directory.h"
#include "log/partition_log.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_batch_builder.h"
#include "protocol/records/record_iterator.h"

namespace milena::log::log_test {

// Forwards to the real file system and counts the calls. From `fail_from` on every call fails, and the first one, if it
// writes, after half of its bytes: like a failed disk, or a process killed there.
class CountingFileSystem final : public FileSystem {
 public:
  int calls = 0;
  int fail_from = INT32_MAX;
  std::set<std::string> synced;  // synced files

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (fails()) return failure();
    auto file = real_.open(path, mode);
    if (!file) return file;
    return std::shared_ptr<File>(std::make_shared<CountingFile>(*file, *this));
  }
  bool exists(const std::string& path) override { return !fails() && real_.exists(path); }
  Status make_directories(const std::string& path) override {
    return fails() ? Status(failure()) : real_.make_directories(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    if (fails()) return failure();
    return real_.list(path);
  }
  Status rename(const std::string& from, const std::string& to) override {
    return fails() ? Status(failure()) : real_.rename(from, to);
  }
  Status remove(const std::string& path) override { return fails() ? Status(failure()) : real_.remove(path); }
  Status remove_tree(const std::string& path) override { return fails() ? Status(failure()) : real_.remove_tree(path); }
  Status sync_directory(const std::string& path) override {
    return fails() ? Status(failure()) : real_.sync_directory(path);
  }

 private:
  class CountingFile final : public File {
   public:
    CountingFile(std::shared_ptr<File> file, CountingFileSystem& owner) : file_(std::move(file)), owner_(owner) {}
    Result<size_t> read_at(uint64_t position, char* to, size_t size) const override {
      if (owner_.fails()) return failure();
      return file_->read_at(position, to, size);
    }
    Status write_at(uint64_t position, std::span<const iovec> parts) override {
      if (!owner_.fails()) return file_->write_at(position, parts);
      if (owner_.calls == owner_.fail_from + 1) {
        Bytes all;
        for (const iovec& part : parts) all.append(static_cast<const char*>(part.iov_base), part.iov_len);
        (void)static_cast<File&>(*file_).File::write_at(position, ByteView(all).substr(0, all.size() / 2));
      }
      return failure();
    }
    Status truncate(uint64_t size) override { return owner_.fails() ? Status(failure()) : file_->truncate(size); }
    Status sync() override {
      if (owner_.fails()) return failure();
      owner_.synced.insert(path());
      return file_->sync();
    }
    Result<uint64_t> size() const override {
      if (owner_.fails()) return failure();
      return file_->size();
    }
    int descriptor() const override { return file_->descriptor(); }
    const std::string& path() const override { return file_->path(); }

   private:
    std::shared_ptr<File> file_;
    CountingFileSystem& owner_;
  };

  bool fails() { return calls++ >= fail_from; }
  static Error failure() { return Error{ErrorKind::kIo, "the disk is gone"}; }

  FileSystem& real_ = posix_file_system();
};

inline Bytes slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}
inline void spill(const std::string& path, ByteView content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

// A batch of records "<prefix>0", "<prefix>1", ... each with `padding` bytes behind it.
struct BatchSpec {
  int records = 1;
  int64_t timestamp = 1'700'000'000'000;
  size_t padding = 0;
  int64_t producer_id = kNoProducerId;
  int16_t producer_epoch = kNoProducerEpoch;
  int32_t sequence = kNoSequence;
  bool transactional = false;
  int64_t base_offset = 0;
  int32_t leader_epoch = kNoLeaderEpoch;
  std::string prefix = "v";
  int64_t timestamp_step = 0;
  Codec codec = Codec::kNone;
};

inline Bytes make_batch(const BatchSpec& spec) {
  RecordBatchBuilder builder({.base_offset = spec.base_offset,
                              .partition_leader_epoch = spec.leader_epoch,
                              .compression = spec.codec,
                              .producer_id = spec.producer_id,
                              .producer_epoch = spec.producer_epoch,
                              .base_sequence = spec.sequence,
                              .transactional = spec.transactional});
  for (int i = 0; i < spec.records; ++i) {
    Bytes value = spec.prefix + std::to_string(i) + Bytes(spec.padding, 'x');
    builder.append(std::nullopt, value, spec.timestamp + i * spec.timestamp_step);
  }
  return builder.build();
}

inline Bytes make_marker(int64_t producer_id, int16_t epoch, bool committed, int32_t coordinator_epoch = 0) {
  return build_end_transaction_batch(0, 0, 1'700'000'000'000, producer_id, epoch, {committed, coordinator_epoch});
}

class LogTest : public ::testing::Test {
 protected:
  static constexpr int64_t kNow = 1'700'000'000'000;

  std::string directory() const { return temp_.path() + "/topic-0"; }
  std::string file(int64_t offset, ByteView suffix) const {
    return directory() + "/" + segment_file_name(offset, suffix);
  }

  void open(OpenState state = {}) {
    log_.reset();
    auto opened = PartitionLog::open(files_, clock_, directory(), {"topic", 0},
                                     std::make_shared<const LogConfig>(config_), state);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    log_ = opened.take();
  }
  // Like after kill -9: the state in memory is lost.
  void reopen_after_crash(int64_t recovery_point = 0) { open({.recovery_point = recovery_point}); }
  void reopen_cleanly() {
    ASSERT_TRUE(log_->close_cleanly(true).ok());
    int64_t end = log_->log_end_offset();
    open({.clean_shutdown = true, .recovery_point = end, .log_start_offset = log_->log_start_offset()});
  }

  AppendOutcome append(const BatchSpec& spec, int32_t epoch = 0, AppendOrigin origin = AppendOrigin::kClient) {
    return append_raw(make_batch(spec), epoch, origin);
  }
  AppendOutcome append_raw(const Bytes& batches, int32_t epoch = 0, AppendOrigin origin = AppendOrigin::kClient) {
    auto outcome = log_->append_as_leader(batches, epoch, origin);
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    return outcome.ok() ? *outcome : AppendOutcome{.error = ErrorCode::kUnknownServerError};
  }
  // Values of the records from the offset to the end, read as a consumer would. Skips records below the offset.
  std::vector<std::string> values_from(int64_t offset, uint64_t max_bytes = 1 << 20) {
    std::vector<std::string> values;
    for (const auto& [at, value] : records_from(offset, max_bytes)) values.push_back(value);
    return values;
  }
  std::vector<std::pair<int64_t, std::string>> records_from(int64_t offset, uint64_t max_bytes = 1 << 20) {
    std::vector<std::pair<int64_t, std::string>> found;
    while (offset < log_->log_end_offset()) {
      auto outcome = log_->read(offset, max_bytes, log_->log_end_offset(), true);
      EXPECT_TRUE(outcome.ok() && outcome->error == ErrorCode::kNone);
      if (!outcome.ok() || outcome->batches.empty()) break;
      auto bytes = outcome->batches.flatten();
      EXPECT_TRUE(bytes.ok());
      int64_t before = offset;
      BatchIterator it(*bytes);
      while (it.next()) {
        EXPECT_TRUE(it.batch().crc_ok());
        RecordIterator records(it.batch());
        while (records.next()) {
          if (records.record().offset < offset) continue;
          found.emplace_back(records.record().offset, records.record().value.value_or("<null>"));
        }
        EXPECT_TRUE(records.status().ok());
        offset = it.batch().header().next_offset();
      }
      if (offset == before) {
        ADD_FAILURE() << "no whole batch at " << offset;
        break;
      }
    }
    return found;
  }

  TempDirectory temp_;
  CountingFileSystem file_system_;
  FileCache files_{file_system_, 64};
  ManualClock clock_{kNow};
  LogConfig config_;
  std::unique_ptr<PartitionLog> log_;
};

}  // namespace milena::log::log_test
