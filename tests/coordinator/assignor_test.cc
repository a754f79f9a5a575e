#include "coordinator/assignor/assignor.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/executor.h"

namespace milena::coordinator {
namespace {

// A group whose members keep their assignments, like targets.
struct Model {
  std::map<std::string, std::set<int>> subscriptions;  // member -> topics
  std::map<std::string, std::string> instances;
  std::map<int, int32_t> topics;
  std::map<std::string, Assignment> present;

  static Uuid id(int topic) { return Uuid{1, static_cast<uint64_t>(topic)}; }

  void assign(Assignor assignor) {
    AssignableGroup group;
    std::set<std::set<int>> different;
    for (const auto& [member, wanted] : subscriptions) {
      std::vector<Uuid> ids;
      for (int topic : wanted) {
        ids.push_back(id(topic));
        group.partition_counts[id(topic)] = topics.at(topic);
      }
      different.insert(wanted);
      std::optional<ByteView> instance;
      if (instances.count(member) > 0) instance = instances.at(member);
      group.members.push_back({member, instance, std::make_shared<const std::vector<Uuid>>(ids), &present[member]});
    }
    group.homogeneous = different.size() <= 1;
    std::vector<Assignment> targets = assignor(group);
    std::map<std::string, Assignment> next;
    size_t i = 0;
    for (const auto& [member, wanted] : subscriptions) next[member] = targets.at(i++);
    present = std::move(next);
  }

  size_t load(const std::string& member) const {
    size_t sum = 0;
    for (const auto& [topic, partitions] : present.at(member)) sum += partitions.size();
    return sum;
  }

  // Every subscribed partition has exactly one owner, which subscribes to it.
  void check() const {
    std::map<std::pair<Uuid, int32_t>, std::string> owners;
    for (const auto& [member, assignment] : present) {
      for (const auto& [topic, partitions] : assignment) {
        EXPECT_EQ(subscriptions.at(member).count(static_cast<int>(topic.lo)), 1u);
        EXPECT_FALSE(partitions.empty());
        for (int32_t partition : partitions) {
          EXPECT_LT(partition, topics.at(static_cast<int>(topic.lo)));
          EXPECT_TRUE(owners.emplace(std::pair(topic, partition), member).second) << "owned twice";
        }
      }
    }
    size_t wanted = 0;
    for (const auto& [topic, count] : topics) {
      for (const auto& [member, subscribed] : subscriptions) {
        if (subscribed.count(topic) == 0) continue;
        wanted += static_cast<size_t>(count);
        break;
      }
    }
    EXPECT_EQ(owners.size(), wanted);
  }
};

TEST(RangeAssignor, GivesNeighboursAndTheSameOfTopicsOfOneSize) {
  Model m{.subscriptions = {{"a", {1, 2}}, {"b", {1, 2}}, {"c", {1, 2}}}, .topics = {{1, 5}, {2, 5}}};
  m.assign(assign_by_range);
  m.check();
  EXPECT_EQ(m.present["a"], (Assignment{{Model::id(1), {0, 1}}, {Model::id(2), {0, 1}}}));
  EXPECT_EQ(m.present["b"], (Assignment{{Model::id(1), {2, 3}}, {Model::id(2), {2, 3}}}));
  EXPECT_EQ(m.present["c"], (Assignment{{Model::id(1), {4}}, {Model::id(2), {4}}}));
}

TEST(RangeAssignor, CountsTheSubscribersOfEachTopic) {
  Model m{.subscriptions = {{"a", {1}}, {"b", {1, 2}}, {"c", {2}}}, .topics = {{1, 3}, {2, 3}}};
  m.assign(assign_by_range);
  m.check();
  EXPECT_EQ(m.present["b"], (Assignment{{Model::id(1), {2}}, {Model::id(2), {0, 1}}}));
}

TEST(RangeAssignor, StaticMembersKeepTheirRangesUnderNewIds) {
  Model m{.subscriptions = {{"z", {1}}, {"b", {1}}}, .instances = {{"z", "i"}}, .topics = {{1, 2}}};
  m.assign(assign_by_range);
  EXPECT_EQ(m.present["z"], (Assignment{{Model::id(1), {0}}}));
}

TEST(UniformAssignor, SpreadsOverTopics) {
  Model m{.subscriptions = {{"a", {1, 2}}, {"b", {1, 2}}}, .topics = {{1, 1}, {2, 2}}};
  m.assign(assign_uniformly);
  m.check();
  EXPECT_EQ(m.load("a") + m.load("b"), 3u);
  EXPECT_LE(m.load("a"), 2u);
  EXPECT_LE(m.load("b"), 2u);
}

TEST(UniformAssignor, TakesNoMoreFromAnybodyThanANewcomerNeeds) {
  Model m{.subscriptions = {{"a", {1}}, {"b", {1}}}, .topics = {{1, 9}}};
  m.assign(assign_uniformly);
  const auto before = m.present;
  m.subscriptions["c"] = {1};
  m.assign(assign_uniformly);
  m.check();
  for (const char* member : {"a", "b"}) {
    EXPECT_EQ(m.load(member), 3u);
    for (int32_t partition : m.present[member][Model::id(1)]) {
      EXPECT_TRUE(before.at(member).at(Model::id(1)).contains(partition)) << "a partition moved between old members";
    }
  }
}

TEST(UniformAssignor, WhoHasOneMoreKeepsIt) {
  Model m{.subscriptions = {{"a", {1}}, {"b", {1}}, {"c", {1}}}, .topics = {{1, 4}}};
  m.present["c"] = {{Model::id(1), {0, 1}}};
  m.assign(assign_uniformly);
  m.check();
  EXPECT_EQ(m.present["c"], (Assignment{{Model::id(1), {0, 1}}}));
}

TEST(UniformAssignor, PresentPartitionsThatCannotBeAreForgotten) {
  Model m{.subscriptions = {{"a", {1}}, {"b", {1}}}, .topics = {{1, 2}, {2, 5}}};
  m.present["a"] = {{Model::id(1), {-1, 0, 77}}, {Model::id(2), {0}}};
  m.present["b"] = {{Model::id(1), {0, 1}}};
  m.assign(assign_uniformly);
  m.check();
  m.subscriptions["b"] = {1, 2};
  m.present["a"] = {{Model::id(1), {-1, 0, 77}}};
  m.present["b"] = {{Model::id(2), {99}}};
  m.assign(assign_uniformly);
  m.check();
}

TEST(UniformAssignor, BalancesDifferentSubscriptions) {
  Model m{.subscriptions = {{"a", {1}}, {"b", {1, 2}}, {"c", {2, 3}}}, .topics = {{1, 6}, {2, 3}, {3, 3}}};
  m.assign(assign_uniformly);
  m.check();
  for (const char* member : {"a", "b", "c"}) EXPECT_EQ(m.load(member), 4u) << member;
}

// Members join, leave and change their subscriptions; partitions always have one owner each, homogeneous groups are
// even, and a repeated assignment changes nothing.
TEST(UniformAssignor, HoldsUnderRandomChanges) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<uint32_t>(below)); };
    const bool homogeneous = seed % 2 == 0;
    Model m;
    for (int topic = 1; topic <= 4; ++topic) m.topics[topic] = 1 + pick(12);
    std::set<int> common{1, 2};
    for (int step = 0; step < 30; ++step) {
      const std::string member = "m" + std::to_string(pick(8));
      if (pick(3) == 0) {
        m.subscriptions.erase(member);
        m.present.erase(member);
      } else {
        std::set<int> wanted = common;
        if (!homogeneous) wanted = {1 + pick(4), 1 + pick(4)};
        m.subscriptions[member] = wanted;
      }
      if (pick(5) == 0) m.topics[1 + pick(4)] += pick(3);
      if (m.subscriptions.empty()) continue;
      m.assign(assign_uniformly);
      m.check();
      const auto before = m.present;
      m.assign(assign_uniformly);
      EXPECT_EQ(m.present, before);
      size_t least = SIZE_MAX, most = 0;
      for (const auto& [id, wanted] : m.subscriptions) {
        least = std::min(least, m.load(id));
        most = std::max(most, m.load(id));
      }
      if (homogeneous) {
        EXPECT_LE(most - least, 1u);
      }
    }
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

