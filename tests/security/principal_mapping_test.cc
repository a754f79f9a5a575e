#include "security/principal_mapping.h"

#include <gtest/gtest.h>

namespace milena::security {
namespace {

struct Mapped {
  const char* rules;
  const char* subject;
  const char* principal;  // null: no rule applies
};

// The right column has the results of Kafka 4.3's SslPrincipalMapper.
constexpr Mapped kMapped[] = {
    {"DEFAULT", "CN=a,OU=b", "CN=a,OU=b"},
    {"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,DEFAULT", "CN=kafka,OU=ServiceUsers,O=Unknown", "kafka"},
    {"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,DEFAULT", "CN=kafka,OU=Other", "CN=kafka,OU=Other"},
    {"RULE:^CN=(.*?), *OU=(.*?),.*$/$1@$2/L", "CN=Duke,OU=JavaSoft,O=Sun", "duke@javasoft"},
    {"RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U", "O=x,CN=duke.a,OU=y", "DUKE.A"},
    {"RULE:^CN=(.*),OU=(.*)$/$1-$2-$3-$12/", "CN=a,OU=b", "a-b-$3-a2"},
    {"RULE:.*/x/", "CN=a", "xx"},
    {"RULE:CN=(.*?)/$1/", "CN=abc", "abc"},
    {"RULE:^CN=([^,]*)(,.*)?$/$1\\$2/", "CN=abc,O=d", "abc$2"},
    {" RULE:^CN=(a)\\/(b)$/$1 $2/ , DEFAULT ", "CN=a/b", "a b"},
    {"RULE:^CN=(.*?),OU=x$/a,b/", "CN=q,OU=x", "a,b"},
    {"RULE:nothing/x/", "CN=a", nullptr},
    {"", "CN=a", nullptr},
    {",,DEFAULT", "CN=a", "CN=a"},
    {"RULE:(a)(b)?/$1[$2]/", "a", "a[]"},
    {"RULE:^CN=(.*)$/$0/", "CN=Z", "CN=Z"},
    {"RULE:^CN=(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)$/$11$10$1/", "CN=abcdefghijk", "kja"},
};

TEST(PrincipalMapping, NamesAsKafkaDoes) {
  for (const Mapped& each : kMapped) {
    Result<PrincipalMapping> mapping = PrincipalMapping::parse(each.rules);
    ASSERT_TRUE(mapping.ok()) << each.rules << ": " << mapping.error().message;
    const std::optional<Bytes> expected =
        each.principal == nullptr ? std::nullopt : std::optional<Bytes>(each.principal);
    EXPECT_EQ(mapping->name_of(each.subject), expected) << each.rules;
  }
}

// Kafka refuses all but the last three at its start, and those when a client connects.
TEST(PrincipalMapping, RefusesWhatIsNoRule) {
  for (const char* rules : {"RULE:a/b/Lxyz", "DEFAULTS", "RULE:a/b", "RULE:(/x/", "rule:a/b/", "RULE:a/b/L/c",
                            "DEFAULT RULE:a/b/", "RULE:a/$x/", "RULE:a/$1/", "RULE:a/\\"}) {
    EXPECT_FALSE(PrincipalMapping::parse(rules).ok()) << rules;
  }
  EXPECT_EQ(PrincipalMapping::parse("DEFAULT,RULE:a/b").error().message,
            "RULE:a/b: expected DEFAULT or RULE:pattern/replacement/ with L, U or nothing");
}

TEST(PrincipalMapping, WithoutRulesTheNameStays) {
  EXPECT_EQ(PrincipalMapping().name_of("CN=x"), std::optional<Bytes>("CN=x"));
}

// A pattern that would take a backtracking matcher forever.
TEST(PrincipalMapping, HugeNamesAreMatchedInLinearTime) {
  Result<PrincipalMapping> mapping = PrincipalMapping::parse("RULE:^CN=(a+)+$/$1/");
  ASSERT_TRUE(mapping.ok());
  EXPECT_EQ(mapping->name_of("CN=" + Bytes(100'000, 'a') + "b"), std::nullopt);
  EXPECT_TRUE(mapping->name_of("CN=" + Bytes(100'000, 'a')).has_value());
}

}  // namespace
}  // namespace milena::security
