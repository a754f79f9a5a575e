// The command `milena check`: its output and exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "base/log.h"
#include "log/format/meta_properties.h"
#include "tools/commands.h"

namespace milena::tools {
namespace {

using testing::HasSubstr;

class CheckCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "milena-check-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(directory_ + "/t-0");
    write("meta.properties", log::encode_meta_properties({.cluster_id = "c", .node_id = 1}));
    write("t-0/00000000000000000000.log", "");
    write("t-0/partition.metadata", "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n");
  }
  void TearDown() override {
    std::filesystem::remove_all(directory_);
    set_log_level(LogLevel::kInfo);
  }
  void write(const std::string& name, const std::string& content) {
    std::ofstream(directory_ + "/" + name, std::ios::binary) << content;
  }
  // Its exit code; its output is in printed_.
  int check(std::vector<const char*> words) {
    testing::internal::CaptureStdout();
    const int code = run_check(words);
    printed_ = testing::internal::GetCapturedStdout();
    return code;
  }

  std::string directory_;
  std::string printed_;
};

TEST_F(CheckCommandTest, says_what_is_wrong_and_then_repairs_it) {
  EXPECT_EQ(check({directory_.c_str()}), 0) << printed_;
  EXPECT_THAT(printed_, HasSubstr("1 partitions, 0 problems"));
  write("t-0/partition.metadata", "nonsense");
  EXPECT_EQ(check({directory_.c_str()}), 1);
  EXPECT_THAT(printed_, HasSubstr("problem: partition.metadata"));
  EXPECT_THAT(printed_, HasSubstr("--repair: " + directory_ + "/t-0/partition.metadata is removed"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/t-0/partition.metadata.before-repair"));
  EXPECT_EQ(check({"--repair", directory_.c_str()}), 0);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/t-0/partition.metadata.before-repair"));
  EXPECT_EQ(check({directory_.c_str()}), 0) << printed_;
}

TEST_F(CheckCommandTest, a_partition_that_is_in_two_directories) {
  const std::string copy = directory_ + "-copy";
  std::filesystem::copy(directory_, copy, std::filesystem::copy_options::recursive);
  EXPECT_EQ(check({directory_.c_str(), copy.c_str()}), 1);
  EXPECT_THAT(printed_, HasSubstr("problem: t-0 is in " + directory_ + " and in " + copy));
  std::filesystem::remove_all(copy);
}

TEST_F(CheckCommandTest, what_cannot_be_looked_at) {
  EXPECT_EQ(check({}), 2);
  EXPECT_EQ(check({"/nowhere"}), 2);
  EXPECT_EQ(check({"--mend", directory_.c_str()}), 2);
}

}  // namespace
}  // namespace milena::tools
