// ConsumerSimulator: clients of both protocols, some of them slow, forgetful or dead, in the same few groups of one GroupShard
// under a virtual clock, while topics come, grow and go, answers are lost, appends fail and the shard is loaded again.
// Everything that happens comes from the seed, so a failing seed replays itself. After every step it checks what must always
// hold; settle() then lets the survivors live in peace and checks that they end up sharing everything.
//
// A Mistake is one that a coordinator could make, made between the shard and its surroundings: each must be found.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "coordinator/consumer_harness.h"

namespace milena {

enum class Mistake {
  kNone,
  kForgetsTombstones,            // the log keeps a member that is gone
  kForgetsMember,                // what a member subscribes to is not stored
  kForgetsRegex,                 // what a pattern stands for is not stored
  kForgetsLastRecord,            // a load ends one record early
  kTargetsTooLittle,             // a target misses a partition
  kTargetsTwice,                 // a target has a partition that is somebody else's, too
  kEpochGoesBack,                // the group's epoch is sometimes written lower than it was
  kBelievesEverythingGivenBack,  // does not wait until partitions are given back
  kNeverExpires,                 // no timer ever comes up
  kMissesMetadata,               // does not hear of topics
  kAnswersWhatIsNotWritten,      // a failed append is answered as if it had not failed
};

class ConsumerSimulator {
 public:
  explicit ConsumerSimulator(uint32_t seed, Mistake mistake = Mistake::kNone);
  ~ConsumerSimulator();

  // One random event, and all checks. False once a check has failed; failure() says which.
  bool step();
  // No more trouble: time passes, living clients do their duty.
  bool settle();

  const std::string& failure() const { return failure_; }
  // What happened, an event a line.
  std::string history() const;
  size_t heartbeats() const { return heartbeats_; }
  size_t revocations() const { return revocations_; }

 private:
  class Harness;
  enum class Wait { kNothing, kJoin, kSync };

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

    std::string member;
    int32_t epoch = 0;  // or generation
    // What it believes to have, and what it was last told to have.
    Assignment owned;
    Assignment told;
    bool says_all = true;    // its next heartbeat names everything
    bool says_owned = true;  // and this one what it has
    int64_t next_beat_ms = 0;
    // Classic only.
    Wait wait = Wait::kNothing;
    AnswerToken token = 0;
    bool joined = false;
  };

  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  Client& some_client() { return clients_[pick(static_cast<uint32_t>(clients_.size()))]; }
  std::vector<std::string> some_topics();
  void note(std::string event);
  void expect(bool holds, const std::string& what);

  void spawn();
  void change_topics();
  void act(Client& client);
  void beat(Client& client, bool lose_answer);
  void on_beat(Client& client, const ConsumerGroupHeartbeatResponse& response);
  void give_back(Client& client);
  void leave(Client& client);
  void commit(Client& client);
  void act_classic(Client& client);
  void join_classic(Client& client);
  void on_join(Client& client, const JoinGroupResponse& response);
  void on_sync(Client& client, const SyncGroupResponse& response);
  void on_refused(Client& client, ErrorCode error);
  void deliver();
  void start_over(Client& client);
  void reload();
  void pass(int64_t ms);

  void check();
  void check_group(const ConsumerGroup& group);
  void check_owners();
  void check_settled();

  std::mt19937 random_;
  Mistake mistake_;
  std::unique_ptr<Harness> h_;
  std::vector<Client> clients_;
  int next_client_ = 0;
  // The last epoch of each group, as long as it is the same group.
  std::map<std::string, int32_t> last_epoch_;
  std::map<std::tuple<std::string, std::string, int32_t>, int64_t> committed_;
  int64_t next_offset_ = 0;
  std::string failure_;
  std::vector<std::string> history_;
  size_t heartbeats_ = 0;
  size_t revocations_ = 0;
};

}  // namespace milena
