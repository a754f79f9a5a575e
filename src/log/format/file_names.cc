#include "log/format/file_names.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "base/uuid.h"

namespace milena::log {
namespace {

constexpr size_t kOffsetDigits = 20;
constexpr size_t kUniqueDigits = 32;
constexpr size_t kMaxFileName = 255;

template <class T>
std::optional<T> parse_number(ByteView text) {
  T value = 0;
  bool digits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::nullopt;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

ByteView suffix_of(DirectoryKind kind) {
  switch (kind) {
    case DirectoryKind::kDelete: return "-delete";
    case DirectoryKind::kStray: return "-stray";
    case DirectoryKind::kFuture: return "-future";
    case DirectoryKind::kLive: break;
  }
  return "";
}

// The last '-' separates the partition; the topic itself may have dots and dashes.
std::optional<TopicPartition> parse_topic_partition(ByteView name) {
  size_t dash = name.rfind('-');
  if (dash == ByteView::npos || dash == 0) return std::nullopt;
  std::optional<int32_t> partition = parse_number<int32_t>(name.substr(dash + 1));
  if (!partition) return std::nullopt;
  return TopicPartition{std::string(name.substr(0, dash)), *partition};
}

}  // namespace

std::string segment_file_name(int64_t offset, ByteView suffix) { return fmt::format("{:020}{}", offset, suffix); }

std::optional<SegmentFileName> parse_segment_file_name(ByteView name) {
  if (name.size() <= kOffsetDigits || name[kOffsetDigits] != '.') return std::nullopt;
  std::optional<int64_t> offset = parse_number<int64_t>(name.substr(0, kOffsetDigits));
  if (!offset) return std::nullopt;
  return SegmentFileName{*offset, name.substr(kOffsetDigits)};
}

std::optional<PartitionDirectoryName> parse_partition_directory(ByteView name) {
  for (DirectoryKind kind : {DirectoryKind::kDelete, DirectoryKind::kStray, DirectoryKind::kFuture}) {
    ByteView suffix = suffix_of(kind);
    if (!name.ends_with(suffix)) continue;
    ByteView rest = name.substr(0, name.size() - suffix.size());
    size_t dot = rest.rfind('.');
    if (dot == ByteView::npos || rest.size() - dot - 1 != kUniqueDigits) return std::nullopt;
    std::optional<TopicPartition> partition = parse_topic_partition(rest.substr(0, dot));
    if (!partition) return std::nullopt;
    return PartitionDirectoryName{std::move(*partition), kind};
  }
  std::optional<TopicPartition> partition = parse_topic_partition(name);
  if (!partition) return std::nullopt;
  return PartitionDirectoryName{std::move(*partition), DirectoryKind::kLive};
}

std::string renamed_partition_directory(const TopicPartition& partition, DirectoryKind kind, Random& random) {
  Uuid unique = Uuid::random(random);
  std::string tail = fmt::format("-{}.{:016x}{:016x}{}", partition.partition, unique.hi, unique.lo, suffix_of(kind));
  std::string topic = partition.topic;
  if (kind != DirectoryKind::kFuture) topic.resize(std::min(topic.size(), kMaxFileName - tail.size()));
  return topic + tail;
}

}  // namespace milena::log
