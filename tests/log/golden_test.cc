// A log directory of Apache Kafka 4.3.1 (tests/golden/log/make) after a clean shutdown: we read the same records, and
// rebuild files to the same bytes.
#include <cstdio>
#include <sstream>

#include "log/format/quorum_state.h"
#include "log/log_directory.h"
#include "log/snapshot_file.h"
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::slurp;

class LogGoldenTest : public ::testing::Test {
 protected:
  LogGoldenTest() {
    std::filesystem::copy(golden(), path(), std::filesystem::copy_options::recursive);
    config_->index_interval_bytes = 0;  // as the topic was created
  }

  static std::string golden() { return std::string(MILENA_GOLDEN_DIR) + "/log/data"; }
  std::string path() const { return temp_.path() + "/data"; }
  std::string partition() const { return path() + "/golden-0"; }

  std::unique_ptr<PartitionLog> open(OpenState state) {
    auto log = PartitionLog::open(files_, clock_, partition(), {"golden", 0}, config_, std::move(state));
    EXPECT_TRUE(log.ok()) << log.error().message;
    return log.ok() ? log.take() : nullptr;
  }
  std::vector<std::string> names(ByteView suffix) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(golden() + "/golden-0")) {
      std::string name = entry.path().filename();
      if (name.ends_with(suffix)) found.push_back(name);
    }
    std::sort(found.begin(), found.end());
    EXPECT_FALSE(found.empty());
    return found;
  }
  // "offset value" of every record that is not a control record.
  static std::string records(PartitionLog& log) {
    std::string text;
    for (int64_t offset = log.log_start_offset(); offset < log.log_end_offset();) {
      Bytes bytes = log.read(offset, 100, log.log_end_offset(), true)->batches.flatten().take();
      BatchIterator it(bytes);
      while (it.next()) {
        offset = it.batch().header().next_offset();
        RecordIterator records(it.batch());
        while (!it.batch().header().is_control() && records.next()) {
          text += std::to_string(records.record().offset) + " " + std::string(*records.record().value) + "\n";
        }
      }
    }
    return text;
  }

  static Bytes without_times(Bytes batches) {
    Bytes copy = batches;
    BatchIterator it(batches);
    while (it.next()) {
      EXPECT_TRUE(it.batch().crc_ok());
      std::fill_n(copy.begin() + static_cast<std::ptrdiff_t>(it.position() + kBatchCrcPosition), 4, '\0');
      std::fill_n(copy.begin() + static_cast<std::ptrdiff_t>(it.position() + 27), 16, '\0');
    }
    return copy;
  }

  TempDirectory temp_;
  FileCache files_{posix_file_system(), 64};
  ManualClock clock_;
  std::shared_ptr<LogConfig> config_ = std::make_shared<LogConfig>();
};

TEST_F(LogGoldenTest, reads_what_kafka_wrote) {
  auto directory = LogDirectory::open(posix_file_system(), path()).take();
  EXPECT_TRUE(directory->clean_shutdown());
  EXPECT_EQ(directory->meta_properties()->node_id, 1);
  EXPECT_TRUE(directory->meta_properties()->directory_id.has_value());
  auto found = directory->find({"golden", 0});
  EXPECT_EQ(found.recovery_point, 82);
  EXPECT_EQ(found.high_watermark, 82);
  ASSERT_EQ(directory->list_partitions()->size(), 1u);

  auto log = open({found.clean_shutdown, found.recovery_point, found.log_start_offset, found.high_watermark, {}});
  EXPECT_EQ(log->log_end_offset(), 82);
  EXPECT_EQ(log->high_watermark(), 82);
  EXPECT_EQ(log->last_stable_offset().value(), 82);
  EXPECT_EQ(log->segment_count(), 6u);
  EXPECT_EQ(records(*log), slurp(golden() + "/../records.txt"));
  EXPECT_TRUE(log->topic_id()->has_value());
  EXPECT_EQ(log->epoch_of(14).value(), 0);
  EXPECT_EQ(log->epoch_of(15).value(), 2);  // a restart in between makes two elections
  EXPECT_EQ(log->active_producers()->size(), 5u);
  EXPECT_EQ(log->aborted_transactions(0, 82)->size(), 3u);
  EXPECT_EQ(log->aborted_transactions(0, 40)->size(), 1u);
  EXPECT_EQ(log->find_max_timestamp().value()->offset, 81);
}

