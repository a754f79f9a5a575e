// Reads the .snapshot files of a log's producers. Internal to src/log.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "log/format/producer_snapshot.h"

namespace milena::log {

// kNotFound: the file does not exist. kCorrupt: a crash tore it. Other errors are of the disk.
Result<std::vector<ProducerSnapshotEntry>> read_producer_snapshot(FileSystem& files, const std::string& path);

// Whether such an error means that the snapshot is lost, while the disk works.
bool is_lost_snapshot(const Error& error);

}  // namespace milena::log
