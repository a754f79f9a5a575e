// The controller's UpdateFeatures (KIP-584, KIP-778, KIP-1022). The request is applied completely or not at all.
// Source: Kafka's FeatureControlManager, MetadataVersion, Feature.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "metadata/controller.h"
#include "metadata/controller_plans.h"
#include "metadata/features.h"

namespace milena::metadata {

// A feature's part of an UpdateFeatures request.
struct FeatureChange {
  ByteView feature;
  int16_t level;
  int8_t upgrade_type;
};

namespace {

// FeatureUpdate.UpgradeType.
constexpr int8_t kUpgrade = 1, kSafeDowngrade = 2, kUnsafeDowngrade = 3;

UpdateFeaturesResponse refused_update(Bytes why) {
  UpdateFeaturesResponse response;
  response.error_code = ErrorCode::kInvalidUpdateVersion;
  response.error_message =
      fmt::format("The update failed for all features since the following feature had an error: {}", why);
  return response;
}

std::optional<Bytes> refuse_metadata_downgrade(int16_t from, int16_t to, int8_t upgrade_type) {
  if (!metadata_changed_between(to, from)) return std::nullopt;
  return fmt::format("Unsupported metadata.version downgrade from {} to {}. {}", from, to,
                     upgrade_type == kUnsafeDowngrade
                         ? "Unsafe metadata downgrade is not supported in this version."
                         : "Refusing to perform the requested downgrade because it might delete metadata information.");
}

bool is_before(const FeatureChange& change, ByteView feature) { return change.feature < feature; }

// By name. If a feature is named twice the last one counts.
void in_order_and_once(std::vector<FeatureChange>& changes) {
  std::reverse(changes.begin(), changes.end());
  std::stable_sort(changes.begin(), changes.end(),
                   [](const FeatureChange& a, const FeatureChange& b) { return is_before(a, b.feature); });
  const auto end = std::unique(changes.begin(), changes.end(),
                               [](const auto& a, const auto& b) { return a.feature == b.feature; });
  changes.erase(end, changes.end());
}

}  // namespace

// Why not every node supports this level.
std::optional<Bytes> Controller::refuse_support(ByteView feature, int16_t level) const {
  const auto refuse = [&](ByteView who, int32_t id, const std::vector<FeatureRange>& ranges) -> std::optional<Bytes> {
    const auto range = std::find_if(ranges.begin(), ranges.end(),
                                    [feature](const FeatureRange& each) { return each.name == feature; });
    if (range == ranges.end()) {
      // A node without a feature is at its level 0.
      if (level == 0 && who == "Broker") return std::nullopt;
      return fmt::format("{} {} does not support this feature.", who, id);
    }
    if (level >= range->min_version && level <= range->max_version) return std::nullopt;
    return fmt::format("{} {} only supports versions {}-{}", who, id, range->min_version, range->max_version);
  };
  if (auto why = refuse("Local controller", settings_.node_id, supported_features())) return why;
  for (const auto& [id, broker] : image_.brokers()) {
    if (auto why = refuse("Broker", id, broker.features)) return why;
  }
  return std::nullopt;
}

std::optional<Bytes> Controller::refuse_feature(const FeatureChange& change,
                                                std::span<const FeatureChange> all) const {
  const auto& [feature, level, upgrade_type] = change;
  const bool of_quorum = feature == kKraftVersionFeature;
  const int16_t before = of_quorum ? settings_.kraft_version : image_.feature_level(feature);
  const auto refuse = [&](Bytes why) {
    return fmt::format("Invalid update version {} for feature {}. {}", level, feature, why);
  };
  if (upgrade_type < kUpgrade || upgrade_type > kUnsafeDowngrade)
    return refuse(fmt::format("There is no upgrade type {}", upgrade_type));
  if (level < 0) return refuse("The level of a feature is not less than 0");
  if (auto why = refuse_support(feature, level)) return refuse(std::move(*why));
  if (level < before && upgrade_type == kUpgrade)
    return refuse("Can't downgrade the version of this feature without setting the upgrade type to either safe or "
                  "unsafe downgrade.");
  if (level > before && upgrade_type != kUpgrade) return refuse("Can't downgrade to a newer version.");
  if (of_quorum) {
    if (level < before) return refuse("This feature cannot be downgraded");
    if (level > before && !settings_.has_controller_listener)
      return refuse("The voter's address would be noted: a listener of the controller is missing");
    return std::nullopt;
  }
  if (feature == kMetadataVersionFeature)
    return level < before ? refuse_metadata_downgrade(before, level, upgrade_type) : std::nullopt;
  for (const auto& [needed, least] : feature_dependencies(feature, level)) {
    const auto wanted = std::lower_bound(all.begin(), all.end(), needed, &is_before);
    const bool is_wanted = wanted != all.end() && wanted->feature == needed;
    const int16_t has = is_wanted ? wanted->level : image_.feature_level(needed);
    if (has < least) return refuse(fmt::format("It needs level {} of {}", least, needed));
  }
  return std::nullopt;
}

// A level that is already set needs no record. The log's owner writes that of kraft.version.
void Controller::write_feature(ByteView feature, int16_t level, MetadataRecords& records) const {
  if (level == image_.feature_level(feature) || feature == kKraftVersionFeature) return;
  FeatureLevelRecord record;
  record.name = feature;
  record.feature_level = level;
  records.emplace_back(std::move(record));
  if (feature != kElrFeature) return;
  if (level > 0) {
    write_elr_safety(records);
  } else {
    records.emplace_back(ClearElrRecord());
  }
}

// With eligible leader replicas the controller uses min.insync.replicas: the cluster's value must be in the log, and
// brokers cannot override it.
void Controller::write_elr_safety(MetadataRecords& records) const {
  const auto record = [&records](ByteView resource, std::optional<Bytes> value) {
    ConfigRecord config;
    config.resource_type = static_cast<int8_t>(ResourceType::kBroker);
    config.resource_name = resource;
    config.name = kMinInSyncReplicas;
    config.value = std::move(value);
    records.emplace_back(std::move(config));
  };
  if (!image_.configs(ResourceType::kBroker, "").contains(kMinInSyncReplicas)) {
    std::optional<Bytes> set;
    if (settings_.start != nullptr) set = settings_.start->text(kMinInSyncReplicas);
    record("", set.value_or("1"));
  }
  for (const auto& [resource, configs] : image_.all_configs()) {
    if (resource.type == ResourceType::kBroker && !resource.name.empty() && configs.contains(kMinInSyncReplicas))
      record(resource.name, std::nullopt);
  }
}

ControllerEffects<UpdateFeaturesResponse> Controller::update_features(const UpdateFeaturesRequest& request,
                                                                      int16_t version) const {
  ControllerEffects<UpdateFeaturesResponse> effects;
  std::vector<FeatureChange> changes;
  changes.reserve(request.feature_updates.size());
  // Version 0 has a flag instead of the type, which Kafka's controller ignores.
  for (const auto& update : request.feature_updates)
    changes.push_back({update.feature, update.max_version_level, version == 0 ? kUpgrade : update.upgrade_type});
  in_order_and_once(changes);
  for (const FeatureChange& change : changes) {
    if (std::optional<Bytes> why = refuse_feature(change, changes)) {
      effects.response = refused_update(std::move(*why));
      return effects;
    }
  }
  for (const FeatureChange& change : changes) write_feature(change.feature, change.level, effects.records);
  if (request.validate_only) effects.records.clear();
  effects.response.error_message.reset();
  for (const auto& update : request.feature_updates) {
    auto& result = effects.response.results.emplace_back();
    result.feature = update.feature;
    result.error_message = error_name(ErrorCode::kNone);
  }
  return effects;
}

}  // namespace milena::metadata
