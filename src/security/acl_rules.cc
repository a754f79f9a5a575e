#include "security/acl_rules.h"

#include <algorithm>
#include <unordered_set>

namespace milena::security {
namespace {

// The operations that an ALLOW of an operation implies. A DENY implies none.
int32_t implied_by(AclOperation operation) {
  using enum AclOperation;
  const int32_t itself = acl_operation_bit(operation);
  switch (operation) {
    case kAll:
      return kAllAclOperations;
    case kRead:
    case kWrite:
    case kDelete:
    case kAlter:
      return itself | acl_operation_bit(kDescribe);
    case kAlterConfigs:
      return itself | acl_operation_bit(kDescribeConfigs);
    default:
      return itself;
  }
}

}  // namespace

AclHost::AclHost(ByteView host) : text(host), address(IpAddress::parse(host)) {
  if (address) text = address->to_string();
}

void AclRules::Grants::recount() {
  allowed = denied = 0;
  for (const auto& [operation, permission] : rules) {
    if (permission == AclPermissionType::kAllow) {
      allowed |= implied_by(operation);
    } else {
      denied |= operation == AclOperation::kAll ? kAllAclOperations : acl_operation_bit(operation);
    }
  }
}

bool AclRules::Grants::has(AclPermissionType permission, AclOperation operation) const {
  return std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
    return rule.second == permission && (rule.first == operation || rule.first == AclOperation::kAll);
  });
}

template <class Visit>
void AclRules::PrincipalRules::visit(const AclHost& host, Visit visit) const {
  if (const auto any = by_host.find(kAclWildcard); any != by_host.end()) visit(any->second);
  if (const auto exact = by_host.find(host.text); exact != by_host.end()) visit(exact->second);
  if (!host.address) return;
  for (const RangeGrants& one : by_range) {
    if (one.range.contains(*host.address)) visit(one.grants);
  }
}

AclRules::TypeRules* AclRules::rules_of(const AclRule& rule) {
  const auto type = static_cast<size_t>(rule.resource_type);
  const bool known = rule.pattern_type == AclPatternType::kLiteral || rule.pattern_type == AclPatternType::kPrefixed;
  return known && type < types_.size() ? &types_[type] : nullptr;
}

AclRules::Grants& AclRules::grants_of(PrincipalRules& rules, const Bytes& host) {
  const auto range = IpRange::parse(host);
  if (!range) return rules.by_host[host];
  for (RangeGrants& one : rules.by_range) {
    if (one.text == host) return one.grants;
  }
  return rules.by_range.emplace_back(RangeGrants{host, *range, {}}).grants;
}

void AclRules::add(const AclRule& rule) {
  TypeRules* type = rules_of(rule);
  if (type == nullptr) return;
  const bool prefixed = rule.pattern_type == AclPatternType::kPrefixed;
  auto& patterns = prefixed ? type->prefixed : type->literal;
  auto [pattern, is_new] = patterns.try_emplace(rule.resource_name);
  if (prefixed && is_new) ++type->prefix_lengths[rule.resource_name.size()];
  Grants& grants = grants_of(pattern->second[rule.principal], rule.host);
  grants.rules.emplace_back(rule.operation, rule.permission);
  grants.recount();
}

void AclRules::remove(const AclRule& rule) {
  TypeRules* type = rules_of(rule);
  if (type == nullptr) return;
  const bool prefixed = rule.pattern_type == AclPatternType::kPrefixed;
  auto& patterns = prefixed ? type->prefixed : type->literal;
  const auto pattern = patterns.find(rule.resource_name);
  if (pattern == patterns.end()) return;
  const auto principal = pattern->second.find(rule.principal);
  if (principal == pattern->second.end()) return;
  PrincipalRules& of_principal = principal->second;
  Grants& grants = grants_of(of_principal, rule.host);
  const auto found = std::find(grants.rules.begin(), grants.rules.end(), std::pair(rule.operation, rule.permission));
  if (found != grants.rules.end()) grants.rules.erase(found);
  grants.recount();
  std::erase_if(of_principal.by_host, [](const auto& entry) { return entry.second.rules.empty(); });
  std::erase_if(of_principal.by_range, [](const RangeGrants& one) { return one.grants.rules.empty(); });
  if (of_principal.empty()) pattern->second.erase(principal);
  if (!pattern->second.empty()) return;
  patterns.erase(pattern);
  if (!prefixed) return;
  const auto length = type->prefix_lengths.find(rule.resource_name.size());
  if (--length->second == 0) type->prefix_lengths.erase(length);
}

