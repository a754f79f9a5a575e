// `milena --dev-security`: a secured broker in one step. Makes passwords of two users, a certificate authority and a
// server's certificate if they do not exist yet, and configuration files for clients. Files with secrets are readable
// only by their owner. The users' credentials and ACLs are made when the node is there (tools/seed/dev_users.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "config/settings.h"

namespace milena::broker {

struct DevSecurity {
  std::string directory;
  // "key=value", for settings that are not set.
  std::vector<std::string> overrides;
  std::map<std::string, std::string> passwords;  // by user: admin, who may do everything, and reader
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

}  // namespace milena::broker
