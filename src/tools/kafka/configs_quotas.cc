// Quotas of users, clients and addresses for kafka-configs.sh.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/describe_client_quotas.h"
#include "tools/kafka/config_entities.h"
#include "tools/records/line_format.h"

namespace milena::tools {
namespace {

const char* entity_type(const std::string& type) {
  if (type == "users") return "user";
  return type == "clients" ? "client-id" : "ip";
}

Result<DescribeClientQuotasResponse> ask_for_quotas(Cluster& cluster, const std::vector<ConfigEntity>& entities) {
  constexpr int8_t kExactly = 0, kDefault = 1, kAnyName = 2;
  DescribeClientQuotasRequest request;
  request.strict = true;
  for (const ConfigEntity& entity : entities) {
    auto& component = request.components.emplace_back();
    component.entity_type = entity_type(entity.type);
    component.match_type = !entity.name ? kAnyName : entity.name->empty() ? kDefault : kExactly;
    if (component.match_type == kExactly)
      component.match = ByteView(*entity.name);
    else
      component.match.reset();
  }
  auto answer = cluster.ask<DescribeClientQuotasResponse>(request);
  if (answer.ok() && answer->error_code != ErrorCode::kNone) {
    return answer_error(answer->error_code, answer->error_message);
  }
  return answer;
}

}  // namespace

Status describe_quotas(Cluster& cluster, const std::vector<ConfigEntity>& entities) {
  auto answer = ask_for_quotas(cluster, entities);
  if (!answer.ok()) return answer.error();
  if (!answer->entries) return ok_status();
  for (const auto& entry : *answer->entries) {
    std::vector<std::string> names, values;
    for (const auto& [type, shown] : {std::pair{"user", "user-principal"}, {"client-id", "client-id"}, {"ip", "ip"}}) {
      for (const auto& entity : entry.entity) {
        if (entity.entity_type != type) continue;
        names.push_back(entity.entity_name ? fmt::format("{} '{}'", shown, *entity.entity_name)
                                           : fmt::format("the default {}", shown));
      }
    }
    for (const auto& value : entry.values) values.push_back(fmt::format("{}={}", value.key, java_double(value.value)));
    fmt::print("Quota configs for {} are {}\n", fmt::join(names, ", "), fmt::join(values, ", "));
  }
  return ok_status();
}

Status alter_quotas(Cluster& cluster, const std::vector<ConfigEntity>& entities,
                    const std::map<std::string, std::string>& set, const std::vector<std::string>& remove) {
  constexpr const char* kOfClients[] = {"producer_byte_rate", "consumer_byte_rate", "request_percentage",
                                        "controller_mutation_rate"};
  bool of_addresses = entities.front().type == "ips";
  auto known = [&](const std::string& key) {
    if (of_addresses) return key == "connection_creation_rate";
    return std::find(std::begin(kOfClients), std::end(kOfClients), key) != std::end(kOfClients);
  };
  for (const auto& [key, value] : set) {
    if (!known(key)) {
      return make_error(ErrorKind::kInvalid,
                        "Only quota configs can be added for '{}' using --bootstrap-server. "
                        "Unexpected config names: {}",
                        entities.front().type, key);
    }
  }
  auto old = ask_for_quotas(cluster, entities);
  if (!old.ok()) return old.error();
  AlterClientQuotasRequest request;
  auto& entry = request.entries.emplace_back();
  for (const ConfigEntity& entity : entities) {
    auto& data = entry.entity.emplace_back();
    data.entity_type = entity_type(entity.type);
    if (entity.name && !entity.name->empty())
      data.entity_name = ByteView(*entity.name);
    else
      data.entity_name.reset();
  }
  for (const auto& [key, value] : set) {
    char* end = nullptr;
    double number = std::strtod(value.c_str(), &end);
    if (value.empty() || *end != '\0') {
      return make_error(ErrorKind::kInvalid, "Cannot parse quota configuration value for {}: {}", key, value);
    }
    entry.ops.push_back({key, number, false});
  }
  for (const std::string& key : remove) {
    bool there = false;
    if (old->entries && !old->entries->empty()) {
      for (const auto& value : old->entries->front().values) there = there || value.key == key;
    }
    if (!there) return make_error(ErrorKind::kInvalid, "Invalid config(s): {}", key);
    entry.ops.push_back({key, 0, true});
  }
  auto answer = cluster.ask<AlterClientQuotasResponse>(request);
  if (!answer.ok()) return answer.error();
  for (const auto& result : answer->entries) {
    if (result.error_code != ErrorCode::kNone) return answer_error(result.error_code, result.error_message);
  }
  return ok_status();
}

}  // namespace milena::tools