// Tens of thousands of topics once took seconds, which blocked the coordinator's shard. Measures processor time,
// because the machine may be busy.
TEST(Assignors, ManyTopicsAndMembersTakeNoSeconds) {
  constexpr int kMembers = 85;
  constexpr int kTopics = 90'000;
  for (const char* name : {"range", "uniform"}) {
    for (const bool same : {true, false}) {
      SCOPED_TRACE(std::string(name) + (same ? ", the same topics" : ", different topics"));
      AssignableGroup group;
      group.homogeneous = same;
      std::vector<Uuid> all;
      for (int topic = 0; topic < kTopics; topic++) {
        all.push_back(Model::id(topic));
        group.partition_counts[all.back()] = 1;
      }
      const auto shared = std::make_shared<const std::vector<Uuid>>(all);
      const Assignment nothing;
      std::vector<std::string> ids;
      for (int member = 0; member < kMembers; member++) ids.push_back("member-" + std::to_string(100 + member));
      for (int member = 0; member < kMembers; member++) {
        auto topics = shared;
        if (!same) {
          std::vector<Uuid> half;
          for (int topic = member % 2; topic < kTopics; topic += 2) half.push_back(Model::id(topic));
          topics = std::make_shared<const std::vector<Uuid>>(half);
        }
        group.members.push_back({ids[static_cast<size_t>(member)], std::nullopt, topics, &nothing});
      }
      const int64_t begin_ns = system_clock().thread_cpu_ns();
      const std::vector<Assignment> targets = find_assignor(name)(group);
      EXPECT_LT((system_clock().thread_cpu_ns() - begin_ns) / 1'000'000, 600);
      size_t given = 0;
      for (const Assignment& target : targets) given += target.size();
      EXPECT_EQ(given, static_cast<size_t>(kTopics));
    }
  }
}

TEST(PartitionNumbers, AreASetWhateverTheOrder) {
  const std::vector<int32_t> given = {7, 1, 7, 3, 1};
  const PartitionNumbers numbers(given.begin(), given.end());
  EXPECT_EQ(numbers, (PartitionNumbers{1, 3, 7}));
  EXPECT_TRUE(numbers.contains(3));
  EXPECT_FALSE(numbers.contains(2));
  PartitionNumbers merged = numbers;
  merged.merge(std::vector<int32_t>{0, 3, 4, 9});
  EXPECT_EQ(merged, (PartitionNumbers{0, 1, 3, 4, 7, 9}));
  merged.append(12);
  EXPECT_EQ(merged.size(), 7u);
  EXPECT_DEATH(merged.append(12), "not in order");
}

}  // namespace
}  // namespace milena::coordinator
