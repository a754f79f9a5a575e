// Damaged files of a log: all other records can be read, and nothing is silently left out.
#include <gmock/gmock.h>

#include "base/log.h"
#include "log/log_fixture.h"

namespace milena::log::log_test {
namespace {

class LogDamageTest : public LogTest {
 protected:
  static constexpr int64_t kBatches = 300;

  void SetUp() override {
    set_log_level(LogLevel::kOff);
    config_.index_interval_bytes = 400;
    config_.segment_bytes = 40'000;
    open();
    for (int i = 0; i < kBatches; i++)
      append({.timestamp = kNow + i * 1000, .padding = 100, .prefix = "r" + std::to_string(i) + "."});
    ASSERT_TRUE(log_->close_cleanly(true).ok());
    ASSERT_GT(std::filesystem::file_size(file(0, ".index")), 20u * 8);
  }
  void TearDown() override { set_log_level(LogLevel::kInfo); }
  void reopen() {
    open({.clean_shutdown = true, .recovery_point = kBatches, .high_watermark = kBatches});
  }
  // The position of the batch at the offset, in the first segment.
  size_t position_of(int64_t offset) {
    Bytes bytes = slurp(file(0, ".log"));
    BatchIterator it(bytes);
    while (it.next()) {
      if (it.batch().header().base_offset == offset) return it.position();
    }
    ADD_FAILURE() << offset;
    return 0;
  }
  void overwrite(const std::string& path, size_t at, ByteView with) {
    Bytes bytes = slurp(path);
    bytes.replace(at, with.size(), with);
    spill(path, bytes);
  }
  ErrorKind failure_at(int64_t offset) {
    auto read = log_->read(offset, 1, kBatches, true);
    return read.ok() ? ErrorKind::kExists : read.error().kind;
  }
  int64_t first_offset_read_at(int64_t offset) {
    auto read = log_->read(offset, 1, kBatches, true);
    return read.ok() ? read->base_offset : -1;
  }
};

// A log of one segment, after a clean stop.
class ActiveSegment : public LogTest {
 public:
  void TestBody() override {}
  void write_and_close(int64_t records, int64_t each) {
    open();
    for (int64_t i = 0; i < records; i += each) append({.records = static_cast<int>(each)});
    close_cleanly();
  }
  void close_cleanly() {
    ASSERT_TRUE(log_->close_cleanly(true).ok());
    log_.reset();
  }
  void drop() { log_.reset(); }
  void reopen_cleanly(int64_t end) { open({.clean_shutdown = true, .recovery_point = end, .high_watermark = end}); }
  bool can_read(int64_t offset) {
    auto read = log_->read(offset, 1, INT64_MAX, true);
    if (!read.ok() || read->error != ErrorCode::kNone) return false;
    const Bytes bytes = read->batches.flatten().value();
    BatchIterator it(bytes);
    return it.next() && it.batch().crc_ok() && it.batch().header().base_offset <= offset &&
           it.batch().header().last_offset() >= offset;
  }
  void cut(int64_t offset) { ASSERT_TRUE(log_->truncate_to(offset).ok()); }
  int64_t append_one() { return append({}).base_offset; }
  using LogTest::file;
};

TEST_F(LogDamageTest, a_damaged_batch_fails_its_own_read) {
  for (ByteView damage :
       {ByteView("\0\0\0\0", 4), ByteView("\xff\xff\xff\xff", 4), ByteView("\x7f\0\0\0", 4)}) {
    Bytes before = slurp(file(0, ".log"));
    overwrite(file(0, ".log"), position_of(50) + 8, damage);
    reopen();
    EXPECT_EQ(first_offset_read_at(49), 49);
    EXPECT_EQ(failure_at(50), ErrorKind::kCorrupt);
    // An index entry leads to the batches behind it.
    for (int64_t offset = 51; offset < kBatches; offset++) EXPECT_EQ(first_offset_read_at(offset), offset);
    EXPECT_EQ(append({}).base_offset, kBatches);
    EXPECT_TRUE(log_->last_stable_offset().ok());
    auto found = log_->find_by_timestamp(kNow + 200'000);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ((*found)->offset, 200);
    log_.reset();
    spill(file(0, ".log"), before);
    reopen();
    ASSERT_TRUE(log_->truncate_to(kBatches).ok());
    ASSERT_TRUE(log_->close_cleanly(true).ok());
  }
}

// A follower is cut where its leader says, also within what is damaged: it would keep records that the leader does not
// have, and be in sync with it one day.
TEST_F(LogDamageTest, a_damaged_log_is_cut) {
  log_.reset();
  const std::string whole = temp_.path() + "/whole";
  std::filesystem::copy(directory(), whole);
  for (const auto& [damaged, cut] : {std::pair<int64_t, int64_t>{50, 50}, {0, 0}, {50, 60}, {50, 40}}) {
    SCOPED_TRACE(std::to_string(damaged) + " " + std::to_string(cut));
    overwrite(file(0, ".log"), position_of(damaged) + 8, ByteView("\0\0\0\0", 4));
    reopen();
    ASSERT_TRUE(log_->truncate_to(cut).ok());
    EXPECT_EQ(log_->log_end_offset(), cut);
    EXPECT_EQ(log_->high_watermark(), cut);
    EXPECT_EQ(append({}).base_offset, cut);
    EXPECT_EQ(first_offset_read_at(cut), cut);
    EXPECT_EQ(failure_at(damaged), cut > damaged ? ErrorKind::kCorrupt : ErrorKind::kExists);
    log_.reset();
    std::filesystem::remove_all(directory());
    std::filesystem::copy(whole, directory());
  }
}

// After a clean stop, one changed byte in the active segment costs no other batch: not at the next start, not after
// further writes and another stop.
TEST(ActiveSegmentDamage, a_changed_byte_after_a_clean_stop_costs_its_own_batch) {
  set_log_level(LogLevel::kOff);
  constexpr int64_t kRecords = 10, kEach = 2;
  for (const int64_t damaged : {int64_t{0}, kRecords - kEach}) {
    for (size_t byte = 0; byte < kBatchHeaderSize + 4; byte += byte < 30 ? 1 : 7) {
      SCOPED_TRACE(std::to_string(damaged) + " " + std::to_string(byte));
      ActiveSegment log;
      log.write_and_close(kRecords, kEach);
      Bytes bytes = slurp(log.file(0, ".log"));
      const size_t at = bytes.size() / (kRecords / kEach) * static_cast<size_t>(damaged / kEach) + byte;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
      spill(log.file(0, ".log"), bytes);
      for (int64_t end = kRecords; end < kRecords + 3; end++) {
        log.reopen_cleanly(end);
        // Here a batch has other offsets, or is longer, and is taken for those behind it, as in Kafka.
        const bool renumbered = byte < 8 || (byte >= 23 && byte < 27);
        for (int64_t offset = 0; offset < end && !renumbered; offset++) {
          const bool own = offset / kEach == damaged / kEach && offset < kRecords;
          EXPECT_TRUE(own || log.can_read(offset)) << offset << " of " << end;
        }
        if (byte >= 8) {
          EXPECT_EQ(log.append_one(), end);
        }
        ASSERT_GE(slurp(log.file(0, ".log")).size(), bytes.size());
        log.close_cleanly();
        if (renumbered) break;
      }
    }
  }
  set_log_level(LogLevel::kInfo);
}

// Nothing leads to the batch of the cut: what is behind the damage goes, too.
TEST(ActiveSegmentDamage, a_cut_behind_damage_is_before_it) {
  set_log_level(LogLevel::kOff);
  ActiveSegment log;
  log.write_and_close(10, 2);
  Bytes bytes = slurp(log.file(0, ".log"));
  const size_t batch = bytes.size() / 5;
  bytes.replace(2 * batch, 2 * batch, 2 * batch, '\0');
  spill(log.file(0, ".log"), bytes);
  log.reopen_cleanly(10);
  ASSERT_TRUE(log.can_read(8));
  log.cut(6);
  EXPECT_TRUE(log.can_read(2));
  EXPECT_EQ(log.append_one(), 4);
  EXPECT_TRUE(log.can_read(4));
  set_log_level(LogLevel::kInfo);
}

// An unfinished write is truncated all the same.
TEST(ActiveSegmentDamage, a_torn_end_behind_damage_is_cut) {
  set_log_level(LogLevel::kOff);
  ActiveSegment log;
  log.write_and_close(10, 2);
  Bytes bytes = slurp(log.file(0, ".log"));
  const size_t each = bytes.size() / 5;
  bytes[16] = 7;
  for (const Bytes& torn : {bytes.substr(0, bytes.size() - 5), bytes.substr(0, bytes.size() - each) + Bytes(each, '\0'),
                            bytes.substr(0, bytes.size() - each + 20)}) {
    spill(log.file(0, ".log"), torn);
    log.reopen_cleanly(10);
    for (int64_t offset = 2; offset < 8; offset++) EXPECT_TRUE(log.can_read(offset)) << offset;
    EXPECT_EQ(log.append_one(), 8);
    log.drop();
  }
  set_log_level(LogLevel::kInfo);
}

// Bytes in a record that look like a batch are not taken for one if the batch around them is whole.
TEST_F(LogDamageTest, a_search_behind_damage_finds_the_next_batch) {
  const Bytes inner = make_batch({.base_offset = 200, .prefix = "not me"});
  Bytes log = make_batch({.base_offset = 0}), second = make_batch({.base_offset = 1, .prefix = std::string(inner)});
  const size_t at = log.size();
  log[8] = 0x7f;
  log += second + make_batch({.base_offset = 2});
  spill(file(0, ".log"), log);
  auto opened = posix_file_system().open(file(0, ".log"), OpenMode::kRead);
  ASSERT_TRUE(opened.ok());
  BatchScanner batches(*opened, 0, static_cast<uint32_t>(log.size()), 64);
  EXPECT_FALSE(batches.next().ok());
  auto found = batches.skip_damage(1);
  ASSERT_TRUE(found.ok() && *found);
  EXPECT_EQ(batches.position(), at);
  EXPECT_TRUE(batches.next().value());
  EXPECT_EQ(batches.header().base_offset, 2);
  EXPECT_FALSE(batches.next().value());
}

TEST_F(LogDamageTest, a_lookup_by_time_that_needs_a_damaged_batch_fails) {
  overwrite(file(0, ".log"), position_of(50) + 8, ByteView("\0\0\0\0", 4));
  reopen();
  auto found = log_->find_by_timestamp(kNow + 50'000);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind, ErrorKind::kCorrupt);
}

TEST_F(LogDamageTest, damage_behind_the_last_index_entry_of_a_segment) {
  Bytes log = slurp(file(0, ".log"));
  BatchIterator it(log);
  int64_t last = -1;
  size_t at = 0;
  while (it.next()) {
    last = it.batch().header().base_offset;
    at = it.position();
  }
  overwrite(file(0, ".log"), at + 16, "\x07");
  reopen();
  for (int round = 0; round < 2; round++) {
    EXPECT_EQ(first_offset_read_at(last - 1), last - 1);
    EXPECT_EQ(failure_at(last), ErrorKind::kCorrupt);
    EXPECT_EQ(first_offset_read_at(last + 1), last + 1);
  }
}

TEST_F(LogDamageTest, garbage_in_an_offset_index_hides_nothing) {
  const size_t entries = std::filesystem::file_size(file(0, ".index")) / 8;
  for (size_t first = 0; first + 4 < entries; first += 3) {
    Bytes before = slurp(file(0, ".index"));
    Bytes garbage;
    for (size_t i = 0; i < 4 * 8; i++) garbage += static_cast<char>(i * 37 + first);
    overwrite(file(0, ".index"), first * 8, garbage);
    reopen();
    for (int64_t offset = 0; offset < kBatches; offset += 1)
      ASSERT_EQ(first_offset_read_at(offset), offset) << first;
    log_.reset();
    spill(file(0, ".index"), before);
  }
}

TEST_F(LogDamageTest, an_offset_index_that_leads_too_far_is_rebuilt) {
  Bytes before = slurp(file(0, ".index"));
  // Each middle entry has the position of the batch ten entries further.
  Bytes shifted = before;
  for (size_t i = 5; i < 20; i++) shifted.replace(i * 8 + 4, 4, before, (i + 10) * 8 + 4, 4);
  spill(file(0, ".index"), shifted);
  reopen();
  EXPECT_EQ(values_from(0).size(), static_cast<size_t>(kBatches));
  for (int64_t offset = 0; offset < kBatches; offset++) ASSERT_EQ(first_offset_read_at(offset), offset);
  EXPECT_EQ(slurp(file(0, ".index")), before);
}

TEST_F(LogDamageTest, garbage_in_a_time_index_moves_no_answer) {
  Bytes before = slurp(file(0, ".timeindex"));
  // Middle entries have offsets far behind theirs.
  Bytes shifted = before;
  for (size_t i = 5; i < 20; i++) shifted.replace(i * 12 + 8, 4, before, (i + 10) * 12 + 8, 4);
  for (const Bytes& damaged :
       {shifted, before.substr(0, before.size() - 12) + Bytes("\0\0\x09\0\0\0\0\0\0\0\0\x01", 12)}) {
    spill(file(0, ".timeindex"), damaged);
    reopen();
    for (int64_t offset = 0; offset < kBatches; offset += 7) {
      auto found = log_->find_by_timestamp(kNow + offset * 1000);
      ASSERT_TRUE(found.ok() && *found);
      EXPECT_EQ((*found)->offset, offset);
    }
    auto greatest = log_->find_max_timestamp();
    ASSERT_TRUE(greatest.ok() && *greatest);
    EXPECT_EQ((*greatest)->offset, kBatches - 1);
    log_.reset();
    spill(file(0, ".timeindex"), before);
  }
}

TEST_F(LogDamageTest, producers_are_forgotten_before_a_partition_is) {
  for (int64_t offset = 0; offset <= kBatches; offset++) {
    std::filesystem::remove(file(offset, ".snapshot"));
  }
  overwrite(file(0, ".log"), position_of(50) + 8, ByteView("\0\0\0\0", 4));
  reopen();
  EXPECT_TRUE(log_->last_stable_offset().ok());
  EXPECT_EQ(append({.producer_id = 7, .producer_epoch = 0, .sequence = 0}).error, ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::log::log_test
