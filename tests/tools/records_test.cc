// Reading and writing records in commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/kafka/offset_reset.h"
#include "tools/output.h"
#include "tools/own/own.h"
#include "tools/records/line_format.h"
#include "tools/records/record_json.h"
#include "tools/seed/declared_topics.h"

namespace milena::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using namespace std::string_literals;

TEST(PartitionOfKey, IsThatOfKafkasClients) {
  // Kafka's Utils.murmur2 of these, from its own test: 21 -> -973932308, foobar -> -790332482, abc -> 479470107.
  EXPECT_EQ(partition_of_key("21", INT32_MAX), (-973932308 & INT32_MAX) % INT32_MAX);
  EXPECT_EQ(partition_of_key("foobar", 1000), (-790332482 & INT32_MAX) % 1000);
  EXPECT_EQ(partition_of_key("a-little-bit-long-string", 1000), (-985981536 & INT32_MAX) % 1000);
  EXPECT_EQ(partition_of_key("abc", 1000), 479470107 % 1000);
}

TEST(LineParser, TakesHeadersKeyAndValueApart) {
  auto parser =
      LineParser::from_properties({{"parse.key", "true"}, {"parse.headers", "true"}, {"null.marker", "NULL"}});
  ASSERT_TRUE(parser.ok());
  auto record = parser->parse("h1:v1,h2:NULL\tkey\tvalue\twith more", 1);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->key, "key");
  EXPECT_EQ(record->value, "value\twith more");
  EXPECT_THAT(record->headers, ElementsAre(Pair("h1", "v1"), Pair("h2", std::nullopt)));
  EXPECT_EQ(parser->parse("NULL\tk\tNULL", 2)->value, std::nullopt);
  EXPECT_THAT(parser->parse("h:v\tno value", 3).error().message, HasSubstr("No key separator found on line number 3"));
  EXPECT_THAT(parser->parse("h\tk\tv", 4).error().message, HasSubstr("No header key separator found in pair 'h'"));
}

TEST(LineParser, MarksThatCannotBeToldApartAreRefused) {
  EXPECT_FALSE(LineParser::from_properties({{"headers.delimiter", ","}}).ok());
  EXPECT_FALSE(LineParser::from_properties({{"key.separator", "x"}, {"null.marker", "x"}}).ok());
  EXPECT_FALSE(LineParser::from_properties({{"headers.separator", ""}}).ok());
}

FetchedRecord some_record() {
  FetchedRecord record;
  record.topic = "t";
  record.partition = 2;
  record.offset = 7;
  record.timestamp_ms = 1700000000123;
  record.key = "k";
  record.value = "v";
  record.headers = {{"a", "1"}, {"b", std::nullopt}};
  return record;
}

TEST(LineFormatter, ColumnsAreKafkas) {
  auto all = LineFormatter::from_properties("", {{"print.timestamp", "true"},
                                                 {"print.partition", "true"},
                                                 {"print.offset", "true"},
                                                 {"print.headers", "true"},
                                                 {"print.key", "true"}});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(*all->format(some_record()), "CreateTime:1700000000123\tPartition:2\tOffset:7\ta:1,b:null\tk\tv\n");
  FetchedRecord empty;
  auto plain = LineFormatter::from_properties("", {{"print.key", "true"}, {"print.headers", "true"}});
  EXPECT_EQ(*plain->format(empty), "NO_HEADERS\tnull\tnull\n");
  auto nothing = LineFormatter::from_properties("kafka.tools.NoOpMessageFormatter", {});
  EXPECT_EQ(*nothing->format(some_record()), "");
}

TEST(LineFormatter, NumbersAreReadAsKafkasDeserializersRead) {
  auto lines = LineFormatter::from_properties(
      "", {{"value.deserializer", "org.apache.kafka.common.serialization.LongDeserializer"}});
  ASSERT_TRUE(lines.ok());
  FetchedRecord record;
  record.value = "\0\0\0\0\0\0\1\2"s;
  std::string bytes = "\0\0\0\0\0\0\1\2"s;
  record.value = bytes;
  EXPECT_EQ(*lines->format(record), "258\n");
  record.value = "short";
  EXPECT_FALSE(lines->format(record).ok());
  EXPECT_FALSE(LineFormatter::from_properties("", {{"key.deserializer", "x.Y"}}).ok());
  EXPECT_EQ(java_double(1024), "1024.0");
  EXPECT_EQ(java_double(1.5), "1.5");
  EXPECT_EQ(java_double(1e10), "1.0E10");
  EXPECT_EQ(java_double(12345678), "1.2345678E7");
}

