#include "broker/api/group_fan_out.h"

#include <unordered_map>

#include "broker/router.h"
#include "broker/shard_context.h"

namespace milena::broker {
namespace {

// To describe a group takes some microseconds.
constexpr size_t kMaxGroupsOfPart = 100;

using PartInput = std::function<coordinator::Effects(coordinator::GroupShard&, const GroupPart&,
                                                     coordinator::AnswerToken, coordinator::Now)>;
using OnPart = std::function<void(const GroupPart&, ErrorCode, coordinator::GroupResponse*)>;

struct FanOut {
  std::vector<GroupPart> parts;
  PartInput input;
  OnPart each;
  std::function<void()> done;
  size_t open = 0;
};

struct PartToAsk {
  std::shared_ptr<FanOut> all;
  size_t place = 0;
};

void ask_part(Shard& from, PartToAsk& item) {
  GroupRuntime::submit(
      from, item.all->parts[item.place].partition,
      [item](coordinator::GroupShard& state, coordinator::AnswerToken token, coordinator::Now now) {
        return item.all->input(state, item.all->parts[item.place], token, now);
      },
      [item](ErrorCode error, coordinator::GroupResponse* response) {
        item.all->each(item.all->parts[item.place], error, response);
        if (--item.all->open == 0) item.all->done();
      });
}

}  // namespace

std::vector<GroupPart> split_by_coordinator(const ShardContext& from, const std::vector<ByteView>& groups) {
  std::vector<GroupPart> parts;
  std::unordered_map<int32_t, size_t> last_part;
  for (ByteView group : groups) {
    const int32_t partition = GroupRuntime::partition_of(from, group);
    auto [place, is_new] = last_part.try_emplace(partition, parts.size());
    if (!is_new && parts[place->second].groups.size() >= kMaxGroupsOfPart) {
      place->second = parts.size();
      is_new = true;
    }
    if (is_new) parts.push_back({partition, {}});
    parts[place->second].groups.push_back(group);
  }
  return parts;
}

void ask_parts(Shard& from, std::vector<GroupPart> parts, PartInput input, OnPart each, std::function<void()> done) {
  if (parts.empty()) return done();
  const size_t count = parts.size();
  auto all = std::make_shared<FanOut>(std::move(parts), std::move(input), std::move(each), std::move(done), count);
  std::vector<PartToAsk> items;
  items.reserve(count);
  for (size_t i = 0; i < count; i++) items.push_back({all, i});
  Router::visit_each_here<PartToAsk>(from, std::move(items), &ask_part, [](std::vector<PartToAsk>) {});
}

}  // namespace milena::broker
