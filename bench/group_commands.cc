// Measurements of milena_bench_wire: the time until a large group is stable, the cost of many small groups that only
// send heartbeats, and the time a coordinator takes to load committed offsets.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/sync_group.h"
#include "wire_client.h"

namespace milena::bench {
namespace {

constexpr int16_t kJoinVersion = 5, kSyncVersion = 3, kHeartbeatVersion = 3, kCommitVersion = 7, kFetchVersion = 7;
constexpr double kDeadline_s = 120;
constexpr double kRetry_s = 0.02;

// The coordinator is not ready yet: clients retry.
bool passes(ErrorCode error) {
  return error == ErrorCode::kCoordinatorLoadInProgress || error == ErrorCode::kCoordinatorNotAvailable ||
         error == ErrorCode::kNotCoordinator;
}

// A member of a classic group. Rejoins on request, and sends heartbeats.
class ClassicMember {
 public:
  ClassicMember(WireClient& client, size_t connection, std::string group, double beat_s)
      : client_(client), connection_(connection), group_(std::move(group)), beat_s_(beat_s) {}

  void join() {
    synced_generation_ = -1;
    JoinGroupRequest request;
    request.group_id = group_;
    request.session_timeout_ms = 60'000;
    request.rebalance_timeout_ms = 60'000;
    request.member_id = id_;
    request.protocol_type = "consumer";
    request.protocols.push_back({"range", ByteView("\0\0\0\0\0\0\xff\xff\xff\xff", 10)});
    client_.ask<JoinGroupResponse>(connection_, request, kJoinVersion,
                                   [this](JoinGroupResponse& response) { joined(response); });
  }
  // The generation in which it has its assignment; -1 while it has none.
  int32_t synced_generation() const { return synced_generation_; }

  // When the last member sent its first counted join.
  static inline double last_join_s = 0;

 private:
  void joined(JoinGroupResponse& response) {
    if (response.error_code == ErrorCode::kMemberIdRequired) {
      id_ = response.member_id;
      last_join_s = now_s();
      return join();
    }
    if (passes(response.error_code)) {
      return client_.at(now_s() + kRetry_s, [this] {
        last_join_s = now_s();
        join();
      });
    }
    if (response.error_code != ErrorCode::kNone) return again(response.error_code);
    id_ = response.member_id;
    generation_ = response.generation_id;
    SyncGroupRequest request;
    request.group_id = group_;
    request.generation_id = generation_;
    request.member_id = id_;
    for (const auto& member : response.members) request.assignments.push_back({member.member_id, "assignment"});
    client_.ask<SyncGroupResponse>(connection_, request, kSyncVersion, [this](SyncGroupResponse& answer) {
      if (answer.error_code != ErrorCode::kNone) return again(answer.error_code);
      synced_generation_ = generation_;
      if (!std::exchange(beating_, true)) beat_later();
    });
  }

  void beat_later() {
    client_.at(now_s() + beat_s_, [this] { beat(); });
  }

  void beat() {
    if (synced_generation_ < 0) return beat_later();
    HeartbeatRequest request;
    request.group_id = group_;
    request.generation_id = generation_;
    request.member_id = id_;
    client_.ask<HeartbeatResponse>(connection_, request, kHeartbeatVersion, [this](HeartbeatResponse& response) {
      beat_later();
      if (response.error_code != ErrorCode::kNone && synced_generation_ >= 0) again(response.error_code);
    });
  }

  void again(ErrorCode error) {
    if (error == ErrorCode::kUnknownMemberId) give_up("a member was thrown out");
    if (error != ErrorCode::kRebalanceInProgress && error != ErrorCode::kIllegalGeneration) {
      give_up("a member got error " + std::to_string(static_cast<int>(error)));
    }
    join();
  }

  WireClient& client_;
  const size_t connection_;
  const std::string group_;
  const double beat_s_;
  Bytes id_;
  int32_t generation_ = -1;
  int32_t synced_generation_ = -1;
  bool beating_ = false;
};

// A member of a group of KIP-848: takes its assignment at once.
class ConsumerMember {
 public:
  ConsumerMember(WireClient& client, size_t connection, std::string group, std::string topic, std::string id,
                 double beat_s)
      : client_(client),
        connection_(connection),
        group_(std::move(group)),
        topic_(std::move(topic)),
        id_(std::move(id)),
        beat_s_(beat_s) {}

  void join() {
    last_join_s = now_s();
    beat();
  }
  int32_t epoch() const { return epoch_; }
  size_t owned() const { return owned_; }

  static inline double last_join_s = 0;

