// The controller's AlterClientQuotas.
#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "metadata/client_quotas.h"
#include "metadata/controller.h"

namespace milena::metadata {
namespace {

using QuotaEntry = AlterClientQuotasRequest::EntryData;

QuotaEntity entity_of(const QuotaEntry& entry) {
  QuotaEntity entity;
  for (const auto& part : entry.entity) {
    entity[Bytes(part.entity_type)] = part.entity_name ? std::optional<Bytes>(Bytes(*part.entity_name)) : std::nullopt;
  }
  return entity;
}

// In Kafka's format.
Bytes describe(const QuotaEntity& entity) {
  Bytes text;
  for (const auto& [type, name] : entity) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", type, name ? *name : "null");
  }
  return "ClientQuotaEntity(entries={" + text + "})";
}

std::optional<Bytes> refuse_entity(const QuotaEntity& entity, const std::set<Bytes>& bad_hosts) {
  if (entity.empty()) return "Invalid empty client quota entity";
  for (const auto& [type, name] : entity) {
    if (type != kQuotaUser && type != kQuotaClientId && type != kQuotaIp) {
      return fmt::format("Unhandled client quota entity type: {}", type);
    }
    if (name && name->empty()) return fmt::format("Empty {} not supported", type);
  }
  auto ip = entity.find(Bytes(kQuotaIp));
  if (ip == entity.end()) return std::nullopt;
  if (entity.size() > 1)
    return "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId";
  if (ip->second && bad_hosts.contains(*ip->second)) {
    return fmt::format("{} is not a valid IP or resolvable host.", *ip->second);
  }
  return std::nullopt;
}

ClientQuotaRecord change_record(const QuotaEntity& entity, ByteView key, double value, bool remove) {
  ClientQuotaRecord record;
  for (const auto& [type, name] : entity) {
    auto& part = record.entity.emplace_back();
    part.entity_type = type;
    part.entity_name = name;
  }
  record.key = Bytes(key);
  record.value = value;
  record.remove = remove;
  return record;
}

}  // namespace

Controller::MaybeRefusal Controller::plan_quotas(const QuotaEntity& entity, const QuotaEntry& entry,
                                                 const std::set<Bytes>& bad_hosts, MetadataRecords& records) const {
  if (auto why = refuse_entity(entity, bad_hosts)) return Refusal{ErrorCode::kInvalidRequest, std::move(why)};
  static const QuotaMap kNone;
  auto found = image_.client_quotas().find(entity);
  const QuotaMap& before = found == image_.client_quotas().end() ? kNone : found->second;
  MetadataRecords planned;
  for (const auto& op : entry.ops) {
    auto old = before.find(Bytes(op.key));
    if (op.remove) {
      if (old != before.end()) planned.emplace_back(change_record(entity, op.key, 0, true));
      continue;
    }
    if (auto why = refuse_quota_value(entity.contains(Bytes(kQuotaIp)), op.key, op.value)) {
      return Refusal{ErrorCode::kInvalidRequest, std::move(why)};
    }
    if (old == before.end() || old->second != op.value) {
      planned.emplace_back(change_record(entity, op.key, op.value, false));
    }
  }
  for (MetadataRecord& record : planned) records.push_back(std::move(record));
  return std::nullopt;
}

// Entities and keys that are named twice make the whole request invalid, as in Kafka; else each entity is independent.
// An entity has one result, with one name of each type: the last one given.
ControllerEffects<AlterClientQuotasResponse> Controller::alter_client_quotas(const AlterClientQuotasRequest& request,
                                                                             const std::set<Bytes>& bad_hosts) const {
  ControllerEffects<AlterClientQuotasResponse> effects;
  MaybeRefusal refusal_of_all;
  std::vector<QuotaEntity> entities;
  entities.reserve(request.entries.size());  // they must not move
  const auto before = [](const QuotaEntity* a, const QuotaEntity* b) { return *a < *b; };
  std::set<const QuotaEntity*, decltype(before)> first_ones;
  for (const QuotaEntry& entry : request.entries) {
    const QuotaEntity& entity = entities.emplace_back(entity_of(entry));
    if (!first_ones.insert(&entity).second) {
      refusal_of_all = Refusal{ErrorCode::kInvalidRequest, "Ignoring duplicate entity " + describe(entity)};
    }
    std::set<ByteView> keys;
    for (const auto& op : entry.ops) {
      if (keys.insert(op.key).second) continue;
      refusal_of_all = Refusal{ErrorCode::kInvalidRequest,
                               fmt::format("Duplicate quota key {} not updating quota for this entity {}", op.key,
                                           describe(entity))};
    }
  }
  for (size_t i = 0; i < entities.size(); i++) {
    const QuotaEntry& entry = request.entries[i];
    const QuotaEntity& entity = entities[i];
    if (*first_ones.find(&entity) != &entity) continue;
    auto& result = effects.response.entries.emplace_back();
    std::set<ByteView> types;
    for (const auto& part : entry.entity) {
      if (!types.insert(part.entity_type).second) continue;
      auto& out = result.entity.emplace_back();
      out.entity_type = Bytes(part.entity_type);
      out.entity_name = entity.at(out.entity_type);
    }
    MaybeRefusal refusal =
        refusal_of_all ? refusal_of_all : plan_quotas(entity, entry, bad_hosts, effects.records);
    result.error_message.reset();
    if (!refusal) continue;
    result.error_code = refusal->code;
    result.error_message = std::move(refusal->message);
  }
  if (request.validate_only) effects.records.clear();
  return effects;
}

}  // namespace milena::metadata
