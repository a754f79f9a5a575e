// A process without free descriptors: the disk is fine, and a later retry works.
#include "base/forwarding_file_system.h"
#include "log_fixture.h"

namespace milena::log::log_test {
namespace {

// Fails to open further files, on request or beyond a number of open files.
class ScarceFileSystem final : public ForwardingFileSystem {
 public:
  bool scarce = false;
  size_t most_open = SIZE_MAX;

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    std::erase_if(open_, [](const std::weak_ptr<File>& file) { return file.expired(); });
    if (scarce || open_.size() >= most_open) return make_error(ErrorKind::kExhausted, "cannot open {}: no more", path);
    auto file = ForwardingFileSystem::open(path, mode);
    if (file.ok()) open_.push_back(*file);
    return file;
  }

 private:
  std::vector<std::weak_ptr<File>> open_;
};

class DescriptorsTest : public ::testing::Test {
 protected:
  // Few files stay open, so that each step has to open one.
  std::unique_ptr<PartitionLog> open_log(FileCache& cache, OpenState state = {}) {
    LogConfig config;
    config.segment_bytes = 300;
    auto log = PartitionLog::open(cache, clock_, temp_.path() + "/topic-0", {"topic", 0},
                                  std::make_shared<const LogConfig>(config), state);
    EXPECT_TRUE(log.ok());
    return log.ok() ? log.take() : nullptr;
  }

  TempDirectory temp_;
  ScarceFileSystem file_system_;
  ManualClock clock_{1'700'000'000'000};
};

TEST_F(DescriptorsTest, FilesThatLieOpenGiveWayToOneThatIsNeeded) {
  file_system_.most_open = 3;
  FileCache cache(file_system_, 64);
  std::vector<std::unique_ptr<FileCache::Slot>> slots;
  for (int i = 0; i < 10; i++) {
    slots.push_back(std::make_unique<FileCache::Slot>());
    auto file = cache.open(*slots.back(), temp_.path() + "/" + std::to_string(i), OpenMode::kReadOrCreate);
    EXPECT_TRUE(file.ok());
  }
  EXPECT_EQ(cache.open_files(), 3u);
  file_system_.scarce = true;
  FileCache::Slot one_more;
  auto refused = cache.open(one_more, temp_.path() + "/more", OpenMode::kReadOrCreate);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kExhausted);
}

// Wherever an append needs a file, also when it rolls: it is refused as a whole, and the next try succeeds.
TEST_F(DescriptorsTest, ARefusedAppendLeavesTheLogAsItWas) {
  FileCache cache(file_system_, 1);
  std::unique_ptr<PartitionLog> log = open_log(cache);
  ASSERT_TRUE(log->assign_epoch(0, 0).ok());  // like a new leader
  int refused = 0;
  for (int i = 0; i < 20; i++) {
    const Bytes batch = make_batch({.records = 1, .padding = 60, .producer_id = 7, .producer_epoch = 0, .sequence = i});
    file_system_.scarce = true;
    auto failed = log->append_as_leader(batch, 0, AppendOrigin::kClient);
    file_system_.scarce = false;
    if (failed.ok()) {  // every file it needed was open
      EXPECT_EQ(failed->base_offset, i);
      continue;
    }
    refused++;
    EXPECT_EQ(failed.error().kind, ErrorKind::kExhausted) << failed.error().message;
    EXPECT_EQ(log->log_end_offset(), i);
    auto appended = log->append_as_leader(batch, 0, AppendOrigin::kClient);
    ASSERT_TRUE(appended.ok()) << appended.error().message;
    EXPECT_EQ(appended->base_offset, i);
  }
  EXPECT_GT(refused, 3);
  log.reset();
  log = open_log(cache);
  EXPECT_EQ(log->log_end_offset(), 20);
}

}  // namespace
}  // namespace milena::log::log_test
