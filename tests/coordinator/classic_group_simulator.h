// ClassicGroupSimulator: clients of the classic protocol, in all its versions and with metadata that the server cannot
// read, some of them badly behaved, against one GroupShard under a virtual clock. Everything that happens comes from
// the seed, so a failing seed replays itself. It checks invariants after every step; settle() then runs the survivors
// without faults and checks that they end up in stable groups.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "coordinator/shard_harness.h"

namespace milena::coordinator {

class ClassicGroupSimulator {
 public:
  explicit ClassicGroupSimulator(uint32_t seed);

  // One random event, and all checks.
  void step();
  // No more faults: time passes, and live clients act normally.
  void settle();

  size_t joins_answered() const { return answers_; }
  size_t commits() const { return commits_; }

 private:
  enum class Wait { kNothing, kJoin, kSync };
  struct Client {
    std::string group;
    std::string instance;  // empty: dynamic
    int16_t version = 9;
    int32_t session_ms = 10'000;
    int32_t rebalance_ms = 30'000;
    std::vector<std::string> protocols;
    bool alive = true;
    std::string member;
    int32_t generation = -1;
    bool stable = false;  // has its assignment
    Wait wait = Wait::kNothing;
    AnswerToken token = 0;
    int64_t next_beat_ms = 0;
  };
  // The assignments that members got in one generation of one life of the shard.
  struct Generation {
    std::string leader;
    std::string protocol;
    std::set<std::string> told;
    std::set<std::string> listed;
    bool leader_told = false;
  };

  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  Client& some_client() { return clients_[pick(static_cast<uint32_t>(clients_.size()))]; }

  void spawn();
  void act(Client& client);
  void send_join(Client& client);
  void on_join(Client& client, const JoinGroupResponse& answer);
  void on_sync(Client& client, const SyncGroupResponse& answer);
  void note_generation(const Client& client, const JoinGroupResponse& answer);
  void beat(Client& client);
  void commit(Client& client);
  void start_over(Client& client, ErrorCode error);
  void reload();
  void pass(int64_t ms);
  void forget_removed_groups();
  // The client with the oldest response.
  Client* next_answered();
  // Delivers responses to the clients in their order, until nothing changes.
  void deliver();
  void check();
  void check_parked();
  void check_offsets();

  std::mt19937 random_;
  ShardHarness h_;
  std::vector<Client> clients_;
  int life_ = 0;
  std::map<std::tuple<int, std::string, int32_t>, Generation> generations_;
  std::map<std::string, int32_t> last_generation_;
  std::map<std::tuple<std::string, int32_t>, int64_t> committed_;
  std::set<AnswerToken> sent_;
  size_t answers_ = 0;
  size_t commits_ = 0;
  int32_t next_offset_ = 0;
};

}  // namespace milena::coordinator
