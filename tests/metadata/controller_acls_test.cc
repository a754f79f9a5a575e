// CreateAcls and DeleteAcls in the controller, and DescribeAcls.
#include <gmock/gmock.h>

#include "metadata/acls.h"
#include "metadata/metadata_fixture.h"

namespace milena::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Creation = CreateAclsRequest::AclCreation;
using Filter = DeleteAclsRequest::DeleteAclsFilter;

// ALLOW Read of a topic from all hosts.
Creation creation(ByteView name, ByteView principal = "User:a") {
  Creation acl;
  acl.resource_type = static_cast<int8_t>(AclResourceType::kTopic);
  acl.resource_name = name;
  acl.resource_pattern_type = static_cast<int8_t>(AclPatternType::kLiteral);
  acl.principal = principal;
  acl.host = "*";
  acl.operation = static_cast<int8_t>(AclOperation::kRead);
  acl.permission_type = static_cast<int8_t>(AclPermissionType::kAllow);
  return acl;
}

template <class Fields = Filter>
Fields any() {
  Fields filter;
  filter.resource_type_filter = filter.pattern_type_filter = filter.operation = filter.permission_type = 1;
  filter.resource_name_filter.reset();
  filter.principal_filter.reset();
  filter.host_filter.reset();
  return filter;
}

class ControllerAclsTest : public ::testing::Test {
 protected:
  CreateAclsResponse create(std::vector<Creation> acls) {
    auto effects = controller_.create_acls({std::move(acls)});
    written_ = effects.records.size();
    controller_.apply(effects.records);
    return effects.response;
  }
  DeleteAclsResponse remove(std::vector<Filter> filters) {
    auto effects = controller_.delete_acls({std::move(filters)});
    written_ = effects.records.size();
    controller_.apply(effects.records);
    return effects.response;
  }
  std::vector<Bytes> described(const DescribeAclsRequest& filter) const {
    std::vector<Bytes> names;
    for (const auto& resource : describe_acls(controller_.image().acls(), filter).resources) {
      for (const auto& acl : resource.acls) names.push_back(resource.resource_name + " " + acl.principal);
    }
    return names;
  }
  ErrorCode refusal(const Creation& acl) {
    const auto response = create({acl});
    const bool refused = response.results.at(0).error_code != ErrorCode::kNone;
    EXPECT_EQ(written_, refused ? 0u : 1u);
    return response.results.at(0).error_code;
  }

  Controller controller_ = testing::one_node_controller();
  size_t written_ = 0;
};

TEST_F(ControllerAclsTest, AnAclIsWrittenOnce) {
  auto response = create({creation("t"), creation("t"), creation("u")});
  EXPECT_EQ(response.results.size(), 3u);
  for (const auto& result : response.results) EXPECT_EQ(result.error_code, ErrorCode::kNone);
  EXPECT_EQ(written_, 2u);
  create({creation("t"), creation("t", "User:b")});
  EXPECT_EQ(written_, 1u);
  EXPECT_THAT(described(any<DescribeAclsRequest>()), ElementsAre("t User:a", "t User:b", "u User:a"));
}

// The index of the controller must include the ACLs read at the start.
TEST_F(ControllerAclsTest, AnAclOfBeforeTheStartIsNotWrittenAgain) {
  create({creation("t")});
  Controller restarted(testing::copy(controller_.image()), {}, testing::counting_uuids());
  EXPECT_TRUE(restarted.create_acls({{creation("t")}}).records.empty());
  EXPECT_EQ(restarted.create_acls({{creation("u")}}).records.size(), 1u);
}

TEST_F(ControllerAclsTest, WhatCannotBeAnAclIsRefusedAndTheOthersAreWritten) {
  Creation no_colon = creation("t", "a");
  auto response = create({no_colon, creation("t"), creation("")});
  EXPECT_EQ(response.results.at(0).error_code, ErrorCode::kInvalidRequest);
  EXPECT_THAT(response.results.at(0).error_message.value_or(""), HasSubstr("Could not parse principal from `a`"));
  EXPECT_EQ(response.results.at(1).error_code, ErrorCode::kNone);
  EXPECT_EQ(response.results.at(2).error_message, "Invalid empty resource name");
  EXPECT_EQ(written_, 1u);

  Creation cluster = creation("not-the-cluster");
  cluster.resource_type = static_cast<int8_t>(AclResourceType::kCluster);
  EXPECT_EQ(refusal(cluster), ErrorCode::kInvalidRequest);
  cluster.resource_name = kClusterResource;
  EXPECT_EQ(refusal(cluster), ErrorCode::kNone);
  for (auto field : {&Creation::operation, &Creation::permission_type}) {
    for (int8_t code : {int8_t{1}, int8_t{99}, int8_t{-1}}) {
      Creation odd = creation("odd");
      odd.*field = code;
      EXPECT_EQ(refusal(odd), ErrorCode::kInvalidRequest) << static_cast<int>(code);
    }
  }
  for (auto field : {&Creation::resource_type, &Creation::resource_pattern_type}) {
    Creation odd = creation("odd");
    odd.*field = 99;
    EXPECT_EQ(refusal(odd), ErrorCode::kInvalidRequest);
  }
}

// As in Kafka, which cannot represent "any" in a pattern.
TEST_F(ControllerAclsTest, APatternOfAnyFailsTheWholeRequest) {
  Creation any_type = creation("t"), match = creation("t");
  any_type.resource_type = static_cast<int8_t>(AclResourceType::kAny);
  match.resource_pattern_type = static_cast<int8_t>(AclPatternType::kMatch);
  for (const Creation& odd : {any_type, match}) {
    auto response = create({creation("t"), odd});
    for (const auto& result : response.results) EXPECT_EQ(result.error_code, ErrorCode::kUnknownServerError);
    EXPECT_EQ(written_, 0u);
  }
}

