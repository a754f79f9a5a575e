// Bytes and values of the small files: round trips, Kafka's own bytes, and everything that must be refused.
#include <gtest/gtest.h>

#include "base/file.h"
#include "log/format/file_names.h"
#include "log/format/json.h"
#include "log/format/meta_properties.h"
#include "log/format/partition_metadata.h"
#include "log/format/producer_snapshot.h"
#include "log/format/quorum_state.h"
#include "log/format/text_checkpoint.h"

namespace milena::log {
namespace {

TEST(LogFormat, segment_file_names) {
  EXPECT_EQ(segment_file_name(42, kLogSuffix), "00000000000000000042.log");
  auto name = parse_segment_file_name("00000000000000000042.index.deleted");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->offset, 42);
  EXPECT_EQ(name->suffix, ".index.deleted");
  for (const char* other : {"leader-epoch-checkpoint", "42.log", "00000000000000000042", "0000000000000000004x.log",
                            "99999999999999999999.log", "00000000000000000042-0000000001.checkpoint"}) {
    EXPECT_FALSE(parse_segment_file_name(other).has_value()) << other;
  }
}

TEST(LogFormat, partition_directories) {
  auto live = parse_partition_directory("my-topic.v1-12");
  ASSERT_TRUE(live.has_value());
  EXPECT_EQ(live->partition, (TopicPartition{"my-topic.v1", 12}));
  EXPECT_EQ(live->kind, DirectoryKind::kLive);
  for (DirectoryKind kind : {DirectoryKind::kDelete, DirectoryKind::kStray, DirectoryKind::kFuture}) {
    std::string name = renamed_partition_directory({"a-b", 3}, kind, system_random());
    auto parsed = parse_partition_directory(name);
    ASSERT_TRUE(parsed.has_value()) << name;
    EXPECT_EQ(parsed->partition, (TopicPartition{"a-b", 3}));
    EXPECT_EQ(parsed->kind, kind);
  }
  EXPECT_EQ(renamed_partition_directory({std::string(249, 't'), 3}, DirectoryKind::kDelete, system_random()).size(),
            255u);
  for (const char* other : {"topic", "-1", "topic-", "topic-x", "topic-1.abc-delete", "remote-log-index-cache", "a--",
                            "topic-99999999999", "topic-+1"}) {
    EXPECT_FALSE(parse_partition_directory(other).has_value()) << other;
  }
}

TEST(LogFormat, offset_checkpoint) {
  OffsetCheckpoint offsets{{{"a", 0}, 5}, {{"b-c", 12}, INT64_MAX}};
  Bytes file = encode_offset_checkpoint(offsets);
  EXPECT_EQ(file, "0\n2\na 0 5\nb-c 12 9223372036854775807\n");
  EXPECT_EQ(decode_offset_checkpoint(file).value(), offsets);
  EXPECT_TRUE(decode_offset_checkpoint("0\n0\n").value().empty());
  for (const char* bad :
       {"", "0\n", "1\n0\n", "0\n-1\n", "0\n1\n", "0\n2\na 0 5\n", "0\n1\na 0 5\nb 0 5\n", "0\n1\na 0\n",
        "0\n1\na x 5\n", "0\n1\na 0 5 6\n", "0\n1\na 0 99999999999999999999\n", "x\n0\n"}) {
    EXPECT_FALSE(decode_offset_checkpoint(bad).ok()) << bad;
  }
}

TEST(LogFormat, epoch_checkpoint) {
  std::vector<EpochEntry> entries{{0, 0}, {3, 17}};
  Bytes file = encode_epoch_checkpoint(entries);
  EXPECT_EQ(file, "0\n2\n0 0\n3 17\n");
  EXPECT_EQ(decode_epoch_checkpoint(file).value(), entries);
  for (const char* bad : {"0\n2\n3 0\n3 17\n", "0\n2\n0 17\n3 17\n", "0\n1\n-1 0\n", "0\n1\n1 -1\n", "0\n1\n1\n"}) {
    EXPECT_FALSE(decode_epoch_checkpoint(bad).ok()) << bad;
  }
}

TEST(LogFormat, producer_snapshot_round_trip_and_every_cut) {
  std::vector<ProducerSnapshotEntry> entries{{1, 2, 3, 4, 5, 6, 7, 8}, {INT64_MAX, -1, -1, -1, 0, -1, -1, -1}};
  Bytes file = encode_producer_snapshot(entries);
  EXPECT_EQ(file.size(), 10u + 2 * 46);
  EXPECT_EQ(decode_producer_snapshot(file).value(), entries);
  for (size_t size = 0; size < file.size(); ++size) EXPECT_FALSE(decode_producer_snapshot(file.substr(0, size)).ok());
  EXPECT_FALSE(decode_producer_snapshot(file + '\0').ok());
  EXPECT_TRUE(decode_producer_snapshot(encode_producer_snapshot({})).value().empty());
}

TEST(LogFormat, partition_metadata) {
  Uuid id = Uuid::random(system_random());
  EXPECT_EQ(decode_partition_metadata(encode_partition_metadata(id)).value(), id);
  EXPECT_EQ(decode_partition_metadata("version: 0\ntopic_id: " + id.to_string()).value(), id);
  for (const std::string& bad :
       {std::string(""), "version: 1\ntopic_id: " + id.to_string(), std::string("version: 0\n"),
        std::string("version: 0\ntopic_id: x\n"), std::string("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA\n")}) {
    EXPECT_FALSE(decode_partition_metadata(bad).ok()) << bad;
  }
}

TEST(LogFormat, meta_properties) {
  MetaProperties in{1, "cluster", 7, Uuid::random(system_random())};
  EXPECT_EQ(decode_meta_properties(encode_meta_properties(in)).value(), in);
  auto old = decode_meta_properties("broker.id=3\ncluster.id=abc\n").value();
  EXPECT_EQ(old.version, 0);
  EXPECT_EQ(old.node_id, 3);
  EXPECT_EQ(decode_meta_properties("version=1\nnode.id=1\ncluster.id=a\\\n  b\\u0063\n").value().cluster_id, "abc");
  for (const char* bad : {"version=1\n", "version=1\ncluster.id=a\n", "version=1\nnode.id=1\ncluster.id=\\u12\n",
                          "version=1\ncluster.id=a\nnode.id=x\n", "version=1\ncluster.id=a\nnode.id=-1\n",
                          "version=2\ncluster.id=a\nnode.id=1\n",
                          "version=1\ncluster.id=a\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n",
                          "version=1\ncluster.id=a\nnode.id=1\ndirectory.id=short\n"}) {
    EXPECT_FALSE(decode_meta_properties(bad).ok()) << bad;
  }
}

TEST(LogFormat, json) {
  auto value = parse_json(R"( {"a": [1, -2, {"b":"x\"y"}], "c": null, "d": true, "e": {}} )").value();
  EXPECT_EQ(value.member("a")->array[1].integer, -2);
  EXPECT_EQ(value.member("a")->array[2].string_or("b", ""), "x\"y");
  EXPECT_EQ(value.integer_or("c", 5), 5);
  for (const char* bad :
       {"", "{", "[1,", "{\"a\"}", "{\"a\":1,}", "\"x", "1 2", "nul", "{\"a\":99999999999999999999}"}) {
    EXPECT_FALSE(parse_json(bad).ok()) << bad;
  }
  EXPECT_FALSE(parse_json(std::string(100'000, '[')).ok());
}

TEST(LogFormat, quorum_state) {
  QuorumState state{0, "", 1, 4, -1, 0, {1, 2}, {}};
  EXPECT_EQ(encode_quorum_state(state),
            R"({"clusterId":"","leaderId":1,"leaderEpoch":4,"votedId":-1,"appliedOffset":0,)"
            R"("currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0})");
  EXPECT_EQ(decode_quorum_state(encode_quorum_state(state)).value(), state);
  QuorumState newer{1, "", 1, 4, 2, 0, {}, Uuid::random(system_random())};
  EXPECT_EQ(decode_quorum_state(encode_quorum_state(newer)).value(), newer);
  EXPECT_FALSE(decode_quorum_state(R"({"leaderId":1,"leaderEpoch":4,"data_version":2})").ok());
  EXPECT_FALSE(decode_quorum_state(R"({"data_version":0})").ok());
  EXPECT_FALSE(decode_quorum_state("").ok());
}

}  // namespace
}  // namespace milena::log
