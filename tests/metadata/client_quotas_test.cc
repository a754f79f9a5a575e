#include "metadata/client_quotas.h"

#include "metadata/metadata_fixture.h"

namespace milena::metadata {
namespace {

using testing::one_node_controller;
using Entry = AlterClientQuotasRequest::EntryData;

Entry entry(std::vector<std::pair<ByteView, std::optional<ByteView>>> entity, ByteView key, double value,
            bool remove = false) {
  Entry made;
  for (const auto& [type, name] : entity) {
    auto& part = made.entity.emplace_back();
    part.entity_type = type;
    part.entity_name = name;
  }
  auto& op = made.ops.emplace_back();
  op.key = key;
  op.value = value;
  op.remove = remove;
  return made;
}

ControllerEffects<AlterClientQuotasResponse> alter(Controller& controller, std::vector<Entry> entries,
                                                   bool validate_only = false, std::set<Bytes> bad_hosts = {}) {
  AlterClientQuotasRequest request;
  request.entries = std::move(entries);
  request.validate_only = validate_only;
  auto effects = controller.alter_client_quotas(request, bad_hosts);
  controller.apply(effects.records);
  return effects;
}

TEST(ClientQuotas, TheStrongestEntityDecides) {
  Controller controller = one_node_controller();
  const auto& quotas = controller.image().client_quotas();
  auto bound = [&](ByteView user, ByteView client) {
    auto found = find_client_quota(quotas, kProducerByteRate, user, client);
    return found ? found->bound : 0;
  };
  EXPECT_EQ(bound("u", "c"), 0);
  // From the least to the most specific: each next one wins.
  std::vector<std::vector<std::pair<ByteView, std::optional<ByteView>>>> order = {
      {{"client-id", std::nullopt}},
      {{"client-id", "c"}},
      {{"user", std::nullopt}},
      {{"user", std::nullopt}, {"client-id", std::nullopt}},
      {{"user", std::nullopt}, {"client-id", "c"}},
      {{"user", "u"}},
      {{"user", "u"}, {"client-id", std::nullopt}},
      {{"user", "u"}, {"client-id", "c"}},
  };
  double value = 0;
  for (const auto& entity : order) {
    alter(controller, {entry(entity, kProducerByteRate, ++value)});
    EXPECT_EQ(bound("u", "c"), value);
  }
  EXPECT_EQ(bound("u", "other"), 7);
  EXPECT_EQ(bound("other", "c"), 5);
  EXPECT_EQ(bound("other", "other"), 4);
  EXPECT_FALSE(find_client_quota(quotas, kConsumerByteRate, "u", "c").has_value());
}

TEST(ClientQuotas, WhoSharesAMeter) {
  Controller controller = one_node_controller();
  const auto& quotas = controller.image().client_quotas();
  alter(controller, {entry({{"user", std::nullopt}}, kProducerByteRate, 1)});
  auto found = find_client_quota(quotas, kProducerByteRate, "u", "c");
  EXPECT_EQ(found->user, "u");
  EXPECT_EQ(found->client_id, "");
  alter(controller, {entry({{"user", std::nullopt}, {"client-id", std::nullopt}}, kProducerByteRate, 1)});
  found = find_client_quota(quotas, kProducerByteRate, "u", "c");
  EXPECT_EQ(found->user, "u");
  EXPECT_EQ(found->client_id, "c");
}

TEST(ClientQuotas, AnAddressIsFoundHoweverItIsWritten) {
  Controller controller = one_node_controller();
  const auto bound = [&](ByteView ip) { return find_ip_quota(controller.image().client_quotas(), ip).value_or(0); };
  alter(controller, {entry({{"ip", std::nullopt}}, kConnectionCreationRate, 1)});
  alter(controller, {entry({{"ip", "::1"}}, kConnectionCreationRate, 2)});
  alter(controller, {entry({{"ip", "2001:db8:0:0:0:0:0:a0"}}, kConnectionCreationRate, 3)});
  alter(controller, {entry({{"ip", "10.0.0.1"}}, kConnectionCreationRate, 4)});
  alter(controller, {entry({{"user", "u"}}, kProducerByteRate, 5)});
  EXPECT_EQ(bound("0:0:0:0:0:0:0:1"), 2);
  EXPECT_EQ(bound("2001:db8:0:0:0:0:0:a0"), 3);
  EXPECT_EQ(bound("10.0.0.1"), 4);
  EXPECT_EQ(bound("10.0.0.2"), 1);
  EXPECT_EQ(bound("0:0:0:0:0:0:0:2"), 1);
}

TEST(ClientQuotas, WhatIsRefused) {
  Controller controller = one_node_controller();
  auto message = [&](Entry one, std::set<Bytes> bad_hosts = {}) {
    auto effects = alter(controller, {std::move(one)}, false, std::move(bad_hosts));
    EXPECT_TRUE(effects.records.empty());
    EXPECT_EQ(effects.response.entries.at(0).error_code, ErrorCode::kInvalidRequest);
    return effects.response.entries.at(0).error_message.value_or("");
  };
  EXPECT_EQ(message(entry({}, kProducerByteRate, 1)), "Invalid empty client quota entity");
  EXPECT_EQ(message(entry({{"group", "g"}}, kProducerByteRate, 1)), "Unhandled client quota entity type: group");
  EXPECT_EQ(message(entry({{"user", ""}}, kProducerByteRate, 1)), "Empty user not supported");
  EXPECT_EQ(message(entry({{"user", "u"}}, "bogus", 1)), "Invalid configuration key bogus");
  EXPECT_EQ(message(entry({{"user", "u"}}, kConnectionCreationRate, 1)),
            "Invalid configuration key connection_creation_rate");
  EXPECT_EQ(message(entry({{"user", "u"}}, kProducerByteRate, 0)), "Quota producer_byte_rate must be greater than 0");
  EXPECT_EQ(message(entry({{"user", "u"}}, kProducerByteRate, 1.5)),
            "producer_byte_rate cannot be a fractional value.");
  EXPECT_EQ(message(entry({{"ip", "127.0.0.1"}}, kConnectionCreationRate, 3e9)),
            "Proposed value for connection_creation_rate is too large for an INT.");
  EXPECT_EQ(message(entry({{"ip", "nowhere"}}, kConnectionCreationRate, 3), {"nowhere"}),
            "nowhere is not a valid IP or resolvable host.");
  EXPECT_NE(message(entry({{"ip", "127.0.0.1"}, {"user", "u"}}, kConnectionCreationRate, 3)), "");
}

TEST(ClientQuotas, OneRefusedEntityLeavesTheOthersAlone) {
  Controller controller = one_node_controller();
  auto effects =
      alter(controller, {entry({{"user", "bad"}}, "bogus", 1), entry({{"user", "good"}}, kRequestPercentage, 2.5)});
  EXPECT_EQ(effects.response.entries[0].error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(effects.response.entries[1].error_code, ErrorCode::kNone);
  EXPECT_EQ(controller.image().client_quotas().size(), 1u);
}

TEST(ClientQuotas, AnEntityTwiceInvalidatesTheRequest) {
  Controller controller = one_node_controller();
  auto effects =
      alter(controller, {entry({{"user", "u"}}, kProducerByteRate, 1), entry({{"user", "u"}}, kProducerByteRate, 2)});
  ASSERT_EQ(effects.response.entries.size(), 1u) << "and is answered once";
  EXPECT_EQ(effects.response.entries[0].error_code, ErrorCode::kInvalidRequest);
  EXPECT_TRUE(controller.image().client_quotas().empty());
}

TEST(ClientQuotas, OfATypeTheLastNameCounts) {
  Controller controller = one_node_controller();
  auto effects = alter(controller, {entry({{"user", "u"}, {"client-id", "c"}, {"user", "v"}}, kProducerByteRate, 1)});
  ASSERT_EQ(effects.response.entries.size(), 1u);
  const auto& entity = effects.response.entries[0].entity;
  ASSERT_EQ(entity.size(), 2u);
  EXPECT_EQ(entity[0].entity_name, "v");
  EXPECT_EQ(entity[1].entity_name, "c");
  const QuotaEntity kept{{"client-id", "c"}, {"user", "v"}};
  EXPECT_TRUE(controller.image().client_quotas().contains(kept));
}

TEST(ClientQuotas, ValidatingAndRemoving) {
  Controller controller = one_node_controller();
  alter(controller, {entry({{"user", "u"}}, kProducerByteRate, 1)}, true);
  EXPECT_TRUE(controller.image().client_quotas().empty());
  alter(controller, {entry({{"user", "u"}}, kProducerByteRate, 1)});
  EXPECT_TRUE(alter(controller, {entry({{"user", "u"}}, kProducerByteRate, 1)}).records.empty()) << "nothing changes";
  alter(controller, {entry({{"user", "u"}}, kProducerByteRate, 0, true)});
  EXPECT_TRUE(controller.image().client_quotas().empty());
  EXPECT_TRUE(alter(controller, {entry({{"user", "u"}}, kProducerByteRate, 0, true)}).records.empty());
}

TEST(ClientQuotas, DescribingByFilter) {
  Controller controller = one_node_controller();
  alter(controller,
        {entry({{"user", "u"}}, kProducerByteRate, 1), entry({{"user", std::nullopt}}, kProducerByteRate, 2),
         entry({{"user", "u"}, {"client-id", "c"}}, kProducerByteRate, 3)});
  auto count = [&](std::vector<DescribeClientQuotasRequest::ComponentData> components, bool strict) {
    DescribeClientQuotasRequest request;
    request.components = std::move(components);
    request.strict = strict;
    auto response = describe_client_quotas(controller.image().client_quotas(), request);
    return response.entries ? static_cast<int>(response.entries->size()) : -static_cast<int>(response.error_code);
  };
  EXPECT_EQ(count({}, false), 3);
  EXPECT_EQ(count({}, true), 0);
  EXPECT_EQ(count({{"user", 0, "u"}}, false), 2);
  EXPECT_EQ(count({{"user", 0, "u"}}, true), 1);
  EXPECT_EQ(count({{"user", 1, std::nullopt}}, false), 1);
  EXPECT_EQ(count({{"user", 2, std::nullopt}}, false), 3);
  EXPECT_EQ(count({{"user", 0, std::nullopt}}, false), -static_cast<int>(ErrorCode::kInvalidRequest));
  EXPECT_EQ(count({{"group", 2, std::nullopt}}, false), -static_cast<int>(ErrorCode::kUnsupportedVersion));
  EXPECT_EQ(count({{"ip", 2, std::nullopt}, {"user", 2, std::nullopt}}, false),
            -static_cast<int>(ErrorCode::kInvalidRequest));
}

}  // namespace
}  // namespace milena::metadata
