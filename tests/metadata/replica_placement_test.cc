#include "metadata/replica_placement.h"

#include <gtest/gtest.h>

#include <set>

namespace milena::metadata::testing {
namespace {

TEST(ReplicaPlacement, OneBrokerFurtherWithEachPartition) {
  ReplicaPlacement placement;
  for (int32_t id = 1; id <= 3; id++) placement.add(id, std::nullopt, true);
  EXPECT_EQ(placement.replicas(0, 2), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(placement.replicas(1, 2), (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(placement.replicas(5, 3), (std::vector<int32_t>{3, 1, 2}));
}

TEST(ReplicaPlacement, ReplicasAreSpreadOverRacks) {
  ReplicaPlacement placement;
  const std::map<int32_t, Bytes> racks{{1, "a"}, {2, "b"}, {3, "c"}, {4, "a"}, {5, "b"}, {6, "c"}};
  for (const auto& [id, rack] : racks) placement.add(id, rack, true);
  std::map<int32_t, int> leads, holds;
  for (size_t number = 0; number < 60; number++) {
    const std::vector<int32_t> replicas = placement.replicas(number, 3);
    std::set<Bytes> seen;
    for (const int32_t id : replicas) seen.insert(racks.at(id));
    EXPECT_EQ(seen.size(), 3u) << number;
    leads[replicas[0]]++;
    for (const int32_t id : replicas) holds[id]++;
  }
  for (const auto& [id, rack] : racks) {
    EXPECT_EQ(leads[id], 10) << id;
    EXPECT_EQ(holds[id], 30) << id;
  }
  // More replicas than racks: as even as possible.
  const std::vector<int32_t> five = placement.replicas(4, 5);
  EXPECT_EQ(std::set<int32_t>(five.begin(), five.end()).size(), 5u);
}

TEST(ReplicaPlacement, BrokersThatAreDownAreTakenLastAndNeverLead) {
  ReplicaPlacement placement;
  placement.add(1, Bytes("a"), true);
  placement.add(2, Bytes("a"), false);
  placement.add(3, Bytes("b"), false);
  for (size_t number = 0; number < 10; number++) {
    EXPECT_EQ(placement.replicas(number, 3), (std::vector<int32_t>{1, 3, 2})) << number;
  }
}

}  // namespace
}  // namespace milena::metadata::testing
