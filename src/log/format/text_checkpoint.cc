#include "log/format/text_checkpoint.h"

#include <charconv>
#include <optional>

namespace milena::log {
namespace {

// Takes the next line from `rest`, without its end ("\n" or "\r\n"). Nullopt at the end.
std::optional<ByteView> take_line(ByteView& rest) {
  if (rest.empty()) return std::nullopt;
  size_t end = rest.find('\n');
  ByteView line = rest.substr(0, end);
  rest.remove_prefix(end == ByteView::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

ByteView take_word(ByteView& rest) {
  size_t end = rest.find(' ');
  ByteView word = rest.substr(0, end);
  rest.remove_prefix(end == ByteView::npos ? rest.size() : end + 1);
  return word;
}

template <class T>
bool parse(ByteView text, T& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Error malformed(ByteView what, ByteView line) {
  return make_error(ErrorKind::kCorrupt, "checkpoint: {} in line \"{}\"", what, line.substr(0, 100));
}

// Calls `entry` with each line after the two header lines.
template <class F>
Status for_each_entry(ByteView file, F&& entry) {
  std::optional<ByteView> version_line = take_line(file);
  std::optional<ByteView> count_line = take_line(file);
  int32_t version = 0;
  int32_t count = 0;
  if (!version_line || !parse(*version_line, version)) return malformed("no version", version_line.value_or(""));
  if (version != 0) return malformed("unknown version", *version_line);
  if (!count_line || !parse(*count_line, count) || count < 0) return malformed("no count", count_line.value_or(""));
  int32_t seen = 0;
  while (std::optional<ByteView> line = take_line(file)) {
    if (line->empty()) break;
    RETURN_IF_ERROR(entry(*line));
    ++seen;
  }
  if (seen != count) return make_error(ErrorKind::kCorrupt, "checkpoint: {} entries, expected {}", seen, count);
  return ok_status();
}

Bytes checkpoint_head(size_t count) { return "0\n" + std::to_string(count) + "\n"; }

}  // namespace

Bytes encode_offset_checkpoint(const OffsetCheckpoint& offsets) {
  Bytes file = checkpoint_head(offsets.size());
  for (const auto& [partition, offset] : offsets) {
    file += partition.topic + " " + std::to_string(partition.partition) + " " + std::to_string(offset) + "\n";
  }
  return file;
}

Result<OffsetCheckpoint> decode_offset_checkpoint(ByteView file) {
  OffsetCheckpoint offsets;
  RETURN_IF_ERROR(for_each_entry(file, [&](ByteView line) -> Status {
    ByteView rest = line;
    TopicPartition partition;
    int64_t offset = 0;
    partition.topic = take_word(rest);
    if (partition.topic.empty() || !parse(take_word(rest), partition.partition) || !parse(rest, offset)) {
      return malformed("expected topic, partition, offset", line);
    }
    offsets[std::move(partition)] = offset;
    return ok_status();
  }));
  return offsets;
}

Bytes encode_epoch_checkpoint(const std::vector<EpochEntry>& entries) {
  Bytes file = checkpoint_head(entries.size());
  for (const EpochEntry& entry : entries) {
    file += std::to_string(entry.epoch) + " " + std::to_string(entry.start_offset) + "\n";
  }
  return file;
}

Result<std::vector<EpochEntry>> decode_epoch_checkpoint(ByteView file) {
  std::vector<EpochEntry> entries;
  RETURN_IF_ERROR(for_each_entry(file, [&](ByteView line) -> Status {
    ByteView rest = line;
    EpochEntry entry;
    if (!parse(take_word(rest), entry.epoch) || !parse(rest, entry.start_offset) || entry.epoch < 0 ||
        entry.start_offset < 0) {
      return malformed("expected epoch, start offset", line);
    }
    if (!entries.empty() &&
        (entry.epoch <= entries.back().epoch || entry.start_offset <= entries.back().start_offset)) {
      return malformed("epochs and offsets must grow", line);
    }
    entries.push_back(entry);
    return ok_status();
  }));
  return entries;
}

}  // namespace milena::log
