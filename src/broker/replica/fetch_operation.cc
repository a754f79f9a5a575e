#include "broker/replica/fetch_operation.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "broker/replica/partition_lookup.h"
#include "broker/replica/replica_manager.h"
#include "broker/replica/replication_quota.h"
#include "broker/shard.h"
#include "metadata/planted_replication_bugs.h"

namespace milena::broker {
namespace {

constexpr int16_t kFirstVersionWithMaxBytes = 3;
constexpr int16_t kFirstVersionOfZstd = 10;
constexpr int16_t kFirstVersionWithRack = 11;

// Kafka's only class for replica.selector.class besides the default. Its selection is implemented here.
constexpr ByteView kRackAwareReplicaSelector = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

bool selects_by_rack(const config::Settings& settings) {
  return !settings.is_null("replica.selector.class") &&
         settings.get_string("replica.selector.class") == kRackAwareReplicaSelector;
}

// Compares the epoch of the client's last record with the log (KIP-595): returns the point of divergence, if any.
Status check_last_epoch(log::PartitionLog& log, FetchItem& item) {
  if (item.position.last_fetched_epoch < 0) return ok_status();
  if (item.position.fetch_offset < log.log_start_offset()) {
    item.error = ErrorCode::kOffsetOutOfRange;
    return ok_status();
  }
  auto end = log.epoch_end_offset(item.position.last_fetched_epoch);
  RETURN_IF_ERROR(end);
  if (!end->has_value()) {
    item.error = ErrorCode::kOffsetOutOfRange;
    return ok_status();
  }
  const log::EpochEndOffset& known = **end;
  if (known.epoch < item.position.last_fetched_epoch || known.end_offset < item.position.fetch_offset) {
    item.diverging.epoch = known.epoch;
    item.diverging.end_offset = known.end_offset;
  }
  return ok_status();
}

Status read_records(log::PartitionLog& log, FetchItem& item, const FetchLimits& limits, int64_t upper_bound,
                    uint64_t budget, bool min_one_batch) {
  uint64_t size = std::min<uint64_t>(budget, static_cast<uint64_t>(std::max(item.position.max_bytes, 0)));
  Result<log::ReadOutcome> outcome = log.read(item.position.fetch_offset, size, upper_bound, min_one_batch);
  RETURN_IF_ERROR(outcome);
  item.error = outcome->error;
  if (item.error != ErrorCode::kNone) return ok_status();
  // A part of a batch is useless to a client that can fetch again with this partition first; only the hard limits of
  // old versions allow it.
  const bool useful = !outcome->first_batch_cut || !limits.first_batch_whole;
  std::vector<log::AbortedTransaction> aborted;
  if (limits.read_committed && useful && !outcome->batches.empty()) {
    int64_t read_end = outcome->next_offset >= 0 ? outcome->next_offset : upper_bound;
    auto found = log.aborted_transactions(item.position.fetch_offset, read_end);
    RETURN_IF_ERROR(found);
    aborted = found.take();
  }
  if (MILENA_REPLICATION_BUG(kAbortedNotTold)) aborted.clear();
  if (limits.read_committed) item.aborted = std::move(aborted);
  if (useful) item.records = std::move(outcome->batches);
  return ok_status();
}

Status read_log(log::PartitionLog& log, FetchItem& item, const FetchLimits& limits, uint64_t budget,
                bool min_one_batch) {
  RETURN_IF_ERROR(check_last_epoch(log, item));
  if (item.error != ErrorCode::kNone) return ok_status();
  auto stable = log.last_stable_offset();
  RETURN_IF_ERROR(stable);
  if (!item.has_diverging()) {
    const bool follower = limits.replica_id >= 0;
    if (MILENA_REPLICATION_BUG(kReadsOpenTransactions)) stable = log.high_watermark();
    const bool to_the_end = follower || MILENA_REPLICATION_BUG(kReadsBeyondHighWatermark);
    int64_t upper_bound = to_the_end              ? log.log_end_offset()
                          : limits.read_committed ? *stable
                                                  : log.high_watermark();
    const bool reads = !item.held_back && item.preferred_replica < 0;
    if (reads) RETURN_IF_ERROR(read_records(log, item, limits, upper_bound, budget, min_one_batch));
    if (item.error != ErrorCode::kNone) return ok_status();
  }
  item.high_watermark = log.high_watermark();
  item.last_stable_offset = *stable;
  item.log_start_offset = log.log_start_offset();
  return ok_status();
}

// New consumers may read from followers; replicas fetch only from the leader.
Partition* find_for(Shard& owner, const TopicPartitionId& id, const FetchLimits& limits) {
  return limits.any_replica ? owner.replicas().find_replica(id) : owner.replicas().find_partition(id);
}

// leader.replication.throttled.rate: a follower that is not in sync waits while the rate is exceeded.
void consider_throttle(const Shard& owner, const Partition& partition, FetchItem& item, const FetchLimits& limits) {
  const ThrottledReplicas throttled(owner, ReplicationSide::kLeader);
  item.throttled = throttled.any() && throttled.contains(item.id, owner.node().node_id);
  item.held_back = item.throttled && !partition.is_in_sync(limits.replica_id) && throttled.rate_exceeded();
}

void read_partition(Shard& owner, FetchItem& item, const FetchLimits& limits, uint64_t budget, bool min_one_batch) {
  item.records = Payload();
  item.error = ErrorCode::kNone;
  item.diverging = {};
  item.aborted.reset();
  item.high_watermark = item.last_stable_offset = item.log_start_offset = -1;

  Partition* partition = owner.replicas().find_replica(item.id);
  int32_t epoch = std::max(item.position.current_leader_epoch, -1);
  if (MILENA_REPLICATION_BUG(kFetchOfAnotherEpoch)) epoch = -1;
  item.error = limits.any_replica ? check_replica(partition, epoch) : check_leader(partition, epoch);
  if (item.error != ErrorCode::kNone) return;
  const bool follower = limits.replica_id >= 0;
  if (follower && !partition->is_replica(limits.replica_id)) {
    // Either broker may not know the assignment yet; the client tries again.
    item.error = item.position.current_leader_epoch >= 0 ? ErrorCode::kUnknownLeaderEpoch
                                                         : ErrorCode::kNotLeaderOrFollower;
    return;
  }
  if (!limits.client_rack.empty()) {
    item.preferred_replica = partition->preferred_read_replica(limits.client_rack, item.position.fetch_offset);
  }
  item.throttled = item.held_back = false;
  if (follower) consider_throttle(owner, *partition, item, limits);
  const ErrorCode failed =
      partition->with_log([&](log::PartitionLog& log) { return read_log(log, item, limits, budget, min_one_batch); });
  if (failed != ErrorCode::kNone) item.error = failed;
  if (!follower || item.error != ErrorCode::kNone || item.has_diverging()) return;
  partition->note_follower_fetch(limits.replica_id, limits.replica_epoch, item.position.fetch_offset,
                                 item.position.log_start_offset);
  item.high_watermark = partition->high_watermark();
}

}  // namespace

uint64_t read_partitions(Shard& owner, std::vector<FetchItem>& items, const FetchLimits& limits) {
  uint64_t total = 0;
  for (FetchItem& item : items) {
    uint64_t budget = total >= limits.max_bytes ? 0 : limits.max_bytes - total;
    // KIP-74: the first partition with data returns its first batch whole, however large, so that a reader never
    // stalls.
    read_partition(owner, item, limits, budget, limits.first_batch_whole && total == 0);
    total += item.records.size();
  }
  return total;
}

FetchOperation::FetchOperation(std::shared_ptr<FetchCall> call) : call_(std::move(call)), shard_(call_->shard()) {}

template <class Step>
void FetchOperation::or_close(Step step) {
  if (!fits_into_memory(step)) close_for_memory();
}

void FetchOperation::close_for_memory() {
  auto self = shared_from_this();
  // Without memory to unregister the waiter, it stays registered and does nothing.
  if (!finished_ && !fits_into_memory([this] { stop_waiting(); })) log_debug("a waiter is left behind");
  release_session();
  call_->close("Fetch: not enough memory for the answer");
}

void FetchOperation::start() {
  or_close([this] { begin(); });
}

void FetchOperation::begin() {
  const FetchRequest& request = call_->request;
  uint64_t server_limit = static_cast<uint64_t>(shard_.settings().get_long("fetch.max.bytes"));
  uint64_t asked = call_->version() < kFirstVersionWithMaxBytes ? INT32_MAX
                                                                : static_cast<uint64_t>(std::max(request.max_bytes, 0));
  limits_.max_bytes = std::min(asked, server_limit);
  // A larger answer than the quota of a whole period could never be sent.
  auto quota = shard_.quotas().fetch_limit_bytes(call_->principal().name, call_->client_id());
  if (quota) limits_.max_bytes = std::min(limits_.max_bytes, *quota);
  limits_.min_bytes = std::min<uint64_t>(static_cast<uint64_t>(std::max(request.min_bytes, 0)), limits_.max_bytes);
  limits_.first_batch_whole = call_->version() >= kFirstVersionWithMaxBytes;
  limits_.read_committed = request.isolation_level == 1;
  limits_.replica_id = call_->version() >= 15 ? request.replica_state.replica_id : request.replica_id;
  if (call_->version() >= 15) limits_.replica_epoch = request.replica_state.replica_epoch;
  limits_.any_replica = call_->version() >= kFirstVersionWithRack && !limits_.by_follower();
  if (limits_.any_replica && selects_by_rack(shard_.settings())) limits_.client_rack = Bytes(request.rack_id);
  deadline_ms_ = shard_.steady_ms() + std::max(request.max_wait_ms, 0);

  bool makes_full_fetch =
      request.session_epoch == FetchSession::kInitialEpoch || request.session_epoch == FetchSession::kFinalEpoch;
  if (makes_full_fetch) {
    if (request.session_id != 0) {
      shard_.router().at_session_home(shard_, request.session_id, [id = request.session_id](Shard& home) {
        home.fetch_sessions().remove(id);
      });
    }
    kind_ = request.session_epoch == FetchSession::kInitialEpoch ? Kind::kFull : Kind::kSessionless;
    collect_items();
    return read();
  }
  kind_ = Kind::kIncremental;
  shard_.router().at_session_home(shard_, request.session_id, [self = shared_from_this()](Shard& home) {
    auto session = home.fetch_sessions().find(self->call_->request.session_id, home.steady_ms());
    bool busy = session != nullptr && session->in_use();
    if (session != nullptr && !busy) session->set_in_use(true);
    self->shard_.router().run_on(home, self->shard_, [self, session, busy] {
      self->or_close([&] { self->with_session(session, busy); });
    });
  });
}

void FetchOperation::with_session(std::shared_ptr<FetchSession> session, bool busy) {
  const FetchRequest& request = call_->request;
  if (session == nullptr) return answer_session_error(ErrorCode::kFetchSessionIdNotFound);
  if (busy) return answer_session_error(ErrorCode::kInvalidFetchSessionEpoch);
  session_ = std::move(session);
  if (session_->uses_topic_ids() != (call_->version() >= kFetchWithTopicIds)) {
    return answer_session_error(ErrorCode::kFetchSessionTopicIdError);
  }
  if (session_->epoch() != request.session_epoch) return answer_session_error(ErrorCode::kInvalidFetchSessionEpoch);
  for (const auto& topic : request.forgotten_topics_data) {
    for (int32_t partition : topic.partitions) session_->forget({topic.topic_id, Bytes(topic.topic), partition});
  }
  for (const auto& topic : request.topics) {
    for (const auto& p : topic.partitions) {
      session_->put({topic.topic_id, Bytes(topic.topic), p.partition},
                    {p.fetch_offset, p.partition_max_bytes, p.current_leader_epoch, p.last_fetched_epoch,
                     p.log_start_offset, p.high_watermark});
    }
  }
  if (session_->size() == 0) return end_empty_session();
  session_->advance_epoch();
  collect_items();
  read();
}

// A session without partitions is closed: the answer has session 0, and the client begins a new one.
void FetchOperation::end_empty_session() {
  shard_.router().at_session_home(shard_, session_->id(),
                                  [id = session_->id()](Shard& home) { home.fetch_sessions().remove(id); });
  session_ = nullptr;
  kind_ = Kind::kSessionless;
  collect_items();
  read();
}

void FetchOperation::answer_session_error(ErrorCode error) {
  finished_ = true;
  release_session();
  FetchResponse response;
  response.error_code = error;
  call_->reply(response);
}

void FetchOperation::collect_items() {
  asked_.reset();
  if (kind_ == Kind::kIncremental) {
    items_.reserve(session_->size());
    for (const FetchSession::Entry& entry : session_->entries()) add_item(entry.key, entry.position);
    return;
  }
  const auto& topics = call_->request.topics;
  const bool only_one = topics.size() == 1 && topics[0].partitions.size() == 1;
  // If a partition occurs twice the last position counts, at the place of the first.
  std::unordered_map<FetchKey, size_t, FetchKeyHash> places;
  for (const auto& topic : topics) {
    for (const auto& p : topic.partitions) {
      FetchKey key{topic.topic_id, Bytes(topic.topic), p.partition};
      const FetchPosition position{p.fetch_offset, p.partition_max_bytes, p.current_leader_epoch, p.last_fetched_epoch,
                                   p.log_start_offset, p.high_watermark};
      if (!only_one) {
        auto [place, is_new] = places.emplace(key, items_.size());
        if (!is_new) {
          items_[place->second].position = position;
          continue;
        }
      }
      add_item(key, position);
    }
  }
}

// A follower needs ClusterAction, a consumer Read on the topic. The partitions of a topic usually follow each other, so
// the last answer is kept.
bool FetchOperation::may_read(ByteView topic) {
  const bool follower = limits_.replica_id >= 0;
  if (!asked_ || (!follower && asked_->topic != topic)) {
    asked_ = {Bytes(topic),
              follower ? call_->allows(security::kClusterAction) : call_->allows(security::kReadTopic, topic)};
  }
  return asked_->allowed;
}

void FetchOperation::add_item(const FetchKey& key, const FetchPosition& position) {
  FetchItem item{.key = key, .position = position};
  bool by_id = call_->version() >= kFetchWithTopicIds;
  const metadata::TopicImage* topic =
      by_id ? shard_.image().find_topic(key.topic_id) : shard_.image().find_topic(key.topic);
  // A consumer's unknown topic id has no name to check.
  const bool asks = topic != nullptr || !by_id || limits_.replica_id >= 0;
  if (asks && !may_read(topic != nullptr ? ByteView(topic->name) : ByteView(key.topic))) {
    item.error = ErrorCode::kTopicAuthorizationFailed;
  } else if (topic == nullptr) {
    item.error = by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
  } else if (key.partition < 0 || static_cast<size_t>(key.partition) >= topic->partitions.size()) {
    item.error = ErrorCode::kUnknownTopicOrPartition;
  } else {
    item.id = {topic->id, key.partition};
    // Kafka 4 does not check this any more.
    if (call_->version() < kFirstVersionOfZstd && !shard_.strict_kafka() &&
        shard_.replicas().topic_config(*topic)->compression == config::TopicCompression::kZstd) {
      item.error = ErrorCode::kUnsupportedCompressionType;
    }
  }
  items_.push_back(std::move(item));
}

void FetchOperation::read() {
  reading_ = true;
  // Items with an error stay here; the others travel and come back in the same order.
  std::vector<FetchItem> travelling;
  travelling.reserve(items_.size());
  for (FetchItem& item : items_) {
    if (!item.id.topic_id.is_zero() && item.error != ErrorCode::kUnsupportedCompressionType) {
      travelling.push_back(std::move(item));
      item.id = {};
      item.waits = false;
      item.away = true;
    }
  }
  bool may_wait = call_->request.max_wait_ms > 0 && shard_.steady_ms() < deadline_ms_;
  if (may_wait && waiter_ == nullptr) {
    waiter_ = std::make_shared<Waiter>(shard_, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->or_close([&] { self->on_progress(); });
    });
  }
  auto fits = std::make_shared<std::atomic<bool>>(true);
  auto work = [limits = limits_, waiter = waiter_, may_wait, fits](
                  Shard& owner, const std::shared_ptr<std::vector<FetchItem>>& part, Task done) {
    for (FetchItem& item : *part) {
      if (!std::exchange(item.waits, false)) continue;
      if (Partition* p = owner.replicas().find_replica(item.id)) p->waiters().remove(*waiter);
    }
    uint64_t bytes = 0;
    if (!fits_into_memory([&] { bytes = read_partitions(owner, *part, limits); })) *fits = false;
    // Registered before the next append can run, so that no move is missed.
    if (may_wait && bytes < std::max<uint64_t>(limits.min_bytes, 1)) {
      for (FetchItem& item : *part) {
        Partition* p = find_for(owner, item.id, limits);
        if (p == nullptr) continue;
        p->waiters().add(waiter);
        item.waits = true;
      }
    }
    done();
  };
  shard_.router().scatter<FetchItem>(shard_, std::move(travelling), work,
                                     [self = shared_from_this(), fits](std::vector<FetchItem> items) {
                                       if (!*fits) return self->close_for_memory();
                                       self->or_close([&] { self->on_read(std::move(items)); });
                                     });
}

