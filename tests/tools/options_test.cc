#include "tools/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/commands.h"

namespace milena::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Given {
  bool flag = false;
  std::string text;
  std::vector<std::string> texts, words;
  std::optional<std::string> maybe;
  std::optional<int64_t> number;
  std::optional<int> code;
};

Given parse(Options::Style style, std::vector<const char*> words) {
  Given given;
  Options options(style, "tool", "Does it.", "[options]");
  options.flag("--list", given.flag, "Lists.");
  options.text("-t,--topic", given.text, "topic", "A topic.");
  options.texts("--config", given.texts, "k=v", "Configs.");
  options.maybe_text("--state", given.maybe, "state", "A state.");
  options.number("--offset", given.number, "n", "A number.");
  options.words("file", given.words, "Files.");
  given.code = options.parse(words);
  return given;
}

TEST(Options, ValuesComeInBothForms) {
  Given given = parse(Options::Style::kOwn, {"--topic=a", "--config", "x=1", "--config=y=2", "--list", "one", "two"});
  EXPECT_FALSE(given.code.has_value());
  EXPECT_EQ(given.text, "a");
  EXPECT_THAT(given.texts, ElementsAre("x=1", "y=2"));
  EXPECT_THAT(given.words, ElementsAre("one", "two"));
  EXPECT_TRUE(given.flag);
}

TEST(Options, ANegativeNumberIsAValue) {
  EXPECT_EQ(parse(Options::Style::kOwn, {"--offset", "-5"}).number, -5);
  EXPECT_EQ(parse(Options::Style::kOwn, {"--offset=-5"}).number, -5);
  EXPECT_EQ(parse(Options::Style::kOwn, {"--topic", "-10m"}).text, "-10m");
}

TEST(Options, AValueMayBeMissingWhereItMay) {
  EXPECT_EQ(parse(Options::Style::kKafka, {"--state"}).maybe, "");
  EXPECT_EQ(parse(Options::Style::kKafka, {"--state", "--list"}).maybe, "");
  EXPECT_EQ(parse(Options::Style::kKafka, {"--state", "Stable"}).maybe, "Stable");
  EXPECT_EQ(parse(Options::Style::kKafka, {"--list"}).maybe, std::nullopt);
}

TEST(Options, ABeginningIsNoOption) {
  EXPECT_EQ(parse(Options::Style::kKafka, {"--top", "a"}).code, 1);
  EXPECT_EQ(parse(Options::Style::kOwn, {"--top", "a"}).code, kUsageMistake);
}

TEST(Options, MistakesEndWithACodeOfTheirOwn) {
  EXPECT_EQ(parse(Options::Style::kOwn, {"--nonsense"}).code, kUsageMistake);
  EXPECT_EQ(parse(Options::Style::kOwn, {"--topic"}).code, kUsageMistake);
  EXPECT_EQ(parse(Options::Style::kOwn, {"--offset", "many"}).code, kUsageMistake);
  EXPECT_EQ(parse(Options::Style::kKafka, {"--nonsense"}).code, 1);
  EXPECT_EQ(parse(Options::Style::kKafka, {"--help"}).code, 0);
}

// Every command supports --help, within 80 columns, and shell completion.
TEST(Options, HelpOfEveryCommandFitsAScreen) {
  for (const ToolCommand& command : tool_commands()) {
    const std::vector<const char*> help = {"--help"};
    if (command.run == nullptr) continue;
    testing::internal::CaptureStdout();
    EXPECT_EQ(command.run(help), 0) << command.name;
    std::fflush(stdout);
    std::string text = testing::internal::GetCapturedStdout();
    EXPECT_THAT(text, HasSubstr("Usage: ")) << command.name;
    const bool teaches = command.summary == nullptr || text.find("\nExamples\n") != std::string::npos;
    EXPECT_TRUE(teaches) << command.name;
    for (size_t begin = 0; begin < text.size();) {
      size_t end = text.find('\n', begin);
      EXPECT_LE(end - begin, 80u) << command.name << ": " << text.substr(begin, end - begin);
      begin = end + 1;
    }
  }
}

}  // namespace
}  // namespace milena::tools
