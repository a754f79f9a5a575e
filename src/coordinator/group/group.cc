#include "coordinator/group/group.h"

#include "coordinator/group/java_string.h"

namespace milena::coordinator {

namespace {

constexpr ByteView kTypeNames[] = {"classic", "consumer", "share", "streams"};

}  // namespace

ByteView group_type_name(GroupType type) { return kTypeNames[static_cast<size_t>(type)]; }

std::span<const ByteView> group_type_names() { return kTypeNames; }

std::span<const ByteView> group_state_names() {
  static constexpr ByteView kNames[] = {"Empty",  "PreparingRebalance", "CompletingRebalance", "Assigning",
                                        "Stable", "Reconciling",        "NotReady",            "Dead"};
  return kNames;
}

bool CommitContext::is_too_long(std::optional<ByteView> metadata) const {
  return static_cast<int64_t>(utf16_length(metadata.value_or(""))) > metadata_max_bytes;
}

}  // namespace milena::coordinator
