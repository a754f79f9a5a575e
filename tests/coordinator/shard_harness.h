// ShardHarness: a GroupShard with its environment, in one thread: a log in memory, a clock that the test moves, tokens
// and their responses. Can refuse appends, and reload the shard from its log. Kafka must be able to load every appended
// record (replay_rules.h).
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "coordinator/group/group_shard.h"
#include "coordinator/replay_rules.h"
#include "protocol/messages/group/consumer_protocol_subscription.h"
#include "protocol/writer.h"

namespace milena::coordinator {

// Requests with defaults for most tests.
namespace ask {

// A consumer's metadata with the classic protocol, in version 1.
inline std::string subscription_of(const std::vector<std::string>& topics,
                                   const std::map<std::string, std::set<int32_t>>& owned = {}) {
  ConsumerProtocolSubscription value;
  value.topics.assign(topics.begin(), topics.end());
  for (const auto& [topic, partitions] : owned) {
    auto& one = value.owned_partitions.emplace_back();
    one.topic = topic;
    one.partitions.assign(partitions.begin(), partitions.end());
  }
  return std::string("\0\1", 2) + write_message(value, 1);
}
struct Join {
  std::string group = "g";
  std::string member;
  std::optional<std::string> instance;
  std::string type = "consumer";
  std::vector<std::pair<std::string, std::string>> protocols = {{"range", "meta"}};
  int32_t session_ms = 10'000;
  int32_t rebalance_ms = 60'000;
  int16_t version = 9;
};

struct Sync {
  std::string group = "g";
  std::string member;
  int32_t generation = 1;
  std::map<std::string, std::string> assignments;
  std::optional<std::string> instance;
  std::optional<std::string> type;
  std::optional<std::string> protocol;
};

struct Commit {
  std::string group = "g";
  std::string member;
  int32_t generation = -1;
  std::string topic = "t";
  int32_t partition = 0;
  int64_t offset = 0;
  std::string metadata;
  std::optional<std::string> instance;
  int64_t retention_ms = -1;
  int16_t version = 9;
  Uuid topic_id;
};
}  // namespace ask

class ShardHarness {
 public:
  using Join = ask::Join;
  using Sync = ask::Sync;
  using Commit = ask::Commit;

  explicit ShardHarness(GroupConfig config = {}) : config_(config) {
    set_log_level(LogLevel::kOff);
    reload();
  }
  virtual ~ShardHarness() = default;

  GroupShard& shard() { return *shard_; }
  const std::vector<CoordinatorRecord>& log() const { return log_; }
  Now now() const { return now_; }
  GroupConfig& config() { return config_; }

  // The next append fails like this.
  void fail_next_append(ErrorCode error) { append_error_ = error; }

  // The shard is lost and loaded again. Parked requests are answered NOT_COORDINATOR.
  void reload() {
    if (shard_) take(shard_->close(ErrorCode::kNotCoordinator));
    shard_ = std::make_unique<GroupShard>(config_, [this] { return "id" + std::to_string(++last_id_); });
    shard_->set_metadata(image_, image_version_);
    rules_ = {};
    for (size_t i = 0; i < log_.size(); ++i) {
      rules_.next(log_[i]);
      apply(log_[i], static_cast<int64_t>(i));
    }
    run(shard_->loaded(now_));
  }

  // Moves the clock, ticking at every deadline on the way.
  void advance(int64_t ms) {
    const int64_t end_ms = now_.steady_ms + ms;
    while (true) {
      const std::optional<int64_t> next = shard_->next_deadline_ms();
      if (!next || *next > end_ms) break;
      move_to(std::max(*next, now_.steady_ms));
      run(shard_->tick(now_));
    }
    move_to(end_ms);
  }

  Caller caller(int16_t version) { return {++last_token_, version, "client", "/127.0.0.1", connection}; }
  // The connection of further requests.
  uint64_t connection = 0;
  // The cluster's metadata change by these records.
  void change_metadata(const metadata::MetadataRecords& records) {
    metadata::ImageDelta delta;
    for (const metadata::MetadataRecord& record : records) EXPECT_TRUE(image_.apply(record, delta).ok());
    ++image_version_;
    shard_->metadata_changed(delta, image_version_);
  }
  const metadata::MetadataImage& image() const { return image_; }

