// Starts that must be refused: each gives the reason, and changes no file of any directory.
#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <map>

#include "base/log.h"
#include "broker/controller/metadata_log.h"
#include "broker/node_fixture.h"
#include "log/format/meta_properties.h"
#include "log/format/quorum_state.h"
#include "metadata/features.h"
#include "metadata/record_codec.h"
#include "protocol/messages/control/kraft_version.h"
#include "protocol/messages/control/leader_change.h"
#include "protocol/messages/control/voters.h"
#include "protocol/records/control_records.h"

namespace milena::broker::broker_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kMetadata = "__cluster_metadata-0";

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void spill(const fs::path& path, ByteView content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

// All files with their contents, and all directories.
std::map<std::string, std::string> everything_in(const fs::path& directory) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    found[entry.path().string()] = entry.is_directory() ? "(directory)" : slurp(entry.path());
  }
  return found;
}

FeatureLevelRecord level_of(ByteView name, int16_t level) {
  FeatureLevelRecord record;
  record.name = name;
  record.feature_level = level;
  return record;
}

Bytes voters_value(const std::vector<int32_t>& ids, const Uuid& directory_id) {
  VotersRecord record;
  for (int32_t id : ids) {
    auto& voter = record.voters.emplace_back();
    voter.voter_id = id;
    voter.voter_directory_id = directory_id;
  }
  return write_message(record, 0);
}

Bytes kraft_version_value(int16_t level) {
  KRaftVersionRecord record;
  record.kraft_version = level;
  return write_message(record, 0);
}

// Changes a directory after a clean stop.
class Directory {
 public:
  explicit Directory(std::string home) : home_(std::move(home)) {}

  fs::path first(const std::string& name) const { return fs::path(home_) / "first" / name; }
  fs::path second(const std::string& name) const { return fs::path(home_) / "second" / name; }
  Uuid id() const { return log::decode_meta_properties(slurp(first("meta.properties"))).value().directory_id.value(); }

  void append(const std::function<Bytes(int32_t epoch)>& batch) const {
    auto found = read_metadata(posix_file_system(), first(kMetadata)).take();
    log::FileCache files(posix_file_system(), 16);
    auto log = log::PartitionLog::open(files, system_clock(), first(kMetadata), {Bytes("__cluster_metadata"), 0},
                                       std::make_shared<log::LogConfig>(), log::OpenState{})
                   .take();
    auto done = log->append_as_leader(batch(found.replayed.last_epoch()), found.replayed.last_epoch(),
                                      log::AppendOrigin::kCoordinator);
    ASSERT_TRUE(done.ok());
    ASSERT_TRUE(log->close_cleanly(true).ok());
  }
  void append_value(ByteView value) const {
    append([&](int32_t) {
      RecordBatchBuilder builder;
      builder.append(std::nullopt, value, 1);
      return builder.build();
    });
  }
  void append_record(const metadata::MetadataRecord& record) const {
    append_value(metadata::encode_metadata_record(record));
  }
  void append_control(ControlRecordType type, ByteView value) const {
    append([&](int32_t epoch) { return build_control_batch(0, epoch, 1, type, value); });
  }
  void write_snapshot(const fs::path& path, const metadata::MetadataRecords& records,
                      std::vector<log::SnapshotFile::Control> controls = {}) const {
    log::SnapshotFile snapshot;
    snapshot.controls = std::move(controls);
    for (const metadata::MetadataRecord& record : records)
      snapshot.records.push_back(metadata::encode_metadata_record(record));
    ASSERT_TRUE(log::write_snapshot_file(posix_file_system(), path, snapshot, 0, 1).ok());
  }
  void edit_meta_properties(const fs::path& path, const std::function<void(log::MetaProperties&)>& edit) const {
    log::MetaProperties properties = log::decode_meta_properties(slurp(path)).value();
    edit(properties);
    spill(path, log::encode_meta_properties(properties));
  }

 private:
  std::string home_;
};

