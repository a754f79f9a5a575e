// Creates the missing resources of a seed file in a cluster.
#pragma once

#include "tools/seed/seed_file.h"

namespace milena::tools {

// Existing topics, users and ACLs are not changed (but users, where the seed says so); records go into empty topics;
// quotas are set. An Error names the resource that failed; those before it were created.
Status apply_seed(Cluster& cluster, const Seed& seed);

// A seed file is applied once: the data directory keeps its digest. It is applied again after a change.
bool is_seed_applied(const std::string& directory, const Seed& seed);
Status note_seed_applied(const std::string& directory, const Seed& seed);

}  // namespace milena::tools
