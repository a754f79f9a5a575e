#include "coordinator/group/group.h"

#include "coordinator/group/java_string.h"

namespace milena {

ByteView group_type_name(GroupType type) {
  switch (type) {
    case GroupType::kClassic: return "classic";
    case GroupType::kConsumer: return "consumer";
    case GroupType::kShare: return "share";
    case GroupType::kStreams: return "streams";
  }
  return "unknown";
}

bool CommitContext::is_too_long(std::optional<ByteView> metadata) const {
  return static_cast<int64_t>(utf16_length(metadata.value_or(""))) > metadata_max_bytes;
}

}  // namespace milena
