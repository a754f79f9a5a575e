// kafka-acls.sh: options, output and exit codes of Kafka's AclCommand.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "base/ascii.h"
#include "tools/acl_admin.h"
#include "tools/commands.h"
#include "tools/kafka/group_tables.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

using Texts = std::vector<std::string>;

struct AclsScript {
  KafkaScript script{"kafka-acls.sh", "Lists, adds and removes ACLs.",
                     "--bootstrap-server <host:port> --list|--add|--remove [options]"};
  bool add = false, remove = false, list = false;
  bool cluster_resource = false, idempotent = false, producer = false, consumer = false, force = false;
  Texts topics, groups, transactional_ids, tokens, users, operations, allowed, denied, allowed_hosts, denied_hosts,
      listed;
  std::optional<std::string> controllers;
  std::string pattern_name = "literal";
  AclPatternType pattern = AclPatternType::kLiteral;
  std::unique_ptr<Cluster> cluster;
  ErrorCode code = ErrorCode::kNone;  // of the request that failed

  AclsScript();
  std::optional<int> check();
  std::optional<int> check_actions() const;
  std::optional<int> check_roles() const;
  std::vector<AclResource> resources() const;
  std::set<AclRule> rules(const std::vector<AclOperation>& wanted) const;
  void add_role(Acls& acls, AclResourceType type, const std::vector<AclOperation>& wanted) const;
  Acls wanted_acls() const;
  std::optional<int> check_acls(const Acls& acls) const;
  Status add_acls(const Acls& acls);
  Status remove_acls(const Acls& acls);
  Status list_acls();
  bool confirmed(const std::string& question) const;
};

AclsScript::AclsScript() {
  Options& options = script.options;
  options.flag("--list", list, "Lists ACLs: all of them, or those of the given resources.");
  options.flag("--add", add, "Adds ACLs.");
  options.flag("--remove", remove, "Removes ACLs.");
  options.texts("--topic", topics, "topic", "A topic; * is every topic.");
  options.texts("--group", groups, "group", "A consumer group; * is every group.");
  options.flag("--cluster", cluster_resource, "The cluster.");
  options.texts("--transactional-id", transactional_ids, "id", "A transactional id; * is every one.");
  options.texts("--delegation-token", tokens, "token", "A delegation token; * is every one.");
  options.texts("--user-principal", users, "principal", "A user, for CreateTokens and DescribeTokens.");
  options.text("--resource-pattern-type", pattern_name, "type",
               "literal or prefixed; any or match to list and remove.");
  options.texts("--operation", operations, "operation", "Allowed or denied operations; default All.");
  options.texts("--allow-principal", allowed, "type:name", "Allowed principals; User:* is everyone.");
  options.texts("--deny-principal", denied, "type:name", "Denied principals.");
  options.texts("--allow-host", allowed_hosts, "host", "Addresses of the allowed principals; default *.");
  options.texts("--deny-host", denied_hosts, "host", "Addresses of the denied principals; default *.");
  options.texts("--principal", listed, "type:name", "With --list: the principals to list.");
  options.flag("--producer", producer, "Permissions of a producer: Write, Describe and Create of the topics.");
  options.flag("--consumer", consumer, "Permissions of a consumer: Read and Describe of the topics, Read of the "
                                       "groups.");
  options.flag("--idempotent", idempotent, "With --producer: IdempotentWrite of the cluster, too.");
  options.flag("--force", force, "Does not ask before it removes.");
  options.text("--bootstrap-controller", controllers, "host:port", "The controller instead of a broker.");
  script.add_common();
}

std::optional<int> AclsScript::check_actions() const {
  const Options& options = script.options;
  if (controllers && !script.cluster.servers.empty()) {
    return options.mistake("Only one of --bootstrap-server or --bootstrap-controller must be specified");
  }
  if (!controllers && script.cluster.servers.empty()) {
    return options.mistake("One of --bootstrap-server or --bootstrap-controller must be specified");
  }
  if (list + add + remove != 1) {
    return options.mistake("Command must include exactly one action: --list, --add, --remove. ");
  }
  const auto excludes = [&](const char* option, std::initializer_list<std::pair<const char*, bool>> others) {
    for (const auto& [other, given] : others) {
      if (given) return std::optional(options.mistake(fmt::format("Option \"[{}]\" can't be used with option \"[{}]\"",
                                                                  option, other)));
    }
    return std::optional<int>();
  };
  if (list) {
    if (auto mistake = excludes("list", {{"producer", producer}, {"consumer", consumer},
                                      {"allow-host", !allowed_hosts.empty()}, {"allow-principal", !allowed.empty()},
                                      {"deny-host", !denied_hosts.empty()}, {"deny-principal", !denied.empty()}})) {
      return mistake;
    }
  }
  if (!producer && !consumer) return std::nullopt;
  return excludes(producer ? "producer" : "consumer",
                  {{"operation", !operations.empty()}, {"deny-principal", !denied.empty()},
                   {"deny-host", !denied_hosts.empty()}});
}

