// Requests of commands about the users of SCRAM.
#pragma once

#include <string>

#include "protocol/messages/alter_user_scram_credentials.h"
#include "security/scram.h"
#include "tools/cluster.h"

namespace milena::tools {

// A failure names the user.
Status alter_scram(Cluster& cluster, const AlterUserScramCredentialsRequest& request);
// Creates the user, or changes its password.
Status set_scram_password(Cluster& cluster, const std::string& user, security::ScramMechanism mechanism,
                          const std::string& password, int32_t iterations = security::kMinScramIterations);
Result<bool> has_scram_user(Cluster& cluster, const std::string& user, security::ScramMechanism mechanism);

}  // namespace milena::tools
