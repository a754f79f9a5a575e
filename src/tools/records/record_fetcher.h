// RecordFetcher: reads partitions from given offsets on, and passes on their records one by one. Blocks its caller.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "tools/admin.h"
#include "tools/cluster.h"
#include "tools/group_admin.h"
#include "tools/records/record.h"

namespace milena::tools {

struct FetcherOptions {
  bool read_committed = false;
  int32_t max_bytes = 50 << 20;
  int32_t partition_bytes = 1 << 20;
  // Where to go on if the offset is out of range: kEarliestTime or kLatestTime; nullopt: an error.
  std::optional<int64_t> reset_to;
};

class RecordFetcher {
 public:
  // False ends the poll; the record counts as read. The records behind it come with the next poll.
  using Take = std::function<bool(const FetchedRecord&)>;

  RecordFetcher(Cluster& cluster, FetcherOptions options) : cluster_(cluster), options_(options) {}

  // A partition that is already assigned goes on at the new offset.
  void assign(const std::string& topic, const Uuid& id, int32_t partition, int64_t offset);
  void unassign(const TopicPartitionName& partition) { places_.erase(partition); }
  bool empty() const { return places_.empty(); }
  // One fetch at each leader, which waits for records at most so long.
  Status poll(int32_t wait_ms, const Take& take);
  // The offset of the next record to read.
  std::map<TopicPartitionName, GroupOffset> positions() const;
  // As of the last fetch; -1 before one.
  int64_t end_offset(const TopicPartitionName& partition) const;
  bool at_end() const;
  // Offsets between there and here.
  int64_t left() const;

 private:
  struct Place {
    Uuid topic_id;
    int64_t offset = 0;
    int64_t end = -1;
    int32_t epoch = -1;  // of the last record read
  };
  using Aborted = std::vector<std::pair<int64_t, int64_t>>;  // first offset, producer id

  Status fetch(BrokerClient& broker, const std::vector<TopicPartitionName>& partitions, int32_t wait_ms,
               const Take& take, bool& stopped);
  Status take_batches(const TopicPartitionName& name, Place& place, ByteView bytes, Aborted aborted, const Take& take,
                      bool& stopped);
  Status handle_error(const TopicPartitionName& name, Place& place, ErrorCode code);

  Cluster& cluster_;
  const FetcherOptions options_;
  std::map<TopicPartitionName, Place> places_;
  TopicPartitionName last_served_;  // partitions after it come first
};

}  // namespace milena::tools
