#include "base/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/payload.h"

namespace milena {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/milena-file-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { ASSERT_TRUE(posix_file_system().remove_tree(directory_).ok()); }

  std::string directory_;
};

TEST_F(FileTest, WritesPartsOneBehindTheOther) {
  auto file = posix_file_system().open(directory_ + "/f", OpenMode::kReadOrCreate);
  ASSERT_TRUE(file.ok());
  std::string first = "abc", second = "defg";
  iovec parts[] = {{first.data(), first.size()}, {second.data(), second.size()}};
  ASSERT_TRUE((*file)->write_at(2, parts).ok());
  EXPECT_EQ(*posix_file_system().read_file(directory_ + "/f"), std::string("\0\0abcdefg", 9));
}

TEST_F(FileTest, MissingFileIsNotFoundAndNamed) {
  auto file = posix_file_system().open(directory_ + "/missing", OpenMode::kRead);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(file.error().message.find("/missing"), std::string::npos);
}

TEST_F(FileTest, AtomicWriteReplacesAndLeavesNoTemporary) {
  ASSERT_TRUE(posix_file_system().write_file_atomically(directory_ + "/f", "one").ok());
  ASSERT_TRUE(posix_file_system().write_file_atomically(directory_ + "/f", "2").ok());
  EXPECT_EQ(*posix_file_system().read_file(directory_ + "/f"), "2");
  EXPECT_EQ(posix_file_system().list(directory_)->size(), 1u);
}

TEST_F(FileTest, PayloadFlattensItsChunks) {
  ASSERT_TRUE(posix_file_system().write_file_atomically(directory_ + "/f", "0123456789").ok());
  auto file = posix_file_system().open(directory_ + "/f", OpenMode::kRead);
  Payload payload(Bytes("<"));
  payload.append(FileSlice{*file, 3, 4});
  payload.append(Bytes(">"));
  EXPECT_EQ(payload.size(), 6u);
  EXPECT_EQ(*payload.flatten(), "<3456>");
  payload.append(FileSlice{*file, 9, 4});
  EXPECT_EQ(payload.flatten().error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace milena
