// GroupReader: a member of a consumer group (KIP-848), with the partitions that the coordinator assigns to it. Blocks
// its caller, which polls.
#pragma once

#include <string>
#include <vector>

#include "tools/group_admin.h"
#include "tools/records/record_fetcher.h"

namespace milena::tools {

struct GroupOptions {
  std::string group;
  std::vector<std::string> topics;
  std::string pattern;             // instead of topics
  int64_t start_at = kLatestTime;  // start of partitions without an offset of the group
  bool commit = true;
  int64_t commit_interval_ms = 5000;
};

class GroupReader {
 public:
  GroupReader(Cluster& cluster, GroupOptions options, FetcherOptions fetcher);

  // Heartbeats and commits when they are due, then fetches.
  Status poll(int32_t wait_ms, const RecordFetcher::Take& take);
  // Commits and leaves.
  Status close();
  const RecordFetcher& fetcher() const { return fetcher_; }

 private:
  Status heartbeat(int32_t epoch);
  Status take_assignment(const std::vector<std::pair<Uuid, int32_t>>& assigned);
  Status commit();

  Cluster& cluster_;
  const GroupOptions options_;
  RecordFetcher fetcher_;
  std::string member_id_;
  int32_t epoch_ = 0;
  bool told_all_ = false;  // the coordinator has this member's subscription and partitions
  Deadline next_heartbeat_;
  Deadline next_commit_;
  std::map<TopicPartitionName, Uuid> owned_;
  std::map<TopicPartitionName, int64_t> committed_;
};

}  // namespace milena::tools
