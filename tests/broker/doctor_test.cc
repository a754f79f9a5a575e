// Findings of /doctor: the rules over figures, and the figures that a node keeps for them.
#include "broker/operations/doctor.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "broker/http_fixture.h"
#include "broker/operations/doctor_page.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/metadata.h"

namespace milena::broker::broker_test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr int64_t kNow_ms = 1'800'000'000'000;

NodeFigures figures_now() {
  NodeFigures figures;
  figures.node_id = 1;
  figures.now_ms = kNow_ms;
  figures.brokers.push_back({.id = 1});
  return figures;
}

// "kind about" of each finding.
std::vector<std::string> kinds_of(const NodeFigures& figures) {
  std::vector<std::string> kinds;
  for (const Diagnosis& finding : examine(figures)) kinds.push_back(fmt::format("{} {}", finding.kind, finding.about));
  return kinds;
}

TEST(Doctor, FindsNothingWhereNothingIs) { EXPECT_THAT(kinds_of(figures_now()), IsEmpty()); }

ClientTrace told(uint64_t times, int64_t ago_ms) {
  ClientTrace trace;
  trace.told = times;
  trace.first_told_ms = kNow_ms - ago_ms - 1000;
  trace.last_told_ms = kNow_ms - ago_ms;
  trace.told_address = "broker.inside:9092";
  trace.came_to = "10.0.0.1:9092";
  return trace;
}

TEST(Doctor, NamesAClientThatDidNotComeToItsAddress) {
  NodeFigures figures = figures_now();
  ClientTrace& trace = figures.symptoms.clients[{"10.0.0.5", "billing"}] = told(2, 100);
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("client-not-arrived billing@10.0.0.5"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("broker.inside:9092"));
  EXPECT_THAT(examine(figures)[0].remedy, HasSubstr("advertised.listeners"));

  trace.served = true;
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "it works";
  trace = told(1, kLong_ms - 1);
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "it may be on its way";
  trace = told(1, kLong_ms);
  EXPECT_THAT(kinds_of(figures), testing::SizeIs(1)) << "it is silent";
  trace = told(7, kRecent_ms + 1);
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "it is over";
  trace = told(7, 0);
  trace.told_address = trace.came_to;
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "the address is the one that it uses";
  trace.told_address = "localhost:9092";
  trace.came_to = "127.0.0.1:9092";
  EXPECT_THAT(kinds_of(figures), IsEmpty());
  trace.came_to = "127.0.0.1:9093";
  EXPECT_THAT(kinds_of(figures), testing::SizeIs(1));
  figures.brokers.push_back({.id = 2});
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "it may work elsewhere";
}

TEST(Doctor, NamesABrokerWhoseClockIsNotThatOfTheController) {
  NodeFigures figures = figures_now();
  figures.symptoms.controller_clock = {2, -3'600'000};
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("clocks-differ 1"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("broker 1 is 1 h 0 min ahead of that of controller 2."));
  figures.symptoms.controller_clock.ahead_ms = 5000;
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("broker 1 is 5.0 s behind that of controller 2."));
  figures.symptoms.controller_clock.ahead_ms = 1999;
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "the disk of the controller may be slow";
  figures.symptoms.controller_clock = {-1, 5000};
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "it is the controller itself";
}

