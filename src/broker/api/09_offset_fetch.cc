// OffsetFetch (key 9), versions 0-10. Up to version 7 one group, since 8 many, each at its own coordinator. Version 10
// names topics by id. Version 0 used ZooKeeper; it is answered from __consumer_offsets like the others.
#include "broker/api/group_call.h"
#include "broker/api_entry.h"
#include "broker/shard.h"
#include "protocol/messages/offset_fetch.h"

namespace milena::broker {
namespace {

using OffsetFetchCall = Call<OffsetFetchRequest, OffsetFetchResponse>;

using OffsetFetchTopicOfGroup = OffsetFetchRequest::OffsetFetchRequestTopics;

constexpr int16_t kFirstVersionWithManyGroups = 8;
constexpr int16_t kOffsetFetchWithTopicIds = 10;
constexpr int16_t kFirstVersionWithTopError = 2;

// One group of the request, without the topics that the coordinator cannot answer or the client may not see.
struct GroupFetch {
  coordinator::OffsetFetchGroup asked;
  std::vector<Bytes> names;
  coordinator::OffsetFetchGroupResponse
      refused;  // unknown topic ids, and topics that the client may not see
  bool allowed = true;
};

void refuse_topic(const OffsetFetchTopicOfGroup& topic, ErrorCode error, GroupFetch& fetch) {
  auto& out = fetch.refused.topics.emplace_back();
  out.name = Bytes(topic.name);
  out.topic_id = topic.topic_id;
  for (int32_t index : topic.partition_indexes) {
    auto& partition = out.partitions.emplace_back();
    partition.partition_index = index;
    partition.committed_offset = -1;
    partition.metadata = "";
    partition.error_code = error;
  }
}

GroupFetch prepare(const OffsetFetchCall& call, const coordinator::OffsetFetchGroup& group) {
  GroupFetch fetch;
  fetch.asked = group;
  fetch.allowed = call.allows(security::kDescribeGroup, group.group_id);
  if (!fetch.allowed || !group.topics) return fetch;
  const bool by_id = call.version() >= kOffsetFetchWithTopicIds;
  fetch.asked.topics->clear();
  fetch.names.reserve(group.topics->size());  // the views must not move
  for (OffsetFetchTopicOfGroup topic : *group.topics) {
    if (by_id) {
      const metadata::TopicImage* found = call.context().image().find_topic(topic.topic_id);
      if (found == nullptr) {
        refuse_topic(topic, ErrorCode::kUnknownTopicId, fetch);
        continue;
      }
      topic.name = fetch.names.emplace_back(found->name);
    }
    if (call.allows(security::kDescribeTopic, topic.name)) {
      fetch.asked.topics->push_back(std::move(topic));
    } else {
      refuse_topic(topic, ErrorCode::kTopicAuthorizationFailed, fetch);
    }
  }
  return fetch;
}

// The answer for all topics has only names. Deleted topics have no id to return.
void name_by_id(const metadata::MetadataImage& image, coordinator::OffsetFetchGroupResponse& group) {
  for (auto& topic : group.topics) {
    if (!topic.topic_id.is_zero()) continue;
    if (const metadata::TopicImage* found = image.find_topic(topic.name)) topic.topic_id = found->id;
  }
  std::erase_if(group.topics, [](const auto& topic) { return topic.topic_id.is_zero(); });
}

// Removes the topics that the client may not see from an answer for all topics.
void hide_topics(const OffsetFetchCall& call, coordinator::OffsetFetchGroupResponse& group) {
  std::erase_if(group.topics,
                [&](const auto& topic) { return !call.allows_quietly(security::kDescribeTopic, topic.name); });
}

// Up to version 7 the group's answer is the whole answer; up to 1 an error is in every partition.
OffsetFetchResponse as_single(const OffsetFetchCall& call, coordinator::OffsetFetchGroupResponse&& group) {
  OffsetFetchResponse response;
  response.error_code = group.error_code;
  if (group.error_code != ErrorCode::kNone && call.version() < kFirstVersionWithTopError && call.request.topics) {
    for (const auto& topic : *call.request.topics) {
      auto& out = response.topics.emplace_back();
      out.name = Bytes(topic.name);
      for (int32_t index : topic.partition_indexes) {
        out.partitions.push_back(
            {.partition_index = index, .committed_offset = -1, .metadata = "", .error_code = group.error_code});
      }
    }
    return response;
  }
  for (auto& topic : group.topics) {
    auto& out = response.topics.emplace_back();
    out.name = std::move(topic.name);
    for (auto& p : topic.partitions) {
      out.partitions.push_back(
          {p.partition_index, p.committed_offset, p.committed_leader_epoch, std::move(p.metadata), p.error_code});
    }
  }
  return response;
}

void handle_offset_fetch(std::shared_ptr<OffsetFetchCall> call) {
  const OffsetFetchRequest& request = call->request;
  std::vector<coordinator::OffsetFetchGroup> groups = request.groups;
  bool single = call->version() < kFirstVersionWithManyGroups;
  if (single) {
    coordinator::OffsetFetchGroup group;
    group.group_id = request.group_id;
    if (!request.topics) group.topics.reset();
    else for (const auto& topic : *request.topics) group.topics->push_back({topic.name, {}, topic.partition_indexes});
    groups.assign(1, std::move(group));
  }
  struct Gather {
    std::vector<GroupFetch> fetches;
    std::vector<coordinator::OffsetFetchGroupResponse> answers;
    size_t open = 0;
  };
  auto gather = std::make_shared<Gather>();
  gather->open = groups.size();
  gather->answers.resize(groups.size());
  for (const coordinator::OffsetFetchGroup& group : groups) gather->fetches.push_back(prepare(*call, group));
  if (groups.empty()) return call->reply(OffsetFetchResponse{});

  Shard& shard = call->shard();
  for (size_t i = 0; i < groups.size(); i++) {
    auto take = [call, gather, i, single](ErrorCode error, coordinator::GroupResponse* answer) {
      coordinator::OffsetFetchGroupResponse& out = gather->answers[i];
      if (answer != nullptr) out = std::move(std::get<coordinator::OffsetFetchGroupResponse>(*answer));
      out.group_id = Bytes(gather->fetches[i].asked.group_id);
      if (error != ErrorCode::kNone) out.error_code = error;
      if (out.error_code == ErrorCode::kNone) {
        if (!gather->fetches[i].asked.topics) hide_topics(*call, out);
        if (call->version() >= kOffsetFetchWithTopicIds) name_by_id(call->context().image(), out);
        for (auto& topic : gather->fetches[i].refused.topics) out.topics.push_back(std::move(topic));
      }
      if (--gather->open > 0) return;
      if (single) return call->reply(as_single(*call, std::move(out)));
      OffsetFetchResponse response;
      response.groups = std::move(gather->answers);
      call->reply(response);
    };
    if (!gather->fetches[i].allowed) {
      take(ErrorCode::kGroupAuthorizationFailed, nullptr);
      continue;
    }
    GroupRuntime::submit(
        shard, GroupRuntime::partition_of(shard, groups[i].group_id),
        [call, gather, i](coordinator::GroupShard& state, coordinator::AnswerToken token, coordinator::Now now) {
          return state.fetch_offsets(GroupCaller(*call, token), gather->fetches[i].asked, call->request.require_stable,
                                     now);
        },
        take);
  }
}

}  // namespace

ApiEntry offset_fetch_api() {
  return api_entry<OffsetFetchCall, handle_offset_fetch>({security::kDescribeGroup, security::kDescribeTopic});
}

}  // namespace milena::broker