 private:
  void beat() {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = group_;
    request.member_id = id_;
    request.member_epoch = epoch_;
    if (epoch_ == 0) {
      request.rebalance_timeout_ms = 60'000;
      request.subscribed_topic_names.emplace().push_back(topic_);
      request.topic_partitions.emplace();
    } else if (std::exchange(changed_, false)) {
      request.topic_partitions = assigned_;
    }
    client_.ask<ConsumerGroupHeartbeatResponse>(
        connection_, request, 1, [this](ConsumerGroupHeartbeatResponse& response) {
          if (epoch_ == 0 && passes(response.error_code)) return client_.at(now_s() + kRetry_s, [this] { join(); });
          if (response.error_code != ErrorCode::kNone) {
            give_up("a heartbeat got error " + std::to_string(static_cast<int>(response.error_code)));
          }
          epoch_ = response.member_epoch;
          if (response.assignment) take(*response.assignment);
          double pause_s = beat_s_ > 0 ? beat_s_ : response.heartbeat_interval_ms / 1e3;
          client_.at(now_s() + (changed_ ? 0 : pause_s), [this] { beat(); });
        });
  }

  void take(const ConsumerGroupHeartbeatResponse::Assignment& assignment) {
    changed_ = true;
    owned_ = 0;
    assigned_.clear();
    for (const auto& topic : assignment.topic_partitions) {
      assigned_.push_back({topic.topic_id, topic.partitions});
      owned_ += topic.partitions.size();
    }
  }

