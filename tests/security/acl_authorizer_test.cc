// The rules of Kafka's StandardAuthorizer, by example and against a model that checks every ACL for every question.
#include "security/acl_authorizer.h"

#include <gtest/gtest.h>

#include <random>

namespace milena::security {
namespace {

using enum AclOperation;
constexpr AclResourceType kTopic = AclResourceType::kTopic;
constexpr AclResourceType kGroup = AclResourceType::kGroup;
constexpr AclPermissionType kAllow = AclPermissionType::kAllow;
constexpr AclPermissionType kDeny = AclPermissionType::kDeny;
constexpr AclPatternType kLiteral = AclPatternType::kLiteral;
constexpr AclPatternType kPrefixed = AclPatternType::kPrefixed;

AclRule rule(AclPermissionType permission, AclOperation operation, Bytes name, Bytes principal = "User:alice",
             Bytes host = "*", AclPatternType pattern = kLiteral, AclResourceType type = kTopic) {
  return {type, pattern, std::move(name), std::move(principal), std::move(host), operation, permission};
}

class AclAuthorizerTest : public testing::Test {
 protected:
  Uuid add(AclRule one) {
    const Uuid id{0, ++last_id_};
    authorizer_.set(id, std::move(one));
    return id;
  }
  bool may(AclOperation operation, ByteView name, ByteView user = "alice", ByteView host = "10.0.0.1",
           AclResourceType type = kTopic) const {
    const Principal principal{.name = Bytes(user)};
    return authorizer_.allows({principal, host, "PLAINTEXT"}, {operation, type}, name);
  }
  bool may_somewhere(AclOperation operation, ByteView user = "alice", ByteView host = "10.0.0.1") const {
    const Principal principal{.name = Bytes(user)};
    return authorizer_.allows_somewhere({principal, host, "PLAINTEXT"}, {operation, kTopic});
  }

