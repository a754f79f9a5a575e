// Compaction: the remaining records of a log, which survive a crash at any moment.
#include <limits>
#include <map>
#include <random>

#include "log/compaction_job.h"
#include "log_fixture.h"

namespace milena::log {
namespace {

using log_test::make_marker;

struct KeyedRecord {
  std::string key;
  std::optional<std::string> value;
};

class CompactionTest : public log_test::LogTest {
 protected:
  CompactionTest() {
    config_.cleanup_delete = false;
    config_.cleanup_compact = true;
    config_.segment_bytes = 100'000;
    config_.min_cleanable_dirty_ratio = 0;
  }

  Bytes keyed(const std::vector<KeyedRecord>& records, BatchOptions options = {}) {
    RecordBatchBuilder builder(options);
    for (const KeyedRecord& record : records) {
      std::optional<ByteView> value;
      if (record.value) value = *record.value;
      builder.append(record.key, value, clock_.wall_ms());
    }
    return builder.build();
  }
  int64_t put(const std::vector<KeyedRecord>& records, BatchOptions options = {}) {
    AppendOutcome outcome = append_raw(keyed(records, options));
    EXPECT_EQ(outcome.error, ErrorCode::kNone);
    log_->set_high_watermark(log_->log_end_offset());
    return outcome.base_offset;
  }
  static BatchOptions by(int64_t producer_id, int32_t sequence, bool transactional = false) {
    return {.producer_id = producer_id, .producer_epoch = 0, .base_sequence = sequence, .transactional = transactional};
  }
  void end_transaction(int64_t producer_id, bool committed) {
    EXPECT_EQ(append_raw(make_marker(producer_id, 0, committed), 0, AppendOrigin::kMarker).error, ErrorCode::kNone);
    log_->set_high_watermark(log_->log_end_offset());
  }

  Status try_compact(uint64_t map_bytes = 1 << 20, uint64_t step_bytes = 200) {
    auto outlook = log_->compaction_outlook();
    if (!outlook) return outlook.error();
    auto prepared = log_->prepare_compaction(*outlook, map_bytes, 0.9);
    if (!prepared) return prepared.error();
    CompactionJob& job = **prepared;
    while (true) {
      auto progress = job.step(step_bytes);
      if (!progress) return progress.error();
      if (*progress == CompactionJob::Progress::kDone) break;
      if (*progress == CompactionJob::Progress::kMore) continue;
      auto doomed = log_->install_compacted(job);
      if (!doomed) return doomed.error();
      if (!*doomed) {
        job.discard();
        return make_error(ErrorKind::kInvalid, "given up");
      }
      RETURN_IF_ERROR((*doomed)->remove(file_system_));
    }
    log_->finish_compaction(job);
    return ok_status();
  }
  // Compacts everything so far, in closed segments.
  void compact(uint64_t map_bytes = 1 << 20) {
    ASSERT_TRUE(log_->roll().ok());
    Status done = try_compact(map_bytes);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

  struct Seen {
    int64_t offset;
    std::string key;
    std::string value;
    bool operator==(const Seen&) const = default;
  };
  std::vector<BatchHeader> headers() {
    std::vector<BatchHeader> found;
    each_batch([&](const RecordBatchView& batch) { found.push_back(batch.header()); });
    return found;
  }
  void each_batch(const std::function<void(const RecordBatchView&)>& visit) {
    int64_t offset = log_->log_start_offset();
    while (offset < log_->log_end_offset()) {
      auto outcome = log_->read(offset, 1 << 20, log_->log_end_offset(), true);
      ASSERT_TRUE(outcome.ok() && outcome->error == ErrorCode::kNone);
      if (outcome->batches.empty()) break;
      Bytes bytes = outcome->batches.flatten().value();
      BatchIterator it(bytes);
      int64_t before = offset;
      while (it.next()) {
        ASSERT_TRUE(it.batch().crc_ok());
        visit(it.batch());
        offset = it.batch().header().next_offset();
      }
      ASSERT_GT(offset, before);
    }
  }
  // Data records, as "offset key=value".
  std::vector<std::string> records() {
    std::vector<std::string> found;
    each_batch([&](const RecordBatchView& batch) {
      if (batch.header().is_control()) return;
      RecordIterator it(batch);
      while (it.next()) {
        found.push_back(fmt::format("{} {}={}", it.record().offset, it.record().key.value_or("-"),
                                    it.record().value.value_or("-")));
      }
      ASSERT_TRUE(it.status().ok()) << it.status().error().message;
    });
    return found;
  }
  std::vector<std::string> leftovers() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory())) {
      std::string name = entry.path().filename();
      if (name.ends_with(".cleaned") || name.ends_with(".swap") || name.ends_with(".deleted")) found.push_back(name);
    }
    return found;
  }
};

