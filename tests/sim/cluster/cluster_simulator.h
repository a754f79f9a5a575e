// ClusterSimulator: one history of a cluster: three brokers and a controller on machines and disks of their own, over a
// SimNetwork, and clients. Each node is checked after each of its steps.
//
// Checks:
//  - a node leads in an epoch only if the controller gave it that epoch, and no other node does;
//  - records below a high watermark are on the disk of every replica that the controller has in sync, and of at least
//    min.insync.replicas of them;
//  - they stay there: every later leader has them, at their offsets, and every replica agrees below its own high
//    watermark;
//  - records acknowledged with acks=all are there, once, and in a producer's order;
//  - leader epochs go up, and a leader's log does not get shorter;
//  - what a consumer was given was below a high watermark, all of it in its order; one of committed records is given
//    nothing of a transaction that nobody has committed;
//  - all of a transaction ends in the same way, as its producer asked and was told, and none stays open;
//  - offsets that were committed do not go back;
//  - only retention, compaction and deletion take records away, and only those that they may;
//  - with all trouble over, every partition has a leader, all its replicas are in sync and hold the same.
//
// Records may be lost only if every in-sync replica lost power since they were written, or if a topic allows an unclean
// election and there was one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metadata/replayer.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/produce.h"
#include "sim/apart.h"
#include "sim/cluster/cluster_client.h"
#include "sim/cluster/cluster_model.h"
#include "sim/cluster/cluster_node.h"
#include "sim/cluster/cluster_story.h"
#include "sim/cluster/sim_network.h"

namespace milena::broker {
class Partition;
}  // namespace milena::broker

namespace milena {}

namespace milena::sim {

class ClusterSimulator {
 public:
  ClusterSimulator(ClusterPlan plan, OnLine on_line);
  ~ClusterSimulator();

  // The fault; empty if there was none.
  std::string run();

  size_t acknowledged() const { return acknowledged_; }
  size_t deaths() const { return deaths_; }
  size_t elections() const { return elections_; }
  size_t settled() const { return settled_; }
  size_t given() const { return given_; }
  size_t ended() const { return ended_; }
  size_t commits() const { return commits_; }

 private:
  struct Batch {
    PartitionId partition;
    std::vector<int64_t> numbers;
    Bytes bytes;
    int16_t acks = -1;
    int asked = -1;  // the node that it was sent to last
    std::string transactional_id;
  };
  using BatchPtr = std::shared_ptr<Batch>;
  // The records that a producer sends to a partition, in its order.
  struct Stream {
    int32_t next_sequence = 0;
    std::vector<BatchPtr> queue;
    bool in_flight = false;
    bool waits = false;  // before it sends again
  };
  struct Producer {
    int64_t id = -1;
    int16_t epoch = -1;
    bool asking = false;
    std::map<PartitionId, Stream> streams;
  };
  struct Consumer {
    bool committed = false;  // it reads nothing of what is aborted, or may be
    std::map<PartitionId, int64_t> position;
    std::set<PartitionId> asking;
  };
  // A transactional producer, with whatever it was before it began anew.
  struct Transactor {
    std::string id;
    int coordinator = -1;
    uint64_t life = 0;  // counts its beginnings
    int64_t producer = -1;
    int16_t epoch = -1;
    bool asking = false;  // one request at a time
    int64_t transaction = -1;
    TransactionEnd wanted = TransactionEnd::kNone;
    std::map<PartitionId, int32_t> next_sequence;
    std::vector<BatchPtr> queue;
  };
  // Commits the offsets of a group, each greater than the one before.
  struct Committer {
    std::string group;
    int coordinator = -1;
    bool asking = false;
    int64_t sent = 0;
    int64_t acked = -1;
    std::set<int64_t> unanswered;  // may come late
    bool read = false;
  };
  // The state of a replica of a node at the last look.
  struct View {
    uint64_t life = 0;
    bool leads = false;
    int32_t epoch = -1;
    int64_t high_watermark = -1;
    int64_t end = -1;
    int64_t start = -1;
    bool operator==(const View&) const = default;
  };

  void note(std::string line);
  void fail(std::string what);
  bool failed() const { return !failure_.empty(); }
  size_t pick(size_t below) { return random_.pick(below); }
  int64_t now_ms() const { return clock_.steady_ms(); }
  ClusterNode& node(int id) { return *nodes_.at(id); }
  int a_broker() { return static_cast<int>(pick(3)) + 1; }
  int a_node() { return static_cast<int>(pick(nodes_.size())) + 1; }

  // cluster_simulator.cc: time
  void make_nodes();
  void act(const ClusterStep& step);
  bool step();
  void step_node(ClusterNode& node);
  void pass(int64_t ms);
  // Runs until `holds`; false if it does not hold in that time.
  bool pass_until(const std::function<bool()>& holds, int64_t most_ms);
  int64_t next_event_ms(int64_t most_ms) const;
  void after(int64_t ms, Task task) { timers_.emplace(now_ms() + ms, std::move(task)); }
  void settle();

  // cluster_faults.cc
  void start_node(int id);
  void on_death(ClusterNode& node);
  void kill(bool power);
  void power_off_all();
  void restart_in_order();
  void pause();
  void cut();
  void heal_all();
  void slow_disk();
  void old_fetch();

