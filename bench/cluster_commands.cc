// Measurements of a cluster: a producer with a fixed rate that follows the leader of its partition and knows when each
// of its records was acknowledged; and the moment at which all brokers say that the cluster is complete.
#include <poll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>

#include "protocol/messages/metadata.h"
#include "protocol/messages/produce.h"
#include "protocol/records/record_batch_builder.h"
#include "wire_client.h"

namespace milena::bench {
namespace {

constexpr int16_t kMetadataVersion = 8, kProduceVersion = 8;
// Java's clients wait 100 ms; the gap of the brokers is what we look for.
constexpr double kRetry_s = 0.005;
constexpr double kLookAtInput_s = 0.02;
// As in Java's producer: max.in.flight.requests.per.connection; what is due meanwhile is one batch.
constexpr size_t kMaxInFlight = 5;
constexpr size_t kMaxRecords = 500;

std::vector<int> ports_of(const Arguments& arguments) {
  std::vector<int> ports;
  for (const char* at = text(arguments, "ports").c_str(); *at != 0;) {
    char* end = nullptr;
    ports.push_back(static_cast<int>(std::strtol(at, &end, 10)));
    if (end == at) give_up("--ports: expected N,N,N");
    at = *end == ',' ? end + 1 : end;
  }
  return ports;
}

// Of a leader that moves, or has lost its followers: producers retry.
bool passes(ErrorCode error) {
  switch (error) {
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kFencedLeaderEpoch:
      return true;
    default:
      return false;
  }
}

// Records of one request, until they are acknowledged.
struct Batch {
  std::vector<double> due_s;
  bool acknowledged = false;
};

class FollowingProducer {
 public:
  FollowingProducer(WireClient& client, const Arguments& arguments)
      : client_(client),
        ports_(ports_of(arguments)),
        topic_(text(arguments, "topic")),
        value_(static_cast<size_t>(number(arguments, "size", 1024)), 'm'),
        gap_s_(1.0 / static_cast<double>(number(arguments, "rate", 200))),
        warm_(static_cast<size_t>(number(arguments, "warm", 400))),
        most_(static_cast<size_t>(number(arguments, "records", 0))) {
    client_.on_close([this](size_t connection) { closed(connection); });
  }

  // Sends until it has its number of records, or until a line of input if it has none; then all are acknowledged.
  void run(double deadline_s) {
    find_leader();
    client_.run_until([this] { return leader_.has_value(); }, 60, "a leader");
    next_s_ = now_s();
    tick();
    if (most_ == 0) look_at_input();
    client_.run_until([this] { return ended_ && due_s_.empty() && unacknowledged_ == 0; }, deadline_s, "the end");
    gaps();
  }

  void print() const {
    std::printf(
        "{\"records\": %zu, \"requests\": %ld, \"retries\": %ld, \"longest_gap\": %.6f, \"gap_begin\": %.6f, "
        "\"p50\": %.6f, \"p99\": %.6f, \"most\": %.6f}\n",
        waited_s_.size(), requests_, retries_, longest_gap_s_, gap_begin_s_, at_share(waited_s_, 0.5),
        at_share(waited_s_, 0.99), at_share(waited_s_, 1));
  }

 private:
  void tick() {
    const double now = now_s();
    for (; !ended_ && next_s_ <= now; next_s_ += gap_s_) {
      due_s_.push_back(next_s_);
      ended_ = most_ != 0 && ++made_ == warm_ + most_;
    }
    if (!ended_) client_.at(next_s_, [this] { tick(); });
    pump();
  }

