// kafka-dump-log.sh and `milena dump`: the contents of a log's files, in the format of Kafka's DumpLogSegments.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "base/file.h"
#include "config/config_values.h"
#include "log/format/aborted_transaction.h"
#include "log/format/index_entry.h"
#include "log/format/producer_snapshot.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_iterator.h"
#include "tools/commands.h"
#include "tools/kafka/script.h"
#include "tools/progress.h"

namespace milena::tools {
namespace {

struct DumpScript {
  Options options;
  std::vector<std::string> lists, words;
  bool contents = false, deep = false, sanity_only = false, verify_only = false, no_metadata = false;
  std::optional<int64_t> most_bytes;

  DumpScript(Options::Style style, const char* name)
      : options(style, name, "Prints the contents of a log's files: .log, .index, .timeindex, .snapshot, .txnindex.",
                style == Options::Style::kKafka ? "--files <file,...> [options]" : "FILE... [options]") {
    options.texts("--files", lists, "file,...", "Which files.");
    if (style == Options::Style::kOwn) options.words("file", words, "Which files.");
    options.flag("--print-data-log", contents, "Keys and values, too.");
    options.flag("--deep-iteration", deep, "Each record, not only each batch.");
    options.flag("--index-sanity-check", sanity_only, "Only checks whether an index is usable.");
    options.flag("--verify-index-only", verify_only, "Compares an index with its log and prints differences.");
    options.flag("--skip-record-metadata", no_metadata, "With --print-data-log: only keys and values.");
    options.number("--max-bytes", most_bytes, "n", "Reads only the first N bytes of a .log.");
    options.ignored("--max-message-size", "n", "Has no effect.");
    options.ignored("--key-decoder-class", "class", "Has no effect: keys are printed as text.");
    options.ignored("--value-decoder-class", "class", "Has no effect: values are printed as text.");
    const bool own = style == Options::Style::kOwn;
    options.example(own ? "milena dump --print-data-log /var/lib/milena/orders-0/00000000000000000000.log"
                        : "kafka-dump-log.sh --print-data-log --files 00000000000000000000.log");
    if (own) options.example("milena dump /var/lib/milena/orders-0/*.index");
  }