std::optional<int> AclsScript::check_roles() const {
  const Options& options = script.options;
  if (!listed.empty() && !list) return options.mistake("The --principal option is only available if --list is set");
  if (producer && topics.empty()) return options.mistake("With --producer you must specify a --topic");
  if (idempotent && !producer) {
    return options.mistake("The --idempotent option is only available if --producer is set");
  }
  const bool others = !producer && (cluster_resource || !transactional_ids.empty());
  if (consumer && (topics.empty() || groups.empty() || others)) {
    return options.mistake("With --consumer you must specify a --topic and a --group and no --cluster or "
                           "--transactional-id option should be specified.");
  }
  return std::nullopt;
}

std::optional<int> AclsScript::check() {
  const Options& options = script.options;
  if (auto code_of = check_actions()) return code_of;
  if (auto code_of = check_roles()) return code_of;
  if (controllers) script.cluster.servers = *controllers;
  const std::string name = ascii_lower(pattern_name);
  pattern = name == "any"        ? AclPatternType::kAny
            : name == "match"    ? AclPatternType::kMatch
            : name == "literal"  ? AclPatternType::kLiteral
            : name == "prefixed" ? AclPatternType::kPrefixed
                                 : AclPatternType::kUnknown;
  if (pattern == AclPatternType::kUnknown) {
    return options.mistake("Cannot parse argument '" + pattern_name + "' of option resource-pattern-type");
  }
  if (add && (pattern == AclPatternType::kAny || pattern == AclPatternType::kMatch)) {
    return options.mistake(fmt::format("A '--resource-pattern-type' value of '{}' is not valid when adding acls.",
                                       acl_constant(pattern)));
  }
  if (!list && resources().empty()) {
    return options.mistake("You must provide at least one resource: --topic <topic> or --cluster or --group <group> or "
                           "--delegation-token <Delegation Token ID>");
  }
  return std::nullopt;
}

std::vector<AclResource> AclsScript::resources() const {
  std::vector<AclResource> all;
  const auto take = [&](AclResourceType type, const Texts& names) {
    for (const std::string& name : names) all.push_back({type, trimmed(name), pattern});
  };
  take(AclResourceType::kTopic, topics);
  if (pattern == AclPatternType::kLiteral && (cluster_resource || idempotent)) {
    all.push_back({AclResourceType::kCluster, std::string(kClusterResource), AclPatternType::kLiteral});
  }
  take(AclResourceType::kGroup, groups);
  take(AclResourceType::kTransactionalId, transactional_ids);
  take(AclResourceType::kDelegationToken, tokens);
  take(AclResourceType::kUser, users);
  return all;
}

std::set<AclRule> AclsScript::rules(const std::vector<AclOperation>& wanted) const {
  std::set<AclRule> all;
  const auto take = [&](const Texts& principals, const Texts& hosts, AclPermissionType permission) {
    for (const std::string& principal : principals) {
      for (const std::string& host : hosts.empty() ? Texts{std::string(kAclWildcard)} : hosts) {
        for (AclOperation operation : wanted) all.insert({trimmed(principal), trimmed(host), operation, permission});
      }
    }
  };
  take(allowed, allowed_hosts, AclPermissionType::kAllow);
  take(denied, denied_hosts, AclPermissionType::kDeny);
  return all;
}

void AclsScript::add_role(Acls& acls, AclResourceType type, const std::vector<AclOperation>& wanted) const {
  const std::set<AclRule> made = rules(wanted);
  for (const AclResource& resource : resources()) {
    if (resource.type == type) acls[resource].insert(made.begin(), made.end());
  }
}

Acls AclsScript::wanted_acls() const {
  using enum AclOperation;
  Acls acls;
  if (producer) {
    add_role(acls, AclResourceType::kTopic, {kWrite, kDescribe, kCreate});
    add_role(acls, AclResourceType::kTransactionalId, {kWrite, kDescribe});
    if (idempotent) {
      acls[{AclResourceType::kCluster, std::string(kClusterResource), AclPatternType::kLiteral}] =
          rules({kIdempotentWrite});
    }
  }
  if (consumer) {
    add_role(acls, AclResourceType::kTopic, {kRead, kDescribe});
    add_role(acls, AclResourceType::kGroup, {kRead});
  }
  if (producer || consumer) return acls;
  std::vector<AclOperation> wanted;
  for (const std::string& name : operations) {
    wanted.push_back(parse_acl_operation(trimmed(name)).value_or(kUnknown));
  }
  if (operations.empty()) wanted.push_back(kAll);
  for (const AclResource& resource : resources()) acls[resource] = rules(wanted);
  return acls;
}