TEST_F(ControllerAclsTest, RangesOfAddressesNeedTheirMetadataVersion) {
  Creation range = creation("t");
  range.host = "10.0.0.0/8";
  EXPECT_EQ(refusal(range), ErrorCode::kUnsupportedVersion);
  EXPECT_FALSE(refuse_acl_host("10.0.0.0/8", 32).has_value());
  EXPECT_TRUE(refuse_acl_host("10.0.0.0/8", 31)->too_early);
  EXPECT_FALSE(refuse_acl_host("10.0.0.0/33", 32)->too_early);
  EXPECT_FALSE(refuse_acl_host("not an address", 30).has_value()) << "as Kafka: it is compared as it is";
}

TEST_F(ControllerAclsTest, MoreAclsThanARequestMayWriteAreAllRefused) {
  std::vector<Bytes> names;
  for (size_t i = 0; i <= kMaxRecordsPerRequest; i++) names.push_back(std::to_string(i));
  std::vector<Creation> acls(names.size());
  for (size_t i = 0; i < names.size(); i++) acls[i] = creation(names[i]);
  auto response = create(acls);
  EXPECT_EQ(response.results.front().error_code, ErrorCode::kPolicyViolation);
  EXPECT_EQ(written_, 0u);
  acls.pop_back();
  EXPECT_EQ(create(acls).results.front().error_code, ErrorCode::kNone);
  EXPECT_EQ(written_, kMaxRecordsPerRequest);
  // With one more, they cannot all be deleted at once.
  create({creation("one more")});
  auto deleted = remove({any(), any()});
  for (const auto& result : deleted.filter_results) EXPECT_EQ(result.error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(written_, 0u);
}

TEST_F(ControllerAclsTest, DeletingByFilters) {
  Creation prefixed = creation("te");
  prefixed.resource_pattern_type = static_cast<int8_t>(AclPatternType::kPrefixed);
  create({creation("test"), creation("*"), prefixed, creation("other")});
  // The ACLs that apply to "test".
  Filter match = any();
  match.pattern_type_filter = static_cast<int8_t>(AclPatternType::kMatch);
  match.resource_name_filter = "test";
  DescribeAclsRequest described_match = any<DescribeAclsRequest>();
  described_match.pattern_type_filter = match.pattern_type_filter;
  described_match.resource_name_filter = "test";
  EXPECT_THAT(described(described_match), ElementsAre("* User:a", "te User:a", "test User:a"));

  Filter exact = any();
  exact.resource_type_filter = static_cast<int8_t>(AclResourceType::kTopic);
  exact.pattern_type_filter = static_cast<int8_t>(AclPatternType::kLiteral);
  exact.resource_name_filter = "other";
  exact.principal_filter = "User:a";
  exact.host_filter = "*";
  exact.operation = static_cast<int8_t>(AclOperation::kRead);
  exact.permission_type = static_cast<int8_t>(AclPermissionType::kAllow);
  Filter nothing = exact;
  nothing.principal_filter = "User:b";
  Filter unknown = any();
  unknown.operation = 77;
  // Each filter lists its matches, although each is deleted once.
  auto response = remove({match, match, exact, nothing, unknown});
  EXPECT_EQ(response.filter_results.at(0).matching_acls.size(), 3u);
  EXPECT_EQ(response.filter_results.at(1).matching_acls.size(), 3u);
  EXPECT_EQ(response.filter_results.at(2).matching_acls.at(0).resource_name, "other");
  EXPECT_TRUE(response.filter_results.at(3).matching_acls.empty());
  EXPECT_EQ(response.filter_results.at(3).error_code, ErrorCode::kNone);
  EXPECT_EQ(response.filter_results.at(4).error_message, "Unknown entryFilter.");
  EXPECT_EQ(written_, 4u);
  EXPECT_TRUE(controller_.image().acls().empty());
  EXPECT_EQ(create({creation("test")}).results.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(written_, 1u) << "the index knows that it is gone";
}

// A log of another program may have two equal records; both are deleted.
TEST_F(ControllerAclsTest, AnAclOfTwoRecordsIsDeletedWhole) {
  AccessControlEntryRecord record;
  record.resource_type = 2;
  record.resource_name = "t";
  record.pattern_type = 3;
  record.principal = "User:a";
  record.host = "*";
  record.operation = 3;
  record.permission_type = 3;
  for (uint64_t id : {1, 2}) {
    record.id = Uuid{5, id};
    controller_.apply({record});
  }
  // A record with an existing id replaces the ACL.
  record.resource_name = "replaced";
  controller_.apply({record});
  Filter exact = any();
  exact.resource_type_filter = 2;
  exact.resource_name_filter = "replaced";
  EXPECT_EQ(remove({exact}).filter_results.at(0).matching_acls.size(), 1u);
  EXPECT_EQ(create({creation("t")}).results.size(), 1u);
  EXPECT_EQ(written_, 0u);
}

TEST_F(ControllerAclsTest, FiltersTimesAclsAreBounded) {
  std::vector<Bytes> names;
  for (size_t i = 0; i < 5000; i++) names.push_back(std::to_string(i));
  std::vector<Creation> acls(names.size());
  for (size_t i = 0; i < names.size(); i++) acls[i] = creation(names[i]);
  create(acls);
  Filter nothing = any();
  nothing.principal_filter = "User:nobody";
  EXPECT_EQ(remove(std::vector<Filter>(5000, nothing)).filter_results.front().error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(remove(std::vector<Filter>(100, nothing)).filter_results.front().error_code, ErrorCode::kNone);
}

}  // namespace
}  // namespace milena::metadata