TEST_F(LogGoldenTest, batches_are_as_kafkas_tool_prints_them) {
  std::istringstream dump(slurp(golden() + "/../dump.txt"));
  auto log = open({.clean_shutdown = true, .recovery_point = 82});
  int compared = 0;
  for (std::string line; std::getline(dump, line);) {
    long long base = 0, last = 0, producer = 0;
    int count = 0, sequence = 0, last_sequence = 0, epoch = 0, leader_epoch = 0;
    if (std::sscanf(line.c_str(),
                    "baseOffset: %lld lastOffset: %lld count: %d baseSequence: %d lastSequence: %d producerId: %lld "
                    "producerEpoch: %d partitionLeaderEpoch: %d",
                    &base, &last, &count, &sequence, &last_sequence, &producer, &epoch, &leader_epoch) != 8) {
      continue;
    }
    Bytes bytes = log->read(base, 1, log->log_end_offset(), true)->batches.flatten().take();
    auto view = RecordBatchView::parse(bytes);
    ASSERT_TRUE(view.ok()) << line;
    const BatchHeader& header = view->header();
    EXPECT_EQ(header.base_offset, base);
    EXPECT_EQ(header.last_offset(), last);
    EXPECT_EQ(header.record_count, count);
    EXPECT_EQ(header.base_sequence, sequence);
    EXPECT_EQ(header.last_sequence(), last_sequence);
    EXPECT_EQ(header.producer_id, producer);
    EXPECT_EQ(header.producer_epoch, epoch);
    EXPECT_EQ(header.partition_leader_epoch, leader_epoch);
    EXPECT_NE(line.find("size: " + std::to_string(bytes.size()) + " "), std::string::npos);
    EXPECT_NE(line.find("crc: " + std::to_string(header.crc) + " "), std::string::npos);
    ++compared;
  }
  EXPECT_GT(compared, 30);
}

TEST_F(LogGoldenTest, rebuilt_indexes_epochs_and_producers_are_the_same) {
  for (ByteView suffix : {kIndexSuffix, kTimeIndexSuffix, kTxnIndexSuffix, kSnapshotSuffix, kLeaderEpochFile}) {
    for (const std::string& name : names(suffix)) std::filesystem::remove(partition() + "/" + name);
  }
  auto log = open({});
  EXPECT_EQ(log->log_end_offset(), 82);
  ASSERT_TRUE(log->close_cleanly(false).ok());
  for (ByteView suffix : {kIndexSuffix, kTimeIndexSuffix, kTxnIndexSuffix, kLeaderEpochFile}) {
    for (const std::string& name : names(suffix)) {
      EXPECT_EQ(slurp(partition() + "/" + name), slurp(golden() + "/golden-0/" + name)) << name;
    }
  }
  auto by_id = [](const auto& a, const auto& b) { return a.producer_id < b.producer_id; };
  auto ours = decode_producer_snapshot(slurp(partition() + "/" + segment_file_name(82, kSnapshotSuffix))).take();
  auto kafkas =
      decode_producer_snapshot(slurp(golden() + "/golden-0/" + segment_file_name(82, kSnapshotSuffix))).take();
  std::sort(kafkas.begin(), kafkas.end(), by_id);
  EXPECT_EQ(ours, kafkas);
}

TEST_F(LogGoldenTest, snapshot_file_and_quorum_state_come_out_the_same) {
  Bytes file = slurp(golden() + "/bootstrap.checkpoint");
  auto snapshot = decode_snapshot_file(file);
  ASSERT_TRUE(snapshot.ok()) << snapshot.error().message;
  EXPECT_GE(snapshot->records.size(), 5u);
  // Kafka reads its clock for every batch.
  EXPECT_EQ(without_times(encode_snapshot_file(*snapshot, 0, 0)), without_times(file));

  Bytes state = slurp(golden() + "/quorum-state");
  EXPECT_EQ(encode_quorum_state(decode_quorum_state(state).value()), state);
}

}  // namespace
}  // namespace milena::log
