// `milena --dev-security`: a secured broker in one step. Makes users with passwords, a certificate authority and a
// server's certificate where there are none yet, and files with which clients connect. What is secret is readable for
// the owner alone.
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
  // "key=value", for what the settings do not say themselves.
  std::vector<std::string> overrides;
  // The users of SCRAM; for a directory that has no metadata yet.
  metadata::MetadataRecords users;
  // Lines for the person who started it: what to paste.
  std::vector<std::string> advice;
};

struct DevSecurityOptions {
  bool tls = false;  // the listener is SASL_SSL
  std::vector<Bytes> host_names;  // besides localhost
  std::vector<Bytes> addresses;   // besides those of localhost
};

// Beside the first of log.dirs, in DIRECTORY-security.
Result<DevSecurity> prepare_dev_security(FileSystem& files, const config::Settings& settings,
                                         const DevSecurityOptions& options, const Clock& clock, Random& random);
// bootstrap.checkpoint with the users, where the directory is new.
Status write_dev_users(FileSystem& files, const config::Settings& settings, const DevSecurity& security,
                       int64_t now_ms);

}  // namespace milena::broker
