// Every numeric setting, and every config of a topic, at its least and greatest accepted value: the node serves for
// hours, and becomes idle between requests.
#include <cstdlib>
#include <set>

#include "broker/transaction_fixture.h"
#include "config/config_def.h"
#include "config/topic_config.h"
#include "protocol/messages/delete_topics.h"

namespace milena::broker::broker_test {
namespace {

// With their least values no record fits.
const std::set<std::string> kRefuseRecords = {"message.max.bytes", "max.message.bytes", "internal.segment.bytes"};

// The limits of a row's range and of its type, if accepted.
std::vector<std::string> accepted_extremes(const config::ConfigDef& def) {
  std::vector<std::string> candidates;
  switch (def.type) {
    case config::ConfigType::kShort: candidates = {"-32768", "-1", "0", "32767"}; break;
    case config::ConfigType::kInt: candidates = {"-2147483648", "-1", "0", "2147483647"}; break;
    case config::ConfigType::kLong: candidates = {"-9223372036854775808", "-1", "0", "9223372036854775807"}; break;
    case config::ConfigType::kDouble: candidates = {"-1.7e308", "0", "1.0E-300", "1.7e308"}; break;
    default: return {};
  }
  std::string number;
  for (const char c : std::string(def.valid) + " ") {
    const bool part = (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (part && !(c == '.' && number.ends_with("."))) number += c;
    if (part) continue;
    while (number.ends_with(".")) number.pop_back();
    if (!number.empty()) candidates.push_back(number);
    number.clear();
  }
  std::erase_if(candidates, [&](const std::string& text) { return !config::check_config_value(def, text).ok(); });
  if (candidates.empty()) return {};
  const auto less = [](const std::string& a, const std::string& b) {
    return std::strtold(a.c_str(), nullptr) < std::strtold(b.c_str(), nullptr);
  };
  const auto [least, greatest] = std::minmax_element(candidates.begin(), candidates.end(), less);
  return {*least, *greatest};
}

// One node among many in a test.
class ServingNode : public TransactionFixture {
 public:
  void TestBody() override {}

  // False if the node refuses to start like this.
  bool start_with(ByteView name, ByteView value) {
    node().set("transaction.state.log.num.partitions", "5");
    node().set(name, value);
    if (!node().try_start().ok()) return false;
    node().run();
    return true;
  }

  void serve_for_hours(ByteView topic) {
    for (int i = 0; i < 3; i++) {
      append_and_read(topic);
      if (testing::Test::HasFatalFailure()) return;
      commit("g", 0, i);
      node().advance(2'000);
      node().advance(47 * 60'000);
    }
  }
  // Starts the coordinators' timers; the responses depend on the settings.
  void ask_coordinators() {
    find_coordinator("g");
    find_transaction_coordinator("x");
    init("x");
  }
  void make_topics() {
    create_topic("plain");
    create_topic("compact", 1, {{"cleanup.policy", "compact"}});
  }
  // False if that value is not allowed.
  bool make_topic(ByteView topic, const std::string& config, const std::string& value) {
    return try_create_topic(topic, 1, {{config, value}}).error_code == ErrorCode::kNone;
  }
  void delete_topic(ByteView topic) {
    DeleteTopicsRequest request;
    request.timeout_ms = 1'000;
    request.topics.emplace_back().name = topic;
    client().ask<DeleteTopicsResponse>(request, 6);
    node().advance(10 * 60'000);
  }

 private:
  void append_and_read(ByteView topic) {
    const ProduceOut out = only_partition(client().ask<ProduceResponse>(
        produce_request(topic, 0, batch_of_key(), 9, 1), 9));
    ASSERT_EQ(out.error_code, ErrorCode::kNone) << topic;
    EXPECT_EQ(fetch(topic, 0, out.base_offset).error_code, ErrorCode::kNone);
  }
  Bytes batch_of_key() {
    RecordBatchBuilder builder(BatchOptions{});
    builder.append("key", "x", node().clock().wall_ms());
    return builder.build();
  }
};

class ExtremeSettingsTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Shards, ExtremeSettingsTest, testing::Values(1), testing::PrintToStringParamName());

TEST_P(ExtremeSettingsTest, EverySettingLeavesANodeThatServesAndRests) {
  int started = 0;
  for (const config::ConfigDef& def : config::broker_configs()) {
    if ((def.marks & config::kConfigHonoured) == 0 || kRefuseRecords.contains(def.name)) continue;
    for (const std::string& value : accepted_extremes(def)) {
      SCOPED_TRACE(std::string(def.name) + "=" + value);
      ServingNode one;
      if (!one.start_with(def.name, value)) continue;
      started++;
      one.make_topics();
      one.ask_coordinators();
      one.serve_for_hours("plain");
      one.serve_for_hours("compact");
      one.delete_topic("plain");
    }
  }
  EXPECT_GT(started, 150);
}

TEST_P(ExtremeSettingsTest, EveryConfigOfATopicLeavesANodeThatServesAndRests) {
  int made = 0;
  ServingNode one;
  ASSERT_TRUE(one.start_with("num.partitions", "1"));
  for (const config::TopicConfigDef& config : config::topic_config_defs()) {
    for (const std::string& value : accepted_extremes(config.def)) {
      SCOPED_TRACE(std::string(config.def.name) + "=" + value);
      const std::string topic = "t" + std::to_string(made);
      if (kRefuseRecords.contains(config.def.name) || !one.make_topic(topic, config.def.name, value)) continue;
      made++;
      one.serve_for_hours(topic);
      one.delete_topic(topic);
    }
  }
  EXPECT_GT(made, 30);
}

}  // namespace
}  // namespace milena::broker::broker_test