TEST(RecordJson, GoesBothWays) {
  std::string text = record_to_json(some_record());
  EXPECT_EQ(text, R"({"topic":"t","partition":2,"offset":7,"timestamp":1700000000123,"key":"k","value":"v",)"
                  R"("headers":[["a","1"],["b",null]]})");
  auto record = record_from_json(text, 1);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->key, "k");
  EXPECT_EQ(record->partition, 2);
  EXPECT_EQ(record->timestamp_ms, 1700000000123);
  EXPECT_THAT(record->headers, ElementsAre(Pair("a", "1"), Pair("b", std::nullopt)));
}

TEST(RecordJson, BytesThatAreNoTextSurvive) {
  for (const std::string& bytes : {"\xff\x00\x10"s, "\xc0\xaf"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "a\xff"s}) {
    FetchedRecord record;
    record.value = bytes;
    std::string text = record_to_json(record);
    EXPECT_THAT(text, HasSubstr("base64"));
    EXPECT_EQ(record_from_json(text, 1)->value, bytes);
  }
  FetchedRecord record;
  record.value = "\xc3\xa4\xe2\x82\xac\"\\\n\x01";
  EXPECT_EQ(record_from_json(record_to_json(record), 1)->value, *record.value);
}

TEST(RecordJson, WhatIsNoRecordIsRefusedWithItsLine) {
  EXPECT_THAT(record_from_json("nonsense", 3).error().message, HasSubstr("line 3"));
  EXPECT_FALSE(record_from_json("[1]", 1).ok());
  EXPECT_FALSE(record_from_json(R"({"partition":-1})", 1).ok());
  EXPECT_FALSE(record_from_json(R"({"vlaue":"x"})", 1).ok());
  EXPECT_FALSE(record_from_json(R"({"value":{"base64":"*"}})", 1).ok());
  EXPECT_EQ(record_from_json(R"({"value":{"a":1.5}})", 1)->value, R"({"a":1.5})");
}

TEST(DeclaredTopics, AreReadAsInTheEnvironment) {
  auto topics = parse_declared_topics("orders:3:1,users:1:1:compact\n  plain; half:2");
  ASSERT_TRUE(topics.ok());
  ASSERT_EQ(topics->size(), 4u);
  EXPECT_EQ((*topics)[0].partitions, 3);
  EXPECT_THAT((*topics)[1].configs, ElementsAre(Pair("cleanup.policy", "compact")));
  EXPECT_EQ((*topics)[2].partitions, -1);
  EXPECT_EQ((*topics)[3].replication_factor, -1);
  for (const char* wrong : {"a:x", "a:0", ":1", "a:1:1:compact:more", "a:1:99999"}) {
    EXPECT_FALSE(parse_declared_topics(wrong).ok()) << wrong;
  }
}

TEST(Times, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(*parse_time_ms("1700000000123"), 1700000000123);
  EXPECT_EQ(*parse_time_ms("2023-11-14T22:13:20Z"), 1700000000000);
  EXPECT_EQ(*parse_time_ms("2023-11-14T23:13:20.5+01:00"), 1700000000500);
  EXPECT_EQ(*parse_time_ms("1970-01-02"), 86'400'000);
  int64_t now = *parse_time_ms("now");
  EXPECT_NEAR(static_cast<double>(now - *parse_time_ms("-1h30m")), 5'400'000, 60'000);
  for (const char* wrong : {"", "-", "-10", "-10y", "yesterday", "2023-13-40T00:00:00", "-99999999999999999999d"}) {
    EXPECT_FALSE(parse_time_ms(wrong).ok()) << wrong;
  }
  EXPECT_EQ(parse_duration_ms("P1DT2H3M4.5S"), 93'784'500);
  EXPECT_EQ(parse_duration_ms("P7D"), 604'800'000);
  EXPECT_EQ(parse_duration_ms("1h"), std::nullopt);
  EXPECT_EQ(parse_duration_ms("PT"), std::nullopt);
}

TEST(Table, NumbersStandAtTheRight) {
  Table table({"TOPIC", "RECORDS"});
  table.row({"a", "5"});
  table.row({"longer", "12345678"});
  EXPECT_EQ(table.text(), "TOPIC    RECORDS\na              5\nlonger  12345678\n");
  EXPECT_EQ(table.json(),
            "[\n  {\"topic\": \"a\", \"records\": 5},\n  {\"topic\": \"longer\", \"records\": 12345678}\n]\n");
}

}  // namespace
}  // namespace milena::tools
