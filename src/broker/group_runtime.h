// GroupRuntime: hosts the group coordinators (coordinator/group_shard.h) of the __consumer_offsets partitions that this
// shard owns: loads them from the log, appends what they ask for, holds their answers until the high watermark covers
// what they depend on, and wakes them when their timers are due.
//
// A coordinator is loaded when it is first needed; requests that come while it loads wait (bounded) instead of being
// sent away with COORDINATOR_LOAD_IN_PROGRESS. Lives on its shard; submit() may be called by any shard, which passes
// itself. Source: Kafka's CoordinatorRuntime.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include "coordinator/group_shard.h"
#include "metadata/image.h"
#include "metadata/internal_topics.h"
#include "protocol/error_code.h"

namespace milena {

class Partition;
class Shard;


class GroupRuntime {
 public:
  // Runs on the coordinator's shard. What it captures is kept until the answer was given.
  using Input = std::function<Effects(GroupShard&, AnswerToken, Now)>;
  // Runs on the asking shard: kNone and the answer, or why there is none (kNotCoordinator, kCoordinatorNotAvailable,
  // kCoordinatorLoadInProgress).
  using OnAnswer = std::function<void(ErrorCode, GroupResponse*)>;

  explicit GroupRuntime(Shard& shard);
  ~GroupRuntime();

  // The partition of __consumer_offsets that keeps the group; -1 while that topic does not exist.
  static int32_t partition_of(const Shard& from, ByteView group_id);
  static int32_t partition_count(const Shard& from);

  // Gives the input to the coordinator of that partition, wherever it lives.
  static void submit(Shard& from, int32_t partition, Input input, OnAnswer on_answer);

  // Loads the coordinators whose partitions hold something, one a turn: sessions run and offsets expire after a restart
  // even if nobody asks.
  void load_in_background();

  // The node stops: nothing is accepted any more, timers end.
  void close();

  // The shard's image changed: coordinators of partitions that are gone are closed; offsets of deleted topics go.
  void on_metadata(const ImageDelta& delta);

 private:
  struct Host;
  struct Waiting {
    Input input;
    Shard* home;
    OnAnswer on_answer;
  };

  void submit_here(int32_t partition, Waiting waiting);
  Host* find_or_make_host(int32_t partition);
  void load_from(int32_t partition);
  void load(Host& host);
  void load_some(int32_t partition);
  void finish_loading(Host& host);
  bool apply_batches(Host& host, ByteView bytes, int64_t& next_offset);
  void run(Host& host, Waiting waiting);
  void execute(Host& host, Effects effects);
  ErrorCode append(Host& host, const Effects& effects);
  void send(Host& host, std::vector<Answer> answers, ErrorCode error);
  void arm_timer(Host& host);
  void on_timer(int32_t partition);
  void fail_host(int32_t partition, ErrorCode error);
  Now now() const;
  Partition* partition_of_host(const Host& host) const;

  Shard& shard_;
  GroupConfig config_;
  AnswerToken last_token_ = 0;
  bool closed_ = false;
  std::unordered_map<int32_t, std::unique_ptr<Host>> hosts_;
};

}  // namespace milena
