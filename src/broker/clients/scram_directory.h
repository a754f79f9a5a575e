// Where a shard's SCRAM exchanges find credentials: users and delegation tokens in its image of the metadata.
#pragma once

#include <memory>

#include "security/scram.h"

namespace milena::broker {

class ShardContext;

// Asked on the shard's thread, which outlives it.
std::shared_ptr<const security::ScramDirectory> make_scram_directory(ShardContext& shard);

}  // namespace milena::broker
