// Findings in a data directory; a repair restores all undamaged records and keeps the files that it replaces.
#include <map>

#include "log/check/directory_check.h"
#include "log/format/meta_properties.h"
#include "log/format/text_checkpoint.h"
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::make_marker;
using log_test::slurp;
using log_test::spill;
using Kind = Finding::Kind;

class CheckTest : public log_test::LogTest {
 protected:
  CheckTest() { config_.index_interval_bytes = 1; }

  std::string root() const { return temp_.path(); }
  // Segments 0 (offsets 0 to 2) and 3 (3 to 5), a batch for each offset, closed cleanly.
  void fill() {
    open();
    ASSERT_TRUE(log_->set_topic_id(Uuid{1, 2}).ok());
    for (int i = 0; i < 6; ++i) {
      append({.padding = 50, .producer_id = 1, .producer_epoch = 0, .sequence = i, .prefix = std::to_string(i) + "-"});
      const Status rolled = i == 2 ? log_->roll() : ok_status();
      ASSERT_TRUE(rolled.ok());
    }
    close(6);
  }
  void close(int64_t end) {
    ASSERT_TRUE(log_->close_cleanly(true).ok());
    log_.reset();
    spill(root() + "/meta.properties", encode_meta_properties({.cluster_id = "c", .node_id = 1}));
    spill(root() + "/recovery-point-offset-checkpoint", encode_offset_checkpoint({{{"topic", 0}, end}}));
    spill(root() + "/.kafka_cleanshutdown", R"({"version":0,"brokerEpoch":1})");
  }
  void forget_clean_stop() { std::filesystem::remove(root() + "/.kafka_cleanshutdown"); }
  void flip(const std::string& path, size_t at) {
    Bytes content = slurp(path);
    ASSERT_LT(at, content.size());
    content[at] = static_cast<char>(content[at] ^ 0x55);
    spill(path, content);
  }
  size_t batch_bytes() const { return slurp(file(0, kLogSuffix)).size() / 3; }

  DirectoryFindings check() {
    auto opened = DirectoryCheck::open(posix_file_system(), root());
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    auto found = (*opened)->run([](const PartitionFindings&) {});
    EXPECT_TRUE(found.ok());
    return found.take();
  }
  std::vector<Finding> findings() {
    DirectoryFindings all = check();
    std::vector<Finding> some = all.findings;
    for (const auto& partition : all.partitions) {
      some.insert(some.end(), partition.findings.begin(), partition.findings.end());
    }
    return some;
  }
  Finding only_finding() {
    std::vector<Finding> all = findings();
    EXPECT_EQ(all.size(), 1u) << (all.empty() ? "" : all.back().what);
    return all.empty() ? Finding{} : all.front();
  }
  void repair() {
    auto opened = DirectoryCheck::open(posix_file_system(), root());
    ASSERT_TRUE(opened.ok());
    auto found = (*opened)->run([](const PartitionFindings&) {});
    ASSERT_TRUE(found.ok());
    Status done = (*opened)->repair(*found, [](const std::string&) {});
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  // Like the broker.
  void open_as_found() {
    auto directory = LogDirectory::open(posix_file_system(), root());
    ASSERT_TRUE(directory.ok());
    const LogDirectory::Found found = (*directory)->find({"topic", 0});
    open({.clean_shutdown = found.clean_shutdown, .recovery_point = found.recovery_point});
  }
  std::map<std::string, Bytes> everything() const {
    std::map<std::string, Bytes> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root())) {
      if (entry.is_regular_file()) all[entry.path()] = slurp(entry.path());
    }
    return all;
  }
};

TEST_F(CheckTest, a_directory_that_is_whole) {
  fill();
  const auto before = everything();
  const DirectoryFindings found = check();
  EXPECT_TRUE(found.clean_shutdown);
  ASSERT_EQ(found.partitions.size(), 1u);
  EXPECT_EQ(found.partitions[0].segments, 2u);
  EXPECT_EQ(found.partitions[0].end_offset, 6);
  EXPECT_TRUE(findings().empty());
  EXPECT_EQ(everything(), before);
}

// Damaged or not, each byte of a segment is told of once.
TEST_F(CheckTest, what_is_read_is_told_as_it_is_read) {
  fill();
  for (bool damaged : {false, true}) {
    if (damaged) flip(file(0, kLogSuffix), batch_bytes() + 80);
    auto opened = DirectoryCheck::open(posix_file_system(), root());
    ASSERT_TRUE(opened.ok());
    uint64_t read = 0;
    int times = 0;
    auto found = (*opened)->run([](const PartitionFindings&) {},
                                [&](uint64_t bytes) {
                                  read += bytes;
                                  times++;
                                });
    ASSERT_TRUE(found.ok());
    EXPECT_GT(read, 0u);
    EXPECT_EQ(read, (*opened)->log_bytes().value());
    EXPECT_GT(times, 2);
  }
}

TEST_F(CheckTest, a_directory_in_use_is_not_looked_at) {
  fill();
  auto held = LogDirectory::open(posix_file_system(), root());
  ASSERT_TRUE(held.ok());
  auto opened = DirectoryCheck::open(posix_file_system(), root());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind, ErrorKind::kExists);
}

