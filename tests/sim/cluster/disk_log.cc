#include "sim/cluster/disk_log.h"

#include <algorithm>
#include <vector>

#include "log/format/file_names.h"
#include "log/format/partition_metadata.h"
#include "protocol/records/control_records.h"
#include "protocol/records/record_iterator.h"

namespace milena::sim {

void for_each_batch(const VirtualDisk& disk, const std::string& directory, int64_t from,
                    const std::function<void(const RecordBatchView&)>& visit) {
  std::vector<std::pair<int64_t, std::string>> segments;
  for (const std::string& path : disk.paths_under(directory)) {
    const std::string file = path.substr(directory.size() + 1);
    const auto name = log::parse_segment_file_name(file);
    if (name && name->suffix == log::kLogSuffix) segments.emplace_back(name->offset, path);
  }
  std::sort(segments.begin(), segments.end());
  int64_t next = -1;
  for (size_t i = 0; i < segments.size(); i++) {
    if (i + 1 < segments.size() && segments[i + 1].first <= from) continue;
    const std::string& bytes = *disk.content(segments[i].second);
    BatchIterator batches(bytes);
    while (batches.next()) {
      const RecordBatchView& batch = batches.batch();
      if (!batch.crc_ok() || batch.header().base_offset < next) return;
      next = batch.header().next_offset();
      if (next > from) visit(batch);
    }
    if (!batches.rest().empty()) return;
  }
}

LogEntries entries_of(const RecordBatchView& batch, bool numbered) {
  LogEntries entries;
  const BatchHeader& header = batch.header();
  Entry entry;
  entry.epoch = header.partition_leader_epoch;
  entry.producer = header.producer_id;
  if (header.is_control()) {
    const auto type = header.record_count > 0 ? control_batch_type(batch) : ControlRecordType::kUnknown;
    if (type.ok() && *type == ControlRecordType::kCommit) entry.kind = EntryKind::kCommit;
    if (type.ok() && *type == ControlRecordType::kAbort) entry.kind = EntryKind::kAbort;
    numbered = false;
  } else if (header.is_transactional()) {
    entry.kind = EntryKind::kTransactional;
  }
  RecordIterator records(batch);
  while (records.next()) {
    if (numbered) entry.number = std::atoll(std::string(records.record().value.value_or("0")).c_str());
    entries[records.record().offset] = entry;
  }
  return entries;
}

DiskLog read_disk_log(const VirtualDisk& disk, const std::string& name, const Uuid& topic_id, int64_t from) {
  DiskLog log;
  const std::string directory = "/a/" + name;
  const std::string* metadata = disk.content(directory + "/partition.metadata");
  if (metadata == nullptr) return log;
  const auto id = log::decode_partition_metadata(*metadata);
  if (!id || *id != topic_id) return log;
  const bool numbered = !name.starts_with("__");
  for_each_batch(disk, directory, from, [&](const RecordBatchView& batch) {
    log.end = batch.header().next_offset();
    log.entries.merge(entries_of(batch, numbered));
  });
  return log;
}

}  // namespace milena::sim
