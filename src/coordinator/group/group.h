// Group: the base of all kinds of groups: a name in the table, a state for lists, and rules for its committed offsets.
// Each kind has its own handling of joins, rebalances and leaves (ClassicGroups, ConsumerGroups). (Kafka:
// org.apache.kafka.coordinator.group.Group.)
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "coordinator/group/group_types.h"
#include "metadata/image.h"

namespace milena::coordinator {

enum class GroupType : uint8_t { kClassic, kConsumer, kShare, kStreams };

// "classic", as in ListGroups.
ByteView group_type_name(GroupType type);
std::span<const ByteView> group_type_names();
// The states of groups of any kind in lists.
std::span<const ByteView> group_state_names();

// Context for the rules about a commit, besides the group and the request.
struct CommitContext {
  int16_t api_version = 0;
  int32_t metadata_max_bytes = 0;  // offset.metadata.max.bytes; in Java's characters
  const metadata::MetadataImage* image = nullptr;

  bool is_too_long(std::optional<ByteView> metadata) const;
};

// When the offsets of a group expire: their retention starts here, or, if not set, at the commit of each.
struct OffsetRetention {
  std::optional<int64_t> since_ms;
};

class Group {
 public:
  explicit Group(Bytes id) : id_(std::move(id)) {}
  virtual ~Group() = default;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  const Bytes& id() const { return id_; }
  virtual GroupType type() const = 0;

  // --- for lists

  virtual ByteView listed_state() const = 0;
  virtual ByteView listed_protocol_type() const = 0;
  virtual size_t member_count() const = 0;

  // --- its offsets

  virtual ErrorCode validate_commit(const CommitContext& context, const OffsetCommitRequest& request) const = 0;
  virtual ErrorCode validate_transactional_commit(const CommitContext& context,
                                                  const TxnOffsetCommitRequest& request) const = 0;
  virtual ErrorCode validate_fetch(const OffsetFetchGroup& request) const = 0;
  // OffsetDelete as a whole; subscribed topics are refused as well.
  virtual ErrorCode validate_offset_delete() const = 0;
  virtual bool is_subscribed_to(ByteView topic) const = 0;
  // Nothing if they do not expire now. (Kafka: OffsetExpirationCondition.)
  virtual std::optional<OffsetRetention> offset_retention() const = 0;

  // --- its end

  // Whether it is empty and can be replaced by a classic group of its name.
  virtual bool may_become_classic() const { return false; }
  // DeleteGroups.
  virtual ErrorCode validate_delete() const = 0;
  // Whether it is removed once its last offset is gone.
  virtual bool may_be_removed() const = 0;
  // Only for groups that may be removed or deleted.
  virtual void write_tombstones(std::vector<CoordinatorRecord>& records) const = 0;

 private:
  const Bytes id_;
};

}  // namespace milena::coordinator
