// AclAuthorizer: Kafka's StandardAuthorizer. Super users may do everything; for other principals ACLs decide, and a
// DENY overrides any ALLOW.
//
// Each shard has its own, with the ACLs of its image. Decisions are cached, for all operations of a resource at once,
// until an ACL changes.
#pragma once

#include <set>
#include <string>
#include <unordered_map>

#include "base/uuid.h"
#include "security/acl_rules.h"
#include "security/authorizer.h"

namespace milena::security {

// Principals in the form of ACLs: "User:admin".
using PrincipalNames = std::set<Bytes, std::less<>>;

class AclAuthorizer final : public Authorizer {
 public:
  // super.users, and allow.everyone.if.no.acl.found.
  AclAuthorizer(PrincipalNames super_users, bool allow_if_no_acl)
      : super_users_(std::move(super_users)), allow_if_no_acl_(allow_if_no_acl) {}

  // Adds or replaces the ACL of that id.
  void set(const Uuid& id, AclRule rule);
  void remove(const Uuid& id);
  size_t acl_count() const { return by_id_.size(); }

  bool allows(const Requester& who, Permission permission, ByteView resource_name) const override;
  bool allows_somewhere(const Requester& who, Permission permission) const override;
  int32_t allowed_operations(const Requester& who, AclResourceType type, ByteView resource_name) const override;
  bool configured() const override { return true; }

  // For the benchmark and tests.
  void forget_decisions() const { decisions_.clear(); }

 private:
  // The allowed operations.
  int32_t decide(const Requester& who, AclResourceType type, ByteView resource_name) const;
  int32_t decide_anew(const Requester& who, AclResourceType type, ByteView resource_name) const;
  bool decide_somewhere_anew(const Requester& who, Permission permission) const;
  // Sets key_ from the inputs of a decision.
  void make_key(const Requester& who, char kind, ByteView name) const;
  void keep(int32_t decision) const;

  const PrincipalNames super_users_;
  const bool allow_if_no_acl_;
  AclRules rules_;
  std::unordered_map<Uuid, AclRule> by_id_;
  // Clients choose the names: so the cache is bounded, and cleared when full.
  static constexpr size_t kMaxDecisions = 20'000;
  static constexpr size_t kLongestKey = 512;
  mutable std::unordered_map<Bytes, int32_t> decisions_;
  mutable Bytes key_;
};

}  // namespace milena::security
