#include "broker/coordinators/coordinator_runtime.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/out_of_memory.h"
#include "broker/coordinators/coordinator_log.h"
#include "broker/coordinators/group_runtime.h"
#include "broker/coordinators/transaction_runtime.h"
#include "broker/replica/replica_manager.h"
#include "broker/shard.h"
#include "broker/storage/log_directories.h"
#include "coordinator/group/java_string.h"
#include "metadata/planted_replication_bugs.h"
#include "protocol/records/legacy_messages.h"

namespace milena::broker {
namespace {

constexpr uint64_t kLoadChunk_bytes = 1 << 20;
constexpr size_t kMaxWaiting = 10'000;
// The pause before a failed load is tried again; it doubles up to the most.
constexpr int64_t kLoadAgain_ms = 1000;
constexpr int64_t kLoadAgainAtMost_ms = 60'000;
// A hundred years: longer than anybody waits.
constexpr int64_t kNoDeadline_ms = int64_t{100} * 365 * 86'400'000;

}  // namespace

template <class Kind>
struct CoordinatorRuntime<Kind>::Host {
  int32_t partition = 0;
  uint64_t incarnation = 0;
  TopicPartitionId id;
  std::unique_ptr<State> state;
  bool loading = false;
  bool loaded = false;
  int64_t load_position = 0;
  std::deque<Waiting> waiting;
  // Inputs without an answer. Kept because the state machine may hold views of the request until it answers.
  std::unordered_map<coordinator::AnswerToken, Waiting> open;
  TimerId timer = 0;
  int64_t timer_ms = 0;
  // Records that are applied but not appended yet, and the effects since the first of them.
  GatheredRecords gathered;
  Effects held;
  bool flush_planned = false;
};

template <class Kind>
CoordinatorRuntime<Kind>::CoordinatorRuntime(Shard& shard) : shard_(shard) {}
template <class Kind>
CoordinatorRuntime<Kind>::~CoordinatorRuntime() = default;

template <class Kind>
void CoordinatorRuntime<Kind>::perform(const HostId&, Effects&) {}

template <class Kind>
int32_t CoordinatorRuntime<Kind>::partition_count(const ShardContext& from) {
  const metadata::TopicImage* topic = from.image().find_topic(Kind::kTopic);
  return topic == nullptr ? 0 : topic->partition_count();
}

template <class Kind>
int32_t CoordinatorRuntime<Kind>::partition_of(const ShardContext& from, ByteView key) {
  int32_t count = partition_count(from);
  return count == 0 ? -1 : coordinator::coordinator_partition(key, count);
}

template <class Kind>
void CoordinatorRuntime<Kind>::submit(Shard& from, int32_t partition, Input input, OnAnswer on_answer) {
  const metadata::TopicImage* topic = from.image().find_topic(Kind::kTopic);
  if (topic == nullptr || topic->partition(partition) == nullptr) {
    if (on_answer) on_answer(ErrorCode::kNotCoordinator, nullptr);
    return;
  }
  Waiting waiting{std::move(input), &from, std::move(on_answer)};
  from.router().at_owner(from, {topic->id, partition}, [partition, waiting = std::move(waiting)](Shard& owner) mutable {
    Kind::runtime_of(owner).submit_here(partition, std::move(waiting));
  });
}

template <class Kind>
coordinator::Now CoordinatorRuntime<Kind>::now() const {
  return coordinator::Now{shard_.steady_ms(), shard_.now_ms()};
}

template <class Kind>
Partition* CoordinatorRuntime<Kind>::partition_of_host(const Host& host) const {
  return shard_.replicas().find_partition(host.id);
}

template <class Kind>
void CoordinatorRuntime<Kind>::submit_here(int32_t partition, Waiting waiting) {
  auto refuse = [&](ErrorCode error) {
    if (!waiting.on_answer) return;
    Shard& home = *waiting.home;
    shard_.router().run_on(shard_, home,
                           [on_answer = std::move(waiting.on_answer), error] { on_answer(error, nullptr); });
  };
  Host* host = find_or_make_host(partition);
  if (host == nullptr || may_not_load_yet(*host)) return refuse(ErrorCode::kNotCoordinator);
  if (host->loaded) return run(*host, std::move(waiting));
  if (host->waiting.size() >= kMaxWaiting) return refuse(ErrorCode::kCoordinatorLoadInProgress);
  host->waiting.push_back(std::move(waiting));
  if (!host->loading) load(*host);
}

template <class Kind>
auto CoordinatorRuntime<Kind>::find_or_make_host(int32_t partition) -> Host* {
  if (auto found = hosts_.find(partition); found != hosts_.end()) return found->second.get();
  const metadata::TopicImage* topic = shard_.image().find_topic(Kind::kTopic);
  if (topic == nullptr || shard_.replicas().find_partition({topic->id, partition}) == nullptr) return nullptr;
  auto host = std::make_unique<Host>();
  host->partition = partition;
  host->id = {topic->id, partition};
  host->incarnation = ++last_incarnation_;
  host->state = make_state(host->id);
  return hosts_.emplace(partition, std::move(host)).first->second.get();
}

template <class Kind>
void CoordinatorRuntime<Kind>::load_in_background() { load_from(0); }

template <class Kind>
void CoordinatorRuntime<Kind>::load_from(int32_t index) {
  const metadata::TopicImage* topic = shard_.image().find_topic(Kind::kTopic);
  if (closed_ || topic == nullptr || index >= topic->partition_count()) return;
  load_if_held(index);
  shard_.executor().post([this, index] { load_from(index + 1); });
}

template <class Kind>
void CoordinatorRuntime<Kind>::load_if_held(int32_t index) {
  const metadata::TopicImage* topic = shard_.image().find_topic(Kind::kTopic);
  if (closed_ || topic == nullptr || hosts_.contains(index)) return;
  Partition* partition = shard_.replicas().find_partition({topic->id, index});
  // After a clean stop the checkpoints show which logs are empty, and those stay closed.
  if (partition == nullptr || partition->known_empty() || partition->log_end_offset() == 0) return;
  load(*find_or_make_host(index));
}

// --- loading: a chunk of the log a turn, so that the shard can serve others. A coordinator that fails to load is not a
// coordinator, as in Kafka.

template <class Kind>
void CoordinatorRuntime<Kind>::load(Host& host) {
  host.loading = true;
  Partition* partition = partition_of_host(host);
  const bool usable = partition != nullptr && partition->with_log([&](log::PartitionLog& log) {
    host.load_position = log.log_start_offset();
    if (MILENA_REPLICATION_BUG(kCoordinatorForgets)) host.load_position = log.log_end_offset();
    return ok_status();
  }) == ErrorCode::kNone;
  if (!usable) {
    // Nothing was read, and descriptors or a disk may be available again at any time: the next attempt is soon.
    failed_loads_.erase(host.partition);
    return fail_load(host.partition);
  }
  load_some(host.partition);
}

template <class Kind>
void CoordinatorRuntime<Kind>::load_some(int32_t partition_index) {
  auto found = hosts_.find(partition_index);
  if (found == hosts_.end() || found->second->loaded) return;
  Host& host = *found->second;
  Partition* partition = partition_of_host(host);
  Bytes bytes;
  int64_t end = 0;
  const bool read = partition != nullptr && partition->with_log([&](log::PartitionLog& log) -> Status {
    end = log.log_end_offset();
    if (host.load_position >= end) return ok_status();
    auto outcome = log.read(host.load_position, kLoadChunk_bytes, end, true);
    RETURN_IF_ERROR(outcome);
    auto flat = outcome->batches.flatten();
    RETURN_IF_ERROR(flat);
    auto current = in_current_format(flat.take());
    RETURN_IF_ERROR(current);
    bytes = current.take();
    return ok_status();
  }) == ErrorCode::kNone;
  if (!read) return fail_load(partition_index);
  if (host.load_position < end && !apply_batches(host, bytes, host.load_position)) return fail_load(partition_index);
  if (host.load_position >= end) return finish_loading(host);
  shard_.executor().post([this, partition_index] { load_some(partition_index); });
}

// Returns false if the log cannot be read any further.
template <class Kind>
bool CoordinatorRuntime<Kind>::apply_batches(Host& host, ByteView bytes, int64_t& next_offset) {
  State& state = *host.state;
  const auto any = visit_coordinator_batches(
      bytes, next_offset,
      {.record = [&state](ByteView key, std::optional<ByteView> value, int64_t offset,
                          int64_t producer_id) { state.apply(key, value, offset, producer_id); },
       .marker = [&state](int64_t producer_id, bool committed) { state.apply_marker(producer_id, committed); }});
  if (!any) log_error("{}-{} cannot be loaded: {}", Kind::kTopic, host.partition, any.error().message);
  return any.ok() && *any;
}

template <class Kind>
void CoordinatorRuntime<Kind>::finish_loading(Host& host) {
  host.loading = false;
  host.loaded = true;
  const int32_t index = host.partition;
  failed_loads_.erase(index);
  execute(host, host.state->loaded(now()));
  // The effects of the first of them may end this host.
  std::deque<Waiting> waiting = std::exchange(host.waiting, {});
  for (Waiting& one : waiting) submit_here(index, std::move(one));
}

template <class Kind>
void CoordinatorRuntime<Kind>::fail_load(int32_t partition) {
  FailedLoad& failed = failed_loads_[partition];
  const TopicPartitionId& id = hosts_.at(partition)->id;
  failed.delay_ms = failed.id == id ? std::min(failed.delay_ms * 2, kLoadAgainAtMost_ms) : kLoadAgain_ms;
  failed.id = id;
  failed.again_ms = shard_.steady_ms() + failed.delay_ms;
  fail_host(partition, ErrorCode::kNotCoordinator);
}

// Clients ask again and again, and each request would read the whole log.
template <class Kind>
bool CoordinatorRuntime<Kind>::may_not_load_yet(const Host& host) const {
  auto failed = failed_loads_.find(host.partition);
  return !host.loaded && !host.loading && failed != failed_loads_.end() && failed->second.id == host.id &&
         shard_.steady_ms() < failed->second.again_ms;
}

template <class Kind>
void CoordinatorRuntime<Kind>::fail_host(int32_t partition, ErrorCode error) {
  auto found = hosts_.find(partition);
  if (found == hosts_.end()) return;
  std::unique_ptr<Host> host = std::move(found->second);
  hosts_.erase(found);
  shard_.executor().cancel(host->timer);
  if (host->loaded) send(*host, host->state->close(error).answers, ErrorCode::kNone);
  for (auto& [token, open] : host->open) {
    shard_.router().run_on(shard_, *open.home, [on_answer = open.on_answer, error] { on_answer(error, nullptr); });
  }
  for (Waiting& one : host->waiting) {
    if (!one.on_answer) continue;
    shard_.router().run_on(shard_, *one.home, [on_answer = one.on_answer, error] { on_answer(error, nullptr); });
  }
}

// --- inputs and their effects

template <class Kind>
void CoordinatorRuntime<Kind>::run(Host& host, Waiting waiting) {
  CHECK(shard_.is_current(), "the coordinator of {}-{} is used by a thread that does not own it", Kind::kTopic,
        host.partition);
  if (!waiting.on_answer) return execute(host, waiting.input(*host.state, 0, now()));  // the broker's own, unanswered
  coordinator::AnswerToken token = ++last_token_;
  auto [open, inserted] = host.open.emplace(token, std::move(waiting));
  Effects effects;
  if (fits_into_memory([&] { effects = open->second.input(*host.state, token, now()); })) {
    return execute(host, std::move(effects));
  }
  // The state in memory is not known. The log is.
  log_error("{}-{} is loaded again: a response needs more memory than is available", Kind::kTopic, host.partition);
  Waiting failed = std::move(open->second);
  host.open.erase(open);
  shard_.router().run_on(shard_, *failed.home, [on_answer = std::move(failed.on_answer)] {
    on_answer(ErrorCode::kUnknownServerError, nullptr);
  });
  fail_host(host.partition, ErrorCode::kNotCoordinator);
}

template <class Kind>
void CoordinatorRuntime<Kind>::execute(Host& host, Effects effects) {
  if (!effects.records.empty()) {
    const Gathering how = gathering(host, effects);
    Effects before;
    if (how != Gathering::kWithOthers && !append_gathered(host, before)) return;
    if (how != Gathering::kNone) {
      gather(host, effects);
      plan_flush(host);
    } else if (ErrorCode error = append(host, effects); error != ErrorCode::kNone) {
      effects = host.state->append_failed(std::move(effects), error, now());
      // The answers sent now depend on no record that was not appended.
    }
    // Nothing is sent before this point: others may react and call back here at once.
    effects.answers.insert(effects.answers.begin(), std::make_move_iterator(before.answers.begin()),
                           std::make_move_iterator(before.answers.end()));
  }
  arm_timer(host);
  if (host.gathered.empty()) return release(host, std::move(effects));
  // Answers to reads wait as well: they may contain changes that are not appended yet.
  for (auto& answer : effects.answers) host.held.answers.push_back(std::move(answer));
}

template <class Kind>
void CoordinatorRuntime<Kind>::release(Host& host, Effects effects) {
  if (effects.answers.empty() && !has_more(effects)) return;
  Partition* partition = partition_of_host(host);
  const int64_t end = partition == nullptr ? 0 : partition->log_end_offset();
  const bool replicated = !MILENA_REPLICATION_BUG(kCommitNotReplicated);
  if (partition != nullptr && !partition->is_settled(end, replicated)) {
    return release_when_settled(host, *partition, end, std::move(effects));
  }
  const HostId id{host.partition, host.incarnation};
  send(host, std::move(effects.answers), ErrorCode::kNone);
  perform(id, effects);
}

// Answers to clients have a deadline. The coordinator's further effects have none, and end with the coordinator.
template <class Kind>
void CoordinatorRuntime<Kind>::release_when_settled(Host& host, Partition& partition, int64_t offset, Effects effects) {
  auto held = std::make_shared<Effects>(std::move(effects));
  auto still_hosted = [this, index = host.partition, incarnation = host.incarnation] {
    auto found = hosts_.find(index);
    return found == hosts_.end() || found->second->incarnation != incarnation ? nullptr : found->second.get();
  };
  if (!held->answers.empty()) {
    int64_t deadline_ms = shard_.steady_ms() + shard_.settings().get_long(Kind::kAppendTimeoutSetting);
    partition.when_settled(offset, true, deadline_ms, [this, still_hosted, held](ErrorCode error) {
      if (Host* hosted = still_hosted()) {
        send(*hosted, std::move(held->answers),
             error == ErrorCode::kNone ? error
             : error == ErrorCode::kRequestTimedOut ? ErrorCode::kCoordinatorNotAvailable
                                                    : ErrorCode::kNotCoordinator);
      }
    });
  }
  if (!has_more(*held)) return;
  partition.when_settled(offset, true, shard_.steady_ms() + kNoDeadline_ms,
                         [this, still_hosted, held](ErrorCode error) {
                           Host* hosted = still_hosted();
                           if (hosted != nullptr && error == ErrorCode::kNone) {
                             perform(HostId{hosted->partition, hosted->incarnation}, *held);
                           }
                         });
}

template <class Kind>
ErrorCode CoordinatorRuntime<Kind>::append(Host& host, const Effects& effects) {
  return whole_or_not([&] {
    Partition* partition = partition_of_host(host);
    if (partition == nullptr) return ErrorCode::kNotLeaderOrFollower;
    if (asks_in_sync() && !partition->enough_in_sync()) return ErrorCode::kNotEnoughReplicas;
    BatchOptions options;
    log::AppendChecks checks = log::AppendOrigin::kCoordinator;
    shape_append(effects, options, checks);
    const log::AppendOutcome outcome =
        append_coordinator_records(shard_, shard_.replicas(), *partition, effects.records, options, checks);
    if (outcome.error != ErrorCode::kNone) return outcome.error;
    int64_t offset = outcome.base_offset;
    for (const coordinator::CoordinatorRecord& record : effects.records) {
      host.state->apply(record.key, value_of(record), offset++, options.transactional ? options.producer_id : -1);
    }
    return ErrorCode::kNone;
  });
}

// --- gathered appends

template <class Kind>
auto CoordinatorRuntime<Kind>::gathering(const Host& host, const Effects& effects) const -> Gathering {
  if (append_linger_ms() == 0 || !may_gather(effects)) return Gathering::kNone;
  Partition* partition = partition_of_host(host);
  const size_t size = size_in_batch(effects.records);
  if (partition == nullptr || partition->offline() || size > kSmallDecision_bytes) return Gathering::kNone;
  const bool has_room = host.gathered.size_bytes() + size <= kLargeCoordinatorBatch_bytes;
  return has_room ? Gathering::kWithOthers : Gathering::kAnew;
}

template <class Kind>
void CoordinatorRuntime<Kind>::gather(Host& host, const Effects& effects) {
  return whole_or_not([&] {
    const int64_t end = partition_of_host(host)->log_end_offset();
    const int64_t timestamp_ms = shard_.now_ms();
    BatchOptions options;
    log::AppendChecks checks = log::AppendOrigin::kCoordinator;
    shape_append(effects, options, checks);
    for (const coordinator::CoordinatorRecord& record : effects.records) {
      const int64_t offset = end + host.gathered.record_count();
      host.gathered.add(record, timestamp_ms, options);
      host.state->apply(record.key, value_of(record), offset, -1);
    }
  });
}

template <class Kind>
void CoordinatorRuntime<Kind>::plan_flush(Host& host) {
  if (host.flush_planned) return;
  host.flush_planned = true;
  Task task = [this, id = HostId{host.partition, host.incarnation}] {
    auto found = hosts_.find(id.partition);
    if (found == hosts_.end() || found->second->incarnation != id.incarnation) return;
    found->second->flush_planned = false;
    flush(*found->second);
  };
  const int32_t linger_ms = append_linger_ms();
  if (linger_ms < 0) {
    shard_.executor().at_end_of_turn(std::move(task));
  } else {
    shard_.executor().call_after(linger_ms, std::move(task));
  }
}

// Appends the gathered records and passes the effects that waited for them. Returns false, and the host is gone, if its
// state could not be written.
template <class Kind>
bool CoordinatorRuntime<Kind>::append_gathered(Host& host, Effects& held) {
  if (host.gathered.empty()) return true;
  Partition* partition = partition_of_host(host);
  const ErrorCode error =
      partition == nullptr ? ErrorCode::kNotLeaderOrFollower : host.gathered.append_to(*partition).error;
  if (error == ErrorCode::kNone) {
    held = std::exchange(host.held, {});
    return true;
  }
  log_warn("{}-{}: records could not be appended: error {}", Kind::kTopic, host.partition, static_cast<int>(error));
  fail_host(host.partition, ErrorCode::kNotCoordinator);
  return false;
}

template <class Kind>
void CoordinatorRuntime<Kind>::flush(Host& host) {
  Effects held;
  if (append_gathered(host, held)) release(host, std::move(held));
}

template <class Kind>
void CoordinatorRuntime<Kind>::flush_partition(int32_t partition) {
  CHECK(shard_.is_current(), "the coordinator of {}-{} is used by a thread that does not own it", Kind::kTopic,
        partition);
  auto found = hosts_.find(partition);
  if (found != hosts_.end()) flush(*found->second);
}

template <class Kind>
void CoordinatorRuntime<Kind>::send(Host& host, std::vector<typename Kind::Answer> answers, ErrorCode error) {
  for (auto& answer : answers) {
    auto found = host.open.find(answer.token);
    if (found == host.open.end()) continue;
    Waiting open = std::move(found->second);
    host.open.erase(found);
    auto response = std::make_shared<Response>(std::move(answer.response));
    Shard& home = *open.home;
    shard_.router().run_on(shard_, home, [open = std::move(open), response, error] {
      continue_or_drop([&] { open.on_answer(error, error == ErrorCode::kNone ? response.get() : nullptr); });
    });
  }
}

// --- time

template <class Kind>
void CoordinatorRuntime<Kind>::arm_timer(Host& host) {
  std::optional<int64_t> deadline = host.state->next_deadline_ms();
  if (host.timer != 0 && deadline && host.timer_ms <= *deadline) return;  // the timer is early enough
  if (host.timer != 0) shard_.executor().cancel(host.timer);
  host.timer = 0;
  if (!deadline) return;
  host.timer_ms = *deadline;
  host.timer = shard_.executor().call_at(*deadline, [this, index = host.partition] { on_timer(index); });
}

template <class Kind>
void CoordinatorRuntime<Kind>::on_timer(int32_t partition) {
  auto found = hosts_.find(partition);
  if (found == hosts_.end()) return;
  found->second->timer = 0;
  execute(*found->second, found->second->state->tick(now()));
}

template <class Kind>
void CoordinatorRuntime<Kind>::close() {
  closed_ = true;
  std::vector<int32_t> all;
  for (const auto& [index, host] : hosts_) all.push_back(index);
  for (int32_t index : all) flush_partition(index);
  for (int32_t index : all) fail_host(index, ErrorCode::kCoordinatorNotAvailable);
}

template <class Kind>
void CoordinatorRuntime<Kind>::follow_leadership(const metadata::ImageDelta& delta) {
  std::vector<int32_t> lost;
  for (const auto& [index, host] : hosts_) {
    if (shard_.replicas().find_partition(host->id) == nullptr) lost.push_back(index);
  }
  for (int32_t index : lost) fail_host(index, ErrorCode::kNotCoordinator);

  const metadata::TopicImage* topic = shard_.image().find_topic(Kind::kTopic);
  if (topic == nullptr || shard_.node().directories->loading()) return;  // load_in_background() comes later
  for (const metadata::ImageDelta::Partition& change : delta.partitions) {
    const int32_t index = change.key.partition;
    if (change.key.topic_id != topic->id || shard_.replicas().find_partition({topic->id, index}) == nullptr) continue;
    shard_.executor().post([this, index] { load_if_held(index); });
  }
}

template <class Kind>
void CoordinatorRuntime<Kind>::submit_own(int32_t partition, Input input) {
  submit_here(partition, Waiting{std::move(input), &shard_, nullptr});
}

template <class Kind>
void CoordinatorRuntime<Kind>::submit_own(const HostId& host, Input input) {
  auto found = hosts_.find(host.partition);
  if (found == hosts_.end() || found->second->incarnation != host.incarnation) return;
  submit_own(host.partition, std::move(input));
}

template <class Kind>
void CoordinatorRuntime<Kind>::for_each_state(const std::function<void(const TopicPartitionId&, State&)>& visit) {
  for (auto& [index, host] : hosts_) visit(host->id, *host->state);
}

template <class Kind>
auto CoordinatorRuntime<Kind>::loaded_state(int32_t partition) -> State* {
  CHECK(shard_.is_current(), "the coordinator of {}-{} is used by a thread that does not own it", Kind::kTopic,
        partition);
  return const_cast<State*>(find_loaded(partition));
}

template <class Kind>
std::vector<int32_t> CoordinatorRuntime<Kind>::loaded_partitions() const {
  std::vector<int32_t> partitions;
  for (const auto& [index, host] : hosts_) {
    if (host->loaded) partitions.push_back(index);
  }
  return partitions;
}

template <class Kind>
auto CoordinatorRuntime<Kind>::find_loaded(int32_t partition) const -> const State* {
  auto found = hosts_.find(partition);
  return found == hosts_.end() || !found->second->loaded ? nullptr : found->second->state.get();
}

template class CoordinatorRuntime<GroupKind>;
template class CoordinatorRuntime<TransactionKind>;

}  // namespace milena::broker
