#include "tools/records/topic_reader.h"

#include <algorithm>
#include <thread>

namespace milena::tools {
namespace {

constexpr int64_t kLookEvery_ms = 5000;

}  // namespace

Status TopicReader::start() {
  if (started_) return ok_status();
  started_ = true;
  for (const std::string& name : options_.topics) {
    auto topic = cluster_.topic(name, true);
    RETURN_IF_ERROR(topic);
  }
  return look_for_partitions(true);
}

Status TopicReader::look_for_partitions(bool first) {
  next_look_ = deadline_in(kLookEvery_ms);
  auto answer = cluster_.metadata(options_.topics);
  RETURN_IF_ERROR(answer);
  std::vector<std::string> names = options_.topics;
  if (names.empty()) {
    for (const auto& topic : answer->topics) names.push_back(topic.name.value_or(""));
    auto matching = matching_names(names, options_.pattern);
    RETURN_IF_ERROR(matching);
    names = matching.take();
  }
  std::map<TopicPartitionName, Uuid> added;
  for (const auto& topic : answer->topics) {
    std::string name = topic.name.value_or("");
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    auto wanted = options_.partitions;
    if (wanted.empty()) {
      for (const auto& partition : topic.partitions) wanted.push_back(partition.partition_index);
    }
    for (int32_t partition : wanted) {
      if (partition < 0 || static_cast<size_t>(partition) >= topic.partitions.size()) {
        return make_error(ErrorKind::kInvalid, "{} has no partition {}", name, partition);
      }
      if (known_.try_emplace({name, partition}, topic.topic_id).second) added[{name, partition}] = topic.topic_id;
    }
  }
  auto offsets =
      first ? starts(added) : Result<std::map<TopicPartitionName, int64_t>>(std::map<TopicPartitionName, int64_t>());
  RETURN_IF_ERROR(offsets);
  for (const auto& [name, id] : added) {
    fetcher_.assign(name.first, id, name.second, offsets->contains(name) ? (*offsets)[name] : 0);
  }
  return ok_status();
}

Result<std::map<TopicPartitionName, int64_t>> TopicReader::starts(
    const std::map<TopicPartitionName, Uuid>& partitions) {
  std::map<TopicPartitionName, int64_t> times, ends, firsts;
  for (const auto& [name, id] : partitions) {
    ends[name] = kLatestTime;
    firsts[name] = kEarliestTime;
    times[name] = options_.from_time_ms.value_or(options_.place);
  }
  if (!options_.from_time_ms && !options_.from_end && options_.place >= 0) return times;
  if (!options_.from_end) {
    auto found = list_offsets(cluster_, times, read_committed_);
    if (!found.ok() || !options_.from_time_ms) return found;
    auto end = list_offsets(cluster_, ends, read_committed_);
    if (!end.ok()) return end;
    for (auto& [name, offset] : *found) {
      if (offset < 0) offset = (*end)[name];
    }
    return found;
  }
  auto end = list_offsets(cluster_, ends, read_committed_);
  if (!end.ok()) return end;
  auto begin = list_offsets(cluster_, firsts, read_committed_);
  if (!begin.ok()) return begin;
  for (auto& [name, offset] : *end) offset = std::max((*begin)[name], offset - *options_.from_end);
  return end;
}

Status TopicReader::poll(int32_t wait_ms, const RecordFetcher::Take& take) {
  RETURN_IF_ERROR(start());
  if (std::chrono::steady_clock::now() >= next_look_) RETURN_IF_ERROR(look_for_partitions(false));
  if (fetcher_.empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(wait_ms, 100)));
    return ok_status();
  }
  return fetcher_.poll(wait_ms, take);
}

}  // namespace milena::tools