  void look_at_input() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 0) > 0) {
      ended_ = true;
    } else {
      client_.at(now_s() + kLookAtInput_s, [this] { look_at_input(); });
    }
  }

  void pump() {
    while (leader_ && in_flight_.size() < kMaxInFlight && !(again_.empty() && due_s_.empty())) {
      std::shared_ptr<Batch> batch;
      if (!again_.empty()) {
        batch = again_.front();
        again_.pop_front();
      } else {
        batch = std::make_shared<Batch>();
        const size_t count = std::min(due_s_.size(), kMaxRecords);
        batch->due_s.assign(due_s_.begin(), due_s_.begin() + static_cast<std::ptrdiff_t>(count));
        due_s_.erase(due_s_.begin(), due_s_.begin() + static_cast<std::ptrdiff_t>(count));
        unacknowledged_ += count;
      }
      if (!batch->acknowledged) send(batch);
    }
  }

  void send(const std::shared_ptr<Batch>& batch) {
    timespec wall{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    RecordBatchBuilder builder;
    for (size_t i = 0; i < batch->due_s.size(); i++) builder.append(std::nullopt, value_, wall.tv_sec * 1000);
    const Bytes records = builder.build();
    ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 30'000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = topic_;
    topic.partition_data.emplace_back().records = records;
    in_flight_.push_back(batch);
    ++requests_;
    client_.ask<ProduceResponse>(
        *leader_, request, kProduceVersion, [this, batch, era = era_](ProduceResponse& response) {
          answered(batch, era, response.responses.at(0).partition_responses.at(0).error_code);
        });
  }

  void answered(const std::shared_ptr<Batch>& batch, int64_t era, ErrorCode error) {
    if (era == era_) std::erase(in_flight_, batch);
    if (error == ErrorCode::kNone) {
      acknowledge(*batch);
    } else if (!passes(error)) {
      give_up("produce: error " + std::to_string(static_cast<int>(error)));
    } else if (era == era_) {
      in_flight_.push_front(batch);
      look_again();
    }
    pump();
  }

  void acknowledge(Batch& batch) {
    if (batch.acknowledged) return;
    batch.acknowledged = true;
    gaps();
    unacknowledged_ -= batch.due_s.size();
    for (double due : batch.due_s) {
      if (acknowledged_++ >= warm_) waited_s_.push_back(last_s_ - due);
      if (acknowledged_ == warm_) {
        std::puts("steady");
        std::fflush(stdout);
      }
    }
  }

  // An acknowledgement, or the end: how long there was none before.
  void gaps() {
    const double now = now_s();
    if (acknowledged_ >= warm_ && now - last_s_ > longest_gap_s_) {
      longest_gap_s_ = now - last_s_;
      gap_begin_s_ = last_s_;
    }
    last_s_ = now;
  }

  // Requests without an answer are sent again, in their order. An answer that comes yet counts.
  void look_again() {
    ++era_;
    ++retries_;
    again_.insert(again_.begin(), in_flight_.begin(), in_flight_.end());
    in_flight_.clear();
    leader_.reset();
    client_.at(now_s() + kRetry_s, [this, era = era_] {
      if (era == era_) find_leader();
    });
  }

  void closed(size_t connection) {
    if (connection == leader_ || connection == asked_) look_again();
  }

  std::optional<size_t> connection_to(int port) {
    auto found = connections_.find(port);
    if (found != connections_.end() && client_.is_open(found->second)) return found->second;
    auto made = client_.connect(port);
    if (made) connections_[port] = *made;
    return made;
  }

  // Each time another broker is asked.
  void find_leader() {
    asked_.reset();
    for (size_t i = 0; i < ports_.size() && !asked_; i++) asked_ = connection_to(ports_[turn_++ % ports_.size()]);
    if (!asked_) return look_again();
    MetadataRequest request;
    request.topics->emplace_back().name = topic_;
    request.allow_auto_topic_creation = false;
    client_.ask<MetadataResponse>(*asked_, request, kMetadataVersion, [this, era = era_](MetadataResponse& response) {
      if (era != era_) return;
      asked_.reset();
      leader_ = leader_in(response);
      if (!leader_) return look_again();
      pump();
    });
  }

  std::optional<size_t> leader_in(const MetadataResponse& response) {
    const auto& topic = response.topics.at(0);
    for (const auto& partition : topic.partitions) {
      if (partition.partition_index != 0) continue;
      for (const auto& broker : response.brokers) {
        if (broker.node_id == partition.leader_id) return connection_to(broker.port);
      }
    }
    return std::nullopt;
  }

  WireClient& client_;
  const std::vector<int> ports_;
  const Bytes topic_;
  const Bytes value_;
  const double gap_s_;
  const size_t warm_;  // records that are acknowledged before it measures
  const size_t most_;  // records that are measured; 0: until it is told to end
  std::map<int, size_t> connections_;
  size_t turn_ = 0;
  std::optional<size_t> leader_, asked_;
  int64_t era_ = 0;  // of the leader

  double next_s_ = 0;
  size_t made_ = 0;
  bool ended_ = false;
  std::deque<double> due_s_;
  std::deque<std::shared_ptr<Batch>> in_flight_, again_;
  size_t unacknowledged_ = 0;

  size_t acknowledged_ = 0;
  std::vector<double> waited_s_;
  double last_s_ = 0, longest_gap_s_ = 0, gap_begin_s_ = 0;
  int64_t requests_ = 0, retries_ = 0;
};

