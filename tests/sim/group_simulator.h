// GroupSimulator: up to fifty clients of both protocols, some of them slow, stubborn, asleep or dead, in the same few
// groups of one GroupShard under a virtual clock, while topics come, grow and go, answers are lost or late, appends
// fail or time out, clocks are set, groups are deleted, and the shard is loaded again, with or without what was not
// replicated yet. A seed has clients of the classic protocol, of the consumer protocol, or of both.
//
// Everything that happens comes from the seed, so a failing seed replays itself. Checks after every event:
//   - no partition is owned by two members of one group in one epoch, neither as the group nor as its members believe;
//   - epochs and generations never go back, neither the group's nor those that a member gets;
//   - responses stay true: committed offsets and offsets that were read are never lost, epochs sent to members are not
//     undone;
//   - only members commit, and only in their epoch;
//   - a group is of one kind, and loading the log restores the same state;
//   - every request is answered once;
// and after the faults (settle): no request waits, no group is stuck, no group has dead members, and every partition of
// every subscribed topic has exactly one owner.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "sim/held_shard.h"

namespace milena {

class GroupSimulator {
 public:
  explicit GroupSimulator(uint32_t seed);

  // Runs the whole history. The fault, or nothing.
  std::string run();
  // The events, one a line.
  std::string history() const;
  size_t heartbeats() const { return heartbeats_; }
  size_t revocations() const { return revocations_; }
  size_t commits() const { return commits_; }
  size_t losses() const { return losses_; }
  size_t largest_group() const { return largest_group_; }

 private:
  enum class Wait { kNothing, kJoin, kSync, kHeartbeat, kBeat };

  struct Client {
    int number = 0;
    std::string group;
    bool classic = false;
    std::string instance;  // empty: dynamic
    std::vector<std::string> topics;
    std::string regex;
    std::string assignor;
    int32_t rebalance_ms = 0;
    bool alive = true;
    uint64_t connection = 0;
    bool stubborn = false;  // revokes nothing until it is fenced
    int64_t asleep_until_ms = 0;

    std::string member;
    int32_t epoch = 0;  // or generation
    // The partitions that it believes to own, and its last assignment.
    coordinator::Assignment owned;
    coordinator::Assignment told;
    bool says_all = true;    // its next heartbeat has all fields
    bool says_owned = true;  // and also its partitions
    int64_t next_beat_ms = 0;
    Wait wait = Wait::kNothing;
    coordinator::AnswerToken token = 0;
    int life = 0;  // of the group when it asked
    bool loses_answer = false;
    // Classic only. The leader watches the topics, and asks for a rebalance when they differ from those that it
    // assigned.
    bool joined = false;
    bool leads = false;
    std::string dealt_out;
    std::set<Uuid> topics_when_asked;  // a name that belongs to another topic at the response does not count
  };
  // Closes its connection; if it is alive it has another one from now on.
  void cut_connection(Client& client);
  // A pending fetch or commit of an offset. It says nothing about offsets deleted meanwhile.
  using OffsetPlace = std::tuple<std::string, std::string, int32_t>;
  struct Asked {
    coordinator::AnswerToken token = 0;
    OffsetPlace place;
    int64_t offset = -1;  // of a commit
    int life = 0;
  };

  // For each group: the number of earlier groups of that name, its last epoch, and the highest one sent to a member. An
  // empty group that changes its kind is another group; its epochs begin again.
  struct Life {
    int number = 0;
    bool known = false;
    bool classic = false;
    bool empty = true;
    int32_t last_epoch = 0;
    int32_t told_epoch = 0;
    // The last generation that a leader assigned, and the topics that it knew then: a follower may have sent its
    // request before.
    int32_t dealt_epoch = -1;
    std::set<Uuid> dealt_topics;
  };

  std::set<Uuid> topic_ids() const;
  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  Client& some_client() { return clients_[pick(static_cast<uint32_t>(clients_.size()))]; }
  int64_t now_ms() const { return h_->now().steady_ms; }
  std::vector<std::string> some_topics();
  void note(std::string event);
  void expect(bool holds, const std::string& what);

  void step();
  void settle();
  void trouble(uint32_t kind);
  void spawn();
  void change_topics();
  void delete_group();
  void act(Client& client);
  bool is_awake(const Client& client) const { return client.alive && client.asleep_until_ms <= now_ms(); }
  void beat(Client& client);
  void on_beat(Client& client, const ConsumerGroupHeartbeatResponse& response);
  void give_back(Client& client);
  void leave(Client& client);
  void commit(Client& client);
  void read_offset();
  void on_offset(const Asked& asked);
  void act_classic(Client& client);
  void join_classic(Client& client);
  void sync_classic(Client& client, const JoinGroupResponse& joined);
  void on_join(Client& client, const JoinGroupResponse& response);
  void on_sync(Client& client, const SyncGroupResponse& response);
  void on_refused(Client& client, ErrorCode error);
  void on_answer(Client& client, Wait waited);
  std::string topics_now() const;
  void deliver();
  void start_over(Client& client);
  void reload();
  void crash();
  void pass(int64_t ms);
  void sleep_through(int64_t ms);

  // group_simulator_checks.cc
  void check();
  void check_group(const coordinator::ConsumerGroup& group);
  void check_generation(const coordinator::ClassicGroup& group);
  void check_owners();
  void check_offsets();
  bool may_commit(const Client& client, const std::string& topic, int32_t partition) const;
  void forget_offsets(const std::string& group, const std::string& topic);
  void told_epoch(const Client& client);
  Life& live(const std::string& group, bool classic, bool empty);
  void check_settled();
  void check_settled_classic(const coordinator::ClassicGroup& group, const std::vector<const Client*>& clients);
  void check_shared(const std::string& group, const std::vector<const Client*>& clients);
  // Everything that a load must restore, as text.
  std::map<std::string, std::string> remembered() const;

  std::mt19937 random_;
  const uint32_t seed_;
  std::unique_ptr<HeldShard> h_;
  std::vector<Client> clients_;
  size_t most_clients_;
  int next_client_ = 0;
  uint64_t next_connection_ = 0;
  int topic_names_;
  std::map<std::string, Life> lives_;
  // Offsets from responses: the group must have at least these. And the pending requests.
  std::map<OffsetPlace, int64_t> known_offsets_;
  std::vector<Asked> asked_;
  // Increases with every deletion of offsets.
  int offsets_life_ = 0;
  int64_t next_offset_ = 0;
  std::string failure_;
  std::vector<std::string> history_;
  size_t heartbeats_ = 0;
  size_t revocations_ = 0;
  size_t commits_ = 0;
  size_t losses_ = 0;
  size_t largest_group_ = 0;
};

}  // namespace milena
