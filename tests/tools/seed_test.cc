#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "base/temp_directory.h"
#include "tools/seed/apply_seed.h"

namespace milena::tools {
namespace {

class SeedTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    const std::string path = directory_ + "/" + name;
    EXPECT_TRUE(posix_file_system().write_file_atomically(path, content, false).ok());
    return path;
  }
  Seed read(const std::string& content) {
    Result<Seed> seed = read_seed(write("seed.yaml", content));
    EXPECT_TRUE(seed.ok()) << (seed.ok() ? "" : seed.error().message);
    return seed.ok() ? seed.take() : Seed();
  }
  // The error, from the line and column on.
  std::string mistake(const std::string& content) {
    const std::string path = write("seed.yaml", content);
    Result<Seed> seed = read_seed(path);
    if (seed.ok()) return "nothing";
    const std::string& text = seed.error().message;
    return text.starts_with(path + ":") ? text.substr(path.size() + 1) : text;
  }

  TempDirectory temp_;
  const std::string& directory_ = temp_.path();
};

TEST_F(SeedTest, TopicsWithConfigsAndRecords) {
  write("orders.jsonl", "{\"key\":\"k\",\"value\":\"v\"}\n\n{\"value\":\"w\",\"topic\":\"elsewhere\"}\n");
  const Seed seed = read(
      "topics:\n"
      "  - plain\n"
      "  - {name: orders, partitions: 3, replicas: 2, configs: {cleanup.policy: compact}, records: orders.jsonl}\n"
      "  - name: greetings\n"
      "    records: [hello, {key: k, headers: {a: b}, partition: 1}]\n");
  ASSERT_EQ(seed.topics.size(), 3u);
  EXPECT_EQ(seed.topics[0].topic.name, "plain");
  EXPECT_EQ(seed.topics[0].topic.partitions, -1);
  EXPECT_EQ(seed.topics[1].topic.partitions, 3);
  EXPECT_EQ(seed.topics[1].topic.replication_factor, 2);
  EXPECT_EQ(seed.topics[1].topic.configs.at("cleanup.policy"), "compact");
  ASSERT_EQ(seed.topics[1].records.size(), 2u);
  EXPECT_EQ(seed.topics[1].records[0].key, "k");
  EXPECT_EQ(seed.topics[1].records[1].topic, "");  // it goes into the topic that contains it
  ASSERT_EQ(seed.topics[2].records.size(), 2u);
  EXPECT_EQ(seed.topics[2].records[0].value, "hello");
  EXPECT_EQ(seed.topics[2].records[1].value, std::nullopt);
  EXPECT_EQ(seed.topics[2].records[1].headers.at(0).first, "a");
  EXPECT_EQ(seed.topics[2].records[1].partition, 1);
}

TEST_F(SeedTest, UsersAclsAndQuotas) {
  write("shop.password", "shop-secret\nnot this\n");
  const Seed seed = read(
      "users:\n"
      "  - {name: alice, password: secret}\n"
      "  - {name: shop, password-file: shop.password, mechanisms: SCRAM-SHA-512}\n"
      "acls:\n"
      "  - {allow: [alice, 'User:bob'], operations: [read, describe], resources: ['topic:a', cluster]}\n"
      "  - {deny: '*', operations: all, resources: 'group:b', prefixed: true, host: 10.0.0.7}\n"
      "quotas:\n"
      "  - {user: alice, client-id: default, producer_byte_rate: 1048576}\n");
  ASSERT_EQ(seed.users.size(), 2u);
  EXPECT_EQ(seed.users[0].mechanisms.size(), 2u);
  EXPECT_EQ(seed.users[1].password, "shop-secret");
  EXPECT_EQ(seed.users[1].mechanisms, std::vector{security::ScramMechanism::kSha512});
  const AclResource topic{AclResourceType::kTopic, "a", AclPatternType::kLiteral};
  const AclResource groups{AclResourceType::kGroup, "b", AclPatternType::kPrefixed};
  ASSERT_EQ(seed.acls.size(), 3u);
  EXPECT_EQ(seed.acls.at(topic).size(), 4u);
  EXPECT_TRUE(seed.acls.at(topic).contains({"User:bob", "*", AclOperation::kRead, AclPermissionType::kAllow}));
  EXPECT_TRUE(seed.acls.at(groups).contains({"User:*", "10.0.0.7", AclOperation::kAll, AclPermissionType::kDeny}));
  ASSERT_EQ(seed.quotas.size(), 1u);
  ASSERT_EQ(seed.quotas[0].entities.size(), 2u);
  EXPECT_EQ(seed.quotas[0].entities[0].name, "alice");
  EXPECT_EQ(seed.quotas[0].entities[1].name, std::nullopt);
  EXPECT_EQ(seed.quotas[0].values.at("producer_byte_rate"), "1048576");
}

