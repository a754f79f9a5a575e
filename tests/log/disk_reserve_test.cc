#include "log/disk_reserve.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "base/forwarding_file_system.h"

namespace milena {
namespace {

// A full disk. While a call is under way, something else happens.
class FullDisk : public ForwardingFileSystem {
 public:
  std::function<void()> meanwhile;
  bool has_room = true;

  DiskSpace space(const std::string&) override {
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    return {.total_bytes = 1 << 30, .usable_bytes = 0};
  }
  Status allocate(const std::string& path, uint64_t bytes) override {
    if (!has_room) return make_error(ErrorKind::kExhausted, "{}: no {} bytes", path, bytes);
    return posix_file_system().write_file_atomically(path, Bytes(16, '\0'), false);
  }
};

class DiskReserveTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/milena-reserve-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    directory_ = path;
    reserve_.emplace(disk_, directory_);
  }
  void TearDown() override { EXPECT_TRUE(posix_file_system().remove_tree(directory_).ok()); }
  bool file_is_there() { return posix_file_system().exists(directory_ + "/" + DiskReserve::kFileName); }

  FullDisk disk_;
  std::string directory_;
  std::optional<DiskReserve> reserve_;
};

TEST_F(DiskReserveTest, IsSpentOnceAndTakenAgain) {
  EXPECT_FALSE(reserve_->spend());  // there is none yet
  ASSERT_TRUE(reserve_->take(1 << 20));
  EXPECT_TRUE(file_is_there());
  EXPECT_TRUE(reserve_->spend());
  EXPECT_FALSE(file_is_there());
  EXPECT_TRUE(reserve_->spent());
  EXPECT_FALSE(reserve_->spend());
  disk_.has_room = false;
  EXPECT_FALSE(reserve_->take(1 << 20));
  EXPECT_TRUE(reserve_->spent());
  disk_.has_room = true;
  EXPECT_TRUE(reserve_->take(1 << 20));
  EXPECT_FALSE(reserve_->spent());
}

// A shard's thread asks while a worker waits for the disk: it goes on at once.
TEST_F(DiskReserveTest, NobodyWaitsWhileAnotherCallWaitsForTheDisk) {
  bool asked = false;
  disk_.meanwhile = [&] {
    asked = true;
    EXPECT_FALSE(reserve_->spend());
    EXPECT_FALSE(reserve_->take(1 << 20));
  };
  EXPECT_TRUE(reserve_->take(1 << 20));
  EXPECT_TRUE(asked);
  EXPECT_TRUE(file_is_there());
  EXPECT_TRUE(reserve_->spend());
}

TEST_F(DiskReserveTest, WhatIsTakenWhileTheNodeStopsIsGivenBack) {
  disk_.meanwhile = [&] { reserve_->give_back(); };
  reserve_->take(1 << 20);
  EXPECT_FALSE(file_is_there());
  EXPECT_FALSE(reserve_->spend());
  ASSERT_TRUE(reserve_->take(1 << 20));  // and it can be taken by the next start
  EXPECT_TRUE(file_is_there());
  reserve_->give_back();
  EXPECT_FALSE(file_is_there());
}

}  // namespace
}  // namespace milena
