// bootstrap.checkpoint of a log directory: the records with which a cluster begins, as kafka-storage.sh format writes
// them.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "metadata/metadata_record.h"

namespace milena::broker {

// nullopt where it is not there.
Result<std::optional<metadata::MetadataRecords>> read_bootstrap_records(FileSystem& files,
                                                                        const std::string& directory);
Status write_bootstrap_records(FileSystem& files, const std::string& directory,
                               const metadata::MetadataRecords& records, int64_t now_ms);

// Those of a new cluster, with these users.
Status write_bootstrap_records_with(FileSystem& files, const std::string& directory,
                                    const metadata::MetadataRecords& users, int64_t now_ms);

// What --add-scram says, one record for each: SCRAM-SHA-256=[name=alice,password=…]. Errors hold no password.
Result<metadata::MetadataRecords> scram_records(std::span<const std::string> arguments, Random& random);

}  // namespace milena::broker
