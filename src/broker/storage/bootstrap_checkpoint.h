// bootstrap.checkpoint of a log directory: the first records of a cluster, as kafka-storage.sh format writes them.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "metadata/metadata_record.h"

namespace milena::broker {

// Returns nullopt if there is no such file.
Result<std::optional<metadata::MetadataRecords>> read_bootstrap_records(FileSystem& files,
                                                                        const std::string& directory);
Status write_bootstrap_records(FileSystem& files, const std::string& directory,
                               const metadata::MetadataRecords& records, int64_t now_ms);

// Writes the records of a new cluster, with these users.
Status write_bootstrap_records_with(FileSystem& files, const std::string& directory,
                                    const metadata::MetadataRecords& users, int64_t now_ms);

// The records of --add-scram, one for each argument: SCRAM-SHA-256=[name=alice,password=…]. Errors contain no password.
Result<metadata::MetadataRecords> scram_records(std::span<const std::string> arguments, Random& random);

}  // namespace milena::broker
