// Where a shard's SCRAM exchanges find credentials: in its image of the metadata.
#pragma once

#include <memory>

#include "security/scram.h"

namespace milena {

class Shard;

// Asked on the shard's thread, which outlives it.
std::shared_ptr<const ScramDirectory> scram_directory_of(Shard& shard);

}  // namespace milena
