// A full disk refuses an append as a whole, wherever in it room is wanted: the log goes on, and the next try succeeds.
#include "base/forwarding_file_system.h"
#include "log_fixture.h"

namespace milena::log::log_test {
namespace {

// Files with the suffix can grow by `room` bytes, and no more: of a write that takes more a part arrives.
class FullFileSystem final : public ForwardingFileSystem {
 public:
  std::string suffix;
  uint64_t room = 0;
  int writes = 0;  // of any file

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const bool made = mode == OpenMode::kReadOrCreate && !exists(path);
    if (made && is_full_for(path)) return make_error(ErrorKind::kExhausted, "cannot make {}: no room", path);
    auto file = ForwardingFileSystem::open(path, mode);
    if (!file) return file;
    return std::shared_ptr<File>(std::make_shared<FullFile>(*file, *this));
  }

 private:
  class FullFile final : public ForwardingFile {
   public:
    FullFile(std::shared_ptr<File> file, FullFileSystem& owner) : ForwardingFile(std::move(file)), owner_(owner) {}
    Status write_at(uint64_t position, std::span<const iovec> parts) override {
      owner_.writes++;
      Bytes all;
      for (const iovec& part : parts) all.append(static_cast<const char*>(part.iov_base), part.iov_len);
      const bool fits = owner_.suffix.empty() || !path().ends_with(owner_.suffix) || all.size() <= owner_.room;
      if (!fits) all.resize(owner_.room);
      RETURN_IF_ERROR(file().write_at(position, ByteView(all)));
      return fits ? ok_status() : Status(make_error(ErrorKind::kExhausted, "cannot write {}: no room", path()));
    }

   private:
    FullFileSystem& owner_;
  };

  bool is_full_for(const std::string& path) const { return !suffix.empty() && path.ends_with(suffix) && room == 0; }
};

class FullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }

  void open(OpenState state) {
    log_.reset();
    auto log = PartitionLog::open(files_, clock_, temp_.path() + "/topic-0", {"topic", 0},
                                  std::make_shared<const LogConfig>(), std::move(state));
    ASSERT_TRUE(log.ok()) << log.error().message;
    log_ = log.take();
  }
  void reopen_cleanly() {
    ASSERT_TRUE(log_->close_cleanly(true).ok());
    open({.clean_shutdown = true, .recovery_point = log_->log_end_offset(), .high_watermark = log_->log_end_offset()});
  }

  Result<AppendOutcome> send(int64_t producer, int32_t sequence) {
    return log_->append_as_leader(
        make_batch({.producer_id = producer, .producer_epoch = 0, .sequence = sequence, .transactional = true}), 0,
        AppendOrigin::kClient);
  }
  Result<AppendOutcome> mark(int64_t producer, bool committed) {
    return log_->append_as_leader(make_marker(producer, 0, committed), 0, AppendOrigin::kMarker);
  }
  void expect_refused(const Result<AppendOutcome>& appended, int64_t end) {
    ASSERT_FALSE(appended.ok());
    EXPECT_EQ(appended.error().kind, ErrorKind::kExhausted) << appended.error().message;
    EXPECT_EQ(log_->log_end_offset(), end);
  }
  std::vector<AbortedTransaction> aborted() {
    log_->set_high_watermark(log_->log_end_offset());
    return log_->aborted_transactions(0, log_->log_end_offset()).value();
  }

  TempDirectory temp_;
  FullFileSystem file_system_;
  FileCache files_{file_system_, 64};
  ManualClock clock_{1'700'000'000'000};
  std::unique_ptr<PartitionLog> log_;
};

TEST_F(FullDiskTest, AMarkerIsRefusedWhereItsTransactionCannotBeNotedAsAborted) {
  ASSERT_TRUE(send(1, 0).ok());
  for (const uint64_t room : {0, 10}) {
    file_system_.suffix = kTxnIndexSuffix;
    file_system_.room = room;
    expect_refused(mark(1, false), 1);
    // Nobody is told of an end that there is not.
    EXPECT_TRUE(aborted().empty());
    EXPECT_EQ(log_->last_stable_offset().value(), 0);
  }
}

TEST_F(FullDiskTest, TheMarkerThatIsWrittenLaterCounts) {
  ASSERT_TRUE(send(1, 0).ok());
  file_system_.suffix = kTxnIndexSuffix;
  file_system_.room = 10;
  expect_refused(mark(1, false), 1);
  file_system_.suffix.clear();
  ASSERT_TRUE(send(2, 0).ok());
  ASSERT_TRUE(mark(1, false).ok());
  const std::vector<AbortedTransaction> one{{1, 0, 2, 1}};
  EXPECT_EQ(aborted(), one);
  reopen_cleanly();
  EXPECT_EQ(aborted(), one);
}

// Else a transaction that is committed after all would be left out by its readers.
TEST_F(FullDiskTest, WhatIsNotedAsAbortedGoesWhereTheMarkerCannotBeWritten) {
  ASSERT_TRUE(send(1, 0).ok());
  ASSERT_TRUE(mark(1, false).ok());
  const std::vector<AbortedTransaction> one{{1, 0, 1, 2}};
  ASSERT_TRUE(send(2, 0).ok());
  for (const uint64_t room : {0, 10}) {
    file_system_.suffix = kLogSuffix;
    file_system_.room = room;
    expect_refused(mark(2, false), 3);
    EXPECT_EQ(aborted(), one);
  }
  file_system_.suffix.clear();
  ASSERT_TRUE(mark(2, true).ok());
  EXPECT_EQ(aborted(), one);
  reopen_cleanly();
  EXPECT_EQ(aborted(), one);
  EXPECT_EQ(log_->last_stable_offset().value(), 4);
}

// The segment that has nothing in it is there until the one that takes its place is.
TEST_F(FullDiskTest, AnEmptySegmentStaysWhereTheNextCannotBeMade) {
  file_system_.suffix = kLogSuffix;
  const Bytes far = make_batch({.base_offset = int64_t{1} << 40});
  auto refused = log_->append_as_follower(far);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kExhausted) << refused.error().message;
  file_system_.suffix.clear();
  auto appended = log_->append_as_follower(far);
  ASSERT_TRUE(appended.ok()) << appended.error().message;
  EXPECT_EQ(log_->segment_count(), 1u);
  EXPECT_EQ(log_->log_end_offset(), (int64_t{1} << 40) + 1);
}

// Of an append without a marker that aborts, nothing is written but its bytes.
TEST_F(FullDiskTest, AnOrdinaryAppendIsOneWrite) {
  ASSERT_TRUE(log_->assign_epoch(0, 0).ok());
  ASSERT_TRUE(send(1, 0).ok());
  const int before = file_system_.writes;
  ASSERT_TRUE(send(1, 1).ok());
  ASSERT_TRUE(mark(1, true).ok());
  EXPECT_EQ(file_system_.writes, before + 2);
  ASSERT_TRUE(send(1, 2).ok());
  ASSERT_TRUE(mark(1, false).ok());
  EXPECT_EQ(file_system_.writes, before + 5);
}

}  // namespace
}  // namespace milena::log::log_test
