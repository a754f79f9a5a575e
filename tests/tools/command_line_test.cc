#include "tools/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tools/words.h"

namespace milena {
namespace {

using Command = CommandLine::Command;
using testing::ElementsAre;
using testing::HasSubstr;

CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "milena");
  CommandLine line = parse_command_line(static_cast<int>(words.size()), words.data());
  line.words = {};  // they point into what ends here
  return line;
}

TEST(CommandLine, WordsThatAreNoFilesAreNotTakenForFiles) {
  for (const char* word : {"produce", "consume", "topic", "Config", "9092", "localhost:9092"}) {
    CommandLine line = parse({word});
    EXPECT_THAT(line.mistake, HasSubstr("no such command")) << word;
    EXPECT_THAT(line.mistake, HasSubstr(word));
  }
  EXPECT_THAT(parse({"topic"}).mistake, HasSubstr("Did you mean topics?"));
  EXPECT_THAT(parse({"helth"}).mistake, HasSubstr("Did you mean health?"));
  EXPECT_THAT(parse({"qwertzuiop"}).mistake, testing::Not(HasSubstr("Did you mean")));
  EXPECT_THAT(parse({"--override", "a=b", "produce"}).mistake, HasSubstr("no such command"));
  EXPECT_THAT(parse({"config", "produce"}).mistake, HasSubstr("no such command"));
  EXPECT_THAT(parse({"--env", "topics"}).mistake, HasSubstr("expected as the first word"));
  for (const char* file : {"server.properties", "./settings", "/etc/kafka", "a.yaml"}) {
    CommandLine line = parse({file});
    EXPECT_EQ(line.mistake, "") << file;
    EXPECT_EQ(line.command, Command::kServe);
    EXPECT_EQ(line.settings.file, file);
  }
}

TEST(CommandLine, HelpAndVersionAreWordsToo) {
  EXPECT_EQ(parse({"help"}).command, Command::kHelp);
  EXPECT_EQ(parse({"--help"}).command, Command::kHelp);
  EXPECT_EQ(parse({"version"}).command, Command::kVersion);
  EXPECT_EQ(parse({"--version"}).command, Command::kVersion);
  EXPECT_EQ(parse({"config", "--help"}).command, Command::kHelp);
  EXPECT_EQ(parse({"health", "-h"}).command, Command::kHelp);
}

TEST(CommandLine, CommandsHaveHelpOfTheirOwn) {
  for (const char* command : {"topics", "api-versions", "storage"}) {
    CommandLine line = parse({command, "--help"});
    EXPECT_EQ(line.command, Command::kHelp) << command;
    EXPECT_EQ(line.mistake, "");
    EXPECT_THAT(line.help, HasSubstr(std::string("Usage: milena ") + command));
  }
  EXPECT_EQ(parse({"storage", "format", "--help"}).command, Command::kHelp);
  EXPECT_EQ(parse({"topics", "--list"}).command, Command::kTopics);
}

TEST(CommandLine, HealthTakesAPort) {
  EXPECT_EQ(parse({"health", "9092"}).address, "localhost:9092");
  EXPECT_EQ(parse({"health", "kafka:9092"}).address, "kafka:9092");
  EXPECT_EQ(parse({"health", "server.properties"}).settings.file, "server.properties");
  EXPECT_THAT(parse({"health", "kafka"}).mistake, HasSubstr("expected HOST:PORT, PORT or"));
  CommandLine line = parse({"health", "--env"});
  EXPECT_EQ(line.command, Command::kHealth);
  EXPECT_TRUE(line.environment);
}

TEST(CommandLine, OverridesComeInBothForms) {
  CommandLine line = parse({"--override", "a=b", "--override=c=d", "x.properties"});
  EXPECT_EQ(line.mistake, "");
  EXPECT_THAT(line.settings.overrides, ElementsAre("a=b", "c=d"));
  EXPECT_FALSE(line.environment);
  EXPECT_THAT(parse({"--override"}).mistake, HasSubstr("expected KEY=VALUE"));
}

TEST(ToolWords, WithoutAServerTheyGoToTheUsualOne) {
  auto client = ToolWords({}, {"--bootstrap-server"}, {}).connect();
  // Whether anything listens there is the machine's affair.
  if (!client.ok()) {
    EXPECT_THAT(client.error().message, HasSubstr("localhost:9092"));
  }
  const char* const empty[] = {"--bootstrap-server="};
  auto nowhere = ToolWords(empty, {"--bootstrap-server"}, {}).connect();
  ASSERT_FALSE(nowhere.ok());
  EXPECT_THAT(nowhere.error().message, HasSubstr("expected host:port"));
}

}  // namespace
}  // namespace milena