// Asks each of the brokers for its Metadata until all have said what is waited for.
class Watcher {
 public:
  Watcher(WireClient& client, const Arguments& arguments)
      : client_(client),
        brokers_(static_cast<size_t>(number(arguments, "brokers", 0))),
        partitions_(static_cast<size_t>(number(arguments, "partitions", 0))),
        gone_(static_cast<int32_t>(number(arguments, "gone", -1))),
        in_sync_(number(arguments, "in-sync", 0) != 0) {
    for (int port : ports_of(arguments)) open_.insert(port);
    client_.on_close([this](size_t connection) {
      auto found = port_of_.find(connection);
      if (found != port_of_.end() && open_.contains(found->second)) look_later(found->second);
    });
  }

  double run(double deadline_s) {
    for (int port : open_) client_.at(0, [this, port] { look(port); });
    client_.run_until([this] { return open_.empty(); }, deadline_s, "the cluster");
    return last_s_;
  }

 private:
  static constexpr double kPause_s = 0.001;

  void look_later(int port, double pause_s = kPause_s) {
    client_.at(now_s() + pause_s, [this, port] { look(port); });
  }

  void look(int port) {
    auto found = connections_.find(port);
    if (found == connections_.end() || !client_.is_open(found->second)) {
      auto made = client_.connect(port);
      if (!made) return look_later(port);
      found = connections_.insert_or_assign(port, *made).first;
      port_of_[*made] = port;
    }
    MetadataRequest request;
    request.topics.reset();
    request.allow_auto_topic_creation = false;
    const double asked_s = now_s();
    client_.ask<MetadataResponse>(
        found->second, request, kMetadataVersion, [this, port, asked_s](MetadataResponse& response) {
          // We take a third of the time at most: the answer may have ten thousand partitions.
          if (!holds(response)) return look_later(port, std::max(kPause_s, 2 * (now_s() - asked_s)));
          last_s_ = now_s();
          open_.erase(port);
        });
  }

  bool holds(const MetadataResponse& response) const {
    if (response.brokers.size() < brokers_) return false;
    size_t partitions = 0;
    for (const auto& topic : response.topics) {
      for (const auto& one : topic.partitions) {
        partitions++;
        if (one.leader_id < 0 || one.leader_id == gone_) return false;
        if (in_sync_ && one.isr_nodes.size() < one.replica_nodes.size()) return false;
      }
    }
    return partitions >= partitions_;
  }

  WireClient& client_;
  const size_t brokers_, partitions_;
  const int32_t gone_;
  const bool in_sync_;
  std::set<int> open_;
  std::map<int, size_t> connections_;
  std::map<size_t, int> port_of_;
  double last_s_ = 0;
};

}  // namespace

// --ports --topic [--size --rate --warm --records]: acks=all, to partition 0. Says "steady" when the first --warm
// records are acknowledged, and measures from there.
int acknowledgements(const Arguments& arguments) {
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  WireClient client(0, 0);
  FollowingProducer producer(client, arguments);
  producer.run(static_cast<double>(number(arguments, "deadline", 300)));
  producer.print();
  return 0;
}

// --ports [--brokers N --partitions N --gone ID --in-sync 1]: until each of these brokers knows so many brokers and
// partitions, each partition has a leader, which is not `gone`, and with --in-sync all its replicas are in sync.
int wait_for_cluster(const Arguments& arguments) {
  WireClient client(0, 0);
  Watcher watcher(client, arguments);
  const double at_s = watcher.run(static_cast<double>(number(arguments, "deadline", 120)));
  std::printf("{\"at\": %.6f}\n", at_s);
  return 0;
}

}  // namespace milena::bench