  WireClient& client_;
  const size_t connection_;
  const std::string group_, topic_, id_;
  const double beat_s_;
  int32_t epoch_ = 0;
  size_t owned_ = 0;
  bool changed_ = false;
  std::vector<ConsumerGroupHeartbeatRequest::TopicPartitions> assigned_;
};

bool is_consumer(const Arguments& arguments) {
  auto protocol = arguments.find("protocol");
  return protocol != arguments.end() && protocol->second == "consumer";
}

std::string name_of(const std::string& prefix, size_t index) { return prefix + "-" + std::to_string(index); }

std::string member_uuid(size_t index) {
  char text[64];
  std::snprintf(text, sizeof text, "AAAAAAAAAAAAAAAA%06zu", index);
  return text;
}

template <class Members>
void report_stable(WireClient& client, double begin_s, const double& last_join_s, const Members& stable) {
  client.run_until(stable, kDeadline_s, "the group is stable");
  double end_s = now_s();
  std::printf("{\"seconds_after_last_join\": %.3f, \"seconds\": %.3f}\n", end_s - last_join_s, end_s - begin_s);
}

int one_classic_group(WireClient& client, size_t count, double beat_s) {
  std::vector<std::unique_ptr<ClassicMember>> members;
  double begin_s = now_s();
  for (size_t i = 0; i < count; i++) {
    members.push_back(std::make_unique<ClassicMember>(client, i, "one-group", beat_s));
    members.back()->join();
  }
  report_stable(client, begin_s, ClassicMember::last_join_s, [&] {
    int32_t generation = members[0]->synced_generation();
    for (const auto& member : members) {
      if (generation < 0 || member->synced_generation() != generation) return false;
    }
    return true;
  });
  return 0;
}

int one_consumer_group(WireClient& client, size_t count, size_t partitions, double beat_s) {
  std::vector<std::unique_ptr<ConsumerMember>> members;
  double begin_s = now_s();
  for (size_t i = 0; i < count; i++) {
    members.push_back(std::make_unique<ConsumerMember>(client, i, "one-group", "bench", member_uuid(i), beat_s));
    members.back()->join();
  }
  report_stable(client, begin_s, ConsumerMember::last_join_s, [&] {
    size_t owned = 0;
    for (const auto& member : members) {
      if (member->epoch() == 0 || member->epoch() != members[0]->epoch()) return false;
      owned += member->owned();
    }
    return owned == partitions;
  });
  return 0;
}

}  // namespace

// --port --members --partitions --protocol classic|consumer --heartbeat-ms
int one_group(const Arguments& arguments) {
  size_t count = static_cast<size_t>(number(arguments, "members", 1000));
  size_t partitions = static_cast<size_t>(number(arguments, "partitions", 1000));
  double beat_s = static_cast<double>(number(arguments, "heartbeat-ms", 200)) / 1e3;
  WireClient client(static_cast<int>(number(arguments, "port", 9092)), count);
  prepare(client, "bench", static_cast<int32_t>(partitions));
  if (is_consumer(arguments)) return one_consumer_group(client, count, partitions, beat_s);
  return one_classic_group(client, count, beat_s);
}

namespace {

// Prints a word, and waits for a line on standard input: the caller measures the broker meanwhile.
void say_and_wait(const char* word) {
  std::printf("%s\n", word);
  std::fflush(stdout);
  (void)std::getchar();
}

template <class Member, class Make, class IsStable>
int beat_in_many_groups(WireClient& client, const Arguments& arguments, Make make, IsStable is_stable) {
  const size_t count = static_cast<size_t>(number(arguments, "groups", 10'000));
  // One first, so that the cost of any group is not counted.
  std::vector<std::unique_ptr<Member>> members;
  const auto join = [&](size_t i) {
    members.push_back(make(i));
    members.back()->join();
  };
  size_t stable = 0;
  const auto all_stable = [&] {
    while (stable < members.size() && is_stable(*members[stable])) stable++;
    return stable == members.size();
  };
  join(0);
  client.run_until(all_stable, kDeadline_s, "the first group is stable");
  say_and_wait("connected");
  for (size_t i = 1; i < count; i++) join(i);
  client.run_until(all_stable, kDeadline_s, "all groups are stable");
  say_and_wait("stable");
  const double end_s = now_s() + static_cast<double>(number(arguments, "seconds", 20));
  client.run_until([&] { return now_s() >= end_s; }, kDeadline_s, "the end");
  say_and_wait("end");
  return 0;
}

}  // namespace

// --port --groups --connections --protocol classic|consumer --heartbeat-ms --seconds: prints "connected", "stable" when
// all have joined, and "end" after the seconds; after each it waits for a line on standard input.
int many_groups(const Arguments& arguments) {
  size_t connections = static_cast<size_t>(number(arguments, "connections", 200));
  double beat_s = static_cast<double>(number(arguments, "heartbeat-ms", 3'000)) / 1e3;
  WireClient client(static_cast<int>(number(arguments, "port", 9092)), connections);
  prepare(client, "bench", 1);
  if (is_consumer(arguments)) {
    return beat_in_many_groups<ConsumerMember>(
        client, arguments,
        [&](size_t i) {
          return std::make_unique<ConsumerMember>(client, i % connections, name_of("group", i), "bench", member_uuid(i),
                                                  beat_s);
        },
        [](const ConsumerMember& member) { return member.owned() == 1; });
  }
  return beat_in_many_groups<ClassicMember>(
      client, arguments,
      [&](size_t i) { return std::make_unique<ClassicMember>(client, i % connections, name_of("group", i), beat_s); },
      [](const ClassicMember& member) { return member.synced_generation() >= 0; });
}

// --port --groups --partitions: each group commits an offset for each partition, two thousand in a request.
int commit_offsets(const Arguments& arguments) {
  constexpr int32_t kInOneRequest = 2'000;
  size_t groups = static_cast<size_t>(number(arguments, "groups", 1000));
  int32_t partitions = static_cast<int32_t>(number(arguments, "partitions", 1000));
  constexpr size_t kConnections = 8;
  WireClient client(static_cast<int>(number(arguments, "port", 9092)), kConnections);
  prepare(client, "bench", partitions);
  size_t open = 0;
  double begin_s = now_s();
  std::function<void(size_t, int32_t)> commit = [&](size_t i, int32_t first) {
    std::string group = name_of("group", i);
    OffsetCommitRequest request;
    request.group_id = group;
    request.generation_id_or_member_epoch = -1;
    auto& topic = request.topics.emplace_back();
    topic.name = "bench";
    for (int32_t p = first; p < std::min(partitions, first + kInOneRequest); p++) {
      auto& one = topic.partitions.emplace_back();
      one.partition_index = p;
      one.committed_offset = 1'000 + p;
      one.committed_metadata = "";
    }
    client.ask<OffsetCommitResponse>(
        i % kConnections, request, kCommitVersion, [&, i, first](OffsetCommitResponse& response) {
          ErrorCode error = response.topics.at(0).partitions.at(0).error_code;
          if (passes(error)) return client.at(now_s() + kRetry_s, [&commit, i, first] { commit(i, first); });
          for (const auto& one : response.topics.at(0).partitions) {
            if (one.error_code != ErrorCode::kNone) give_up("a commit failed");
          }
          open--;
        });
  };
  for (size_t i = 0; i < groups; i++) {
    for (int32_t first = 0; first < partitions; first += kInOneRequest) {
      open++;
      commit(i, first);
    }
  }
  client.run_until([&] { return open == 0; }, kDeadline_s, "the commits are answered");
  std::printf("{\"seconds\": %.3f, \"commits\": %zu}\n", now_s() - begin_s, groups * static_cast<size_t>(partitions));
  return 0;
}

// --port --groups --partitions: one offset of each group, until every coordinator has loaded and returns the committed
// offsets.
int fetch_offsets(const Arguments& arguments) {
  size_t groups = static_cast<size_t>(number(arguments, "groups", 1000));
  int32_t last = static_cast<int32_t>(number(arguments, "partitions", 1000)) - 1;
  constexpr size_t kConnections = 8;
  WireClient client(static_cast<int>(number(arguments, "port", 9092)), kConnections);
  size_t open = groups;
  double begin_s = now_s();
  std::function<void(size_t)> fetch = [&](size_t i) {
    std::string group = name_of("group", i);
    OffsetFetchRequest request;
    request.group_id = group;
    request.topics.emplace().push_back({"bench", {last}});
    client.ask<OffsetFetchResponse>(i % kConnections, request, kFetchVersion, [&, i](OffsetFetchResponse& response) {
      if (response.error_code != ErrorCode::kNone) {
        client.at(now_s() + 0.005, [&fetch, i] { fetch(i); });
        return;
      }
      if (response.topics.at(0).partitions.at(0).committed_offset != 1'000 + last) give_up("a commit is lost");
      open--;
    });
  };
  for (size_t i = 0; i < groups; i++) fetch(i);
  client.run_until([&] { return open == 0; }, kDeadline_s, "every group has its offsets");
  std::printf("{\"seconds\": %.3f}\n", now_s() - begin_s);
  return 0;
}

}  // namespace milena::bench
