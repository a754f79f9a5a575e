// CoordinatorRuntime: hosts the pure coordinators of one internal topic (group_runtime.h: __consumer_offsets,
// transaction_runtime.h: __transaction_state) for the partitions that this shard owns. Loads them from the log, appends
// their records, holds their answers until the high watermark covers the records that they depend on, and calls them
// when their timers are due.
//
// A coordinator is loaded when it is first needed. Requests that arrive while it loads wait (bounded) instead of
// failing with COORDINATOR_LOAD_IN_PROGRESS.
//
// Records of the inputs of one turn are applied at once and appended as one batch at its end, or after a linger; all
// later answers wait for that append. Records whose append may be refused (transactions, large ones) are appended
// separately, before they are applied. If a gathered batch cannot be appended, the disk has failed: the coordinator is
// dropped and loaded again. Lives on its shard; submit() may be called by any shard, which passes itself. Source:
// Kafka's CoordinatorRuntime.
//
// Kind defines the hosted coordinator: State (the pure state machine), Effects (its records and answers), Response, the
// topic, and how to find the runtime of a shard. The bodies are in coordinator_runtime.cc, instantiated there for each
// kind.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/replica/topic_partition_id.h"
#include "coordinator/group/group_types.h"
#include "log/producer_state.h"
#include "metadata/image.h"
#include "protocol/error_code.h"
#include "protocol/records/record_batch_builder.h"

namespace milena::broker {

class Partition;
class Shard;
class ShardContext;

template <class Kind>
class CoordinatorRuntime {
 public:
  using State = typename Kind::State;
  using Effects = typename Kind::Effects;
  using Response = typename Kind::Response;
  // Runs on the coordinator's shard. Its captures are kept until the answer was given.
  using Input = std::function<Effects(State&, coordinator::AnswerToken, coordinator::Now)>;
  // Runs on the asking shard with kNone and the answer, or with an error (kNotCoordinator, also if loading failed;
  // kCoordinatorNotAvailable, kCoordinatorLoadInProgress).
  using OnAnswer = std::function<void(ErrorCode, Response*)>;

  explicit CoordinatorRuntime(Shard& shard);
  virtual ~CoordinatorRuntime();

  // The partition of the topic for this key; -1 while the topic does not exist.
  static int32_t partition_of(const ShardContext& from, ByteView key);
  static int32_t partition_count(const ShardContext& from);

  // Gives the input to the coordinator of that partition, on whichever shard. Without on_answer the result is dropped.
  static void submit(Shard& from, int32_t partition, Input input, OnAnswer on_answer);

  // Loads the coordinators of all partitions that are not empty, one a turn, so that sessions and offsets expire after
  // a restart even if no client asks.
  void load_in_background();

  // For metrics: the partitions of this shard whose coordinators are loaded, and one of these; null if it is not
  // loaded.
  std::vector<int32_t> loaded_partitions() const;
  const State* find_loaded(int32_t partition) const;

  // The node stops: rejects all requests from now on, and ends the timers.
  void close();

 protected:
  // Identifies one coordinator in its current life. Results for one that was closed meanwhile are dropped.
  struct HostId {
    int32_t partition = 0;
    uint64_t incarnation = 0;
  };

  // Makes an empty coordinator for one partition.
  virtual std::unique_ptr<State> make_state(const TopicPartitionId& id) = 0;
  // Sets the options of the batches: not always plain ones.
  virtual void shape_append(const Effects&, BatchOptions&, log::AppendChecks&) const {}
  // How long records wait to be appended together with others: 0 not at all, -1 until the end of the turn.
  virtual int32_t append_linger_ms() const { return 0; }
  // Whether the records may share a batch with others.
  virtual bool may_gather(const Effects&) const { return true; }
  // Whether records are refused while fewer replicas are in sync than min.insync.replicas. Otherwise they are appended,
  // and answered when they are replicated.
  virtual bool asks_in_sync() const { return false; }
  // Effects other than records and answers are performed once the high watermark covers the records.
  virtual bool has_more(const Effects&) const { return false; }
  virtual void perform(const HostId& host, Effects& effects);

  // Closes the coordinators of partitions that have moved away, and loads those of partitions that this node leads now,
  // so that work left unfinished by the previous leader does not wait for a request.
  void follow_leadership(const metadata::ImageDelta& delta);
  // Submits an input of the broker itself to a partition of this shard. The answer is dropped.
  void submit_own(int32_t partition, Input input);
  void submit_own(const HostId& host, Input input);
  // Returns null unless it is loaded; a loading one reads the log itself.
  State* loaded_state(int32_t partition);
  // Appends the gathered records of that coordinator; called before anything else is appended to its partition.
  void flush_partition(int32_t partition);
  // Includes coordinators that are loading.
  void for_each_state(const std::function<void(const TopicPartitionId&, State&)>& visit);

  Shard& shard_;

 private:
  struct Host;
  // How an input's records are appended: alone and at once, with the gathered records, or after those in a new batch.
  enum class Gathering { kNone, kWithOthers, kAnew };
  struct Waiting {
    Input input;
    Shard* home;
    OnAnswer on_answer;
  };

  void submit_here(int32_t partition, Waiting waiting);
  Host* find_or_make_host(int32_t partition);
  void load_from(int32_t partition);
  void load_if_held(int32_t partition);
  void load(Host& host);
  void load_some(int32_t partition);
  void finish_loading(Host& host);
  bool apply_batches(Host& host, ByteView bytes, int64_t& next_offset);
  void run(Host& host, Waiting waiting);
  // Records are appended and applied completely, or the process ends.
  void execute(Host& host, Effects effects);
  void release(Host& host, Effects effects);
  ErrorCode append(Host& host, const Effects& effects);
  Gathering gathering(const Host& host, const Effects& effects) const;
  void gather(Host& host, const Effects& effects);
  void plan_flush(Host& host);
  bool append_gathered(Host& host, Effects& held);
  void flush(Host& host);
  void release_when_settled(Host& host, Partition& partition, int64_t offset, Effects effects);
  void send(Host& host, std::vector<typename Kind::Answer> answers, ErrorCode error);
  void arm_timer(Host& host);
  void on_timer(int32_t partition);
  void fail_load(int32_t partition);
  bool may_not_load_yet(const Host& host) const;
  void fail_host(int32_t partition, ErrorCode error);
  coordinator::Now now() const;
  Partition* partition_of_host(const Host& host) const;

  coordinator::AnswerToken last_token_ = 0;
  uint64_t last_incarnation_ = 0;
  bool closed_ = false;
  std::unordered_map<int32_t, std::unique_ptr<Host>> hosts_;
  struct FailedLoad {
    TopicPartitionId id;
    int64_t delay_ms = 0;
    int64_t again_ms = 0;
  };
  std::unordered_map<int32_t, FailedLoad> failed_loads_;
};

}  // namespace milena::broker