TEST_F(SeedTest, MistakesAreNamedWithTheirPlace) {
  EXPECT_EQ(mistake("topics:\n  - {name: a, partitions: 0}\n"),
            "2:27: partitions: 0: expected a number from 1 to 2147483647");
  EXPECT_EQ(mistake("topics:\n  - {partitions: 1}\n"), "2:5: name is missing");
  EXPECT_EQ(mistake("topic:\n  - a\n"), "1:1: a seed file: topic: expected one of topics, users, acls, quotas");
  EXPECT_EQ(mistake("topics: a\n"), "1:9: topics: expected a list");
  EXPECT_EQ(mistake("users:\n  - {name: a}\n"), "2:5: a: expected password or password-file");
  EXPECT_EQ(mistake("users:\n  - {name: a, password: p, mechanisms: PLAIN}\n"),
            "2:5: mechanisms: PLAIN: expected SCRAM-SHA-256 or SCRAM-SHA-512");
  EXPECT_EQ(mistake("acls:\n  - {allow: a, deny: b, operations: read, resources: cluster}\n"),
            "2:5: expected allow or deny, with a user");
  EXPECT_EQ(mistake("acls:\n  - {allow: a, operations: reed, resources: cluster}\n"),
            "2:28: operations: reed: expected read, write, ... or all");
  EXPECT_EQ(mistake("quotas:\n  - {producer_byte_rate: 1}\n"), "2:5: quotas: expected user, client-id or ip");
  EXPECT_EQ(mistake("topics:\n  - {\n"), "3:1: end of map flow not found");
  EXPECT_EQ(mistake(""), " the file is empty");
  const std::string missing = mistake("topics:\n  - {name: a, records: none.jsonl}\n");
  EXPECT_TRUE(missing.starts_with("2:24: records: ")) << missing;
  EXPECT_NE(missing.find("none.jsonl"), std::string::npos) << missing;
  write("bad.jsonl", "{\"value\":\"fine\"}\n{\"value\":\n");
  const std::string line = mistake("topics:\n  - {name: a, records: bad.jsonl}\n");
  EXPECT_TRUE(line.starts_with(directory_ + "/bad.jsonl: line 2")) << line;
}

TEST_F(SeedTest, AFileIsAppliedOnceUntilItChanges) {
  write("orders.jsonl", "{\"value\":\"1\"}\n");
  const std::string content = "topics: [{name: a, records: orders.jsonl}]\n";
  const Seed seed = read(content);
  EXPECT_FALSE(is_seed_applied(directory_, seed));
  ASSERT_TRUE(note_seed_applied(directory_, seed).ok());
  EXPECT_TRUE(is_seed_applied(directory_, read(content)));
  write("orders.jsonl", "{\"value\":\"2\"}\n");
  const Seed changed = read(content);
  EXPECT_FALSE(is_seed_applied(directory_, changed));
  ASSERT_TRUE(note_seed_applied(directory_, changed).ok());
  EXPECT_TRUE(is_seed_applied(directory_, changed));
  EXPECT_TRUE(is_seed_applied(directory_, seed));
}

}  // namespace
}  // namespace milena::tools