  AclAuthorizer authorizer_{{"User:root", "Group:admins"}, false};
  uint64_t last_id_ = 0;
};

TEST_F(AclAuthorizerTest, WithoutAnAclOnlySuperUsersMay) {
  EXPECT_FALSE(may(kRead, "t"));
  EXPECT_TRUE(may(kRead, "t", "root"));
  EXPECT_TRUE(may_somewhere(kWrite, "root"));
  EXPECT_FALSE(may_somewhere(kWrite));
  add(rule(kDeny, kAll, "*", "User:root"));
  EXPECT_TRUE(may(kRead, "t", "root"));
  const Principal admins{.type = "Group", .name = "admins"}, same_name{.name = "admins"};
  EXPECT_TRUE(authorizer_.allows({admins, "10.0.0.1", "P"}, kReadTopic, "t"));
  EXPECT_FALSE(authorizer_.allows({same_name, "10.0.0.1", "P"}, kReadTopic, "t"));
}

TEST_F(AclAuthorizerTest, EveryoneMayWhereAResourceHasNoAclIfTheSettingSaysSo) {
  AclAuthorizer open({}, true);
  const Principal alice{.name = "alice"}, bob{.name = "bob"};
  EXPECT_TRUE(open.allows({alice, "10.0.0.1", "P"}, kReadTopic, "t"));
  // An ACL for another principal and operation ends that for its resource.
  open.set({0, 1}, rule(kAllow, kWrite, "t", "User:bob"));
  EXPECT_FALSE(open.allows({alice, "10.0.0.1", "P"}, kReadTopic, "t"));
  EXPECT_TRUE(open.allows({alice, "10.0.0.1", "P"}, kReadTopic, "u"));
  open.remove({0, 1});
  EXPECT_TRUE(open.allows({alice, "10.0.0.1", "P"}, kReadTopic, "t"));
  open.set({0, 2}, rule(kAllow, kRead, "", "User:bob", "*", kPrefixed));
  EXPECT_FALSE(open.allows({alice, "10.0.0.1", "P"}, kReadTopic, "t"));
}

TEST_F(AclAuthorizerTest, NamesArePatterns) {
  add(rule(kAllow, kRead, "exact"));
  add(rule(kAllow, kRead, "pre-", "User:alice", "*", kPrefixed));
  EXPECT_TRUE(may(kRead, "exact"));
  EXPECT_FALSE(may(kRead, "exactly"));
  EXPECT_TRUE(may(kRead, "pre-"));
  EXPECT_TRUE(may(kRead, "pre-fix"));
  EXPECT_FALSE(may(kRead, "pre"));
  EXPECT_FALSE(may(kRead, "exact", "alice", "10.0.0.1", kGroup));
  add(rule(kAllow, kRead, "*"));
  EXPECT_TRUE(may(kRead, "anything"));
  // A prefix "*" is a prefix like any other.
  add(rule(kAllow, kWrite, "*", "User:alice", "*", kPrefixed));
  EXPECT_FALSE(may(kWrite, "anything"));
  EXPECT_TRUE(may(kWrite, "*thing"));
}

TEST_F(AclAuthorizerTest, ADenyIsStrongerWhereverItStands) {
  add(rule(kAllow, kAll, "t"));
  EXPECT_TRUE(may(kRead, "t"));
  for (const AclRule& deny : {rule(kDeny, kRead, "*", "User:*"), rule(kDeny, kRead, "t", "User:*", "10.0.0.1"),
                              rule(kDeny, kAll, "", "User:alice", "*", kPrefixed)}) {
    const Uuid id = add(deny);
    EXPECT_FALSE(may(kRead, "t")) << deny.resource_name << deny.host;
    authorizer_.remove(id);
    EXPECT_TRUE(may(kRead, "t"));
  }
}

TEST_F(AclAuthorizerTest, SomeOperationsAreImpliedByAllowAndNoneByDeny) {
  for (AclOperation operation : {kRead, kWrite, kDelete, kAlter, kAll}) {
    const Uuid id = add(rule(kAllow, operation, "t"));
    EXPECT_TRUE(may(kDescribe, "t")) << acl_operation_name(operation);
    authorizer_.remove(id);
  }
  for (AclOperation operation : {kCreate, kAlterConfigs, kDescribeConfigs, kClusterAction, kIdempotentWrite}) {
    const Uuid id = add(rule(kAllow, operation, "t"));
    EXPECT_FALSE(may(kDescribe, "t")) << acl_operation_name(operation);
    EXPECT_EQ(may(kDescribeConfigs, "t"), operation == kAlterConfigs || operation == kDescribeConfigs);
    authorizer_.remove(id);
  }
  add(rule(kAllow, kDescribe, "t"));
  add(rule(kDeny, kRead, "t"));
  EXPECT_TRUE(may(kDescribe, "t"));
  EXPECT_FALSE(may(kRead, "t"));
}

TEST_F(AclAuthorizerTest, HostsAreAddressesAsJavaWritesThem) {
  add(rule(kAllow, kRead, "t", "User:alice", "10.0.0.1"));
  EXPECT_TRUE(may(kRead, "t", "alice", "10.0.0.1"));
  EXPECT_TRUE(may(kRead, "t", "alice", "::ffff:10.0.0.1"));
  EXPECT_FALSE(may(kRead, "t", "alice", "10.0.0.2"));
  add(rule(kAllow, kRead, "six", "User:alice", "0:0:0:0:0:0:0:1"));
  EXPECT_TRUE(may(kRead, "six", "alice", "::1"));
}

TEST_F(AclAuthorizerTest, HostsAreRangesOfAddresses) {
  add(rule(kAllow, kRead, "t", "User:alice", "10.1.0.0/15"));
  EXPECT_TRUE(may(kRead, "t", "alice", "10.0.0.1"));
  EXPECT_TRUE(may(kRead, "t", "alice", "10.1.255.255"));
  EXPECT_FALSE(may(kRead, "t", "alice", "10.2.0.0"));
  EXPECT_FALSE(may(kRead, "t", "alice", "::1"));
  const Uuid deny = add(rule(kDeny, kRead, "t", "User:*", "10.0.0.0/31"));
  EXPECT_FALSE(may(kRead, "t", "alice", "10.0.0.1"));
  EXPECT_FALSE(may_somewhere(kRead, "alice", "10.0.0.1"));
  EXPECT_TRUE(may_somewhere(kRead, "alice", "10.0.0.2"));
  authorizer_.remove(deny);
  EXPECT_TRUE(may(kRead, "t", "alice", "10.0.0.1"));
  add(rule(kAllow, kRead, "t", "User:alice", "fd00::/8"));
  EXPECT_TRUE(may(kRead, "t", "alice", "fdff::1"));
  EXPECT_FALSE(may(kRead, "t", "alice", "fe80::1"));
  for (const char* no_range :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "/8", "fd00::/129", "10.0.0.0/8x", "10.0.0.0/-1"})
    EXPECT_FALSE(IpRange::parse(no_range).has_value()) << no_range;
}

TEST_F(AclAuthorizerTest, SomewhereIsWhereNothingDeniesIt) {
  EXPECT_FALSE(may_somewhere(kWrite));
  const Uuid allow = add(rule(kAllow, kWrite, "team-a-x"));
  EXPECT_TRUE(may_somewhere(kWrite));
  EXPECT_FALSE(may_somewhere(kDescribe)) << "what is implied does not count";
  const Uuid prefix = add(rule(kDeny, kWrite, "team-", "User:*", "*", kPrefixed));
  EXPECT_FALSE(may_somewhere(kWrite));
  authorizer_.remove(prefix);
  const Uuid literal = add(rule(kDeny, kAll, "team-a-x"));
  EXPECT_FALSE(may_somewhere(kWrite));
  add(rule(kAllow, kWrite, "team-a-x", "User:*", "*", kPrefixed));
  EXPECT_TRUE(may_somewhere(kWrite)) << "a literal deny does not cover a prefix";
  authorizer_.remove(literal);
  add(rule(kDeny, kWrite, "*"));
  EXPECT_FALSE(may_somewhere(kWrite));
  authorizer_.remove(allow);
}

// A cached decision must not outlive its ACLs.
TEST_F(AclAuthorizerTest, DecisionsFollowTheAcls) {
  EXPECT_FALSE(may(kRead, "t"));
  EXPECT_FALSE(may_somewhere(kRead));
  const Uuid id = add(rule(kAllow, kRead, "t"));
  EXPECT_TRUE(may(kRead, "t"));
  EXPECT_TRUE(may_somewhere(kRead));
  authorizer_.set(id, rule(kAllow, kWrite, "t"));
  EXPECT_FALSE(may(kRead, "t"));
  EXPECT_TRUE(may(kWrite, "t"));
  authorizer_.remove(id);
  EXPECT_FALSE(may(kWrite, "t"));
  EXPECT_EQ(authorizer_.acl_count(), 0u);
}

TEST_F(AclAuthorizerTest, NoTwoQuestionsShareADecision) {
  add(rule(kAllow, kRead, "b", "User:a"));
  EXPECT_TRUE(may(kRead, "b", "a", "h"));
  EXPECT_FALSE(may(kRead, "b", "ah", ""));
  EXPECT_FALSE(may(kRead, "hb", "a", ""));
  EXPECT_FALSE(may(kRead, "b", "a", "h", kGroup));
}

TEST_F(AclAuthorizerTest, TheSameAclUnderTwoIdsHoldsUntilBothAreGone) {
  const Uuid first = add(rule(kAllow, kRead, "t"));
  const Uuid second = add(rule(kAllow, kRead, "t"));
  authorizer_.remove(first);
  EXPECT_TRUE(may(kRead, "t"));
  authorizer_.remove(second);
  EXPECT_FALSE(may(kRead, "t"));
}

// Codes of a newer Kafka.
TEST_F(AclAuthorizerTest, AclsOfUnknownKindsAllowNothing) {
  AclRule odd = rule(kAllow, kUnknown, "t");
  add(odd);
  odd.resource_type = acl_resource_type(99);
  add(odd);
  odd = rule(kAllow, kRead, "t");
  odd.pattern_type = acl_pattern_type(7);
  add(odd);
  EXPECT_FALSE(may(kRead, "t"));
  EXPECT_FALSE(may(kDescribe, "t"));
}

TEST(Acl, NamesOfCodes) {
  EXPECT_EQ(acl_constant(kDescribeConfigs), "DESCRIBE_CONFIGS");
  EXPECT_EQ(acl_constant(kTwoPhaseCommit), "TWO_PHASE_COMMIT");
  EXPECT_EQ(acl_constant(AclResourceType::kTransactionalId), "TRANSACTIONAL_ID");
  EXPECT_EQ(acl_constant(acl_operation(16)), "UNKNOWN");
  EXPECT_EQ(acl_constant(acl_resource_type(-1)), "UNKNOWN");
  EXPECT_EQ(acl_constant(acl_pattern_type(5)), "UNKNOWN");
  EXPECT_EQ(acl_constant(acl_permission_type(3)), "ALLOW");
}

// --- the model

bool model_fits(const AclRule& acl, AclResourceType type, ByteView name) {
  if (acl.resource_type != type) return false;
  if (acl.pattern_type == kPrefixed) return name.starts_with(acl.resource_name);
  return acl.resource_name == name || acl.resource_name == "*";
}

bool model_allows(const std::map<uint64_t, AclRule>& acls, ByteView principal, ByteView host, AclOperation operation,
                  ByteView name, bool default_result) {
  bool any = false, allowed = false;
  for (const auto& [id, acl] : acls) {
    if (!model_fits(acl, kTopic, name)) continue;
    any = true;
    if (acl.principal != principal && acl.principal != "User:*") continue;
    if (acl.host != "*" && acl.host != host) continue;
    if (acl.permission == kDeny) {
      if (acl.operation == kAll || acl.operation == operation) return false;
      continue;
    }
    const bool describes = operation == kDescribe && (acl.operation == kRead || acl.operation == kWrite ||
                                                      acl.operation == kDelete || acl.operation == kAlter);
    const bool describes_configs = operation == kDescribeConfigs && acl.operation == kAlterConfigs;
    allowed |= acl.operation == kAll || acl.operation == operation || describes || describes_configs;
  }
  return any ? allowed : default_result;
}

TEST(AclAuthorizerModel, RandomAclsDecideAsAModelDoes) {
  std::mt19937 random(14);
  const auto pick = [&random](const auto& from) { return *(std::begin(from) + random() % std::size(from)); };
  const char* const names[] = {"a", "ab", "abc", "b", "*", "abcd", "ac", "a*"};
  const char* const principals[] = {"User:x", "User:y", "User:*", "Group:x"};
  const char* const hosts[] = {"*", "10.0.0.1", "10.0.0.2"};
  size_t allowed = 0, asked = 0;
  for (int round = 0; round < 200; round++) {
    const bool default_result = round % 2 == 0;
    AclAuthorizer authorizer({}, default_result);
    std::map<uint64_t, AclRule> acls;
    for (int step = 0; step < 40; step++) {
      const uint64_t id = random() % 16;
      if (random() % 3 == 0) {
        acls.erase(id);
        authorizer.remove({0, id});
      } else {
        AclRule one = rule(random() % 4 == 0 ? kDeny : kAllow, static_cast<AclOperation>(2 + random() % 14),
                           pick(names), pick(principals), pick(hosts), random() % 2 == 0 ? kLiteral : kPrefixed);
        acls[id] = one;
        authorizer.set({0, id}, std::move(one));
      }
      const Principal who{.type = random() % 4 == 0 ? "Group" : "User", .name = random() % 2 == 0 ? "x" : "y"};
      const Bytes host = pick(std::initializer_list<const char*>{"10.0.0.1", "10.0.0.2"});
      const Bytes name = pick(names);
      for (int code = 3; code < 16; code++) {
        const auto operation = static_cast<AclOperation>(code);
        const bool may = authorizer.allows({who, host, "P"}, {operation, kTopic}, name);
        EXPECT_EQ(may, model_allows(acls, who.type + ":" + who.name, host, operation, name, default_result))
            << who.type << ":" << who.name << " " << acl_operation_name(operation) << " " << name;
        allowed += may;
        asked++;
      }
    }
  }
  // The model gave both results often.
  EXPECT_GT(allowed, asked / 10);
  EXPECT_LT(allowed, asked * 9 / 10);
}

}  // namespace
}  // namespace milena::security