  // cluster_clients.cc
  template <class Response, class Request>
  void ask(int to, size_t which, const Request& request, int16_t version, int64_t patience_ms,
           std::function<void(const Response*)> then) {
    auto answered = std::make_shared<bool>(false);
    auto link = client_.ask<Response>(client_port(to), which, request, version,
                                      [answered, then = std::move(then)](const Response* response) {
                                        *answered = true;
                                        then(response);
                                      });
    // Closes a connection without a response.
    after(patience_ms, [link, answered] {
      if (!*answered) link->drop();
    });
  }
  static uint16_t client_port(int id) { return static_cast<uint16_t>(9200 + id); }
  void create_topic(const TopicPlan& topic);
  int leader_to_ask(const PartitionId& id);
  std::optional<PartitionId> a_partition();
  BatchPtr make_batch(const PartitionId& id, int64_t producer = -1, int16_t epoch = -1, int32_t sequence = -1,
                      int64_t transaction = -1);
  void send_batch(const BatchPtr& batch, size_t connection, std::function<void(std::optional<ErrorCode>)> then);
  void on_produced(const BatchPtr& batch, const ProduceResponse::PartitionProduceResponse& answer);
  void produce(int16_t acks);
  void produce_in_sequence();
  void get_producer_id(Producer& producer);
  void pump_stream(size_t producer, const PartitionId& id);
  bool streams_done() const;

  // cluster_consumers.cc
  void consume();
  void fetch(size_t consumer, const PartitionId& id);
  void on_fetched(size_t consumer, const PartitionId& id, int64_t from, int by,
                  const FetchResponse::PartitionData& data);
  void check_gap(PartitionState& state, int64_t from, int64_t to);
  void check_given(Consumer& consumer, PartitionState& state, int64_t offset, const Entry& entry, bool hidden);
  void read_all();

  // cluster_coordinators.cc
  void find_coordinator(int8_t type, const std::string& key, std::function<void(int)> then);
  void transact();
  void begin_transactor(Transactor& one);
  void pump_transactor(size_t which);
  void on_transactional(size_t which, const BatchPtr& batch, std::optional<ErrorCode> error);
  void end_transaction(size_t which);
  void give_up(Transactor& one);
  void transact_later(size_t which);
  bool transactors_done();
  void commit_offset();
  void commit_next(size_t which);
  void fetch_offset(size_t which);
  void check_offset(const Committer& one, const std::set<int64_t>& late, int64_t floor, int64_t offset);
  bool offsets_read();

  // cluster_admin.cc
  void elect(bool preferred);
  void elect_in(const PartitionId& id, bool preferred);
  void reassign();
  void reassign_to(const PartitionId& id, const std::vector<int32_t>& replicas);
  void delete_topic();
  void delete_records();

  // cluster_checks.cc
  void follow_controller();
  void on_partition_change(const metadata::TopicImage& topic, int32_t number);
  void consider_loss(PartitionState& state, int32_t in_epoch);
  bool may_be_gone(const PartitionState& state, int64_t offset, const Entry& entry) const;
  bool lacks(const PartitionState& state, const LogEntries& log, int64_t offset, const Entry& entry) const;
  int64_t first_missing(const PartitionState& state, const DiskLog& log) const;
  void excuse_transactions(const PartitionState& state);
  bool is_in(const SentRecord& record, const PartitionState& state) const;
  bool retention_took(ClusterNode& node, const PartitionId& id, PartitionState& state, const View& now);
  bool settled_since(ClusterNode& node, const PartitionId& id, const PartitionState& state, const View& now);
  void on_marker(PartitionState& state, const Entry& marker);
  void check_transactions();
  bool only_lost_ones_are_open(const PartitionState& state, int64_t from) const;
  std::optional<int64_t> last_stable_offset(const PartitionId& id);
  bool all_stable();
  void look_at(ClusterNode& node);
  void inspect(ClusterNode& node, const PartitionId& id, PartitionState& state, const View& before, const View& now);
  void settle_entry(ClusterNode& node, const PartitionId& id, PartitionState& state, int64_t offset, const Entry& entry,
                    bool leads);
  void check_replicas(const PartitionId& id, PartitionState& state, int64_t from, int64_t to);
  void check_leader(ClusterNode& node, PartitionState& state, const DiskLog& log, const View& view);
  void resolve(int leader, PartitionState& state, const DiskLog& log);
  void cut_settled(PartitionState& state, int64_t from);
  void note_power_loss(ClusterNode& node, const std::function<void()>& lose);
  const metadata::PartitionImage* image_of(const PartitionId& id) const;
  bool all_in_sync();
  bool all_in_sync_have(const PartitionId& id, int64_t offset, int64_t number);
  void check_end();
  std::string describe(const PartitionId& id);

  const ClusterPlan plan_;
  SimRandom random_;
  VirtualClock clock_;
  SimNetwork network_;
  std::map<int, std::unique_ptr<ClusterNode>> nodes_;
  ClusterClient client_;
  std::multimap<int64_t, Task> timers_;

  metadata::MetadataReplayer metadata_;
  int64_t metadata_end_ = 0;
  uint64_t metadata_life_ = 0;
  std::map<PartitionId, PartitionState> partitions_;
  std::map<std::pair<int, PartitionId>, View> views_;
  std::map<int, bool> dies_with_power_;
  std::map<int, int64_t> start_at_ms_;

  std::map<int64_t, SentRecord> sent_;
  std::vector<Producer> producers_;
  std::vector<Consumer> consumers_;
  std::vector<Transactor> transactors_;
  std::map<int64_t, SimTransaction> transactions_;
  int64_t last_transaction_ = 0;
  std::vector<Committer> committers_;
  bool offsets_lost_ = false;  // where they may be
  int64_t last_number_ = 0;
  bool over_ = false;  // the end: no new steps

  size_t step_ = 0;
  std::string failure_;
  OnLine on_line_;
  size_t acknowledged_ = 0, deaths_ = 0, elections_ = 0, settled_ = 0, given_ = 0, ended_ = 0,
         commits_ = 0;
};

}  // namespace milena::sim
