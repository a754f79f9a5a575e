// Makes in a cluster what a seed file says, where it is not there yet.
#pragma once

#include "tools/seed/seed_file.h"

namespace milena::tools {

// Topics, users and ACLs that are there stay as they are; records go into topics that hold none; quotas are set. An
// Error names what could not be made; what came before it is there.
Status apply_seed(Cluster& cluster, const Seed& seed);

// A seed file is applied once: the data directory keeps its digest. It may be applied again after a change.
bool is_seed_applied(const std::string& directory, const Seed& seed);
Status note_seed_applied(const std::string& directory, const Seed& seed);

}  // namespace milena::tools
