#include "broker/storage/bootstrap_checkpoint.h"

#include "broker/controller/metadata_snapshot_store.h"
#include "log/snapshot_file.h"
#include "metadata/features.h"
#include "metadata/image.h"
#include "metadata/record_codec.h"

namespace milena::broker {

Result<std::optional<metadata::MetadataRecords>> read_bootstrap_records(FileSystem& files,
                                                                        const std::string& directory) {
  std::string path = directory + "/" + std::string(log::kBootstrapCheckpointFile);
  if (!files.exists(path)) return std::optional<metadata::MetadataRecords>();
  auto snapshot = log::read_snapshot_file(files, path);
  RETURN_IF_ERROR(snapshot);
  auto records = decode_snapshot_records(*snapshot);
  metadata::MetadataImage image;
  metadata::ImageDelta delta;
  Status good = records ? ok_status() : Status(records.error());
  for (size_t i = 0; good.ok() && i < records->size(); i++) good = image.apply((*records)[i], delta);
  if (!good.ok()) return make_error(good.error().kind, "{}: {}", path, good.error().message);
  return std::optional(records.take());
}

Status write_bootstrap_records(FileSystem& files, const std::string& directory,
                               const metadata::MetadataRecords& records, int64_t now_ms) {
  log::SnapshotFile snapshot;
  for (const metadata::MetadataRecord& record : records)
    snapshot.records.push_back(metadata::encode_metadata_record(record));
  return log::write_snapshot_file(files, directory + "/" + std::string(log::kBootstrapCheckpointFile), snapshot, 0,
                                  now_ms);
}

Status write_bootstrap_records_with(FileSystem& files, const std::string& directory,
                                    const metadata::MetadataRecords& users, int64_t now_ms) {
  metadata::MetadataRecords all = metadata::default_bootstrap_records();
  all.insert(all.end(), users.begin(), users.end());
  return write_bootstrap_records(files, directory, all, now_ms);
}

}  // namespace milena::broker
