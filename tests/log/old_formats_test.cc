// Segments with messages of magic 0 and 1, from a directory of a Kafka before 0.11. The messages are Kafka's own
// (tests/golden/records): each file holds offsets 0 to 3.
#include "base/log.h"
#include "log/compaction_job.h"
#include "log/log_fixture.h"
#include "protocol/records/down_conversion.h"
#include "protocol/records/legacy_messages.h"

namespace milena::log::log_test {
namespace {

const char* const kGoldenMessages[] = {"v0_none", "v0_gzip", "v0_snappy", "v0_lz4",
                                       "v1_none", "v1_gzip", "v1_snappy", "v1_lz4"};

class LogOldFormatTest : public LogTest {
 protected:
  void SetUp() override { set_log_level(LogLevel::kOff); }
  void TearDown() override { set_log_level(LogLevel::kInfo); }

  static Bytes golden(const std::string& name) {
    return slurp(std::string(MILENA_GOLDEN_DIR) + "/records/" + name + ".bin");
  }
  // A log with only its first segment's file.
  void put(ByteView segment) {
    log_.reset();
    std::filesystem::remove_all(directory());
    std::filesystem::create_directories(directory());
    spill(file(0, ".log"), segment);
  }
  // "offset key value" of all records from the offset on, large values shortened.
  std::vector<std::string> all_from(int64_t offset) {
    std::vector<std::string> found;
    while (offset < log_->log_end_offset()) {
      auto read = log_->read(offset, 1, log_->log_end_offset(), true);
      EXPECT_TRUE(read.ok()) << read.error().message;
      if (!read.ok() || read->batches.empty()) break;
      auto bytes = in_current_format(read->batches.flatten().take());
      EXPECT_TRUE(bytes.ok()) << bytes.error().message;
      if (!bytes.ok()) break;
      BatchIterator it(*bytes);
      int64_t before = offset;
      while (it.next()) {
        EXPECT_TRUE(it.batch().crc_ok());
        RecordIterator records(it.batch());
        while (records.next()) {
          const RecordView& record = records.record();
          std::string value(record.value.value_or("(null)").substr(0, 10));
          if (record.offset >= offset) {
            found.push_back(
                fmt::format("{} {} {}", record.offset, record.key.value_or("(null)"), value.c_str()));
          }
        }
        EXPECT_TRUE(records.status().ok());
        offset = it.batch().header().next_offset();
      }
      if (offset == before) break;
    }
    return found;
  }
  static std::vector<std::string> expected(size_t from = 0) {
    std::vector<std::string> all{"0 key-0 value-0", "1 (null) no key", "2 tombstone (null)", "3 large "};
    return {all.begin() + static_cast<std::ptrdiff_t>(from), all.end()};
  }
};

TEST_F(LogOldFormatTest, are_served_after_a_crash_and_after_a_clean_stop_and_appended_to) {
  for (const char* name : kGoldenMessages) {
    for (bool clean : {false, true}) {
      put(golden(name));
      open({.clean_shutdown = clean});
      ASSERT_EQ(log_->log_end_offset(), 4) << name;
      EXPECT_EQ(all_from(0), expected()) << name;
      for (int64_t offset = 0; offset < 4; offset++)
        EXPECT_EQ(all_from(offset), expected(static_cast<size_t>(offset))) << name;
      EXPECT_EQ(append({.records = 2}).base_offset, 4);
      reopen_after_crash();
      EXPECT_EQ(log_->log_end_offset(), 6);
      auto all = expected();
      all.insert(all.end(), {"4 (null) v0", "5 (null) v1"});
      EXPECT_EQ(all_from(0), all) << name;
      reopen_cleanly();
      EXPECT_EQ(all_from(0), all) << name;
    }
  }
}

TEST_F(LogOldFormatTest, times_are_found) {
  for (const char* name : {"v1_none", "v1_gzip"}) {
    put(golden(name));
    open();
    auto found = log_->find_by_timestamp(kNow + 4);
    ASSERT_TRUE(found.ok() && *found) << name;
    EXPECT_EQ(**found, (TimestampAndOffset{kNow + 5, 1, -1}));
    found = log_->find_max_timestamp();
    ASSERT_TRUE(found.ok() && *found) << name;
    EXPECT_EQ((*found)->offset, 3);
  }
  put(golden("v0_none"));
  open();
  auto none = log_->find_by_timestamp(0);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_value());
}

TEST_F(LogOldFormatTest, a_torn_message_is_cut) {
  for (const char* name : {"v0_none", "v1_none"}) {
    Bytes all = golden(name);
    // The first two: offsets 0 and 1.
    size_t first = next_log_entry(all)->size();
    size_t second = first + next_log_entry(ByteView(all).substr(first))->size();
    for (size_t size = first; size < second; size++) {
      put(ByteView(all).substr(0, size));
      open();
      ASSERT_EQ(log_->log_end_offset(), 1) << name << " " << size;
      EXPECT_EQ(std::filesystem::file_size(file(0, ".log")), first);
    }
    for (size_t at = first; at < second; at++) {
      // The offset is not covered by the checksum.
      if (at < first + 8) continue;
      Bytes changed = all.substr(0, second);
      changed[at] = static_cast<char>(changed[at] ^ 1);
      put(changed);
      open();
      ASSERT_EQ(log_->log_end_offset(), 1) << name << " " << at;
    }
  }
}

TEST_F(LogOldFormatTest, a_batch_with_another_magic_is_cut_and_not_taken_for_one) {
  Bytes good = make_batch({.leader_epoch = 0});
  for (char magic : {'\0', '\1'}) {
    Bytes bad = make_batch({.records = 3, .base_offset = 1, .leader_epoch = 0});
    bad[kBatchMagicPosition] = magic;
    put(good + bad);
    open();
    EXPECT_EQ(log_->log_end_offset(), 1);
    EXPECT_EQ(std::filesystem::file_size(file(0, ".log")), good.size());
  }
}

TEST_F(LogOldFormatTest, a_batch_of_which_only_the_beginning_was_written_is_cut) {
  Bytes good = make_batch({.leader_epoch = 0});
  Bytes next = make_batch({.records = 3, .padding = 50, .base_offset = 1, .leader_epoch = 0});
  for (size_t written = 0; written <= 64; written++) {
    Bytes torn = next.substr(0, written) + Bytes(next.size() - written, '\0') + Bytes(4096, '\0');
    put(good + torn);
    open();
    ASSERT_EQ(log_->log_end_offset(), 1) << written;
    EXPECT_EQ(std::filesystem::file_size(file(0, ".log")), good.size());
  }
}

TEST_F(LogOldFormatTest, are_copied_as_they_are) {
  for (const char* name : kGoldenMessages) {
    put({});
    open();
    auto copied = log_->append_as_follower(golden(name));
    ASSERT_TRUE(copied.ok()) << name << copied.error().message;
    EXPECT_EQ(log_->log_end_offset(), 4);
    EXPECT_TRUE(slurp(file(0, ".log")) == golden(name));
    EXPECT_EQ(all_from(0), expected());
  }
}

TEST_F(LogOldFormatTest, go_to_old_readers_in_their_format) {
  for (const char* name : kGoldenMessages) {
    const bool compressed = !std::string_view(name).ends_with("none");
    for (int8_t magic : {int8_t{0}, int8_t{1}}) {
      DownConverted converted = down_convert(golden(name), magic, 0, 1 << 20);
      ASSERT_EQ(converted.error, ErrorCode::kNone) << name << converted.detail;
      EXPECT_EQ(converted.next_offset, 4);
      int64_t offset = compressed ? 3 : 0;
      for (ByteView rest = converted.bytes; !rest.empty();) {
        ByteView entry = next_log_entry(rest).take();
        ASSERT_FALSE(entry.empty());
        auto message = LegacyMessage::parse(entry);
        ASSERT_TRUE(message.ok());
        EXPECT_TRUE(message->crc_ok());
        EXPECT_LE(message->magic, magic);
        EXPECT_EQ(message->offset, offset++);
        rest.remove_prefix(entry.size());
      }
      EXPECT_EQ(offset, 4);
      const bool as_they_are = magic_of(golden(name)) <= magic;
      EXPECT_EQ(converted.bytes == golden(name), as_they_are) << name;
      Bytes back = in_current_format(converted.bytes).take();
      EXPECT_EQ(BatchIterator(back).next(), true);
    }
  }
}

TEST_F(LogOldFormatTest, a_later_tombstone_compacts_them_away) {
  config_.cleanup_compact = true;
  config_.cleanup_delete = false;
  config_.min_cleanable_dirty_ratio = 0.0001;
  put(golden("v1_gzip"));
  open();
  RecordBatchBuilder later;
  later.append("key-0", "newer", kNow);
  append_raw(later.build());
  ASSERT_TRUE(log_->roll().ok());
  log_->set_high_watermark(log_->log_end_offset());
  auto outlook = log_->compaction_outlook();
  ASSERT_TRUE(outlook.ok()) << outlook.error().message;
  auto job = log_->prepare_compaction(*outlook, 1 << 20, 0.9);
  ASSERT_TRUE(job.ok()) << job.error().message;
  for (bool done = false; !done;) {
    auto progress = (*job)->step(1 << 20);
    ASSERT_TRUE(progress.ok()) << progress.error().message;
    done = *progress == CompactionJob::Progress::kDone;
    if (*progress == CompactionJob::Progress::kPieceReady) {
      ASSERT_TRUE(log_->install_compacted(**job).ok());
    }
  }
  log_->finish_compaction(**job);
  EXPECT_EQ(all_from(0), (std::vector<std::string>{"2 tombstone (null)", "3 large ", "4 key-0 newer"}));
}

}  // namespace
}  // namespace milena::log::log_test
