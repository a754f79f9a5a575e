// Usage: log_sample DIRECTORY
//
// Writes DIRECTORY/sample-0 with PartitionLog: segments, codecs, idempotent and transactional producers, epochs, a
// truncation, and a clean shutdown; and DIRECTORY/records.txt with offset and value of each of its records. For
// compat/log/run, which reads it with Apache Kafka's own tool.
#include <cstdio>

#include "base/manual_executor.h"
#include "log/partition_log.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_batch_builder.h"

namespace milena::log {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;

class Sample {
 public:
  explicit Sample(const std::string& directory) : directory_(directory), clock_(kStart) {
    LogConfig config;
    config.segment_bytes = 6000;
    config.index_interval_bytes = 300;
    log_ = PartitionLog::open(files_, clock_, directory + "/sample-0", {"sample", 0},
                              std::make_shared<const LogConfig>(config), {})
               .take();
    CHECK(log_->set_topic_id(Uuid::random(system_random())).ok());
  }

  void write() {
    for (int i = 0; i < 30; ++i) data(i % 5 + 1, static_cast<Codec>(i % 5), kNoProducerId, kNoSequence, false);
    for (int i = 0; i < 20; ++i) data(2, Codec::kNone, 7, i * 2, false);
    epoch_ = 1;
    for (int i = 0; i < 12; ++i) {
      data(3, Codec::kNone, 8, i * 3, true);
      data(1, Codec::kZstd, 9, i, true);
      mark(8, i % 3 != 0);
      mark(9, i % 2 != 0);
    }
    int64_t cut = log_->log_end_offset() - 11;
    CHECK(log_->truncate_to(cut).ok());
    epoch_ = 2;
    for (int i = 0; i < 30; ++i) data(4, Codec::kSnappy, kNoProducerId, kNoSequence, false);
    CHECK(posix_file_system().write_file_atomically(directory_ + "/records.txt", records(), false).ok());
    CHECK(log_->close_cleanly(true).ok());
    std::printf("%zu segments, %lld records\n", log_->segment_count(), static_cast<long long>(log_->log_end_offset()));
  }

 private:
  void data(int records, Codec codec, int64_t producer, int32_t sequence, bool transactional) {
    clock_.advance(17);
    bool idempotent = producer != kNoProducerId;
    RecordBatchBuilder builder({.compression = codec,
                                .producer_id = producer,
                                .producer_epoch = idempotent ? int16_t{0} : kNoProducerEpoch,
                                .base_sequence = sequence,
                                .transactional = transactional});
    for (int i = 0; i < records; ++i) {
      std::string value = "value-" + std::to_string(count_++) + std::string(50, '.');
      builder.append("key", value, clock_.wall_ms() + i);
    }
    append(builder.build(), AppendOrigin::kClient);
  }
  void mark(int64_t producer, bool committed) {
    clock_.advance(3);
    append(build_end_transaction_batch(0, 0, clock_.wall_ms(), producer, 0, {committed, 1}), AppendOrigin::kMarker);
  }
  void append(const Bytes& batch, AppendOrigin origin) {
    auto outcome = log_->append_as_leader(batch, epoch_, origin);
    CHECK(outcome.ok() && outcome->error == ErrorCode::kNone);
  }

  Bytes records() {
    Bytes text;
    for (int64_t offset = 0; offset < log_->log_end_offset();) {
      Bytes bytes = log_->read(offset, 1 << 20, log_->log_end_offset(), true)->batches.flatten().take();
      BatchIterator it(bytes);
      while (it.next()) {
        offset = it.batch().header().next_offset();
        RecordIterator in_batch(it.batch());
        while (!it.batch().header().is_control() && in_batch.next()) {
          text += std::to_string(in_batch.record().offset) + " " + std::string(*in_batch.record().value) + "\n";
        }
      }
      // The truncation has left a gap before the next batch, which a read at its offset skips.
    }
    return text;
  }

  const std::string directory_;
  ManualClock clock_;
  FileCache files_{posix_file_system(), 100};
  std::unique_ptr<PartitionLog> log_;
  int32_t epoch_ = 0;
  int count_ = 0;
};

}  // namespace
}  // namespace milena::log

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: log_sample DIRECTORY\n");
    return 2;
  }
  milena::log::Sample(argv[1]).write();
  return 0;
}
