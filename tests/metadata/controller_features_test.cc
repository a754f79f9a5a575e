// UpdateFeatures and AlterUserScramCredentials.
#include <gmock/gmock.h>

#include <set>

#include "metadata/controller.h"
#include "metadata/metadata_fixture.h"
#include "metadata/record_codec.h"

namespace milena::metadata {
namespace {

using namespace milena::metadata::testing;  // NOLINT
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int8_t kUp = 1, kSafe = 2, kUnsafe = 3;

struct Update {
  ByteView feature;
  int16_t level;
  int8_t type = kUp;
};

UpdateFeaturesRequest updates(const std::vector<Update>& all) {
  UpdateFeaturesRequest request;
  for (const Update& one : all) {
    auto& key = request.feature_updates.emplace_back();
    key.feature = one.feature;
    key.max_version_level = one.level;
    key.upgrade_type = one.type;
    key.allow_downgrade = one.type != kUp;
  }
  return request;
}

ErrorCode update(Controller& controller, const std::vector<Update>& all, int16_t version = 2) {
  const auto effects = controller.update_features(updates(all), version);
  if (effects.response.error_code != ErrorCode::kNone) {
    EXPECT_TRUE(effects.records.empty());
    EXPECT_TRUE(effects.response.results.empty());
    EXPECT_TRUE(effects.response.error_message.has_value());
  }
  controller.apply(effects.records);
  return effects.response.error_code;
}

TEST(Features, UpAndDown) {
  Controller controller = one_node_controller();
  EXPECT_EQ(update(controller, {{"group.version", 0, kSafe}}), ErrorCode::kNone);
  EXPECT_EQ(controller.image().feature_level("group.version"), 0);
  EXPECT_EQ(update(controller, {{"group.version", 0, kSafe}}), ErrorCode::kNone);
  EXPECT_EQ(update(controller, {{"group.version", 1}, {"transaction.version", 1, kUnsafe}}), ErrorCode::kNone);
  EXPECT_EQ(controller.image().feature_level("group.version"), 1);
  EXPECT_EQ(controller.image().feature_level("transaction.version"), 1);
  // Levels that are already set need no record.
  EXPECT_TRUE(controller.update_features(updates({{"group.version", 1}, {"metadata.version", 30}}), 2).records.empty());
}

TEST(Features, AfterARaiseRegistrationsAreToldInFull) {
  Controller controller = one_node_controller();
  CreateTopicsRequest create;
  create.topics.push_back({"t", 2, 1, {}, {}});
  controller.apply(controller.create_topics(create).records);
  const BrokerImage before = *controller.image().find_broker(1);
  const auto told = [&](int16_t from, int16_t to) {
    FeatureLevelRecord level;
    level.name = "metadata.version";
    level.feature_level = to;
    controller.apply({level});
    auto effects = controller.refresh_registrations(1, from, {{"CONTROLLER", "localhost", 9093, 0}});
    controller.apply(effects.records);
    std::multiset<ByteView> names;
    for (const MetadataRecord& record : effects.records) names.insert(metadata_record_name(record));
    return names;
  };
  EXPECT_THAT(told(7, 14), IsEmpty());
  EXPECT_THAT(told(14, 15), ElementsAre("RegisterControllerRecord"));
  EXPECT_THAT(told(15, 17), ElementsAre("PartitionChangeRecord", "PartitionChangeRecord", "RegisterBrokerRecord"));
  EXPECT_THAT(told(17, 30), IsEmpty()) << "no directory is cordoned";
  EXPECT_THAT(told(7, 30), ElementsAre("PartitionChangeRecord", "PartitionChangeRecord", "RegisterBrokerRecord",
                                       "RegisterControllerRecord"));
  EXPECT_EQ(*controller.image().find_broker(1), before) << "its epoch and its fences stay";
  EXPECT_EQ(controller.image().find_topic("t")->partition(0)->leader, 1);
}

TEST(Features, DirectoriesAreNotCordonedBeforeTheLevelThatKnowsIt) {
  Controller controller = one_node_controller();
  FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 29;
  BrokerRegistrationChangeRecord cordoned;
  cordoned.broker_id = 1;
  cordoned.broker_epoch = controller.image().find_broker(1)->epoch;
  cordoned.log_dirs = {Uuid{7, 8}};
  cordoned.cordoned_log_dirs = {Uuid{7, 8}};
  controller.apply({level, cordoned});
  const auto create = [&](ByteView name) {
    CreateTopicsRequest request;
    request.topics.push_back({name, 1, 1, {}, {}});
    return controller.create_topics(request).response.topics[0].error_code;
  };
  IncrementalAlterConfigsRequest alter;
  auto& broker = alter.resources.emplace_back();
  broker.resource_type = static_cast<int8_t>(ResourceType::kBroker);
  broker.resource_name = "1";
  broker.configs.push_back({"cordoned.log.dirs", 0, ""});
  const auto altered = [&] { return controller.incremental_alter_configs(alter).response.responses[0].error_code; };
  EXPECT_EQ(create("t"), ErrorCode::kNone);
  EXPECT_EQ(altered(), ErrorCode::kInvalidConfig);
  level.feature_level = 30;
  controller.apply({level});
  EXPECT_EQ(create("t"), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(altered(), ErrorCode::kNone);
}

TEST(Features, WhatIsRefused) {
  Controller controller = one_node_controller();
  const std::vector<Update> kRefused = {
      {"metadata.version", 31},        {"metadata.version", 29},          {"metadata.version", 6, kSafe},
      {"metadata.version", 0, kSafe},  {"metadata.version", 29, kSafe},   {"metadata.version", 29, kUnsafe},
      {"metadata.version", -1, kSafe}, {"none.such", 1},                  {"none.such", 0, kSafe},
      {"", 1},                         {"group.version", 2},              {"group.version", 0},
      {"group.version", 0, 0},         {"group.version", 0, 4},           {"group.version", 0, -1},
      {"kraft.version", 2},
  };
  for (const Update& one : kRefused) {
    EXPECT_EQ(update(controller, {one}), ErrorCode::kInvalidUpdateVersion) << one.feature << " " << one.level;
  }
  // All or nothing.
  EXPECT_EQ(update(controller, {{"group.version", 0, kSafe}, {"none.such", 1}}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(controller.image().feature_level("group.version"), 1);
  // Version 0 has a flag instead of a type, which has no effect.
  EXPECT_EQ(update(controller, {{"group.version", 0, kSafe}}, 0), ErrorCode::kInvalidUpdateVersion);
  // A downgrade to the current level is an error.
  update(controller, {{"group.version", 0, kSafe}});
  EXPECT_EQ(update(controller, {{"group.version", 1, kSafe}}), ErrorCode::kInvalidUpdateVersion);
}

TEST(Features, EachNodeMustKnowThem) {
  Controller controller = one_node_controller();
  RegisterBrokerRecord old = broker(2, 20, true);
  old.features.push_back({});
  old.features.back().name = "metadata.version";
  old.features.back().min_supported_version = 7;
  old.features.back().max_supported_version = 30;
  controller.apply({old});
  EXPECT_EQ(update(controller, {{"group.version", 0, kSafe}}), ErrorCode::kNone);
  EXPECT_EQ(update(controller, {{"group.version", 1}}), ErrorCode::kInvalidUpdateVersion);
}

TEST(Features, MetadataVersionGoesBackWhereNothingChanged) {
  Controller controller = one_node_controller();
  FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 29;
  controller.apply({level});
  EXPECT_EQ(update(controller, {{"metadata.version", 22, kSafe}}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update(controller, {{"metadata.version", 23, kSafe}}), ErrorCode::kNone);
  EXPECT_EQ(controller.image().metadata_version(), 23);
  EXPECT_EQ(update(controller, {{"metadata.version", 30}}), ErrorCode::kNone);
  EXPECT_EQ(controller.image().metadata_version(), 30);
}

TEST(Features, EligibleLeaderReplicasNeedTheirRecords) {
  Controller controller = one_node_controller();
  EXPECT_EQ(update(controller, {{kElrFeature, 0, kSafe}}), ErrorCode::kNone);
  controller.apply({config(ResourceType::kBroker, "", "min.insync.replicas", std::nullopt),
                    config(ResourceType::kBroker, "1", "min.insync.replicas", "2")});
  FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 22;
  controller.apply({level});
  EXPECT_EQ(update(controller, {{kElrFeature, 1}}), ErrorCode::kInvalidUpdateVersion);
  // Together with the level that it requires.
  EXPECT_EQ(update(controller, {{kElrFeature, 1}, {"metadata.version", 30}}), ErrorCode::kNone);
  EXPECT_EQ(controller.image().configs(ResourceType::kBroker, "").at("min.insync.replicas"), "1");
  EXPECT_TRUE(controller.image().configs(ResourceType::kBroker, "1").empty());
}

TEST(Features, KraftVersionNeedsAnAddress) {
  Controller alone = one_node_controller();
  EXPECT_EQ(update(alone, {{"kraft.version", 0}}), ErrorCode::kNone);
  EXPECT_EQ(update(alone, {{"kraft.version", 1}}), ErrorCode::kInvalidUpdateVersion);
  ControllerSettings settings;
  settings.has_controller_listener = true;
  Controller controller = one_node_controller(settings);
  // No metadata record: the log's owner writes it.
  const auto effects = controller.update_features(updates({{"kraft.version", 1}}), 2);
  EXPECT_EQ(effects.response.error_code, ErrorCode::kNone);
  EXPECT_TRUE(effects.records.empty());
  settings.kraft_version = 1;
  controller.set_settings(settings);
  EXPECT_EQ(update(controller, {{"kraft.version", 1}}), ErrorCode::kNone);
  EXPECT_EQ(update(controller, {{"kraft.version", 0, kSafe}}), ErrorCode::kInvalidUpdateVersion);
}

TEST(Features, OnlyTriedOut) {
  Controller controller = one_node_controller();
  UpdateFeaturesRequest request = updates({{"group.version", 0, kSafe}});
  request.validate_only = true;
  const auto effects = controller.update_features(request, 2);
  EXPECT_EQ(effects.response.error_code, ErrorCode::kNone);
  EXPECT_TRUE(effects.records.empty());
}

// --- SCRAM

AlterUserScramCredentialsRequest::ScramCredentialUpsertion upsertion(ByteView user, int8_t mechanism = 1,
                                                                     int32_t iterations = 4096) {
  return {user, mechanism, iterations, "salt", "0123456789abcdef0123456789abcdef"};
}

std::map<Bytes, ErrorCode> alter(Controller& controller, const AlterUserScramCredentialsRequest& request) {
  const auto effects = controller.alter_user_scram_credentials(request);
  controller.apply(effects.records);
  std::map<Bytes, ErrorCode> codes;
  for (const auto& result : effects.response.results) {
    EXPECT_TRUE(codes.emplace(result.user, result.error_code).second) << result.user << " answered twice";
    EXPECT_EQ(result.error_message.has_value(), result.error_code != ErrorCode::kNone);
  }
  return codes;
}

TEST(Scram, KeysAreKeptNotPasswords) {
  Controller controller = one_node_controller();
  AlterUserScramCredentialsRequest request;
  request.upsertions = {upsertion("alice"), upsertion("bob", 2, 16384)};
  EXPECT_EQ(alter(controller, request),
            (std::map<Bytes, ErrorCode>{{"alice", ErrorCode::kNone}, {"bob", ErrorCode::kNone}}));
  const auto& alice = controller.image().scram_credentials().at({1, "alice"});
  EXPECT_EQ(alice.salt, "salt");
  EXPECT_EQ(alice.iterations, 4096);
  EXPECT_EQ(alice.stored_key.size(), 32u);
  EXPECT_EQ(alice.server_key.size(), 32u);
  const auto& bob = controller.image().scram_credentials().at({2, "bob"});
  EXPECT_EQ(bob.stored_key.size(), 64u);
  EXPECT_NE(bob.stored_key, bob.server_key);
  request.upsertions.clear();
  request.deletions = {{"alice", 1}, {"bob", 1}};
  EXPECT_EQ(alter(controller, request),
            (std::map<Bytes, ErrorCode>{{"alice", ErrorCode::kNone}, {"bob", ErrorCode::kResourceNotFound}}));
  EXPECT_EQ(controller.image().scram_credentials().size(), 1u);
}

TEST(Scram, WhatIsRefused) {
  Controller controller = one_node_controller();
  AlterUserScramCredentialsRequest request;
  request.upsertions = {upsertion("few", 1, 4095), upsertion("many", 1, 16385), upsertion("none", 0),
                        upsertion("three", 3),     upsertion(""),               upsertion("good"),
                        upsertion("empty")};
  request.upsertions.back().salted_password = "";
  request.deletions = {{"nobody", 1}, {"what", 7}};
  EXPECT_EQ(alter(controller, request),
            (std::map<Bytes, ErrorCode>{{"few", ErrorCode::kUnacceptableCredential},
                                        {"many", ErrorCode::kUnacceptableCredential},
                                        {"none", ErrorCode::kUnsupportedSaslMechanism},
                                        {"three", ErrorCode::kUnsupportedSaslMechanism},
                                        {"", ErrorCode::kUnacceptableCredential},
                                        {"good", ErrorCode::kNone},
                                        {"empty", ErrorCode::kUnknownServerError},
                                        {"nobody", ErrorCode::kResourceNotFound},
                                        {"what", ErrorCode::kUnsupportedSaslMechanism}}));
}

TEST(Scram, AUserOnceARequest) {
  Controller controller = one_node_controller();
  AlterUserScramCredentialsRequest request;
  request.upsertions = {upsertion("twice", 1), upsertion("twice", 2), upsertion("once"), upsertion("both")};
  request.deletions = {{"both", 2}};
  EXPECT_EQ(alter(controller, request), (std::map<Bytes, ErrorCode>{{"twice", ErrorCode::kDuplicateResource},
                                                                    {"once", ErrorCode::kNone},
                                                                    {"both", ErrorCode::kResourceNotFound}}));
  EXPECT_EQ(controller.image().scram_credentials().size(), 1u);
  // A user gets its first error.
  request.upsertions = {upsertion("bad", 3), upsertion("bad", 1), upsertion("good", 1), upsertion("good", 3)};
  request.deletions = {{"nobody", 1}, {"nobody", 2}, {"once", 1}, {"once", 1}};
  EXPECT_EQ(alter(controller, request),
            (std::map<Bytes, ErrorCode>{{"bad", ErrorCode::kUnsupportedSaslMechanism},
                                        {"good", ErrorCode::kDuplicateResource},
                                        {"nobody", ErrorCode::kResourceNotFound},
                                        {"once", ErrorCode::kDuplicateResource}}));
  EXPECT_EQ(controller.image().scram_credentials().size(), 1u);
  request.upsertions = {upsertion("once")};
  request.deletions = {{"once", 1}};
  EXPECT_EQ(alter(controller, request), (std::map<Bytes, ErrorCode>{{"once", ErrorCode::kDuplicateResource}}));
}

TEST(Scram, NotBefore35) {
  for (const int16_t level : {10, 11}) {
    Controller controller = one_node_controller();
    FeatureLevelRecord record;
    record.name = kMetadataVersionFeature;
    record.feature_level = level;
    controller.apply({record});
    AlterUserScramCredentialsRequest request;
    request.upsertions = {upsertion("alice"), upsertion("few", 1, 1), upsertion("twice"), upsertion("twice", 2)};
    request.deletions = {{"nobody", 1}};
    const bool supported = level == 11;
    const auto code = [&](ErrorCode when_supported) {
      return supported ? when_supported : ErrorCode::kUnsupportedVersion;
    };
    EXPECT_EQ(alter(controller, request),
              (std::map<Bytes, ErrorCode>{{"alice", code(ErrorCode::kNone)},
                                          {"few", code(ErrorCode::kUnacceptableCredential)},
                                          {"twice", code(ErrorCode::kDuplicateResource)},
                                          {"nobody", code(ErrorCode::kResourceNotFound)}}));
    EXPECT_EQ(controller.image().scram_credentials().size(), supported ? 1u : 0u);
  }
}

}  // namespace
}  // namespace milena::metadata
