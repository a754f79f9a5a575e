// The topic settings of a partition's log, with Kafka's defaults (org.apache.kafka.storage.internals.log.LogConfig). A
// value; logs share one by shared_ptr and get a new one when a setting changes.
#pragma once

#include <cstdint>
#include <limits>

namespace milena::log {

struct LogConfig {
  int32_t segment_bytes = 1 << 30;
  int64_t segment_ms = 7LL * 24 * 3600 * 1000;
  int64_t segment_jitter_ms = 0;
  bool preallocate = false;  // a new segment's file has segment_bytes from the start
  int32_t index_interval_bytes = 4096;
  int32_t segment_index_bytes = 10 << 20;
  int64_t flush_messages = std::numeric_limits<int64_t>::max();
  int64_t flush_ms = std::numeric_limits<int64_t>::max();
  int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // -1: forever
  int64_t retention_bytes = -1;                   // -1: without limit
  int64_t file_delete_delay_ms = 60'000;
  int64_t max_producer_id_expiration_ms = 24LL * 3600 * 1000;  // producer.id.expiration.ms
  // transaction.partition.verification.enable: the first batch of a transaction must carry a guard (KIP-890).
  bool verify_transactions = false;
  double min_cleanable_dirty_ratio = 0.5;
  int64_t delete_retention_ms = 24LL * 3600 * 1000;
  int64_t min_compaction_lag_ms = 0;
  int64_t max_compaction_lag_ms = std::numeric_limits<int64_t>::max();
  // cleanup.policy. With neither, only records below the log start offset are removed.
  bool cleanup_delete = true;
  bool cleanup_compact = false;
};

}  // namespace milena::log