// One byte, in the records, and in the length: the batches behind it are found.
TEST_F(CheckTest, a_damaged_batch_is_left_out_and_the_others_stay) {
  for (size_t byte : {size_t{80}, size_t{10}}) {
    std::filesystem::remove_all(directory());
    fill();
    flip(file(0, kLogSuffix), batch_bytes() + byte);
    const Bytes damaged = slurp(file(0, kLogSuffix));
    const Finding found = only_finding();
    EXPECT_EQ(found.kind, Kind::kProblem);
    EXPECT_NE(found.what.find("offsets 1 to 1 are lost"), std::string::npos) << found.what;
    repair();
    EXPECT_EQ(slurp(file(0, kLogSuffix) + ".before-repair"), damaged);
    open_as_found();
    std::vector<int64_t> offsets;
    for (const auto& [offset, value] : records_from(0)) offsets.push_back(offset);
    EXPECT_EQ(offsets, (std::vector<int64_t>{0, 2, 3, 4, 5}));
    close(6);
    EXPECT_TRUE(findings().empty());
  }
}

TEST_F(CheckTest, a_torn_end_is_a_problem_only_after_a_stop_in_order) {
  fill();
  std::filesystem::resize_file(file(3, kLogSuffix), slurp(file(3, kLogSuffix)).size() - 10);
  std::vector<Finding> all = findings();
  ASSERT_FALSE(all.empty());
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const Finding& one) {
    return one.kind == Kind::kProblem && one.what.find("behind offset 5 is lost") != std::string::npos;
  }));
  forget_clean_stop();
  spill(root() + "/recovery-point-offset-checkpoint", encode_offset_checkpoint({{{"topic", 0}, 3}}));
  all = findings();
  ASSERT_FALSE(all.empty());
  for (const Finding& one : all) EXPECT_EQ(one.kind, Kind::kNote) << one.where << " " << one.what;
}

TEST_F(CheckTest, what_follows_in_another_segment_is_not_lost) {
  fill();
  const size_t bytes = batch_bytes();
  std::filesystem::resize_file(file(0, kLogSuffix), bytes * 2 + 5);
  repair();
  open_as_found();
  std::vector<int64_t> offsets;
  for (const auto& [offset, value] : records_from(0)) offsets.push_back(offset);
  EXPECT_EQ(offsets, (std::vector<int64_t>{0, 1, 3, 4, 5}));
}

TEST_F(CheckTest, an_index_that_leads_elsewhere_is_taken_away) {
  for (ByteView suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    std::filesystem::remove_all(directory());
    fill();
    flip(file(0, suffix), suffix == kIndexSuffix ? 7 : 1);
    EXPECT_EQ(only_finding().where, segment_file_name(0, suffix));
    repair();
    EXPECT_TRUE(findings().empty());
    open_as_found();
    EXPECT_EQ(records_from(0).size(), 6u);
  }
}

TEST_F(CheckTest, an_abort_that_no_index_tells_is_found_by_the_next_start) {
  open();
  append({.producer_id = 1, .producer_epoch = 0, .sequence = 0, .transactional = true});
  append_raw(make_marker(1, 0, false), 0, AppendOrigin::kMarker);
  ASSERT_TRUE(log_->set_topic_id(Uuid{1, 2}).ok());
  close(2);
  EXPECT_TRUE(findings().empty());
  std::filesystem::remove(file(0, kTxnIndexSuffix));
  const Finding found = only_finding();
  EXPECT_EQ(found.kind, Kind::kProblem);
  EXPECT_TRUE(found.wants_recovery);
  repair();
  open_as_found();
  log_->set_high_watermark(2);
  EXPECT_EQ(log_->aborted_transactions(0, 2)->size(), 1u);
}

TEST_F(CheckTest, files_beside_the_log) {
  fill();
  flip(file(6, kSnapshotSuffix), 10);
  EXPECT_EQ(only_finding().where, segment_file_name(6, kSnapshotSuffix));
  repair();
  spill(directory() + "/leader-epoch-checkpoint", "0\nnonsense");
  spill(directory() + "/partition.metadata", "version: 0\ntopic_id: no");
  spill(root() + "/replication-offset-checkpoint", "7\n");
  EXPECT_EQ(findings().size(), 3u);
  repair();
  for (const Finding& one : findings()) EXPECT_EQ(one.kind, Kind::kNote) << one.where << " " << one.what;
  open_as_found();
  EXPECT_EQ(records_from(0).size(), 6u);
}

// Kafka creates the file with the log, and writes to it with the first record.
TEST_F(CheckTest, an_empty_epochs_file_is_as_kafka_makes_it) {
  open();
  ASSERT_TRUE(log_->set_topic_id(Uuid{1, 2}).ok());
  close(0);
  spill(directory() + "/leader-epoch-checkpoint", "");
  EXPECT_EQ(findings().size(), 0u);
  testing::internal::CaptureStdout();
  open_as_found();
  append({.padding = 50});
  EXPECT_EQ(testing::internal::GetCapturedStdout().find("epochs from the records"), std::string::npos);
  EXPECT_FALSE(slurp(directory() + "/leader-epoch-checkpoint").empty());
  close(1);
  spill(directory() + "/leader-epoch-checkpoint", "");
  EXPECT_EQ(only_finding().kind, Kind::kNote);
}

// A metadata log that lost a decision is another cluster's.
TEST_F(CheckTest, the_metadata_log_is_not_cut) {
  fill();
  flip(file(0, kLogSuffix), batch_bytes() + 80);
  std::filesystem::rename(directory(), root() + "/__cluster_metadata-0");
  const Finding found = only_finding();
  EXPECT_EQ(found.kind, Kind::kProblem);
  EXPECT_FALSE(found.mend || found.wants_recovery);
}

TEST_F(CheckTest, records_that_a_stop_in_order_had_and_that_are_not_there) {
  fill();
  std::filesystem::remove(file(3, kLogSuffix));
  const std::vector<Finding> all = findings();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const Finding& one) {
    return one.kind == Kind::kProblem && one.what.find("they are lost") != std::string::npos;
  }));
}

}  // namespace
}  // namespace milena::log
