#include "broker/replica/follower_session.h"

#include <map>

namespace milena::broker {
namespace {

// The entry of a topic in a list of the request.
template <class Topics>
auto& topic_in(Topics& topics, std::map<Uuid, size_t>& places, const Uuid& id) {
  auto [place, is_new] = places.emplace(id, topics.size());
  if (is_new) topics.emplace_back().topic_id = id;
  return topics[place->second];
}

}  // namespace

void FollowerSession::write(const std::vector<Wanted>& wanted, FetchRequest& request) {
  request.session_id = id_;
  request.session_epoch = epoch_;
  if (epoch_ == 0) told_.clear();
  ++request_;
  std::map<Uuid, size_t> places;
  for (const Wanted& one : wanted) {
    auto [told, first] = told_.try_emplace(one.id);
    told->second.wanted_in = request_;
    if (!first && told->second.at == one.at) continue;
    told->second.at = one.at;
    auto& topic = topic_in(request.topics, places, one.id.topic_id);
    topic.topic = one.topic;
    topic.partitions.push_back(one.at);
  }
  places.clear();
  std::erase_if(told_, [&](const auto& one) {
    if (one.second.wanted_in == request_) return false;
    auto& topic = topic_in(request.forgotten_topics_data, places, one.first.topic_id);
    topic.partitions.push_back(one.first.partition);
    return true;
  });
}

bool FollowerSession::on_answer(ErrorCode error, int32_t session_id) {
  switch (error) {
    case ErrorCode::kNone: break;
    case ErrorCode::kFetchSessionIdNotFound: forget(); return true;
    case ErrorCode::kInvalidFetchSessionEpoch:
    case ErrorCode::kFetchSessionTopicIdError: begin_anew(); return true;
    default: begin_anew(); return false;
  }
  // A leader without space for a session answers 0, and is asked again.
  const bool goes_on = epoch_ > 0 && session_id == id_;
  id_ = session_id;
  if (goes_on) {
    epoch_ = epoch_ == INT32_MAX ? 1 : epoch_ + 1;
  } else {
    epoch_ = epoch_ == 0 && id_ != 0 ? 1 : 0;
  }
  return false;
}

}  // namespace milena::broker