  // Moves the clock without ticks.
  void sleep_through(int64_t ms) { move_to(now_.steady_ms + ms); }
  // The time of day is set, forward or back.
  void set_clock(int64_t by_ms) { now_.wall_ms += by_ms; }

  AnswerToken last_token() const { return last_token_; }

  void run(Effects effects) {
    if (!effects.records.empty() && append_error_ != ErrorCode::kNone) {
      const ErrorCode error = std::exchange(append_error_, ErrorCode::kNone);
      return take(shard_->append_failed(std::move(effects), error, now_));
    }
    for (const CoordinatorRecord& record : effects.records) {
      if (const auto broken = rules_.next(record)) fault("Kafka could not load this log: " + *broken);
      log_.push_back(record);
      apply(record, static_cast<int64_t>(log_.size()) - 1);
    }
    take(std::move(effects));
  }

  bool answered(AnswerToken token) const { return answers_.count(token) > 0; }
  template <class Response>
  Response answer(AnswerToken token) {
    const auto at = answers_.find(token);
    if (at == answers_.end()) {
      ADD_FAILURE() << "no answer for token " << token;
      return {};
    }
    return std::get<Response>(at->second);
  }
  const GroupResponse* find_answer(AnswerToken token) const {
    const auto at = answers_.find(token);
    return at == answers_.end() ? nullptr : &at->second;
  }
  // The position of its response; the token must be answered.
  size_t answer_order(AnswerToken token) const { return order_.at(token); }

  // --- requests

  AnswerToken join(const Join& what) {
    JoinGroupRequest request;
    request.group_id = what.group;
    request.member_id = what.member;
    request.group_instance_id = what.instance;
    request.protocol_type = what.type;
    request.session_timeout_ms = what.session_ms;
    request.rebalance_timeout_ms = what.rebalance_ms;
    for (const auto& [name, metadata] : what.protocols) request.protocols.push_back({name, metadata});
    run(shard_->join_group(caller(what.version), request, now_));
    return last_token_;
  }
  // Both steps of a dynamic member's join: returns its id and the token of the second.
  std::pair<std::string, AnswerToken> join_new(Join what = {}) {
    const AnswerToken first = join(what);
    what.member = answer<JoinGroupResponse>(first).member_id;
    return {what.member, join(what)};
  }

  AnswerToken sync(const Sync& what) {
    SyncGroupRequest request;
    request.group_id = what.group;
    request.member_id = what.member;
    request.generation_id = what.generation;
    request.group_instance_id = what.instance;
    request.protocol_type = what.type;
    request.protocol_name = what.protocol;
    for (const auto& [member, assignment] : what.assignments) request.assignments.push_back({member, assignment});
    run(shard_->sync_group(caller(5), request, now_));
    return last_token_;
  }

  AnswerToken send_heartbeat(const std::string& member, int32_t generation, const std::string& group = "g",
                             std::optional<std::string> instance = std::nullopt) {
    HeartbeatRequest request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id = generation;
    request.group_instance_id = instance;
    run(shard_->heartbeat(caller(4), request, now_));
    return last_token_;
  }
  ErrorCode heartbeat(const std::string& member, int32_t generation, const std::string& group = "g",
                      std::optional<std::string> instance = std::nullopt) {
    return answer<HeartbeatResponse>(send_heartbeat(member, generation, group, std::move(instance))).error_code;
  }

  AnswerToken send_leave(const std::vector<std::pair<std::string, std::optional<std::string>>>& members,
                         const std::string& group = "g", int16_t version = 5) {
    LeaveGroupRequest request;
    request.group_id = group;
    if (version < 3) request.member_id = members.front().first;
    for (const auto& [member, instance] : members) {
      request.members.push_back({.member_id = member, .group_instance_id = instance, .reason = std::nullopt});
    }
    run(shard_->leave_group(caller(version), request, now_));
    return last_token_;
  }
  LeaveGroupResponse leave(const std::vector<std::pair<std::string, std::optional<std::string>>>& members,
                           const std::string& group = "g", int16_t version = 5) {
    return answer<LeaveGroupResponse>(send_leave(members, group, version));
  }

