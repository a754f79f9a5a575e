// NodeSimulator: one history of a whole node on a simulated machine. The production code runs unchanged, except for
// sockets: requests go in as frames and responses come out. Checks (node_model.h, node_simulator_checks.cc):
//   - acknowledged records are there once, in order, under their topic's id: all of them after the process was killed,
//     after a power failure those that the topic's flush settings promise;
//   - nothing deleted, aborted or refused comes back; the last value of a key survives compaction;
//   - offsets, epochs, producers' sequences and log start offsets never go back;
//   - a search by time finds a record that is there; an accepted move succeeds; an open transaction that its producer
//     leaves ends;
//   - committed offsets and the topics and their ids match the responses;
//   - the node starts again, and responds.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/error_code.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/produce.h"
#include "sim/node/node_model.h"
#include "sim/node/node_process.h"
#include "sim/node/node_story.h"

namespace milena::sim {

class NodeSimulator {
 public:
  // Calls `on_line` with each line of the history as it happens.
  explicit NodeSimulator(Plan plan, std::function<void(const std::string&)> on_line = nullptr);
  ~NodeSimulator();

  // Runs the whole history. The fault, or nothing.
  std::string run();

  size_t acknowledged() const { return acknowledged_; }
  size_t deaths() const { return deaths_; }
  size_t records_read() const { return records_read_; }
  size_t transactions() const { return last_transaction_; }
  size_t disk_calls() const { return disk_.calls(); }

 private:
  // One batch of a producer, until its response.
  struct Batch {
    TopicPtr topic;
    int32_t partition = 0;
    std::vector<int64_t> numbers;
    Bytes bytes;
    bool answered = false;
    bool promised = false;
    int64_t first_offset = -1;
  };
  using BatchPtr = std::shared_ptr<Batch>;
  struct Sequence {
    int32_t next = 0;
    BatchPtr last;
    bool unknown = false;  // the last one got no response
    bool in_flight = false;
    bool forgettable = false;  // the broker may have forgotten it
  };
  struct Producer {
    std::string id;  // of transactions; empty: idempotent only
    int64_t producer_id = -1;
    int16_t epoch = -1;
    bool asking = false;
    std::map<std::pair<Uuid, int32_t>, Sequence> sequences;
    TransactionPtr transaction;
    bool lost = false;  // a response was lost: it begins again
  };
  using OffsetPlace = std::pair<std::string, int32_t>;

  void note(std::string line);
  void fail(std::string what);
  void show_disks();
  bool failed() const { return !failure_.empty(); }
  size_t pick(size_t below) { return random_.pick(below); }
  int64_t wall_ms() const { return machine_.clock().wall_ms(); }

  // node_simulator.cc
  config::Settings settings() const;
  void act(const Step& step);
  void take_turns();
  void kill_soon(bool power, Aim aim);
  void pass(Aim aim);
  void restart(bool in_order, Aim aim = Aim::kAny);
  void lose_power();
  void revive();
  void start_node();
  void settle();
  void begin_trouble();
  void begin_shortage();
  void forget_late_starts();
  void excuse_all_moves();
  std::string a_directory() { return std::string("/") + static_cast<char>('a' + pick(3)); }
  Connection& a_connection() { return process_.connection(pick(3)); }
  TopicPtr a_topic();

  // Sends a request and runs the machine until the response; nullopt if the process dies, or does not respond.
  template <class Response, class Request>
  std::optional<Response> ask(const Request& request, int16_t version) {
    auto answer = std::make_shared<std::optional<Response>>();
    auto over = std::make_shared<bool>(false);
    process_.connection(9).ask<Response>(request, version, [answer, over](const Response* response) {
      if (response != nullptr) *answer = *response;
      *over = true;
    });
    wait_for(*over);
    return std::move(*answer);
  }
  void wait_for(const bool& over);

  // node_simulator_clients.cc
  void produce();
  void produce_in_sequence();
  void repeat();
  void transact();
  void begin_anew(Producer& producer);
  void write_in_transaction(Producer& producer);
  void end_transaction(Producer& producer, bool commit);
  void get_producer_id(Producer& producer);
  BatchPtr make_batch(const TopicPtr& topic, int32_t partition, size_t count, const Producer* producer,
                      int32_t sequence);
  void send_batch(const BatchPtr& batch, const std::string& transactional_id,
                  std::function<void(std::optional<ErrorCode>)> then);
  void on_produced(const BatchPtr& batch, const ProduceResponse::PartitionProduceResponse& answer);
  void send_sequence(Producer& producer, const BatchPtr& batch);
  void delete_records(Aim aim);
  void commit_offset();

  // node_simulator_admin.cc
  void find_coordinators();
  void create_topic(const std::string& name);
  void delete_topic();
  void configure(Aim aim);
  void keep_from_now_on(const TopicPtr& topic);
  void move();
  void rot(Aim aim);
  void damage_active(const TopicPtr& topic, int32_t partition);
  void lose_checkpoint(Aim aim);
  void bring_old_records();
  std::string make_old_records(PartitionModel& model);
  void send_directory_away(Aim aim);
  void fill();
  void leave_few_files();
  void give_back();

  // node_simulator_checks.cc
  void verify(bool restarted);
  bool wait_for_answers();
  void settle_transactions();
  void outlive_transactions();
  void check_topics();
  void check_partition(const TopicPtr& topic, int32_t partition, bool restarted);
  std::optional<Scan> scan(const TopicPtr& topic, int32_t partition);
  std::optional<FetchResponse::PartitionData> fetch(const TopicPtr& topic, int32_t partition, int64_t offset,
                                                    bool committed, int32_t max_bytes);
  bool read_batches(const TopicPtr& topic, int32_t partition, Scan& into);
  bool read_committed(const TopicPtr& topic, int32_t partition, Scan& into);
  void check_time(const TopicPtr& topic, int32_t partition, const Found& one);
  void look();
  void check_offsets();
  void check_moves();
  void check_place(const std::string& directory, const std::string& name, int32_t partition);

  const Plan plan_;
  SimRandom random_;
  VirtualDisk disk_;
  VirtualMachine machine_;
  NodeProcess process_;
  std::vector<TopicPtr> topics_;
  std::vector<Producer> producers_;
  std::vector<Producer> transactional_;
  std::map<OffsetPlace, std::set<int64_t>> offsets_;  // the possible values
  std::set<OffsetPlace> committing_;
  std::set<std::string> unanswered_creations_;  // names of topics that may be there, unknown to us
  std::string last_target_;                       // of a move
  int64_t last_number_ = 0;
  size_t last_transaction_ = 0;
  bool power_goes_ = false;  // at the next death
  bool back_with_power_ = false;  // what is away, at the next death
  bool dies_again_ = false;  // in the start behind it, when a file gets another name
  bool troubled_ = false;    // a disk failed since the last start
  bool short_ = false;       // of files or space: requests that need them may be refused
  int64_t short_since_ms_ = 0;
  int64_t troubled_since_ms_ = 0;
  int64_t set_back_ms_ = 0;  // the clock, in all
  size_t step_ = 0;
  std::string failure_;
  std::function<void(const std::string&)> on_line_;
  size_t acknowledged_ = 0;
  size_t deaths_ = 0;
  size_t records_read_ = 0;
};

}  // namespace milena::sim