void FetchOperation::on_read(std::vector<FetchItem> items) {
  reading_ = false;
  uint64_t bytes = 0;
  uint64_t read_bytes = 0;  // before anything is dropped: decides whether to wait
  size_t next = 0;
  for (FetchItem& item : items_) {
    if (!item.away) continue;
    item = std::move(items[next++]);
    read_bytes += item.records.size();
    // Each shard had the whole budget; partitions beyond it are left for the next fetch.
    if (bytes > 0 && bytes + item.records.size() > limits_.max_bytes) item.records = Payload();
    bytes += item.records.size();
  }
  if (finished_) return unregister();  // the client disconnected meanwhile
  if (call_->connection().transport == nullptr) return abandon();
  if (answer_now(read_bytes)) {
    if (read_bytes > 0 && read_bytes < limits_.min_bytes) note_starved(read_bytes);
    return finish();
  }
  if (woken_while_reading_) {
    woken_while_reading_ = false;
    return read();
  }
  park();
}

void FetchOperation::on_progress() {
  if (finished_) return;
  if (reading_) {
    woken_while_reading_ = true;  // the partition may have moved after it was read
  } else {
    read();
  }
}

// For /doctor: a long wait that ended with too few bytes.
void FetchOperation::note_starved(uint64_t bytes) {
  const int64_t waited_ms = call_->request.max_wait_ms;
  if (waited_ms < kLongWait_ms || limits_.by_follower() || shard_.steady_ms() < deadline_ms_) return;
  shard_.figures().clients.note_starved_fetch(call_->connection().info.peer_host, call_->client_id(), waited_ms,
                                              limits_.min_bytes, bytes, shard_.now_ms());
}