  AnswerToken send_commit(const Commit& what) {
    OffsetCommitRequest request;
    request.group_id = what.group;
    request.member_id = what.member;
    request.generation_id_or_member_epoch = what.generation;
    request.group_instance_id = what.instance;
    request.retention_time_ms = what.retention_ms;
    auto& topic = request.topics.emplace_back();
    topic.name = what.topic;
    topic.topic_id = what.topic_id;
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = what.partition;
    partition.committed_offset = what.offset;
    partition.committed_metadata = what.metadata;
    run(shard_->commit_offsets(caller(what.version), request, now_));
    return last_token_;
  }
  ErrorCode commit(const Commit& what) {
    return answer<OffsetCommitResponse>(send_commit(what)).topics.at(0).partitions.at(0).error_code;
  }

  AnswerToken send_fetch(const std::string& group, const std::string& topic, int32_t partition, bool stable = false,
                         Uuid topic_id = {}) {
    OffsetFetchGroup request;
    request.group_id = group;
    request.topics.emplace().push_back({.name = topic, .topic_id = topic_id, .partition_indexes = {partition}});
    run(shard_->fetch_offsets(caller(9), request, stable, now_));
    return last_token_;
  }
  OffsetFetchResponse::OffsetFetchResponsePartitions fetch(const std::string& group = "g",
                                                           const std::string& topic = "t", int32_t partition = 0,
                                                           bool stable = false, Uuid topic_id = {}) {
    return answer<OffsetFetchGroupResponse>(send_fetch(group, topic, partition, stable, topic_id))
        .topics.at(0)
        .partitions.at(0);
  }

  ByteView state(const std::string& group = "g") const {
    const ClassicGroup* found = shard_->find_group(group);
    return found == nullptr ? "none" : group_state_name(found->state());
  }

  // A stable group of that many dynamic members; the first is the leader.
  std::vector<std::string> stable_group(size_t count, Join what = {}) {
    std::vector<std::string> members;
    std::vector<AnswerToken> tokens;
    for (size_t i = 0; i < count; ++i) {
      const auto [member, token] = join_new(what);
      members.push_back(member);
      tokens.push_back(token);
      for (size_t j = 0; j < i; ++j) {
        Join again = what;
        again.member = members[j];
        tokens[j] = join(again);
      }
    }
    const int32_t generation = answer<JoinGroupResponse>(tokens.at(0)).generation_id;
    Sync leader{.group = what.group, .member = answer<JoinGroupResponse>(tokens[0]).leader, .generation = generation};
    for (const std::string& member : members) leader.assignments[member] = "to " + member;
    for (const std::string& member : members) {
      if (member != leader.member) sync({.group = what.group, .member = member, .generation = generation});
    }
    sync(leader);
    return members;
  }

 protected:
  // Takes the shard's responses. For a harness that holds them back for a while.
  virtual void take(Effects effects) {
    for (Answer& answer : effects.answers) deliver(std::move(answer));
  }
  void deliver(Answer answer) {
    if (!answers_.emplace(answer.token, std::move(answer.response)).second) {
      fault("token " + std::to_string(answer.token) + " answered twice");
    }
    order_.emplace(answer.token, order_.size());
    if (answer.token > last_token_) fault("an answer to nobody");
  }
  // Reports something that must not happen in any test.
  virtual void fault(const std::string& what) { ADD_FAILURE() << what; }
  // The log loses its end.
  void cut_log(size_t size) { log_.resize(std::min(size, log_.size())); }

 private:
  void apply(const CoordinatorRecord& record, int64_t offset) {
    shard_->apply(record.key, record.value ? std::optional<ByteView>(*record.value) : std::nullopt, offset);
  }
  void move_to(int64_t steady_ms) {
    now_.wall_ms += steady_ms - now_.steady_ms;
    now_.steady_ms = steady_ms;
  }

  GroupConfig config_;
  Now now_{.steady_ms = 5'000, .wall_ms = 1'700'000'000'000};
  metadata::MetadataImage image_;
  int64_t image_version_ = 0;
  std::unique_ptr<GroupShard> shard_;
  std::vector<CoordinatorRecord> log_;
  ReplayRules rules_;
  std::map<AnswerToken, GroupResponse> answers_;
  std::map<AnswerToken, size_t> order_;
  AnswerToken last_token_ = 0;
  int last_id_ = 0;
  ErrorCode append_error_ = ErrorCode::kNone;
};

}  // namespace milena::coordinator