struct Refusal {
  std::string name;
  std::function<void(const Directory&)> prepare;
  std::string says;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> all{
      // Written by a newer Kafka.
      {"MetadataVersionInTheLog", [](auto& d) { d.append_record(level_of("metadata.version", 33)); }, "levels 7 to 30"},
      {"ShareVersion2", [](auto& d) { d.append_record(level_of("share.version", 2)); },
       "level 2 of the feature share.version"},
      {"TransactionVersion3", [](auto& d) { d.append_record(level_of("transaction.version", 3)); }, "levels 0 to 2"},
      {"GroupVersion2", [](auto& d) { d.append_record(level_of("group.version", 2)); }, "levels 0 to 1"},
      {"UnknownFeature", [](auto& d) { d.append_record(level_of("tomorrow.version", 1)); }, "tomorrow.version"},
      {"MetadataVersionTooOld", [](auto& d) { d.append_record(level_of("metadata.version", 6)); }, "levels 7 to 30"},
      {"BootstrapOfANewerKafka",
       [](auto& d) { d.write_snapshot(d.first("bootstrap.checkpoint"), {level_of("metadata.version", 33)}); },
       "bootstrap.checkpoint: the metadata has level 33"},
      {"FormattedByKafka44",
       [](auto& d) {
         fs::remove_all(d.first(kMetadata));
         fs::remove(d.first("bootstrap.checkpoint"));
         fs::create_directory(d.first(kMetadata));
         d.write_snapshot(d.first(kMetadata + "/00000000000000000000-0000000000.checkpoint"),
                          {level_of("metadata.version", 33), level_of("share.version", 2)});
       },
       "level 33 of the feature metadata.version"},
      {"UnknownRecord", [](auto& d) { d.append_value(ByteView("\x01\x63\x00\x00", 4)); }, "unknown type 99"},
      {"UnknownRecordVersion", [](auto& d) { d.append_value(ByteView("\x01\x02\x09\x00", 4)); },
       "TopicRecord has version 9"},
      {"KraftVersion2", [](auto& d) { d.append_control(ControlRecordType::kKraftVersion, kraft_version_value(2)); },
       "level 2 of kraft.version"},
      {"VotersOfANewerVersion",
       [](auto& d) { d.append_control(ControlRecordType::kKraftVoters, ByteView("\0\x01\x01\0", 4)); },
       "VotersRecord of version 1"},
      // Part of a larger or another quorum.
      {"ThreeVotersInTheLog",
       [](auto& d) {
         d.append_control(ControlRecordType::kKraftVoters, voters_value({1, 2, 3}, d.id()));
       },
       "the only voter"},
      {"AnotherVoterInTheLog",
       [](auto& d) { d.append_control(ControlRecordType::kKraftVoters, voters_value({2}, d.id())); }, "voters are 2 "},
      {"AVoterOfThisIdWithAnotherDirectory",
       [](auto& d) {
         d.append_control(ControlRecordType::kKraftVoters, voters_value({1}, Uuid{7, 7}));
       },
       "the only voter"},
      {"ThreeVotersInASnapshot",
       [](auto& d) {
         fs::remove_all(d.first(kMetadata));
         fs::create_directory(d.first(kMetadata));
         d.write_snapshot(d.first(kMetadata + "/00000000000000000000-0000000000.checkpoint"), {},
                          {{ControlRecordType::kKraftVersion, kraft_version_value(1)},
                           {ControlRecordType::kKraftVoters, voters_value({1, 2, 3}, d.id())}});
       },
       "the only voter"},
      {"ThreeVotersInQuorumState",
       [](auto& d) {
         spill(d.first(kMetadata + "/quorum-state"),
               log::encode_quorum_state({.leader_id = 2, .leader_epoch = 5, .current_voters = {1, 2, 3}}));
       },
       "voters are 1, 2, 3"},
      {"ABrokersCopyOfTheMetadata",
       [](auto& d) {
         spill(d.first(kMetadata + "/quorum-state"),
               log::encode_quorum_state({.leader_id = 3000, .leader_epoch = 5, .current_voters = {3000}}));
       },
       "voters are 3000"},
      {"ThreeElectorsAndNoQuorumState",
       [](auto& d) {
         LeaderChangeMessage message;
         message.leader_id = 2;
         for (int32_t id : {1, 2, 3}) message.voters.push_back({.voter_id = id});
         d.append_control(ControlRecordType::kLeaderChange, write_message(message, 0));
         fs::remove(d.first(kMetadata + "/quorum-state"));
       },
       "voters are 1, 2, 3"},
      // The directory has no meta.properties, or one of another node.
      {"NoMetaProperties", [](auto& d) { fs::remove(d.first("meta.properties")); }, "but no meta.properties"},
      {"NoMetaPropertiesInTheSecond", [](auto& d) { fs::remove(d.second("meta.properties")); },
       "but no meta.properties"},
      {"EmptyMetaProperties", [](auto& d) { spill(d.first("meta.properties"), ""); }, "must have broker.id"},
      {"EmptyMetaPropertiesInTheSecond", [](auto& d) { spill(d.second("meta.properties"), ""); },
       "must have broker.id"},
      {"NoNodeId", [](auto& d) { spill(d.first("meta.properties"), "version=1\ncluster.id=c\n"); },
       "must have node.id"},
      {"NoVersion", [](auto& d) { spill(d.first("meta.properties"), "node.id=1\ncluster.id=c\n"); },
       "must have broker.id"},
      {"NoClusterId", [](auto& d) { spill(d.first("meta.properties"), "version=1\nnode.id=1\n"); },
       "cluster.id is missing"},
      {"AnotherNode",
       [](auto& d) { d.edit_meta_properties(d.second("meta.properties"), [](auto& m) { m.node_id = 2; }); },
       "belongs to node 2"},
      {"AnotherCluster",
       [](auto& d) { d.edit_meta_properties(d.second("meta.properties"), [](auto& m) { m.cluster_id = "other"; }); },
       "belongs to cluster other"},
      {"ACopy",
       [](auto& d) { d.edit_meta_properties(d.second("meta.properties"), [&](auto& m) { m.directory_id = d.id(); }); },
       "a directory and its copy"},
      {"TheFirstDiskIsNotMounted",
       [](auto& d) {
         fs::remove_all(d.first(""));
         fs::create_directory(d.first(""));
       },
       "that directory is empty"},
      {"TheFirstDirectoryIsGone", [](auto& d) { fs::remove_all(d.first("")); }, "that directory is empty"},
      {"TheMetadataIsInTheSecond", [](auto& d) { fs::rename(d.first(kMetadata), d.second(kMetadata)); },
       "set metadata.log.dir"},
      // Damaged beyond repair.
      {"TheSnapshotIsGone",
       [](auto& d) {
         fs::rename(d.first(kMetadata + "/00000000000000000000.log"), d.first(kMetadata + "/00000000000000000007.log"));
       },
       "no snapshot in it reaches that offset"},
      {"ABrokenBootstrap", [](auto& d) { spill(d.first("bootstrap.checkpoint"), "x"); }, "bootstrap.checkpoint"},
  };
  return all;
}

