// ACLs of any records, as a log may hold them, and questions between their changes. Each decision, cached or not, must
// equal that of a check of every ACL. Hosts and ranges of any bytes are parsed, too.
#include <map>

#include "fuzz_input.h"
#include "security/acl_authorizer.h"

namespace milena::security {
namespace {

Bytes piece(fuzz::Input& input) {
  // Short and of few letters, so that names collide; sometimes any text.
  Bytes text;
  const uint8_t kind = input.choice();
  for (int i = kind % 5; i > 0; i--)
    text += kind >= 250 ? static_cast<char>(input.choice()) : "ab*:"[input.choice() % 4];
  return text;
}

Bytes host(fuzz::Input& input) {
  static const char* const kHosts[] = {"*", "10.0.0.1", "10.0.0.0/8", "::1", "0:0:0:0:0:0:0:1", "::/0", "10.0.0.1/32"};
  const uint8_t kind = input.choice();
  return kind < 200 ? Bytes(kHosts[kind % 7]) : piece(input) + "/" + std::to_string(input.choice());
}

Bytes principal(fuzz::Input& input) {
  return input.choice() % 2 == 0 ? Bytes(kAnyUserPrincipal) : "User:" + piece(input);
}

bool fits(const AclRule& acl, AclResourceType type, ByteView name, ByteView who, const AclHost& from) {
  if (acl.principal != who && acl.principal != kAnyUserPrincipal) return false;
  const auto range = IpRange::parse(acl.host);
  const bool in_range = range && from.address && range->contains(*from.address);
  if (acl.host != "*" && !in_range && acl.host != from.text) return false;
  if (acl.resource_type != type) return false;
  if (acl.pattern_type == AclPatternType::kPrefixed) return name.starts_with(acl.resource_name);
  return acl.pattern_type == AclPatternType::kLiteral && (acl.resource_name == name || acl.resource_name == "*");
}

bool model_allows(const std::map<uint8_t, AclRule>& acls, AclOperation operation, AclResourceType type, ByteView name,
                  ByteView who, const AclHost& from) {
  using enum AclOperation;
  bool allowed = false;
  for (const auto& [id, acl] : acls) {
    if (!fits(acl, type, name, who, from)) continue;
    const bool same = acl.operation == operation || acl.operation == kAll;
    if (acl.permission != AclPermissionType::kAllow) {
      if (same) return false;
      continue;
    }
    const bool described = operation == kDescribe && (acl.operation == kRead || acl.operation == kWrite ||
                                                      acl.operation == kDelete || acl.operation == kAlter);
    allowed |= same || described || (operation == kDescribeConfigs && acl.operation == kAlterConfigs);
  }
  return allowed;
}

}  // namespace
}  // namespace milena::security

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace milena;
  using namespace milena::security;
  fuzz::Input input(data, size);
  security::AclAuthorizer authorizer({"User:root"}, false);
  std::map<uint8_t, AclRule> acls;
  while (!input.rest().empty()) {
    const uint8_t step = input.choice();
    if (step % 8 == 0) {
      acls.erase(step / 32);
      authorizer.remove({0, step / 32u});
    } else if (step % 2 == 0) {
      AclRule rule{acl_resource_type(static_cast<int8_t>(input.choice() % 10)),
                   acl_pattern_type(static_cast<int8_t>(3 + input.choice() % 3)),
                   piece(input),
                   principal(input),
                   host(input),
                   acl_operation(static_cast<int8_t>(input.choice() % 18)),
                   acl_permission_type(static_cast<int8_t>(input.choice() % 5))};
      acls[step / 32] = rule;
      authorizer.set({0, step / 32u}, std::move(rule));
    } else {
      const security::Principal who{.name = piece(input)};
      const Bytes from = step % 4 == 1 ? "10.0.0.1" : "::1", name = piece(input);
      const auto type = static_cast<AclResourceType>(2 + input.choice() % 6);
      const auto operation = static_cast<AclOperation>(3 + input.choice() % 13);
      const bool may = authorizer.allows({who, from, "L"}, {operation, type}, name);
      CHECK(may == model_allows(acls, operation, type, name, "User:" + who.name, security::AclHost(from)),
            "{} of {} is decided wrongly", acl_operation_name(operation), name);
      authorizer.allows_somewhere({who, from, "L"}, {operation, type});
    }
  }
  return 0;
}
