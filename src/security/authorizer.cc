#include "security/authorizer.h"

namespace milena::security {
namespace {

class AllowAll final : public Authorizer {
 public:
  bool allows(const Requester&, Permission, ByteView) const override { return true; }
  bool allows_somewhere(const Requester&, Permission) const override { return true; }
  int32_t allowed_operations(const Requester&, AclResourceType type, ByteView) const override {
    return supported_operations(type);
  }
  bool configured() const override { return false; }
};

}  // namespace

std::string Permissions::to_string() const {
  std::string text;
  for (size_t type = 0; type < kAclResourceTypeCount; type++) {
    if (operations_[type] == 0) continue;
    if (!text.empty()) text += "; ";
    text += acl_resource_type_name(static_cast<AclResourceType>(type));
    const char* separator = ": ";
    for (size_t i = 0; i < kAclOperationCount; i++) {
      const auto operation = static_cast<AclOperation>(i);
      if (!has({operation, static_cast<AclResourceType>(type)})) continue;
      text += separator;
      text += acl_operation_name(operation);
      separator = ", ";
    }
  }
  return text;
}

int32_t Authorizer::allowed_operations(const Requester& who, AclResourceType type, ByteView resource_name) const {
  int32_t bits = 0;
  for (size_t i = 0; i < kAclOperationCount; i++) {
    const auto operation = static_cast<AclOperation>(i);
    if ((supported_operations(type) & acl_operation_bit(operation)) == 0) continue;
    if (allows(who, {operation, type}, resource_name)) bits |= acl_operation_bit(operation);
  }
  return bits;
}

const Authorizer& allow_all_authorizer() {
  static const AllowAll authorizer;
  return authorizer;
}

}  // namespace milena::security