class RefusedStartTest : public testing::TestWithParam<Refusal> {
 protected:
  RefusedStartTest() { harness_.set("log.dirs", harness_.directory() + "/first," + harness_.directory() + "/second"); }

  NodeHarness harness_{1};
  Directory directory_{harness_.directory()};
};
INSTANTIATE_TEST_SUITE_P(All, RefusedStartTest, testing::ValuesIn(refusals()),
                         [](const auto& each) { return each.param.name; });

TEST_P(RefusedStartTest, ChangesNoFile) {
  ASSERT_NO_FATAL_FAILURE(harness_.start());
  CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.num_partitions = 4;
  topic.replication_factor = 1;
  ASSERT_EQ(harness_.connect().ask<CreateTopicsResponse>(request, 7).topics.at(0).error_code, ErrorCode::kNone);
  harness_.advance(5000);  // the directories are made
  harness_.stop();
  ASSERT_TRUE(fs::exists(directory_.first(".kafka_cleanshutdown")));
  ASSERT_TRUE(fs::exists(directory_.second(".kafka_cleanshutdown")));
  ASSERT_NO_FATAL_FAILURE(GetParam().prepare(directory_));

  for (bool with_lock_files : {true, false}) {
    if (!with_lock_files) {
      for (const char* each : {"first", "second"}) fs::remove(fs::path(harness_.directory()) / each / ".lock");
    }
    const auto before = everything_in(harness_.directory());
    Status started = harness_.try_start();
    ASSERT_FALSE(started.ok());
    EXPECT_THAT(started.error().message, HasSubstr(GetParam().says));
    EXPECT_EQ(everything_in(harness_.directory()), before);
  }
}

