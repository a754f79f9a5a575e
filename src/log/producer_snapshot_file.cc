#include "log/producer_snapshot_file.h"

namespace milena::log {

Result<std::vector<ProducerSnapshotEntry>> read_producer_snapshot(FileSystem& files, const std::string& path) {
  Result<Bytes> bytes = files.read_file(path);
  RETURN_IF_ERROR(bytes);
  return decode_producer_snapshot(*bytes);
}

bool is_lost_snapshot(const Error& error) {
  return error.kind == ErrorKind::kNotFound || error.kind == ErrorKind::kCorrupt;
}

}  // namespace milena::log
