#include "security/jaas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace milena::security {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string error_of(ByteView text) {
  Result<JaasEntry> entry = parse_jaas(text);
  return entry.ok() ? "no error" : entry.error().message;
}

TEST(JaasTest, ALineAsKafkaDocumentsIt) {
  Result<JaasEntry> entry = parse_jaas(
      "org.apache.kafka.common.security.plain.PlainLoginModule required \\\n"
      "  username=\"admin\" password='admin-secret' user_admin=\"admin-secret\" /* and */ "
      "user_a1=plain-word_1.2; // end");
  // The properties file removes the backslash; here it is a mistake.
  EXPECT_FALSE(entry.ok());
  entry = parse_jaas(
      "org.apache.kafka.common.security.plain.PlainLoginModule REQUIRED\n"
      "  username=\"admin\" password='admin-secret' user_admin=\"admin-secret\" /* and */ "
      "user_a1=plain-word_1.2; // end");
  ASSERT_TRUE(entry.ok()) << entry.error().message;
  EXPECT_EQ(entry->module, "org.apache.kafka.common.security.plain.PlainLoginModule");
  EXPECT_EQ(entry->flag, "REQUIRED");
  EXPECT_EQ(entry->options["username"], "admin");
  EXPECT_EQ(entry->options["password"], "admin-secret");
  EXPECT_EQ(entry->options["user_a1"], "plain-word_1.2");
  EXPECT_EQ(entry->options.size(), 4u);
}

TEST(JaasTest, EscapesWithinQuotes) {
  Result<JaasEntry> entry = parse_jaas(R"(M required a="x\"y\\z" b="\t\101\q" c='"' d="a;b=c//d";)");
  ASSERT_TRUE(entry.ok()) << entry.error().message;
  EXPECT_EQ(entry->options["a"], "x\"y\\z");
  EXPECT_EQ(entry->options["b"], "\tAq");
  EXPECT_EQ(entry->options["c"], "\"");
  EXPECT_EQ(entry->options["d"], "a;b=c//d");
}

TEST(JaasTest, MistakesAreNamed) {
  EXPECT_THAT(error_of(""), HasSubstr("login module is missing"));
  EXPECT_THAT(error_of("Module"), HasSubstr("control flag"));
  EXPECT_THAT(error_of("Module requird;"), HasSubstr("control flag"));
  EXPECT_THAT(error_of("Module required user_a=\"x\""), HasSubstr("semicolon"));
  EXPECT_THAT(error_of("Module required user_a \"x\";"), HasSubstr("option 1 lacks '='"));
  EXPECT_THAT(error_of("Module required a=b user_a=\"x;"), HasSubstr("option 2 has no closing quote"));
  EXPECT_THAT(error_of("Module required a=3000;"), HasSubstr("quote it if"));
  EXPECT_THAT(error_of("Module required a=b; Other required;"), HasSubstr("expected a single login module"));
  EXPECT_THAT(error_of("required"), HasSubstr("control flag"));
}

// Wherever the line is cut or a letter is lost, the error does not contain its text.
TEST(JaasTest, ErrorsHoldNothingOfTheLine) {
  const std::string line = "Module required username=\"hidden1\" password=\"hidden2\" user_hidden3=\"hidden4\";";
  for (size_t i = 0; i < line.size(); i++) {
    EXPECT_THAT(error_of(line.substr(0, i)), Not(HasSubstr("hidden"))) << i;
    std::string lost = line;
    lost.erase(i, 1);
    EXPECT_THAT(error_of(lost), Not(HasSubstr("hidden"))) << i;
    lost = line;
    lost.insert(i, "\"");
    EXPECT_THAT(error_of(lost), Not(HasSubstr("hidden"))) << i;
  }
}

}  // namespace
}  // namespace milena::security
