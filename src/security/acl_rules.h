// AclRules: ACLs, indexed by resource, and the ones that match a resource (Kafka's StandardAuthorizerData).
//
// A name is looked up as it is, as "*", and with each length that prefixes of its type have. A result covers all
// operations at once, as a set of bits. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/ip_address.h"
#include "protocol/acl.h"

namespace milena::security {

// One ACL.
struct AclRule {
  AclResourceType resource_type = AclResourceType::kUnknown;
  AclPatternType pattern_type = AclPatternType::kUnknown;
  Bytes resource_name;
  Bytes principal;  // "User:alice", "User:*"
  Bytes host;       // "*", an address, or a range of them
  AclOperation operation = AclOperation::kUnknown;
  AclPermissionType permission = AclPermissionType::kUnknown;
};

// The requester's host as ACLs write it: addresses in Java's form.
struct AclHost {
  Bytes text;
  std::optional<IpAddress> address;

  // `host` is numeric; other text is compared unchanged.
  explicit AclHost(ByteView host);
};

// The ACLs that match a resource. Bit n is operation n.
struct AclFindings {
  bool any_rule = false;  // of any principal and operation
  int32_t allowed = 0;
  int32_t denied = 0;
};

inline constexpr int32_t kAllAclOperations = (1 << kAclOperationCount) - 1;

class AclRules {
 public:
  void add(const AclRule& rule);
  // Removes a rule that was added before.
  void remove(const AclRule& rule);
  void clear();

  // `principal` in the form of ACLs.
  AclFindings find(AclResourceType type, ByteView name, ByteView principal, const AclHost& host) const;
  // Whether a resource of the type is allowed and not denied, by Kafka's authorizeByResourceType: implied operations do
  // not count.
  bool allows_somewhere(AclResourceType type, AclOperation operation, ByteView principal, const AclHost& host) const;

 private:
  // The operations of one host of one principal, by one pattern.
  struct Grants {
    std::vector<std::pair<AclOperation, AclPermissionType>> rules;
    int32_t allowed = 0;  // with implied operations
    int32_t denied = 0;

    void recount();
    bool has(AclPermissionType permission, AclOperation operation) const;
  };
  struct RangeGrants {
    Bytes text;
    IpRange range;
    Grants grants;
  };
  struct PrincipalRules {
    std::map<Bytes, Grants, std::less<>> by_host;
    std::vector<RangeGrants> by_range;

    template <class Visit>
    void visit(const AclHost& host, Visit visit) const;
    bool empty() const { return by_host.empty() && by_range.empty(); }
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(ByteView text) const { return std::hash<ByteView>()(text); }
  };
  template <class Value>
  using ByText = std::unordered_map<Bytes, Value, TextHash, std::equal_to<>>;
  using PatternRules = ByText<PrincipalRules>;
  struct TypeRules {
    ByText<PatternRules> literal;
    ByText<PatternRules> prefixed;
    std::map<size_t, size_t> prefix_lengths;  // number of patterns by length
  };
  struct Somewhere;

  TypeRules* rules_of(const AclRule& rule);
  static void take(const PatternRules& pattern, ByteView principal, const AclHost& host, AclFindings& findings);
  static Grants& grants_of(PrincipalRules& rules, const Bytes& host);

  std::array<TypeRules, kAclResourceTypeCount> types_;
};

}  // namespace milena::security
