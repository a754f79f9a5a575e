#include "tools/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace milena::tools {
namespace {

using Command = CommandLine::Command;
using testing::ElementsAre;
using testing::HasSubstr;

CommandLine parse_all(std::vector<const char*> words) {
  CommandLine line = parse_command_line(static_cast<int>(words.size()), words.data());
  line.words = {};  // they point into locals
  return line;
}

CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "milena");
  return parse_all(std::move(words));
}

TEST(CommandLine, WordsThatAreNoFilesAreNotTakenForFiles) {
  for (const char* word : {"produces", "eat", "topic", "Config", "9092", "localhost:9092"}) {
    CommandLine line = parse({word});
    EXPECT_THAT(line.mistake, HasSubstr("unknown command")) << word;
    EXPECT_THAT(line.mistake, HasSubstr(word));
  }
  EXPECT_THAT(parse({"topic"}).mistake, HasSubstr("Did you mean topics?"));
  EXPECT_THAT(parse({"helth"}).mistake, HasSubstr("Did you mean health?"));
  EXPECT_THAT(parse({"qwertzuiop"}).mistake, testing::Not(HasSubstr("Did you mean")));
  EXPECT_THAT(parse({"--override", "a=b", "eat"}).mistake, HasSubstr("unknown command"));
  EXPECT_THAT(parse({"config", "eat"}).mistake, HasSubstr("unknown command"));
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

TEST(CommandLine, AToolIsNamedByTheFirstWordOrByALink) {
  for (const char* command : {"topics", "api-versions", "storage", "kafka-topics", "kafka-topics.sh", "produce"}) {
    CommandLine line = parse({command, "--help"});
    EXPECT_EQ(line.command, Command::kTool) << command;
    ASSERT_NE(line.tool, nullptr);
  }
  for (const char* link : {"kafka-topics", "/opt/kafka/bin/kafka-topics.sh", "/usr/bin/rpk"}) {
    CommandLine line = parse_all({link, "--list"});
    EXPECT_EQ(line.command, Command::kTool) << link;
  }
  // A program that happens to have the name of a command still serves.
  EXPECT_EQ(parse_all({"/usr/bin/topics"}).command, Command::kServe);
}

TEST(CommandLine, HelpNamesTheCommandsWithinAScreen) {
  std::string text = help_text();
  for (const ToolCommand& command : tool_commands()) {
    if (command.summary != nullptr) {
      EXPECT_THAT(text, HasSubstr(command.summary));
    }
  }
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80u) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(CommandLine, WhatRedpandaIsStartedWithBecomesSettings) {
  const char* const words[] = {"redpanda",
                               "start",
                               "--mode",
                               "dev-container",
                               "--smp=1",
                               "--kafka-addr",
                               "internal://0.0.0.0:29092,OUTSIDE://0.0.0.0:9092",
                               "--advertise-kafka-addr",
                               "internal://kafka:29092,OUTSIDE://localhost:1234",
                               "--config",
                               "/no/such/file"};
  int code = -1;
  auto given = redpanda_words(words, code);
  ASSERT_TRUE(given.has_value());
  std::vector<const char*> pointers;
  for (const std::string& word : *given) pointers.push_back(word.c_str());
  CommandLine line = parse_all(pointers);
  EXPECT_EQ(line.mistake, "");
  EXPECT_EQ(line.command, Command::kServe);
  EXPECT_THAT(line.settings.overrides,
              ElementsAre("listeners=INTERNAL://0.0.0.0:29092,OUTSIDE://0.0.0.0:9092",
                          "listener.security.protocol.map=INTERNAL:PLAINTEXT,OUTSIDE:PLAINTEXT",
                          "advertised.listeners=INTERNAL://kafka:29092,OUTSIDE://localhost:1234",
                          "inter.broker.listener.name=INTERNAL", "log.dirs=/var/lib/redpanda/data"));
  EXPECT_THAT(line.say_when_ready, testing::Contains("Successfully started Redpanda!"));
  const char* const wrong[] = {"redpanda", "stop"};
  EXPECT_FALSE(redpanda_words(wrong, code).has_value());
  EXPECT_EQ(code, 2);
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

}  // namespace
}  // namespace milena::tools
