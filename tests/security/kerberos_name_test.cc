#include "security/kerberos_name.h"

#include <gtest/gtest.h>

namespace milena::security {
namespace {

std::string short_name(const std::vector<Bytes>& rules, const std::string& principal) {
  auto names = KerberosNames::parse(rules);
  EXPECT_TRUE(names.ok()) << names.error().message;
  return names->short_name(principal, "REALM").value_or("(none)");
}

TEST(KerberosNameTest, TheDefaultRuleTakesTheOwnRealm) {
  EXPECT_EQ(short_name({"DEFAULT"}, "alice@REALM"), "alice");
  EXPECT_EQ(short_name({"DEFAULT"}, "kafka/host.example@REALM"), "kafka");
  EXPECT_EQ(short_name({"DEFAULT"}, "alice@OTHER"), "(none)");
  EXPECT_EQ(short_name({}, "alice@REALM"), "(none)");
}

// The examples of Kafka's and Hadoop's documents.
TEST(KerberosNameTest, RulesAreTriedInOrder) {
  const std::vector<Bytes> rules = {"RULE:[1:$1](App\\..*)s/App\\.(.*)/$1/g", "RULE:[2:$1](App\\..*)s/App\\.(.*)/$1/g",
                                    "RULE:[1:$1@$0](.*@OTHER)s/@.*//", "RULE:[2:$1/$2@$0](hdfs/.*)s/.*/hdfs/",
                                    "DEFAULT"};
  EXPECT_EQ(short_name(rules, "App.service-name@REALM"), "service-name");
  EXPECT_EQ(short_name(rules, "App.service-name/example.com@REALM"), "service-name");
  EXPECT_EQ(short_name(rules, "bob@OTHER"), "bob");
  EXPECT_EQ(short_name(rules, "hdfs/node@OTHER"), "hdfs");
  EXPECT_EQ(short_name(rules, "carol@REALM"), "carol");
  EXPECT_EQ(short_name({"RULE:[1:$1]/L"}, "ALICE@REALM"), "alice");
  EXPECT_EQ(short_name({"RULE:[1:$1]/U"}, "alice@REALM"), "ALICE");
  EXPECT_EQ(short_name({"RULE:[1:$1](a.*)s/a/b//U"}, "alice@REALM"), "BLICE");
  // The result must be a name.
  EXPECT_EQ(short_name({"RULE:[1:$1@$0]"}, "alice@REALM"), "(none)");
  EXPECT_EQ(short_name({"RULE:[1:$3]", "DEFAULT"}, "alice@REALM"), "alice");
}

TEST(KerberosNameTest, OddRulesAreRefused) {
  for (const char* rule : {"", "default", "RULE:", "RULE:[x:$1]", "RULE:[1:$1", "RULE:[1:$1](a", "RULE:[1:$1](*)s/a/b/",
                           "RULE:[1:$1]s/a/b"}) {
    EXPECT_FALSE(KerberosNames::parse({rule}).ok()) << rule;
  }
}

}  // namespace
}  // namespace milena::security
