// The users of `milena --dev-security`, as a seed: whatever the data directory holds, they log in as the files for
// clients say.
#pragma once

#include <map>
#include <string>

#include "tools/seed/seed_file.h"

namespace milena::tools {

// SCRAM credentials of each user; ACLs for "reader", who may read all topics in any group and alter nothing. The admin
// needs none: it is a super user. The digest is that of the passwords.
Seed dev_users(const std::map<std::string, std::string>& passwords);

}  // namespace milena::tools