std::optional<int> AclsScript::check_acls(const Acls& acls) const {
  for (const auto& [resource, made] : acls) {
    const int32_t supported = supported_operations(resource.type);
    const bool fine = std::all_of(made.begin(), made.end(), [&](const AclRule& rule) {
      return rule.operation == AclOperation::kAll || (supported & acl_operation_bit(rule.operation)) != 0;
    });
    if (fine) continue;
    std::string names = std::string(acl_constant(AclOperation::kAll));
    for (size_t i = 0; i < kAclOperationCount; i++) {
      const auto operation = static_cast<AclOperation>(i);
      if ((supported & acl_operation_bit(operation)) != 0) names += ", " + std::string(acl_constant(operation));
    }
    return script.options.mistake(
        fmt::format("ResourceType {} only supports operations [{}]", acl_constant(resource.type), names));
  }
  if (!add) return std::nullopt;
  const bool without = std::any_of(acls.begin(), acls.end(), [](const auto& each) { return each.second.empty(); });
  if (!without) return std::nullopt;
  return script.options.mistake(
      "You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.");
}

std::string rule_lines(const std::set<AclRule>& rules) {
  std::string lines;
  for (const AclRule& rule : rules) lines += (lines.empty() ? "\t" : "\n\t") + rule.text();
  return lines;
}

Status AclsScript::add_acls(const Acls& acls) {
  for (const auto& [resource, made] : acls) {
    auto found = describe_acls(*cluster, resource, &code);
    RETURN_IF_ERROR(found);
    const std::set<AclRule>& there = (*found)[resource];
    Acls missing;
    for (const AclRule& rule : made) {
      if (there.contains(rule)) {
        fmt::print("Acl (pattern={}, entry={}) already exists.\n", resource.text(), rule.text());
      } else {
        missing[resource].insert(rule);
      }
    }
    if (missing.empty()) continue;
    fmt::print("Adding ACLs for resource `{}`: \n {}\n\n", resource.text(), rule_lines(missing[resource]));
    RETURN_IF_ERROR(create_acls(*cluster, missing, &code));
  }
  return ok_status();
}

bool AclsScript::confirmed(const std::string& question) const {
  if (force) return true;
  fmt::print("{}\n", question);
  std::fflush(stdout);
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "Y");
}

Status AclsScript::remove_acls(const Acls& acls) {
  for (const auto& [resource, made] : acls) {
    const std::string question =
        made.empty() ? fmt::format("Are you sure you want to delete all ACLs for resource filter `{}`? (y/n)",
                                   resource.text())
                     : fmt::format("Are you sure you want to remove ACLs: \n {}\n from resource filter `{}`? (y/n)",
                                   rule_lines(made), resource.text());
    if (!confirmed(question)) continue;
    auto deleted = delete_acls(*cluster, resource, made, &code);
    RETURN_IF_ERROR(deleted);
  }
  return ok_status();
}

void print_acls(const Acls& acls, const std::string* principal) {
  for (const auto& [resource, rules] : acls) {
    std::set<AclRule> shown;
    for (const AclRule& rule : rules) {
      if (principal == nullptr || rule.principal == *principal) shown.insert(rule);
    }
    if (shown.empty()) continue;
    fmt::print("Current ACLs for resource `{}`:\n{}\n\n", resource.text(), rule_lines(shown));
  }
}

Status AclsScript::list_acls() {
  std::vector<AclResource> filters = resources();
  if (filters.empty()) filters.emplace_back();
  Acls all;
  for (const AclResource& filter : filters) {
    auto found = describe_acls(*cluster, filter, &code);
    RETURN_IF_ERROR(found);
    for (auto& [resource, rules] : *found) all[resource].merge(rules);
  }
  if (listed.empty()) print_acls(all, nullptr);
  for (const std::string& each : listed) {
    const std::string principal = trimmed(each);
    fmt::print("ACLs for principal `{}`\n", principal);
    print_acls(all, &principal);
  }
  return ok_status();
}

// In the format of Java's main.
int acl_failure(const std::string& message) {
  fmt::print("Error while executing ACL command: {}\n\n", message);
  return 1;
}

}  // namespace

int run_kafka_acls(ToolWords words) {
  AclsScript acls;
  if (auto code = acls.script.options.parse(words)) return *code;
  if (auto code = acls.check()) return *code;
  for (const Texts* principals : {&acls.allowed, &acls.denied, &acls.listed}) {
    for (const std::string& each : *principals) {
      if (is_principal(each)) continue;
      return acl_failure("expected a string in format principalType:principalName but got " + each);
    }
  }
  const Acls wanted = acls.list ? Acls() : acls.wanted_acls();
  if (auto code = acls.check_acls(wanted)) return *code;
  auto cluster = Cluster::open(acls.script.cluster);
  if (!cluster.ok()) return acl_failure(cluster.error().message);
  acls.cluster = cluster.take();
  const Status done = acls.list ? acls.list_acls() : acls.add ? acls.add_acls(wanted) : acls.remove_acls(wanted);
  if (done.ok()) return 0;
  return acl_failure(acls.code == ErrorCode::kNone ? done.error().message
                                                   : java_exception(acls.code, done.error().message));
}

}  // namespace milena::tools
