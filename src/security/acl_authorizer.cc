#include "security/acl_authorizer.h"

#include <utility>

namespace milena::security {
namespace {

// Kinds of decisions in keys: a resource type, or one of these with operation and type.
constexpr char kSomewhere = 0x40;

Bytes principal_text(const Principal& principal) {
  return principal.type + ":" + principal.name;
}

}  // namespace

void AclAuthorizer::set(const Uuid& id, AclRule rule) {
  remove(id);
  rules_.add(rule);
  by_id_.emplace(id, std::move(rule));
}

void AclAuthorizer::remove(const Uuid& id) {
  decisions_.clear();
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  rules_.remove(found->second);
  by_id_.erase(found);
}

bool AclAuthorizer::allows(const Requester& who, Permission permission, ByteView resource_name) const {
  return (decide(who, permission.resource, resource_name) & acl_operation_bit(permission.operation)) != 0;
}

int32_t AclAuthorizer::allowed_operations(const Requester& who, AclResourceType type, ByteView resource_name) const {
  return decide(who, type, resource_name) & supported_operations(type);
}

void AclAuthorizer::make_key(const Requester& who, char kind, ByteView name) const {
  key_.assign(1, kind);
  // Each part but the last with its size, so that different questions have different keys.
  const auto add = [this](ByteView part) {
    const auto size = static_cast<uint32_t>(part.size());
    key_.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(part);
  };
  add(who.principal.type);
  add(who.principal.name);
  add(who.host);
  key_.append(name);
}

void AclAuthorizer::keep(int32_t decision) const {
  if (key_.size() > kLongestKey) return;
  if (decisions_.size() >= kMaxDecisions) decisions_.clear();
  decisions_.emplace(key_, decision);
}

int32_t AclAuthorizer::decide(const Requester& who, AclResourceType type, ByteView resource_name) const {
  make_key(who, static_cast<char>(type), resource_name);
  if (const auto kept = decisions_.find(key_); kept != decisions_.end()) return kept->second;
  const int32_t decision = decide_anew(who, type, resource_name);
  keep(decision);
  return decision;
}

int32_t AclAuthorizer::decide_anew(const Requester& who, AclResourceType type, ByteView resource_name) const {
  const Bytes principal = principal_text(who.principal);
  if (super_users_.contains(principal)) return kAllAclOperations;
  const AclFindings findings = rules_.find(type, resource_name, principal, AclHost(who.host));
  if (!findings.any_rule) return allow_if_no_acl_ ? kAllAclOperations : 0;
  return findings.allowed & ~findings.denied;
}

bool AclAuthorizer::allows_somewhere(const Requester& who, Permission permission) const {
  const char operation_and_type[] = {static_cast<char>(permission.operation), static_cast<char>(permission.resource)};
  make_key(who, kSomewhere, ByteView(operation_and_type, 2));
  if (const auto kept = decisions_.find(key_); kept != decisions_.end()) return kept->second != 0;
  const bool decision = decide_somewhere_anew(who, permission);
  keep(decision ? 1 : 0);
  return decision;
}

// Kafka first authorizes a resource of this name, which finds super users and rules for all names.
bool AclAuthorizer::decide_somewhere_anew(const Requester& who, Permission permission) const {
  if ((decide_anew(who, permission.resource, "hardcode") & acl_operation_bit(permission.operation)) != 0) return true;
  return rules_.allows_somewhere(permission.resource, permission.operation, principal_text(who.principal),
                                 AclHost(who.host));
}

}  // namespace milena::security