TEST(Doctor, NamesRefusedClientsWithTheirLastReason) {
  NodeFigures figures = figures_now();
  auto refuse = [&](RefusalKind kind, const char* id) {
    figures.symptoms.refusals[{kind, {"10.0.0.5", id}}] = {3, kNow_ms, "no such user", "sarama 1.2"};
  };
  refuse(RefusalKind::kVersion, "a");
  refuse(RefusalKind::kCodec, "b");
  refuse(RefusalKind::kAuthentication, "c");
  refuse(RefusalKind::kTls, "");
  refuse(RefusalKind::kNotKafka, "e");
  refuse(RefusalKind::kClock, "f");
  EXPECT_THAT(kinds_of(figures),
              testing::ElementsAre("client-version a@10.0.0.5", "client-codec b@10.0.0.5",
                                   "client-authentication c@10.0.0.5", "client-tls @10.0.0.5",
                                   "client-protocol e@10.0.0.5", "client-clock f@10.0.0.5"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("3 times"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("no such user"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("sarama 1.2"));
}

TEST(Doctor, EscapesWhatClientsChose) {
  NodeFigures figures = figures_now();
  figures.symptoms.refusals[{RefusalKind::kVersion, {"10.0.0.5", "\x1b[2J\n\xff"}}] = {1, kNow_ms, "\r\n", ""};
  const Bytes text = findings_text(examine(figures));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  const Bytes json = findings_json(examine(figures));
  EXPECT_TRUE(nlohmann::json::accept(json)) << json;
}

TEST(Doctor, OfManyClientsItNamesTheFirst) {
  NodeFigures figures = figures_now();
  for (int i = 0; i < 100; i++) figures.symptoms.clients[{"10.0.0.5", std::to_string(i)}] = told(2, 0);
  EXPECT_EQ(examine(figures).size(), kMaxOfAKind);
}

TEST(Doctor, NamesTheTransactionThatHoldsConsumersBack) {
  NodeFigures figures = figures_now();
  figures.symptoms.held.push_back({{"orders", 1}, 4711, 10, kNow_ms - 60'000, 5});
  figures.symptoms.held.push_back({{"orders", 0}, 4711, 20, kNow_ms - 50'000, 6});
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("transaction-hanging producer 4711"));
  EXPECT_THAT(examine(figures)[0].remedy, HasSubstr("--topic orders --partition 0 --start-offset 20"));

  figures.symptoms.transactions.push_back({"payments", 4711, 3, kNow_ms - 61'000, 600'000, "Ongoing"});
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("transaction-open payments"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("open for 1 min 1 s"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("11 records"));

  figures.symptoms.transactions[0].start_ms = kNow_ms - kLong_ms + 1;
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "it has just begun";
}

TEST(Doctor, NamesMembersThatHoldUpARebalance) {
  NodeFigures figures = figures_now();
  RebalancingGroup& group = figures.symptoms.groups.emplace_back();
  group = {.id = "g", .state = "PreparingRebalance", .since_ms = kNow_ms - 20'000, .members = 3, .late_count = 7};
  group.late.push_back({"m-1", "worker", "10.0.0.9"});
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("rebalance-waits g"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("JoinGroup"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("m-1 (client \"worker\" of 10.0.0.9) and 6 more"));
  group.state = "CompletingRebalance";
  group.leader_is_late = true;
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("the leader has not sent"));
  group.leader_is_late = false;
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("SyncGroup"));
  group.state = "Reconciling";
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("not revoked"));
  group.since_ms = kNow_ms - kLong_ms + 1;
  EXPECT_THAT(kinds_of(figures), IsEmpty());
  group.since_ms = -1;
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "nobody knows since when";
}

TEST(Doctor, LooksAtDirectories) {
  NodeFigures figures = figures_now();
  figures.directories.push_back({"/a", false, 100, 100});
  figures.directories.push_back({"/b", true, 1000, 50});
  figures.directories.push_back({"/c", true, 1000, 49});
  figures.directories.push_back({"/d", true, 1000, 9});
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("directory-offline /a", "disk-full /d", "disk-full /c"));
  for (int i = 0; i < 9; i++) figures.flushes.record_ns(2'000'000'000);
  EXPECT_THAT(kinds_of(figures), testing::SizeIs(3)) << "too few syncs to say";
  figures.flushes.record_ns(2'000'000'000);
  EXPECT_THAT(kinds_of(figures), testing::Contains(StartsWith("disk-slow ")));
}

TEST(Doctor, LooksAtPartitions) {
  NodeFigures figures = figures_now();
  auto add = [&](const char* topic, int32_t leader, int32_t replicas, int32_t in_sync, int32_t least) {
    PartitionFigures& out = figures.partitions.emplace_back();
    out.name = {topic, 0};
    out.leader = leader;
    out.replicas = replicas;
    out.in_sync = in_sync;
    out.min_in_sync = least;
  };
  add("fine", 1, 3, 3, 2);
  EXPECT_THAT(kinds_of(figures), IsEmpty());
  add("behind", 1, 3, 2, 2);
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("partition-under-replicated behind-0"));
  EXPECT_EQ(count_of(examine(figures), Severity::kError), 0u) << "all goes on";
  add("leaderless", -1, 1, 1, 1);
  add("under", 1, 3, 1, 2);
  add("never", 1, 1, 1, 2);
  EXPECT_THAT(kinds_of(figures),
              testing::ElementsAre("partition-leaderless leaderless-0", "partition-under-min-isr under-0",
                                   "partition-under-replicated behind-0", "min-isr-too-large never"));
  figures.partitions[0].offline = true;
  EXPECT_THAT(kinds_of(figures), testing::Contains("partition-offline fine-0"));
}

TEST(Doctor, NamesBrokersThatAreFenced) {
  NodeFigures figures = figures_now();
  figures.brokers.push_back({.id = 2, .address = "b2:9092"});
  EXPECT_THAT(kinds_of(figures), IsEmpty());
  figures.brokers.back().fenced = true;
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("broker-fenced 2"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("Broker 2 (b2:9092) is fenced"));
  figures.brokers.back().fenced = false;
  figures.brokers.front().fenced = true;
  EXPECT_THAT(kinds_of(figures), IsEmpty()) << "it asks the one that is starting or stopping itself";
}

TEST(Doctor, LooksAtTimestamps) {
  NodeFigures figures = figures_now();
  figures.symptoms.future.push_back({{"t", 0}, kNow_ms + 86'400'000});
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("timestamps-ahead t-0"));
  EXPECT_THAT(examine(figures)[0].problem, HasSubstr("24 h 0 min ahead"));
}

TEST(Doctor, LooksAtFetchesThatWaitInVain) {
  NodeFigures figures = figures_now();
  ClientTrace& trace = figures.symptoms.clients[{"10.0.0.5", "reader"}];
  trace = {.served = true, .starved = 4, .last_starved_ms = kNow_ms, .waited_ms = 30'000, .min_bytes = 100'000,
           .bytes_there = 70};
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("fetch-waits reader@10.0.0.5"));
  trace.last_starved_ms = kNow_ms - kRecent_ms - 1;
  EXPECT_THAT(kinds_of(figures), IsEmpty());
}

TEST(Doctor, LooksAtSettings) {
  NodeFigures figures = figures_now();
  SettingSymptoms& settings = figures.symptoms.settings;
  settings.warnings.push_back("log.retention.hour: no such setting; it is ignored. Did you mean log.retention.hours?");
  settings.without_effect.push_back({"num.network.threads", "server.properties, line 3"});
  settings.offsets_replicas = 3;
  EXPECT_THAT(kinds_of(figures), testing::ElementsAre("replication-factor offsets.topic.replication.factor",
                                                      "setting-ignored log.retention.hour",
                                                      "setting-without-effect num.network.threads"));
  EXPECT_EQ(count_of(examine(figures), Severity::kWarning), 2u);
  figures.topic_partitions["__consumer_offsets"] = 50;
  EXPECT_THAT(kinds_of(figures), Not(testing::Contains(StartsWith("replication-factor")))) << "it is there";
}

TEST(RecentTable, KeepsWhatWasTouchedLast) {
  RecentTable<int, int> table(2);
  table.touch(1) = 10;
  table.touch(2) = 20;
  EXPECT_EQ(table.touch(1), 10);
  table.touch(3) = 30;
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.touch(1), 10);
  EXPECT_EQ(table.touch(2), 0) << "it was untouched for longest";
}

TEST(ClientBook, IsBounded) {
  ClientBook book;
  const Bytes large(30'000, 'x');
  for (size_t i = 0; i < ClientBook::kMaxClients + 10; i++) {
    book.note_served("10.0.0.5", fmt::format("{}{}", i, large));
    book.note_refusal(RefusalKind::kVersion, "10.0.0.5", fmt::format("{}{}", i, large), large, large, 1);
  }
  EXPECT_EQ(book.clients().size(), ClientBook::kMaxClients);
  EXPECT_EQ(book.refusals().size(), ClientBook::kMaxRefusals);
  EXPECT_EQ(book.clients().newest_first().front().first.client_id.size(), ClientBook::kLongestText);
  EXPECT_EQ(book.refusals().newest_first().front().second.reason.size(), ClientBook::kLongestText);
}

class DoctorTest : public HttpFixture {
 protected:
  void SetUp() override {
    node().set("advertised.listeners", "PLAINTEXT://broker.inside:9092");
    HttpFixture::SetUp();
  }
  Bytes findings() { return get("/doctor?format=json"); }
};
INSTANTIATE_TEST_SUITE_P(Shards, DoctorTest, testing::Values(1, 4), testing::PrintToStringParamName());

TEST_P(DoctorTest, AnswersAsJsonAndAsText) {
  // Whether the disk of the tests is full is not known here.
  EXPECT_THAT(get("/doctor"), HasSubstr("Milena-Findings: "));
  EXPECT_THAT(get("/doctor"), Not(HasSubstr("\"findings\"")));
  EXPECT_THAT(findings(), HasSubstr("\"findings\": ["));
  EXPECT_THAT(get("/doctor", "Accept: application/json\r\n"), HasSubstr("\"findings\": ["));
  EXPECT_EQ(findings_text({}), "Nothing is wrong.\n");
  EXPECT_THAT(findings_json({}), HasSubstr("\"healthy\": true"));
}

// For whoever asks all brokers.
TEST(Doctor, TellsWhoWorksHereAndWhoMayWorkElsewhere) {
  NodeFigures figures = figures_now();
  figures.brokers.push_back({.id = 2});
  figures.symptoms.clients[{"10.0.0.5", "billing"}] = told(2, 100);
  figures.symptoms.clients[{"10.0.0.6", "orders"}].served = true;
  const auto json = nlohmann::json::parse(findings_json(examine(figures), &figures));
  EXPECT_EQ(json["healthy"], true);
  EXPECT_EQ(json["node"], 1);
  EXPECT_EQ(json["now_ms"], kNow_ms);
  EXPECT_EQ(json["brokers"], (std::vector<int>{1, 2}));
  EXPECT_EQ(json["served"], std::vector<std::string>{"orders@10.0.0.6"});
  ASSERT_EQ(json["absent"].size(), 1u);
  EXPECT_EQ(json["absent"][0]["about"]["name"], "billing@10.0.0.5");
  EXPECT_FALSE(nlohmann::json::parse(findings_json(examine(figures))).contains("served"));
}

TEST_P(DoctorTest, TellsOfItsClientsWhereThatIsAskedFor) {
  EXPECT_THAT(get("/doctor?format=json&clients=true"), HasSubstr("\"served\""));
  EXPECT_THAT(findings(), Not(HasSubstr("\"served\"")));
}

TEST_P(DoctorTest, NotesWhoAsksForAddressesOnlyAndWhoComes) {
  TestClient& first = node().connect(0, "PLAINTEXT", security::SecurityProtocol::kPlaintext, "10.0.0.5");
  first.ask<MetadataResponse>(MetadataRequest(), 9);
  EXPECT_THAT(findings(), Not(HasSubstr("client-not-arrived")));
  TestClient& again = node().connect(1, "PLAINTEXT", security::SecurityProtocol::kPlaintext, "10.0.0.5");
  again.ask<MetadataResponse>(MetadataRequest(), 9);
  EXPECT_THAT(findings(), HasSubstr("client-not-arrived"));
  EXPECT_THAT(findings(), HasSubstr("got, 2 times in"));
  EXPECT_THAT(findings(), HasSubstr("broker.inside:9092"));
  TestClient& arrived = node().connect(2, "PLAINTEXT", security::SecurityProtocol::kPlaintext, "10.0.0.5");
  FindCoordinatorRequest request;
  request.key = "g";
  arrived.ask<FindCoordinatorResponse>(request, 3);
  EXPECT_THAT(findings(), Not(HasSubstr("client-not-arrived")));
}

TEST_P(DoctorTest, NotesWhoIsRefusedForItsVersion) {
  TestClient& client = node().connect(0, "PLAINTEXT", security::SecurityProtocol::kPlaintext, "10.0.0.6");
  client.start(MetadataRequest(), 99);
  EXPECT_TRUE(client.closed());
  EXPECT_THAT(findings(), HasSubstr("client-version"));
  EXPECT_THAT(findings(), HasSubstr("Metadata version 99 is not supported"));
}

TEST_P(DoctorTest, NotesAFailedHandshake) {
  node().node().sessions().on_failed_handshake(0, {.peer_host = "10.0.0.7"}, "unknown certificate authority");
  EXPECT_THAT(findings(), HasSubstr("client-tls"));
  EXPECT_THAT(findings(), HasSubstr("unknown certificate authority"));
}

TEST_P(DoctorTest, NotesAFetchThatWaitsForMoreThanThereIs) {
  produce("t", 0, {"few bytes"});
  FetchRequest request = fetch_request("t", 0, 0, 2000);
  request.min_bytes = 100'000;
  client().start(request, 12);
  EXPECT_THAT(findings(), Not(HasSubstr("fetch-waits")));
  node().advance(2000);
  client().take<FetchResponse>(12);
  EXPECT_THAT(findings(), HasSubstr("fetch-waits"));
  EXPECT_THAT(findings(), HasSubstr("waited for 100000 bytes"));
}

TEST_P(DoctorTest, SeesRecordsOfTheFuture) {
  const int64_t far_ms = node().clock().wall_ms() + Symptoms::kFarFuture_ms;
  create_topic("patient", 1, {{"message.timestamp.after.max.ms", "86400000"}});
  produce_batch("patient", 0, batch_of({"early"}, far_ms));
  EXPECT_THAT(findings(), Not(HasSubstr("timestamps-ahead")));
  produce_batch("patient", 0, batch_of({"early"}, far_ms + 1000));
  EXPECT_THAT(findings(), HasSubstr("timestamps-ahead"));
  produce_batch("t", 0, batch_of({"early"}, far_ms + 1000));
  EXPECT_THAT(findings(), HasSubstr("client-clock"));
}

TEST_P(DoctorTest, SeesTheMemberThatDoesNotJoinAgain) {
  const std::string member = new_member(client(), "g");
  client().start(join_request("g", member), kJoinVersion);
  auto joined = client().take<JoinGroupResponse>(kJoinVersion);
  ASSERT_EQ(joined.error_code, ErrorCode::kNone);
  SyncGroupRequest sync = sync_request("g", member, joined.generation_id);
  sync.assignments.push_back({member, "all"});
  client().ask<SyncGroupResponse>(sync, kSyncVersion);
  TestClient& second = node().connect(0);
  second.start(join_request("g", new_member(second, "g")), kJoinVersion);
  EXPECT_THAT(findings(), Not(HasSubstr("rebalance-waits")));
  node().advance(kLong_ms);
  EXPECT_THAT(findings(), HasSubstr("rebalance-waits"));
  EXPECT_THAT(findings(), HasSubstr("JoinGroup): " + member));
}

}  // namespace
}  // namespace milena::broker::broker_test