  Status dump(const std::string& file);
  Status dump_log(const std::string& file, ByteView bytes);
  Status dump_records(const RecordBatchView& batch, int64_t& last_offset);
  Status dump_index(const std::string& file, ByteView bytes);
  Status dump_time_index(const std::string& file, ByteView bytes);
  std::vector<std::pair<int64_t, int64_t>> gaps;
};

int64_t base_offset_of(const std::string& file) {
  std::string name = file.substr(file.rfind('/') + 1);
  return config::parse_integer(name.substr(0, name.find('.'))).value_or(0);
}

const char* time_name(const BatchHeader& header) {
  return header.timestamp_type() == TimestampType::kLogAppendTime ? "LogAppendTime" : "CreateTime";
}

void print_batch(const RecordBatchView& batch, size_t position) {
  const BatchHeader& header = batch.header();
  int32_t last_sequence = header.has_producer_id() || header.base_sequence >= 0 ? header.last_sequence() : -1;
  std::string horizon =
      header.delete_horizon_ms() ? fmt::format("OptionalLong[{}]", *header.delete_horizon_ms()) : "OptionalLong.empty";
  fmt::print(
      "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} "
      "partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {} position: {} {}: {} size: {} "
      "magic: {} compresscodec: {} crc: {} isvalid: {}\n",
      header.base_offset, header.last_offset(), header.record_count, header.base_sequence, last_sequence,
      header.producer_id, header.producer_epoch, header.partition_leader_epoch, header.is_transactional(),
      header.is_control(), horizon, position, time_name(header), header.max_timestamp, header.total_size(),
      header.magic, codec_name(header.compression()), header.crc, batch.crc_ok());
}

void print_control(const RecordView& record) {
  Result<ControlRecordType> type = parse_control_record_key(record.key);
  if (!type.ok()) return;
  if (*type == ControlRecordType::kAbort || *type == ControlRecordType::kCommit) {
    Result<EndTransactionMarker> marker = parse_end_transaction_marker(record);
    fmt::print(" endTxnMarker: {} coordinatorEpoch: {}", *type == ControlRecordType::kCommit ? "COMMIT" : "ABORT",
               marker.ok() ? marker->coordinator_epoch : -1);
    return;
  }
  constexpr const char* kNames[] = {"LeaderChange", "SnapshotHeader", "SnapshotFooter", "KRaftVersion", "KRaftVoters"};
  auto index = static_cast<size_t>(*type) - static_cast<size_t>(ControlRecordType::kLeaderChange);
  if (index < std::size(kNames)) fmt::print(" {}", kNames[index]);
}

Status DumpScript::dump_records(const RecordBatchView& batch, int64_t& last_offset) {
  const BatchHeader& header = batch.header();
  RecordIterator records(batch);
  for (int32_t i = 0; records.next(); i++) {
    const RecordView& record = records.record();
    if (record.offset != last_offset + 1) gaps.emplace_back(last_offset, record.offset);
    last_offset = record.offset;
    if (!no_metadata) {
      std::vector<std::string> keys;
      for (const RecordHeader& one : record.headers) keys.emplace_back(one.key);
      int64_t time = header.timestamp_type() == TimestampType::kLogAppendTime ? header.max_timestamp : record.timestamp;
      int32_t sequence = header.base_sequence < 0 ? -1 : sequence_after(header.base_sequence, record.offset_delta);
      fmt::print("| offset: {} {}: {} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]", record.offset,
                 time_name(header), time, record.key ? static_cast<int64_t>(record.key->size()) : -1,
                 record.value ? static_cast<int64_t>(record.value->size()) : -1, sequence, fmt::join(keys, ","));
      if (header.is_control()) print_control(record);
    }
    if (contents && !header.is_control()) {
      const char* prefix = no_metadata ? "| " : " ";
      if (record.key) {
        fmt::print("{}key: {}", prefix, *record.key);
        prefix = " ";
      }
      if (record.value) fmt::print("{}payload: {}", prefix, *record.value);
    }
    fmt::print("\n");
  }
  return records.status();
}

Status DumpScript::dump_log(const std::string& file, ByteView bytes) {
  if (file.ends_with(".log")) fmt::print("Log starting offset: {}\n", base_offset_of(file));
  size_t whole = bytes.size();
  if (most_bytes) bytes = bytes.substr(0, static_cast<size_t>(std::max<int64_t>(0, *most_bytes)));
  BatchIterator batches(bytes);
  int64_t last_offset = -1;
  Progress progress(file, static_cast<int64_t>(bytes.size()), Progress::Unit::kBytes, STDOUT_FILENO);
  while (batches.next()) {
    progress.at(static_cast<int64_t>(batches.position()));
    print_batch(batches.batch(), batches.position());
    if (deep || contents) RETURN_IF_ERROR(dump_records(batches.batch(), last_offset));
  }
  if (!batches.status().ok() && batches.status().error().kind == ErrorKind::kUnsupported) return batches.status();
  size_t left = batches.rest().size();
  // Segments may be preallocated: zeros at the end are not reported.
  if (left > 0 && bytes.size() == whole) {
    fmt::print("Found {} invalid bytes at the end of {}\n", left, file.substr(file.rfind('/') + 1));
  }
  return ok_status();
}

Status DumpScript::dump_index(const std::string& file, ByteView bytes) {
  int64_t base = base_offset_of(file);
  size_t count = bytes.size() / log::OffsetIndexEntry::kSize;
  if (count == 0) fmt::print("{} is empty.\n", file);
  std::string log_file = file.substr(0, file.rfind('.')) + ".log";
  Result<Bytes> log = posix_file_system().read_file(log_file);
  RETURN_IF_ERROR(log);
  std::vector<std::string> mismatches;
  int64_t previous = -1;
  for (size_t i = 0; i < count; i++) {
    log::OffsetIndexEntry entry = log::OffsetIndexEntry::read(bytes.data() + i * log::OffsetIndexEntry::kSize);
    if (entry.relative_offset == 0 && i > 0) break;  // preallocated space
    int64_t offset = base + entry.relative_offset;
    if (sanity_only) {
      if (offset < previous) return make_error(ErrorKind::kCorrupt, "{}: offset {} follows {}", file, offset, previous);
      previous = offset;
      continue;
    }
    auto position = static_cast<size_t>(std::max(entry.position, 0));
    Result<RecordBatchView> batch = RecordBatchView::parse(ByteView(*log).substr(std::min(position, log->size())));
    if (!batch.ok())
      mismatches.push_back(fmt::format("  Index offset: {}, no batch at {}", offset, position));
    else if (batch->header().last_offset() != offset) {
      mismatches.push_back(fmt::format("  Index offset: {}, log offset: {}", offset, batch->header().last_offset()));
    }
    if (!verify_only) fmt::print("offset: {} position: {}\n", offset, entry.position);
  }
  if (sanity_only && count > 0) fmt::print("{} passed sanity check.\n", file);
  if (!mismatches.empty()) fmt::print(stderr, "Mismatches in :{}\n{}\n", file, fmt::join(mismatches, "\n"));
  return ok_status();
}

Status DumpScript::dump_time_index(const std::string& file, ByteView bytes) {
  int64_t base = base_offset_of(file);
  int64_t previous = -1;
  for (size_t i = 0; (i + 1) * log::TimeIndexEntry::kSize <= bytes.size(); i++) {
    log::TimeIndexEntry entry = log::TimeIndexEntry::read(bytes.data() + i * log::TimeIndexEntry::kSize);
    if (entry.relative_offset == 0 && i > 0) break;
    if (entry.timestamp <= previous && i > 0) {
      fmt::print(stderr, "Out of order timestamp in {}: {} follows {}\n", file, entry.timestamp, previous);
    }
    previous = entry.timestamp;
    if (!verify_only && !sanity_only) {
      fmt::print("timestamp: {} offset: {}\n", entry.timestamp, base + entry.relative_offset);
    }
  }
  if (sanity_only) fmt::print("{} passed sanity check.\n", file);
  return ok_status();
}

Status dump_producers(ByteView bytes) {
  auto entries = log::decode_producer_snapshot(bytes);
  RETURN_IF_ERROR(entries);
  for (const log::ProducerSnapshotEntry& entry : *entries) {
    std::string first = entry.current_txn_first_offset < 0
                            ? "OptionalLong.empty"
                            : fmt::format("OptionalLong[{}]", entry.current_txn_first_offset);
    fmt::print("producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {} lastTimestamp: {}",
               entry.producer_id, entry.epoch, entry.coordinator_epoch, first, entry.timestamp);
    if (entry.last_offset >= 0) {
      fmt::print(" firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
                 entry.last_sequence - entry.offset_delta, entry.last_sequence, entry.last_offset, entry.offset_delta,
                 entry.timestamp);
    }
    fmt::print("\n");
  }
  return ok_status();
}

void dump_aborted(ByteView bytes) {
  for (size_t at = 0; at + log::kAbortedTransactionSize <= bytes.size(); at += log::kAbortedTransactionSize) {
    const char* from = bytes.data() + at;
    fmt::print("version: {} producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}\n",
               load_big_endian<int16_t>(from), load_big_endian<int64_t>(from + 2), load_big_endian<int64_t>(from + 10),
               load_big_endian<int64_t>(from + 18), load_big_endian<int64_t>(from + 26));
  }
}

Status DumpScript::dump(const std::string& file) {
  fmt::print("Dumping {}\n", file);
  Result<Bytes> bytes = posix_file_system().read_file(file);
  RETURN_IF_ERROR(bytes);
  if (file.ends_with(".log") || file.ends_with(".checkpoint")) return dump_log(file, *bytes);
  if (file.ends_with(".timeindex")) return dump_time_index(file, *bytes);
  if (file.ends_with(".index")) return dump_index(file, *bytes);
  if (file.ends_with(".snapshot")) return dump_producers(*bytes);
  if (file.ends_with(".txnindex"))
    dump_aborted(*bytes);
  else
    fmt::print(stderr, "Ignoring unknown file {}\n", file);
  return ok_status();
}

int run_dump_script(Options::Style style, const char* name, ToolWords words) {
  DumpScript script(style, name);
  if (auto code = script.options.parse(words)) return *code;
  std::vector<std::string> files = script.words;
  for (const std::string& list : script.lists) {
    for (const std::string& file : split(list, ',')) files.push_back(file);
  }
  if (files.empty()) return script.options.mistake("Missing required argument \"[files]\"");
  for (const std::string& file : files) {
    script.gaps.clear();
    Status dumped = script.dump(file);
    if (!dumped.ok()) return complain(fmt::format("{}: {}", file, dumped.error().message));
    std::fflush(stdout);
    if (script.gaps.empty()) continue;
    fmt::print(stderr, "Non-consecutive offsets in {}\n", file);
    for (const auto& [before, after] : script.gaps) fmt::print(stderr, "  {} is followed by {}\n", before, after);
  }
  return 0;
}

}  // namespace

int run_kafka_dump_log(ToolWords words) {
  return run_dump_script(Options::Style::kKafka, "kafka-dump-log.sh", words);
}

int run_dump(ToolWords words) {
  return run_dump_script(Options::Style::kOwn, "milena dump", words);
}

}  // namespace milena::tools
