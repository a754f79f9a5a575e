// TransactionSimulator: transactional producers of both protocols, some of them zombies, against one TransactionShard
// and a few partitions, over a network that is slow, loses messages and reorders them; the coordinator may lose its
// memory between any two records. Everything comes from the seed, so a failing seed replays itself.
//
// Checks after every event:
//   - a transaction is visible in all its partitions, or in none, in line with the response to its producer;
//   - once InitProducerId has returned an epoch, no write with an earlier one succeeds;
//   - the last stable offset does not pass a record of an open transaction;
//   - the coordinator's state equals the state loaded from its log;
// and after the producers are gone and the faults are over:
//   - every transaction ends, every last stable offset is the log end, and every id can be used again.
#pragma once

#include <fmt/format.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "coordinator/transaction/transaction_shard.h"
#include "sim/sim_partition.h"

namespace milena {

class TransactionSimulator {
 public:
  explicit TransactionSimulator(uint32_t seed, bool keep_history = false);

  // Runs the whole history. The fault, or nothing.
  std::string run();
  const std::vector<std::string>& history() const { return history_; }
  size_t committed() const { return told_committed_; }
  size_t aborted() const { return told_aborted_; }
  size_t reloads() const { return reloads_; }

 private:
  static constexpr int kPartitions = 4;  // the last one is of the committed offsets
  static constexpr int kIds = 2;
  static constexpr int32_t kTransactionTimeout_ms = 8'000;

  enum class Phase { kInit, kIdle, kWriting, kEnding, kGone };
  struct Client {
    int number = 0;
    std::string id;
    bool version_2 = false;
    Phase phase = Phase::kInit;
    int64_t producer_id = -1;
    int16_t epoch = -1;
    std::array<int32_t, kPartitions> sequence{};
    int tag = -1;
    std::vector<int> plan;  // partitions to write to, in this order
    size_t at = 0;
    std::set<int> added;
    bool commit = false;
    bool unresolved = false;  // a record with an unknown fate
    int attempt = 0;          // responses to earlier attempts come too late
    int tries = 0;
  };
  struct Transaction {
    std::string id;
    std::vector<std::pair<int, int64_t>> acknowledged;  // partition, offset
    std::optional<bool> told_commit;
    std::optional<bool> outcome;
  };
  struct Event {
    int64_t at_ms;
    uint64_t order;
    std::shared_ptr<std::function<void()>> what;
    bool operator<(const Event& other) const { return std::pair(at_ms, order) > std::pair(other.at_ms, other.order); }
  };
  using OnAnswer = std::function<void(coordinator::TransactionResponse*)>;
  using Input = std::function<coordinator::TransactionEffects(coordinator::TransactionShard&,
                                                              const coordinator::Caller&, coordinator::Now)>;

  // --- the world
  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  bool trouble(uint32_t one_in) { return faults_ && pick(one_in) == 0; }
  void after(int64_t delay_ms, std::function<void()> what);
  // A message: late, or never.
  void send(std::function<void()> what);
  bool turn();
  template <class... Args>
  void note(const char* format, Args&&... args);
  void fail(std::string what);
  void check();

  // --- the coordinator
  coordinator::Now now() const { return {now_ms_, 1'700'000'000'000 + now_ms_}; }
  void reload(const char* why);
  void submit(int16_t version, Input input, OnAnswer on_answer);
  void execute(coordinator::TransactionEffects effects);
  void release(coordinator::TransactionEffects effects);
  void arm();
  void send_markers(coordinator::TransactionMarkers markers);
  void on_marked(int tag, bool committed);
  void compare_with_log();
  std::unique_ptr<coordinator::TransactionShard> load() const;

  // --- partitions
  void produce(int partition, const Client& client, int32_t sequence,
               std::function<void(SimPartition::Appended)> reply);
  SimPartition::Appended append(int partition, const Client& client, int32_t sequence, uint64_t guard);

  // --- clients
  std::shared_ptr<Client> spawn(const std::string& id);
  // Calls `step` again if this attempt got no response.
  int begin_attempt(const std::shared_ptr<Client>& client, void (TransactionSimulator::*step)(std::shared_ptr<Client>));
  void later(const std::shared_ptr<Client>& client, void (TransactionSimulator::*step)(std::shared_ptr<Client>));
  void init(std::shared_ptr<Client> client);
  void begin(std::shared_ptr<Client> client);
  void write(std::shared_ptr<Client> client);
  void add(std::shared_ptr<Client> client, int partition);
  void written(std::shared_ptr<Client> client, int partition, SimPartition::Appended appended);
  void give_up(const std::shared_ptr<Client>& client);
  void end(std::shared_ptr<Client> client);
  void ended(std::shared_ptr<Client> client, const EndTxnResponse& response);
  void gone(const std::shared_ptr<Client>& client, const char* why);

  std::string settle();

  std::mt19937 random_;
  const bool keep_history_;
  std::vector<std::string> history_;
  std::string failure_;
  bool faults_ = true;
  bool winding_down_ = false;
  int64_t now_ms_ = 1'000;
  uint64_t next_order_ = 0;
  std::priority_queue<Event> events_;

  coordinator::TransactionConfig config_;
  int16_t level_ = 2;
  std::unique_ptr<coordinator::TransactionShard> shard_;
  std::vector<coordinator::CoordinatorRecord> log_;
  int life_ = 0;
  coordinator::AnswerToken last_token_ = 0;
  std::map<coordinator::AnswerToken, OnAnswer> waiting_;
  int64_t next_producer_id_ = 1'000;
  int64_t armed_ms_ = -1;

  std::array<SimPartition, kPartitions> partitions_;
  std::vector<std::shared_ptr<Client>> clients_;
  std::vector<Transaction> transactions_;  // by tag
  std::map<int64_t, std::string> id_of_producer_;
  std::map<std::string, std::pair<int64_t, int16_t>> granted_;
  size_t told_committed_ = 0;
  size_t told_aborted_ = 0;
  size_t reloads_ = 0;
};

template <class... Args>
void TransactionSimulator::note(const char* format, Args&&... args) {
  if (!keep_history_) return;
  history_.push_back(fmt::format("{:6} ", now_ms_) + fmt::format(fmt::runtime(format), std::forward<Args>(args)...));
}

}  // namespace milena
