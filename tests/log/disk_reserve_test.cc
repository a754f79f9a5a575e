#include "log/disk_reserve.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "base/forwarding_file_system.h"
#include "base/temp_directory.h"

namespace milena::log {
namespace {

// A full disk, with a hook during its calls.
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
  bool file_is_there() { return posix_file_system().exists(temp_.path() + "/" + DiskReserve::kFileName); }

  TempDirectory temp_;
  FullDisk disk_;
  DiskReserve reserve_{disk_, temp_.path()};
};

TEST_F(DiskReserveTest, IsSpentOnceAndTakenAgain) {
  EXPECT_FALSE(reserve_.spend());  // there is none yet
  ASSERT_TRUE(reserve_.take(1 << 20));
  EXPECT_TRUE(file_is_there());
  EXPECT_TRUE(reserve_.spend());
  EXPECT_FALSE(file_is_there());
  EXPECT_TRUE(reserve_.spent());
  EXPECT_FALSE(reserve_.spend());
  disk_.has_room = false;
  EXPECT_FALSE(reserve_.take(1 << 20));
  EXPECT_TRUE(reserve_.spent());
  disk_.has_room = true;
  EXPECT_TRUE(reserve_.take(1 << 20));
  EXPECT_FALSE(reserve_.spent());
}

// A shard's thread calls while a worker waits for the disk: it returns at once.
TEST_F(DiskReserveTest, NobodyWaitsWhileAnotherCallWaitsForTheDisk) {
  bool asked = false;
  disk_.meanwhile = [&] {
    asked = true;
    EXPECT_FALSE(reserve_.spend());
    EXPECT_FALSE(reserve_.take(1 << 20));
  };
  EXPECT_TRUE(reserve_.take(1 << 20));
  EXPECT_TRUE(asked);
  EXPECT_TRUE(file_is_there());
  EXPECT_TRUE(reserve_.spend());
}

TEST_F(DiskReserveTest, WhatIsTakenWhileTheNodeStopsIsGivenBack) {
  disk_.meanwhile = [&] { reserve_.give_back(); };
  reserve_.take(1 << 20);
  EXPECT_FALSE(file_is_there());
  EXPECT_FALSE(reserve_.spend());
  ASSERT_TRUE(reserve_.take(1 << 20));  // and the next start can take it
  EXPECT_TRUE(file_is_there());
  reserve_.give_back();
  EXPECT_FALSE(file_is_there());
}

}  // namespace
}  // namespace milena::log