using Strings = std::vector<std::string>;

// A copied replica has the gaps of compaction, even at the end of a segment.
TEST_F(CompactionTest, AGapAtTheEndOfASegmentIsClean) {
  config_.segment_bytes = 100;
  open();
  for (int64_t base : {0, 5}) {
    ASSERT_TRUE(log_->append_as_follower(keyed({{"k", "v"}}, {.base_offset = base, .partition_leader_epoch = 0})).ok());
  }
  log_->set_high_watermark(log_->log_end_offset());
  ASSERT_EQ(log_->active_segment_base_offset(), 5);
  ASSERT_TRUE(try_compact().ok());
  EXPECT_EQ(log_->first_dirty_offset(), 5);
  auto outlook = log_->compaction_outlook();
  ASSERT_TRUE(outlook.ok());
  EXPECT_FALSE(outlook->due);
}

TEST_F(CompactionTest, the_last_record_of_each_key_stays_at_its_offset) {
  open();
  put({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  put({{"a", "2"}});
  put({{"b", "2"}, {"d", "1"}});
  compact();
  EXPECT_EQ(records(), (Strings{"2 c=1", "3 a=2", "4 b=2", "5 d=1"}));
  EXPECT_EQ(log_->first_dirty_offset(), 6);
  EXPECT_EQ(log_->log_end_offset(), 6);
  EXPECT_EQ(headers().front().last_offset(), 2);  // a batch keeps its offsets
  put({{"c", "2"}});
  compact();
  EXPECT_EQ(records(), (Strings{"3 a=2", "4 b=2", "5 d=1", "6 c=2"}));
  EXPECT_EQ(log_->segment_count(), 2u);  // small segments were joined
  reopen_after_crash();
  EXPECT_EQ(records(), (Strings{"3 a=2", "4 b=2", "5 d=1", "6 c=2"}));
}

TEST_F(CompactionTest, the_active_segment_and_what_is_not_stable_is_left_alone) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  ASSERT_TRUE(try_compact().ok());
  EXPECT_EQ(records().size(), 2u);
  ASSERT_TRUE(log_->roll().ok());
  EXPECT_EQ(put({{"a", "3"}}, by(7, 0, true)), 2);  // an open transaction
  put({{"a", "4"}});
  compact();
  EXPECT_EQ(records(), (Strings{"1 a=2", "2 a=3", "3 a=4"}));
  end_transaction(7, false);
  put({{"a", "5"}}, by(7, 1));
  compact();
  EXPECT_EQ(records(), (Strings{"5 a=5"}));
}

TEST_F(CompactionTest, a_tombstone_stays_for_its_time) {
  config_.delete_retention_ms = 5000;
  open();
  put({{"a", "1"}, {"b", "1"}});
  put({{"a", std::nullopt}});
  compact();
  EXPECT_EQ(records(), (Strings{"1 b=1", "2 a=-"}));
  EXPECT_EQ(headers().back().delete_horizon_ms(), clock_.wall_ms() + 5000);
  clock_.advance(4999);
  put({{"x", "1"}});
  compact();
  EXPECT_EQ(records(), (Strings{"1 b=1", "2 a=-", "3 x=1"}));
  clock_.advance(1);
  put({{"x", "2"}});
  compact();
  EXPECT_EQ(records(), (Strings{"1 b=1", "4 x=2"}));
}

TEST_F(CompactionTest, timestamps_survive_a_delete_horizon) {
  open();
  put({{"a", std::nullopt}, {"b", "1"}});
  int64_t then = clock_.wall_ms();
  clock_.advance(1000);
  put({{"c", "1"}});
  compact();
  each_batch([&](const RecordBatchView& batch) {
    if (!batch.header().has_delete_horizon()) return;
    RecordIterator it(batch);
    while (it.next()) EXPECT_EQ(it.record().timestamp, then);
    EXPECT_EQ(batch.header().max_timestamp, then);
  });
}

TEST_F(CompactionTest, aborted_data_goes_at_once_and_its_marker_later) {
  config_.delete_retention_ms = 5000;
  open();
  put({{"a", "1"}, {"b", "1"}});                // 0-1
  put({{"a", "lost"}}, by(7, 0, true));         // 2
  put({{"b", "2"}}, by(8, 0, true));            // 3
  end_transaction(7, false);                    // 4
  end_transaction(8, true);                     // 5
  put({{"z", "1"}}, by(7, 1, true));            // 6, so that 2 is not its producer's last
  put({{"z", "2"}}, by(8, 1, true));            // 7
  end_transaction(7, true);
  end_transaction(8, true);
  compact();
  EXPECT_EQ(records(), (Strings{"0 a=1", "3 b=2", "7 z=2"}));
  auto aborted = log_->aborted_transactions(0, 100);
  ASSERT_TRUE(aborted.ok());
  EXPECT_EQ(aborted->size(), 1u);
  auto has_offset = [&](int64_t offset) {
    for (const BatchHeader& header : headers()) {
      if (header.base_offset == offset) return true;
    }
    return false;
  };
  EXPECT_TRUE(has_offset(4));
  // The next round finds no data of it: the marker stays for readers for a while, like a tombstone.
  put({{"y", "1"}});
  compact();
  EXPECT_TRUE(has_offset(4));
  EXPECT_TRUE(log_->aborted_transactions(0, 100).value().empty());
  clock_.advance(5001);
  put({{"y", "2"}});
  compact();
  EXPECT_FALSE(has_offset(4));
  EXPECT_EQ(records(), (Strings{"0 a=1", "3 b=2", "7 z=2", "11 y=2"}));
}

// The first pass begins behind the marker of the aborted transaction, and must not wait for it.
TEST_F(CompactionTest, what_a_producer_commits_after_an_abort_that_is_clean_already_counts) {
  config_.delete_retention_ms = 5000;
  open();
  put({{"k", "1"}});                        // 0
  put({{"other", "1"}}, by(7, 0, true));    // 1
  end_transaction(7, false);                // 2
  compact();
  put({{"k", std::nullopt}}, by(7, 1, true));  // 3
  end_transaction(7, true);                    // 4
  compact();
  EXPECT_EQ(records(), (Strings{"3 k=-"}));
  clock_.advance(5001);
  put({{"z", "1"}});
  compact();
  EXPECT_EQ(records(), (Strings{"5 z=1"}));
}

// With transaction.version 2 a marker bumps the epoch and is the last entry of its producer: it is kept, emptied.
TEST_F(CompactionTest, a_marker_that_was_emptied_is_read_again) {
  config_.delete_retention_ms = 5000;
  open();
  put({{"a", "1"}}, by(7, 0, true));  // 0
  EXPECT_EQ(append_raw(make_marker(7, 1, false), 0, AppendOrigin::kMarker).error, ErrorCode::kNone);  // 1
  log_->set_high_watermark(log_->log_end_offset());
  put({{"b", "1"}});
  compact();
  put({{"b", "2"}});
  compact();
  clock_.advance(5001);
  put({{"b", "3"}});
  compact();
  const auto marker = headers().front();
  ASSERT_TRUE(marker.base_offset == 1 && marker.is_control() && marker.record_count == 0);
  for (const auto& entry : std::filesystem::directory_iterator(directory())) {
    if (entry.path().extension() == ".snapshot") std::filesystem::remove(entry.path());
  }
  reopen_after_crash();
  EXPECT_EQ(records(), (Strings{"4 b=3"}));
  EXPECT_EQ(append_raw(keyed({{"b", "4"}}, by(9, 0))).error, ErrorCode::kNone);
}

// After a crash the snapshot is from a time when it was open, and neither its records nor its marker are there.
TEST_F(CompactionTest, a_transaction_that_was_compacted_away_is_not_open_after_a_crash) {
  config_.segment_bytes = 300;  // no two segments are merged
  config_.delete_retention_ms = 0;
  open();
  put({{"k", "aborted"}}, by(1, 0, true));
  put({{"a", std::string(100, 'x')}});
  ASSERT_TRUE(log_->roll().ok());
  end_transaction(1, false);
  put({{"b", std::string(100, 'x')}});
  ASSERT_TRUE(log_->roll().ok());
  put({{"k", "plain"}}, by(1, 1));
  for (int round = 0; round < 3; ++round) {
    compact();
    clock_.advance(1);
    put({{"c", std::to_string(round)}});
  }
  const auto before = headers();
  ASSERT_TRUE(std::none_of(before.begin(), before.end(), [](const auto& one) { return one.is_transactional(); }));
  reopen_after_crash(2);
  log_->set_high_watermark(log_->log_end_offset());
  EXPECT_EQ(log_->last_stable_offset().value(), log_->log_end_offset());
}

// The checkpoint is from a time when the log was longer.
TEST_F(CompactionTest, what_comes_where_a_crash_took_records_is_dirty) {
  open();
  put({{"a", "old"}});
  open({.first_dirty_offset = 3});
  log_->set_high_watermark(log_->log_end_offset());
  put({{"a", "new"}});
  put({{"b", "old"}});
  put({{"b", "new"}});
  compact();
  EXPECT_EQ(records(), (std::vector<std::string>{"1 a=new", "3 b=new"}));
}

TEST_F(CompactionTest, what_is_to_be_kept_for_ever_is) {
  config_.delete_retention_ms = std::numeric_limits<int64_t>::max();
  open();
  put({{"a", "1"}});
  put({{"a", std::nullopt}});
  for (int round = 0; round < 3; ++round) {
    put({{"b", "1"}});
    compact();
    EXPECT_EQ(records().front(), "1 a=-");
  }
}

TEST_F(CompactionTest, a_producer_goes_on_where_it_was) {
  open();
  put({{"a", "1"}}, by(7, 0));
  put({{"a", "2"}}, by(7, 1));
  put({{"a", "3"}});
  put({{"b", "1"}});
  compact();
  EXPECT_EQ(records(), (Strings{"2 a=3", "3 b=1"}));
  ASSERT_FALSE(headers().empty());
  EXPECT_EQ(headers().front().base_offset, 1);  // without records, for the sequence
  EXPECT_EQ(headers().front().record_count, 0);
  for (const auto& entry : std::filesystem::directory_iterator(directory())) {
    if (entry.path().extension() == ".snapshot") std::filesystem::remove(entry.path());
  }
  reopen_after_crash();
  EXPECT_EQ(append_raw(keyed({{"a", "x"}}, by(7, 4))).error, ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(append_raw(keyed({{"a", "2"}}, by(7, 1))).duplicate);
  EXPECT_EQ(append_raw(keyed({{"a", "4"}}, by(7, 2))).error, ErrorCode::kNone);
}

TEST_F(CompactionTest, the_last_batch_of_the_stretch_leaves_its_header) {
  open();
  put({{"a", "1"}});
  put({{"b", "1"}, {"b", "2"}});
  ASSERT_TRUE(log_->roll().ok());
  put({{"b", "3"}});
  ASSERT_TRUE(log_->roll().ok());
  auto outlook = log_->compaction_outlook();
  ASSERT_TRUE(outlook.ok());
  EXPECT_EQ(outlook->end_offset, 4);
  compact();
  put({{"b", "4"}});
  compact();
  put({{"c", "1"}});
  compact();
  EXPECT_EQ(records(), (Strings{"0 a=1", "4 b=4", "5 c=1"}));
}

TEST_F(CompactionTest, lag_and_ratio_decide_when) {
  config_.min_compaction_lag_ms = 1000;
  config_.min_cleanable_dirty_ratio = 0.5;
  open();
  put({{"a", "1"}});
  ASSERT_TRUE(log_->roll().ok());
  auto outlook = log_->compaction_outlook();
  ASSERT_TRUE(outlook.ok());
  EXPECT_FALSE(outlook->due);
  EXPECT_EQ(outlook->wait_ms, 1001);
  clock_.advance(1001);
  outlook = log_->compaction_outlook();
  EXPECT_TRUE(outlook->due);
  compact();
  put({{"c", "1"}});
  put({{"a", Bytes(10, 'x')}});
  clock_.advance(1001);
  ASSERT_TRUE(log_->roll().ok());
  EXPECT_TRUE(log_->compaction_outlook()->due);
  ASSERT_TRUE(try_compact().ok());
  put({{"c", "2"}});
  clock_.advance(1001);
  ASSERT_TRUE(log_->roll().ok());
  EXPECT_FALSE(log_->compaction_outlook()->due);  // two parts in three are clean
  config_.max_compaction_lag_ms = 2000;
  log_->set_config(std::make_shared<const LogConfig>(config_));
  EXPECT_FALSE(log_->compaction_outlook()->due);
  clock_.advance(1000);
  EXPECT_TRUE(log_->compaction_outlook()->overdue);
  EXPECT_TRUE(log_->compaction_outlook()->due);
}

TEST_F(CompactionTest, a_batch_whose_offsets_are_in_no_order_ends_the_round_and_nothing_else) {
  open();
  Bytes batch = keyed({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  // Length, attributes, timestamp delta, offset delta: a byte each.
  for (size_t at = kBatchHeaderSize, i = 0; at < batch.size(); at += 1 + static_cast<size_t>(batch[at]) / 2, i++) {
    ASSERT_EQ(batch[at + 3], static_cast<char>(2 * i));
    if (i > 0) batch[at + 3] = static_cast<char>(2 * (3 - i));
  }
  seal_batch(batch.data(), batch.size());
  EXPECT_EQ(append_raw(batch).error, ErrorCode::kNone);
  put({{"a", "2"}});
  ASSERT_TRUE(log_->roll().ok());
  const Status done = try_compact();
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind, ErrorKind::kCorrupt);
}

TEST_F(CompactionTest, segments_that_go_meanwhile_end_the_round) {
  open();
  for (int i = 0; i < 5; ++i) {
    put({{"a", std::to_string(i)}});
    ASSERT_TRUE(log_->roll().ok());
  }
  auto prepared = log_->prepare_compaction(log_->compaction_outlook().value(), 1 << 20, 0.9);
  ASSERT_TRUE(prepared.ok());
  while ((*prepared)->step(1).value() != CompactionJob::Progress::kPieceReady) {
  }
  ASSERT_EQ(log_->delete_records_before(2).value(), ErrorCode::kNone);
  ASSERT_FALSE(log_->apply_retention()->empty());
  auto installed = log_->install_compacted(**prepared);
  ASSERT_TRUE(installed.ok());
  EXPECT_FALSE(installed->has_value());
  (*prepared)->discard();
  EXPECT_EQ(records(), (Strings{"2 a=2", "3 a=3", "4 a=4"}));
  compact();
  EXPECT_EQ(records(), (Strings{"4 a=4"}));
}

TEST_F(CompactionTest, many_rounds_with_a_small_map_keep_what_a_reader_of_the_end_sees) {
  config_.segment_bytes = 3000;
  config_.index_interval_bytes = 200;
  config_.delete_retention_ms = 1000;
  open();
  std::mt19937 random(20);
  std::map<std::string, std::string> model;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 30; ++i) {
      std::vector<KeyedRecord> batch;
      for (unsigned k = 0; k <= random() % 4; ++k) {
        KeyedRecord record{"k" + std::to_string(random() % 60), std::nullopt};
        if (random() % 5 != 0) record.value = "v" + std::to_string(random());
        batch.push_back(record);
      }
      for (const KeyedRecord& record : batch) {
        if (record.value) model[record.key] = *record.value;
        else model.erase(record.key);
      }
      BatchOptions options;
      options.compression = random() % 2 ? Codec::kLz4 : Codec::kNone;
      put(batch, options);
    }
    clock_.advance(700);
    compact(round % 3 == 0 ? 24 * 20 : 1 << 16);
    if (round % 7 == 3) reopen_after_crash(log_->log_end_offset());
    log_->set_high_watermark(log_->log_end_offset());
    std::map<std::string, std::string> now;
    int64_t last = -1;
    each_batch([&](const RecordBatchView& batch) {
      RecordIterator it(batch);
      while (it.next()) {
        EXPECT_GT(it.record().offset, last);
        last = it.record().offset;
        if (it.record().value) now[Bytes(*it.record().key)] = *it.record().value;
        else now.erase(Bytes(*it.record().key));
      }
    });
    ASSERT_EQ(now, model) << round;
    // Every offset can be fetched.
    for (int64_t offset = 0; offset < log_->log_end_offset(); offset += 37) {
      auto outcome = log_->read(offset, 1, log_->log_end_offset(), true);
      ASSERT_TRUE(outcome.ok() && outcome->error == ErrorCode::kNone);
    }
  }
  EXPECT_LT(records().size(), 400u);
}

TEST_F(CompactionTest, a_crash_at_any_moment_loses_nothing) {
  config_.segment_bytes = 400;
  auto fill = [&] {
    std::filesystem::remove_all(directory());
    open();
    for (int i = 0; i < 12; ++i)
      put({{"k" + std::to_string(i % 3), std::to_string(i)}, {"u" + std::to_string(i), "u"}});
    put({{"k0", "lost"}}, by(7, 0, true));
    end_transaction(7, false);
    put({{"k1", "in"}}, by(7, 1, true));
    end_transaction(7, true);
    ASSERT_TRUE(log_->roll().ok());
  };
  auto visible = [&] {
    std::map<std::string, std::string> now;
    auto aborted = log_->aborted_transactions(0, 1000).value();
    each_batch([&](const RecordBatchView& batch) {
      const BatchHeader& header = batch.header();
      if (header.is_control()) return;
      for (const AbortedTransaction& one : aborted) {
        if (header.is_transactional() && one.producer_id == header.producer_id &&
            header.base_offset >= one.first_offset && header.base_offset <= one.last_offset) {
          return;
        }
      }
      RecordIterator it(batch);
      while (it.next()) now[Bytes(*it.record().key)] = it.record().value.value_or("-");
    });
    return now;
  };
  fill();
  const auto expected = visible();
  const int64_t end = log_->log_end_offset();
  file_system_.calls = 0;
  ASSERT_TRUE(try_compact().ok());
  const int calls = file_system_.calls;
  EXPECT_EQ(visible(), expected);
  ASSERT_GT(calls, 50);
  for (int at = 0; at < calls; ++at) {
    fill();
    file_system_.calls = 0;
    file_system_.fail_from = at;
    (void)try_compact().ok();
    log_.reset();
    // The opening after the crash may crash as well.
    for (int again : {3, 7, 12}) {
      file_system_.calls = 0;
      file_system_.fail_from = again;
      (void)PartitionLog::open(files_, clock_, directory(), {"topic", 0}, std::make_shared<const LogConfig>(config_),
                               {})
          .ok();
    }
    file_system_.fail_from = INT32_MAX;
    reopen_after_crash();
    ASSERT_EQ(log_->log_end_offset(), end) << at;
    ASSERT_EQ(visible(), expected) << at;
    ASSERT_TRUE(leftovers().empty()) << at << " " << leftovers().front();
    log_->set_high_watermark(end);
    ASSERT_TRUE(try_compact().ok()) << at;
    ASSERT_EQ(visible(), expected) << at;
  }
}

TEST(OffsetMapTest, grows_to_its_budget_and_is_then_full) {
  OffsetMap map(24 * 5000, 0.9);
  int64_t offset = 0;
  for (; !map.full(); ++offset) map.put("key" + std::to_string(offset), offset);
  EXPECT_EQ(map.size(), 4500u);
  for (int64_t i = 0; i < offset; ++i) ASSERT_EQ(map.get("key" + std::to_string(i)), i);
  EXPECT_EQ(map.get("other"), -1);
  EXPECT_EQ(map.get(""), -1);
  map.put("key0", offset);
  EXPECT_EQ(map.get("key0"), offset);
  EXPECT_EQ(map.latest_offset(), offset);
}

}  // namespace
}  // namespace milena::log
