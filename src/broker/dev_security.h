// `milena --dev-security`: a secured broker in one step. Creates users with passwords, a certificate authority and a
// server's certificate if they do not exist yet, and configuration files for clients. Files with secrets are readable
// only by their owner.
#pragma once

#include <string>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "config/settings.h"
#include "metadata/metadata_record.h"

namespace milena::broker {

struct DevSecurity {
  std::string directory;
  // "key=value", for settings that are not set.
  std::vector<std::string> overrides;
  // The SCRAM users, for a directory without metadata.
  metadata::MetadataRecords users;
  // Lines for the user to paste.
  std::vector<std::string> advice;
};

struct DevSecurityOptions {
  bool tls = false;  // the listener is SASL_SSL
  std::vector<Bytes> host_names;  // besides localhost
  std::vector<Bytes> addresses;   // besides those of localhost
};

// Writes to DIRECTORY-security, beside the first of log.dirs.
Result<DevSecurity> prepare_dev_security(FileSystem& files, const config::Settings& settings,
                                         const DevSecurityOptions& options, const Clock& clock, Random& random);
// Writes bootstrap.checkpoint with the users, if the directory is new.
Status write_dev_users(FileSystem& files, const config::Settings& settings, const DevSecurity& security,
                       int64_t now_ms);

}  // namespace milena::broker
