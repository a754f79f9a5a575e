#include "broker/api_reference.h"

#include <fmt/format.h>

#include "broker/api_registry.h"

namespace milena::broker {
namespace {

std::string versions_of(const ApiEntry& api) {
  if (api.min_version == api.max_version) return fmt::format("{}", api.min_version);
  return fmt::format("{}-{}", api.min_version, api.max_version);
}

std::string listeners_of(const ApiEntry& api) {
  const bool on_broker = is_offered(api, false), on_controller = is_offered(api, true);
  return on_broker && on_controller ? "both" : on_broker ? "broker" : "controller";
}

constexpr AclResourceType kAskedTypes[] = {AclResourceType::kTopic,           AclResourceType::kGroup,
                                           AclResourceType::kCluster,         AclResourceType::kTransactionalId,
                                           AclResourceType::kDelegationToken, AclResourceType::kUser};

std::string operations_of(const security::Permissions& permissions, AclResourceType type) {
  std::string operations;
  for (size_t i = 0; i < kAclOperationCount; i++) {
    const auto operation = static_cast<AclOperation>(i);
    if (!permissions.has({operation, type})) continue;
    operations += operations.empty() ? "" : ", ";
    operations += acl_operation_name(operation);
  }
  return operations;
}

constexpr char kPermissionsHead[] =
    "# Permissions\n\n"
    "This page lists the operations that each request may need, by type of resource. `script/reference` writes it\n"
    "from the table of handlers, and a test keeps it current. The contents of a request decide which operations of\n"
    "its row it needs: not always all of them, and often one instead of another. A request with an empty row needs\n"
    "none, as in Kafka. [security.md](security.md) describes ACLs.\n\n";

}  // namespace

std::string permission_reference() {
  std::string page = kPermissionsHead;
  page += "| Key | Request |";
  for (AclResourceType type : kAskedTypes) page += fmt::format(" {} |", acl_resource_type_name(type));
  page += "\n|---|---|---|---|---|---|---|---|\n";
  for (const ApiEntry& api : api_registry()) {
    page += fmt::format("| {} | {} |", static_cast<int>(api.key), api_name(api.key));
    for (AclResourceType type : kAskedTypes) page += fmt::format(" {} |", operations_of(api.permissions, type));
    page += "\n";
  }
  return page;
}

std::string api_reference() {
  std::string table = "| Key | Request | Versions | Listener |\n|---|---|---|---|\n";
  for (const ApiEntry& api : api_registry()) {
    table += fmt::format("| {} | {} | {} | {} |\n", static_cast<int>(api.key), api_name(api.key), versions_of(api),
                         listeners_of(api));
  }
  return table;
}

}  // namespace milena::broker
