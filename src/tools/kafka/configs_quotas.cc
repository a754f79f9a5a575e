// Quotas of users, clients and addresses, and passwords of users, for kafka-configs.sh.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "config/config_values.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/describe_client_quotas.h"
#include "protocol/messages/describe_user_scram_credentials.h"
#include "tools/kafka/config_entities.h"
#include "tools/records/line_format.h"
#include "tools/scram_admin.h"

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

// "alice" and her mechanisms; of all users without a name.
Status describe_scram(Cluster& cluster, const ConfigEntity& user) {
  DescribeUserScramCredentialsRequest request;
  request.users.emplace();
  if (user.name) request.users->emplace_back().name = ByteView(*user.name);
  auto answer = cluster.ask<DescribeUserScramCredentialsResponse>(request);
  RETURN_IF_ERROR(answer);
  if (answer->error_code != ErrorCode::kNone) return answer_error(answer->error_code, answer->error_message);
  for (const auto& result : answer->results) {
    if (result.error_code == ErrorCode::kResourceNotFound) continue;
    if (result.error_code != ErrorCode::kNone) {
      fmt::print("Error retrieving SCRAM credential configs for user-principal '{}': {}\n", result.user,
                 answer_error(result.error_code, result.error_message).message);
      continue;
    }
    std::vector<std::string> infos;
    for (const auto& info : result.credential_infos) {
      const ByteView name = security::scram_mechanism_name(static_cast<security::ScramMechanism>(info.mechanism));
      infos.push_back(fmt::format("{}=iterations={}", name, info.iterations));
    }
    fmt::print("SCRAM credential configs for user-principal '{}' are {}\n", result.user, fmt::join(infos, ", "));
  }
  return ok_status();
}

// "iterations=8192,password=secret", "password=secret".
struct Credential {
  int32_t iterations = security::kMinScramIterations;
  std::string password;
};
Result<Credential> parse_credential(const std::string& mechanism, const std::string& text) {
  constexpr ByteView kIterations = "iterations=", kPassword = "password=";
  Credential made;
  ByteView rest = text;
  if (rest.starts_with(kIterations)) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const ByteView number = rest.substr(kIterations.size(), comma - kIterations.size());
    const auto iterations = config::parse_integer(number);
    rest = comma < rest.size() ? rest.substr(comma + 1) : ByteView();
    if (!iterations) rest = ByteView();
    if (iterations && *iterations != -1) {
      made.iterations = static_cast<int32_t>(std::clamp<int64_t>(*iterations, INT32_MIN, INT32_MAX));
    }
  }
  if (!rest.starts_with(kPassword)) {
    return make_error(ErrorKind::kInvalid, "Invalid credential property {}={}", mechanism, text.substr(0, 11) + "...");
  }
  made.password = rest.substr(kPassword.size());
  if (made.iterations < security::kMinScramIterations) {
    return make_error(ErrorKind::kInvalid, "Iterations {} is less than the minimum {} required for {}", made.iterations,
                      security::kMinScramIterations, mechanism);
  }
  return made;
}

}  // namespace

bool names_scram(const std::map<std::string, std::string>& set, const std::vector<std::string>& remove) {
  return std::any_of(set.begin(), set.end(),
                     [](const auto& one) { return security::parse_scram_mechanism(one.first); }) ||
         std::any_of(remove.begin(), remove.end(),
                     [](const auto& one) { return security::parse_scram_mechanism(one); });
}

Status alter_passwords(Cluster& cluster, const std::vector<ConfigEntity>& entities,
                       const std::map<std::string, std::string>& set, const std::vector<std::string>& remove) {
  std::vector<std::string> others;
  for (const auto& [key, value] : set) {
    if (!security::parse_scram_mechanism(key)) others.push_back(key);
  }
  for (const std::string& key : remove) {
    if (!security::parse_scram_mechanism(key)) others.push_back(key);
  }
  if (entities.size() != 1 || entities.front().type != "users") {
    return make_error(ErrorKind::kInvalid, "Only quota configs can be added for 'clients' using --bootstrap-server.");
  }
  if (!entities.front().name || entities.front().name->empty()) {
    return make_error(ErrorKind::kInvalid, "The use of --entity-default or --user-defaults is not allowed with User "
                                           "SCRAM Credentials using --bootstrap-server.");
  }
  if (!others.empty()) {
    return make_error(ErrorKind::kInvalid, "Cannot alter both quota and SCRAM credential configs simultaneously for "
                                           "'users' using --bootstrap-server.");
  }
  const std::string& user = *entities.front().name;
  std::map<std::string, Credential> credentials;
  for (const auto& [key, value] : set) {
    auto credential = parse_credential(key, value);
    RETURN_IF_ERROR(credential);
    credentials[key] = credential.take();
  }
  for (const auto& [key, one] : credentials) {
    RETURN_IF_ERROR(
        set_scram_password(cluster, user, *security::parse_scram_mechanism(key), one.password, one.iterations));
  }
  AlterUserScramCredentialsRequest deletions;
  for (const std::string& key : remove) {
    auto& deletion = deletions.deletions.emplace_back();
    deletion.name = ByteView(user);
    deletion.mechanism = static_cast<int8_t>(*security::parse_scram_mechanism(key));
  }
  return remove.empty() ? ok_status() : alter_scram(cluster, deletions);
}

Status describe_quotas(Cluster& cluster, const std::vector<ConfigEntity>& entities) {
  auto answer = ask_for_quotas(cluster, entities);
  RETURN_IF_ERROR(answer);
  for (const auto& entry : answer->entries.value_or(std::vector<DescribeClientQuotasResponse::EntryData>())) {
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
  const bool users_alone = entities.size() == 1 && entities.front().type == "users";
  return users_alone && entities.front().name != "" ? describe_scram(cluster, entities.front()) : ok_status();
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
  RETURN_IF_ERROR(old);
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
  RETURN_IF_ERROR(answer);
  for (const auto& result : answer->entries) {
    if (result.error_code != ErrorCode::kNone) return answer_error(result.error_code, result.error_message);
  }
  return ok_status();
}

}  // namespace milena::tools
