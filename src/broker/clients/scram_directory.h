// The source of credentials for a shard's SCRAM exchanges: users and delegation tokens in its image of the metadata.
#pragma once

#include <memory>

#include "security/scram.h"

namespace milena::broker {

class ShardContext;

// Used on the shard's thread. The shard outlives it.
std::shared_ptr<const security::ScramDirectory> make_scram_directory(ShardContext& shard);

}  // namespace milena::broker
