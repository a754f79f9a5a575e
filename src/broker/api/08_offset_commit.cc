// OffsetCommit (key 8), versions 0-10. Version 10 names topics by id. Missing topics and partitions are answered here;
// the rest goes to the group's coordinator, and the answer keeps the order of the request.
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "broker/shard.h"
#include "protocol/messages/offset_commit.h"

namespace milena::broker {
namespace {

using OffsetCommitCall = Call<OffsetCommitRequest, OffsetCommitResponse>;

constexpr int16_t kCommitWithTopicIds = 10;

// A commit in progress: the request to the coordinator, and the places of its answers.
struct Commit {
  OffsetCommitRequest known;  // views into the call's frame, and into the names below
  std::vector<Bytes> names;
  OffsetCommitResponse response;
  std::vector<std::pair<size_t, size_t>> places;
};

void sort_out(const OffsetCommitCall& call, Commit& commit) {
  const OffsetCommitRequest& request = call.request;
  const metadata::MetadataImage& image = call.context().image();
  bool by_id = call.version() >= kCommitWithTopicIds;
  commit.known = request;
  commit.known.topics.clear();
  commit.names.reserve(request.topics.size());  // the views must not move
  for (const auto& topic : request.topics) {
    const metadata::TopicImage* found = by_id ? image.find_topic(topic.topic_id) : image.find_topic(topic.name);
    const bool unknown_id = by_id && found == nullptr;
    const bool allowed =
        unknown_id || call.allows(security::kReadTopic, found != nullptr ? ByteView(found->name) : topic.name);
    auto& out = commit.response.topics.emplace_back();
    out.name = Bytes(topic.name);
    out.topic_id = topic.topic_id;
    OffsetCommitRequest::OffsetCommitRequestTopic known;
    if (found != nullptr) {
      known.name = commit.names.emplace_back(found->name);
      known.topic_id = found->id;
    }
    for (const auto& partition : topic.partitions) {
      auto& p = out.partitions.emplace_back();
      p.partition_index = partition.partition_index;
      if (!allowed) {
        p.error_code = ErrorCode::kTopicAuthorizationFailed;
      } else if (found == nullptr) {
        p.error_code = by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
      } else if (found->partition(partition.partition_index) == nullptr) {
        p.error_code = ErrorCode::kUnknownTopicOrPartition;
      } else {
        known.partitions.push_back(partition);
        commit.places.emplace_back(commit.response.topics.size() - 1, out.partitions.size() - 1);
      }
    }
    if (!known.partitions.empty()) commit.known.topics.push_back(std::move(known));
  }
}

void take_answers(Commit& commit, ErrorCode error, const OffsetCommitResponse* answer) {
  size_t next = 0;
  auto place = [&](ErrorCode code) {
    auto [t, p] = commit.places[next++];
    commit.response.topics[t].partitions[p].error_code = code;
  };
  if (answer == nullptr) {
    while (next < commit.places.size()) place(error);
    return;
  }
  for (const auto& topic : answer->topics) {
    for (const auto& partition : topic.partitions) place(partition.error_code);
  }
}

void refuse_group(OffsetCommitCall& call) {
  OffsetCommitResponse response;
  for (const auto& topic : call.request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = Bytes(topic.name);
    out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      out.partitions.push_back({partition.partition_index, ErrorCode::kGroupAuthorizationFailed});
    }
  }
  call.reply(response);
}

void handle_offset_commit(std::shared_ptr<OffsetCommitCall> call) {
  if (!call->allows(security::kReadGroup, call->request.group_id)) return refuse_group(*call);
  auto commit = std::make_shared<Commit>();
  sort_out(*call, *commit);
  // A commit without known topics is answered without the coordinator, as in Kafka.
  if (commit->places.empty() && !call->request.topics.empty()) return call->reply(commit->response);
  Shard& shard = call->shard();
  note_group(call->connection(), call->request.group_id);
  GroupRuntime::submit(
      shard, GroupRuntime::partition_of(shard, call->request.group_id),
      [call, commit](coordinator::GroupShard& state, coordinator::AnswerToken token, coordinator::Now now) {
        return state.commit_offsets(GroupCaller(*call, token), commit->known, now);
      },
      [call, commit](ErrorCode error, coordinator::GroupResponse* answer) {
        take_answers(*commit, error, answer == nullptr ? nullptr : &std::get<OffsetCommitResponse>(*answer));
        call->reply(commit->response);
      });
}

}  // namespace

ApiEntry offset_commit_api() {
  return api_entry<OffsetCommitCall, handle_offset_commit>({security::kReadGroup, security::kReadTopic});
}

}  // namespace milena::broker