bool FetchOperation::answer_now(uint64_t bytes) const {
  if (call_->request.max_wait_ms <= 0 || items_.empty() || bytes >= limits_.min_bytes) return true;
  if (shard_.steady_ms() >= deadline_ms_) return true;
  return std::any_of(items_.begin(), items_.end(), [](const FetchItem& item) {
    return item.error != ErrorCode::kNone || item.has_diverging() || item.preferred_replica >= 0 ||
           (!item.held_back && item.high_watermark > item.position.high_watermark);
  });
}

void FetchOperation::park() {
  if (timer_ != 0) return;
  call_->connection().when_closed = [self = shared_from_this()] { self->abandon(); };
  timer_ = shard_.executor().call_at(deadline_ms_, [self = shared_from_this()] {
    self->timer_ = 0;
    if (!self->finished_ && !self->reading_) self->or_close([&] { self->read(); });
  });
}

void FetchOperation::unregister() {
  if (waiter_ == nullptr) return;
  waiter_->finish();
  std::vector<FetchItem> registered;
  for (FetchItem& item : items_) {
    if (std::exchange(item.waits, false)) registered.push_back(FetchItem{.id = item.id});
  }
  if (registered.empty()) return;
  shard_.router().scatter<FetchItem>(
      shard_, std::move(registered),
      [waiter = waiter_](Shard& owner, const std::shared_ptr<std::vector<FetchItem>>& part, Task done) {
        for (FetchItem& item : *part) {
          if (Partition* p = owner.replicas().find_replica(item.id)) p->waiters().remove(*waiter);
        }
        done();
      },
      [](std::vector<FetchItem>) {});
}

