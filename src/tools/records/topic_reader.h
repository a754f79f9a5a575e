// TopicReader: reads whole topics, or some of their partitions, without a group. Topics and partitions that appear
// meanwhile are read from their beginning. Blocks its caller.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/records/record_fetcher.h"

namespace milena::tools {

struct ReaderOptions {
  std::vector<std::string> topics;
  std::string pattern;              // instead of topics: a Java expression
  std::vector<int32_t> partitions;  // empty: all
  // An offset, kEarliestTime or kLatestTime; of the last N records where `from_end` is set.
  int64_t place = kLatestTime;
  std::optional<int64_t> from_time_ms;
  std::optional<int64_t> from_end;
};

class TopicReader {
 public:
  TopicReader(Cluster& cluster, ReaderOptions options, FetcherOptions fetcher)
      : cluster_(cluster),
        options_(std::move(options)),
        read_committed_(fetcher.read_committed),
        fetcher_(cluster, fetcher) {}

  // Finds the partitions; the first poll does it, too.
  Status start();
  Status poll(int32_t wait_ms, const RecordFetcher::Take& take);
  RecordFetcher& fetcher() { return fetcher_; }

 private:
  Status look_for_partitions(bool first);
  Result<std::map<TopicPartitionName, int64_t>> starts(const std::map<TopicPartitionName, Uuid>& partitions);

  Cluster& cluster_;
  const ReaderOptions options_;
  const bool read_committed_;
  RecordFetcher fetcher_;
  bool started_ = false;
  Deadline next_look_;
  std::map<TopicPartitionName, Uuid> known_;
};

}  // namespace milena::tools