// Directories that resemble the refused ones and are accepted.
class AcceptedStartTest : public testing::Test {
 protected:
  AcceptedStartTest() { harness_.set("log.dirs", harness_.directory() + "/first"); }
  void start_and_stop() {
    ASSERT_NO_FATAL_FAILURE(harness_.start());
    harness_.stop();
  }

  NodeHarness harness_{1};
  Directory directory_{harness_.directory()};
};

constexpr ByteView kOtherCluster = "4L6g3nShT-eMCtK--X86sw";

// Like a container with a changed CLUSTER_ID over a volume with data.
TEST_F(AcceptedStartTest, AnotherClusterIdIsNamedAndTheDataCounts) {
  start_and_stop();
  const std::string own = slurp(directory_.first("meta.properties"));
  harness_.set("milena.cluster.id", kOtherCluster);
  const LogLevel before = log_level();
  testing::internal::CaptureStdout();
  set_log_level(LogLevel::kInfo);
  start_and_stop();
  set_log_level(before);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              HasSubstr(Bytes("milena.cluster.id=") + Bytes(kOtherCluster) + " (set by hand) has no effect"));
  EXPECT_EQ(slurp(directory_.first("meta.properties")), own);

  harness_.set("milena.strict.kafka", "true");
  Status started = harness_.try_start();
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, HasSubstr("belongs to cluster"));
  EXPECT_EQ(slurp(directory_.first("meta.properties")), own);
}

TEST_F(AcceptedStartTest, AClusterIdIsAWord) {
  for (ByteView impossible : {ByteView("two words"), ByteView("a\nnode.id=7"), ByteView("\xc3\xa4")}) {
    harness_.set("milena.cluster.id", impossible);
    Status started = harness_.try_start();
    ASSERT_FALSE(started.ok()) << impossible;
    EXPECT_THAT(started.error().message, HasSubstr("milena.cluster.id="));
    EXPECT_FALSE(fs::exists(directory_.first("meta.properties")));
  }
  harness_.set("milena.cluster.id", "");  // as CLUSTER_ID=${CLUSTER_ID:-} in a recipe
  start_and_stop();
  EXPECT_FALSE(log::decode_meta_properties(slurp(directory_.first("meta.properties"))).value().cluster_id.empty());
}

TEST_F(AcceptedStartTest, TheOnlyVoterInTheLog) {
  start_and_stop();
  directory_.append_control(ControlRecordType::kKraftVersion, kraft_version_value(1));
  directory_.append_control(ControlRecordType::kKraftVoters, voters_value({1, 2, 3}, directory_.id()));
  directory_.append_control(ControlRecordType::kKraftVoters, voters_value({1}, directory_.id()));
  start_and_stop();
}

TEST_F(AcceptedStartTest, FormattedByKafka44WithLevelsOfKafka43) {
  start_and_stop();
  fs::remove_all(directory_.first(kMetadata));
  fs::remove(directory_.first("bootstrap.checkpoint"));
  fs::create_directory(directory_.first(kMetadata));
  directory_.write_snapshot(directory_.first(kMetadata + "/00000000000000000000-0000000000.checkpoint"),
                            metadata::default_bootstrap_records());
  start_and_stop();
  start_and_stop();
}

TEST_F(AcceptedStartTest, AnUnknownFeatureAtLevel0) {
  start_and_stop();
  directory_.append_record(level_of("tomorrow.version", 0));
  start_and_stop();
}

TEST_F(AcceptedStartTest, ATornTailAndLeftoversOfSnapshots) {
  start_and_stop();
  fs::path log = directory_.first(kMetadata + "/00000000000000000000.log");
  spill(log, slurp(log) + std::string(100, 'x'));
  fs::path leftover = directory_.first(kMetadata + "/00000000000000000005-0000000001.checkpoint.part");
  spill(leftover, "half");
  start_and_stop();
  EXPECT_FALSE(fs::exists(leftover));
}

TEST_F(AcceptedStartTest, AnEmptyDirectoryBesideOneThatIsKnown) {
  start_and_stop();
  harness_.set("log.dirs", harness_.directory() + "/first," + harness_.directory() + "/second");
  start_and_stop();
  EXPECT_TRUE(fs::exists(directory_.second("meta.properties")));
}

}  // namespace
}  // namespace milena::broker::broker_test