void AclRules::clear() {
  types_ = {};
}

void AclRules::take(const PatternRules& pattern, ByteView principal, const AclHost& host, AclFindings& findings) {
  findings.any_rule = true;
  const auto add = [&findings](const Grants& grants) {
    findings.allowed |= grants.allowed;
    findings.denied |= grants.denied;
  };
  if (const auto found = pattern.find(principal); found != pattern.end()) found->second.visit(host, add);
  if (const auto any = pattern.find(kAnyUserPrincipal); any != pattern.end()) any->second.visit(host, add);
}

AclFindings AclRules::find(AclResourceType type, ByteView name, ByteView principal, const AclHost& host) const {
  AclFindings findings;
  const TypeRules& rules = types_[static_cast<size_t>(type)];
  const auto look = [&](const ByText<PatternRules>& patterns, ByteView pattern) {
    if (const auto found = patterns.find(pattern); found != patterns.end()) {
      take(found->second, principal, host, findings);
    }
  };
  look(rules.literal, name);
  if (name != kAclWildcard) look(rules.literal, kAclWildcard);
  for (const auto& [length, patterns] : rules.prefix_lengths) {
    if (length > name.size()) break;
    look(rules.prefixed, name.substr(0, length));
  }
  return findings;
}

// The patterns of one type in which an operation is allowed or denied to a principal.
struct AclRules::Somewhere {
  std::vector<ByteView> allowed;
  std::unordered_set<ByteView> denied;

  void collect(const ByText<PatternRules>& patterns, AclOperation operation, ByteView principal, const AclHost& host) {
    for (const auto& [name, pattern] : patterns) {
      bool allows = false, denies = false;
      const auto add = [&](const Grants& grants) {
        allows |= grants.has(AclPermissionType::kAllow, operation);
        denies |= grants.has(AclPermissionType::kDeny, operation);
      };
      if (const auto found = pattern.find(principal); found != pattern.end()) found->second.visit(host, add);
      if (const auto any = pattern.find(kAnyUserPrincipal); any != pattern.end()) any->second.visit(host, add);
      if (allows) allowed.push_back(name);
      if (denies) denied.insert(name);
    }
  }
  bool has_denied_prefix(ByteView name) const {
    for (size_t length = 1; length <= name.size(); length++) {
      if (denied.contains(name.substr(0, length))) return true;
    }
    return false;
  }
};

bool AclRules::allows_somewhere(AclResourceType type, AclOperation operation, ByteView principal,
                                const AclHost& host) const {
  const TypeRules& rules = types_[static_cast<size_t>(type)];
  Somewhere literal, prefixed;
  literal.collect(rules.literal, operation, principal, host);
  if (literal.denied.contains(kAclWildcard)) return false;
  prefixed.collect(rules.prefixed, operation, principal, host);
  const auto free = [&](ByteView name) { return prefixed.denied.empty() || !prefixed.has_denied_prefix(name); };
  return std::any_of(
             literal.allowed.begin(), literal.allowed.end(),
             [&](ByteView name) { return name == kAclWildcard || (!literal.denied.contains(name) && free(name)); }) ||
         std::any_of(prefixed.allowed.begin(), prefixed.allowed.end(), free);
}

}  // namespace milena::security
