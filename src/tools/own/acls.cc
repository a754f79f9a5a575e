// milena acls: lists and changes ACLs.
#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "tools/acl_admin.h"
#include "tools/output.h"
#include "tools/own/own.h"

namespace milena::tools {
namespace {

struct AclsCommand : OwnCommand {
  std::string verb, host = "*";
  std::vector<std::string> words, operations, resources;
  bool prefixed = false, everything = false;

  AclsCommand()
      : OwnCommand("acls", "Lists, creates and deletes ACLs.",
                   "[list] [PRINCIPAL]... [-r RESOURCE]...\n"
                   "allow|deny PRINCIPAL... -o OPERATION... -r RESOURCE... [--prefixed] [--host HOST]\n"
                   "delete [PRINCIPAL]... [-o OPERATION]... -r RESOURCE... [--prefixed] | --all") {
    options.word("verb", verb, "list (the default), allow, deny or delete.");
    options.words("principal", words, "alice, or User:alice; * is everyone.");
    options.texts("-o,--operation", operations, "operation", "read, write, describe, ... or all.");
    options.texts("-r,--resource", resources, "type:name",
                  "topic:NAME, group:NAME, transactional-id:NAME, token:ID, user:NAME, or cluster. * is every name.");
    options.flag("--prefixed", prefixed, "Each name is a prefix of resource names.");
    options.text("--host", host, "host", "Client address; * is any.");
    options.flag("--all", everything, "Deletes all ACLs.");
    add_common();
    options.example("milena acls");
    options.example("milena acls allow alice -o read -r topic:orders -r group:billing");
    options.example("milena acls delete alice -r topic:orders");
  }

  Result<std::vector<AclResource>> named() const;
  Result<std::vector<AclOperation>> wanted() const;
  std::vector<std::string> principals() const;
  Status list(Cluster& cluster);
  Status change(Cluster& cluster);
  Status work(Cluster& cluster);
};

Result<std::vector<AclResource>> AclsCommand::named() const {
  std::vector<AclResource> all;
  for (const std::string& text : resources) {
    auto resource = parse_acl_resource(text, prefixed);
    if (!resource.ok()) return usage_error("-r {}", resource.error().message);
    all.push_back(resource.take());
  }
  return all;
}

Result<std::vector<AclOperation>> AclsCommand::wanted() const {
  std::vector<AclOperation> all;
  for (const std::string& name : operations) {
    auto operation = parse_acl_operation(name);
    if (!operation) {
      return usage_error("-o {}: expected read, write, create, delete, alter, describe, ... or all", name);
    }
    all.push_back(*operation);
  }
  return all;
}

std::vector<std::string> AclsCommand::principals() const {
  std::vector<std::string> all;
  for (const std::string& word : words) all.push_back(is_principal(word) ? word : "User:" + word);
  return all;
}

Status AclsCommand::list(Cluster& cluster) {
  auto filters = named();
  RETURN_IF_ERROR(filters);
  if (filters->empty()) filters->emplace_back();
  const std::vector<std::string> whose = principals();
  Table table({"PRINCIPAL$", "MAY", "OPERATION", "RESOURCE", "NAME$", "PATTERN", "HOST$"});
  for (AclResource filter : *filters) {
    // Also matches ACLs of prefixes of this name, and of *.
    if (filter.name && !prefixed) filter.pattern = AclPatternType::kMatch;
    auto found = describe_acls(cluster, filter);
    RETURN_IF_ERROR(found);
    for (const auto& [resource, rules] : *found) {
      for (const AclRule& rule : rules) {
        if (!whose.empty() && std::find(whose.begin(), whose.end(), rule.principal) == whose.end()) continue;
        table.row({rule.principal, rule.permission == AclPermissionType::kAllow ? "yes" : "no",
                   std::string(acl_operation_name(rule.operation)), std::string(acl_resource_type_name(resource.type)),
                   resource.name.value_or(""), ascii_lower(acl_constant(resource.pattern)), rule.host});
      }
    }
  }
  table.print(json);
  return ok_status();
}

Status AclsCommand::change(Cluster& cluster) {
  auto targets = named();
  RETURN_IF_ERROR(targets);
  auto operation_list = wanted();
  RETURN_IF_ERROR(operation_list);
  const bool remove = verb == "delete";
  const std::vector<std::string> whose = principals();
  if (remove && everything && targets->empty()) targets->emplace_back();
  if (targets->empty()) return usage_error("acls {}: expected -r RESOURCE", verb);
  if (!remove && (whose.empty() || operation_list->empty())) {
    return usage_error("acls {}: expected a principal and -o OPERATION", verb);
  }
  const auto permission = verb == "deny" ? AclPermissionType::kDeny : AclPermissionType::kAllow;
  if (!remove) {
    Acls acls;
    for (const AclResource& target : *targets) {
      for (const std::string& principal : whose) {
        for (AclOperation operation : *operation_list) acls[target].insert({principal, host, operation, permission});
      }
    }
    return create_acls(cluster, acls);
  }
  // Deletes only existing ACLs that match, so that an omitted word is not a wildcard for the broker.
  size_t deleted = 0;
  for (const AclResource& target : *targets) {
    auto found = describe_acls(cluster, target);
    RETURN_IF_ERROR(found);
    for (const auto& [resource, rules] : *found) {
      std::set<AclRule> doomed;
      for (const AclRule& rule : rules) {
        const bool his = whose.empty() || std::find(whose.begin(), whose.end(), rule.principal) != whose.end();
        const bool it = operation_list->empty() || std::find(operation_list->begin(), operation_list->end(),
                                                             rule.operation) != operation_list->end();
        if (his && it) doomed.insert(rule);
      }
      if (doomed.empty()) continue;
      auto count = delete_acls(cluster, resource, doomed);
      RETURN_IF_ERROR(count);
      deleted += *count;
    }
  }
  fmt::print("{} deleted\n", deleted);
  return ok_status();
}

Status AclsCommand::work(Cluster& cluster) {
  if (verb.empty() || verb == "list") return list(cluster);
  if (verb == "allow" || verb == "deny" || verb == "delete") return change(cluster);
  return usage_error("acls {}: expected list, allow, deny or delete", verb);
}

}  // namespace

int run_acls(ToolWords words) {
  AclsCommand acls;
  return acls.run(words, [&](Cluster& cluster) { return acls.work(cluster); });
}

}  // namespace milena::tools