void FetchOperation::stop_waiting() {
  finished_ = true;
  if (timer_ != 0) shard_.executor().cancel(timer_);
  timer_ = 0;
  call_->connection().when_closed = nullptr;
  unregister();  // items that are being read unregister when they are back
}

void FetchOperation::release_session() {
  if (kind_ != Kind::kIncremental || session_ == nullptr) return;
  shard_.router().at_session_home(shard_, session_->id(), [session = session_](Shard& home) {
    session->set_in_use(false);
    home.fetch_sessions().note_cost(*session);
  });
}

// The client disconnected: no answer is needed.
void FetchOperation::abandon() {
  auto self = shared_from_this();
  if (finished_) return;
  stop_waiting();
  release_session();
}

void FetchOperation::finish() {
  stop_waiting();
  uint64_t throttled_bytes = 0;
  for (const FetchItem& item : items_) throttled_bytes += item.throttled ? item.records.size() : 0;
  if (throttled_bytes > 0) ThrottledReplicas(shard_, ReplicationSide::kLeader).record(throttled_bytes);
  if (!shard_.quotas().has(QuotaKind::kFetch)) return answer();
  double bytes = 0;
  for (const FetchItem& item : items_) bytes += static_cast<double>(item.records.size());
  shard_.quotas().charge(QuotaKind::kFetch, call_->principal().name, call_->client_id(), bytes, true,
                         [self = shared_from_this()](int64_t throttle_ms) {
                           self->or_close([&] {
                             throttle_ms == 0 ? self->answer() : self->answer_throttled(throttle_ms);
                           });
                         });
}

}  // namespace milena::broker
