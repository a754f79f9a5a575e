#include "tools/command_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "config/config_def.h"

namespace milena::tools {
namespace {

constexpr char kHelp[] =
    R"(Milena: a broker for Apache Kafka's clients and tools, in one program.

Usage: milena [--env] [--dev-security] [FILE] [--override KEY=VALUE]...
       milena config [--all] [--env] [FILE] [--override KEY=VALUE]...
       milena health [--command-config FILE] [HOST:PORT | PORT]
       milena COMMAND ... (each with --help)
       milena help | version

  FILE                  settings: a server.properties as Kafka reads it, or the
                        same keys in a .yaml file
  --override KEY=VALUE  one setting; may be given several times
  --env                 the environment counts, too, as in Kafka's own image:
                        KAFKA_NUM_PARTITIONS=3 is num.partitions=3
  --dev-security        a secured broker in one step: makes certificates, users
                        with passwords, and files for clients, beside the data
  config                prints the settings that hold and where each came from;
                        --all with the defaults
  health                ends with 0 if the broker answers at its own first
                        listener, or at HOST:PORT, or at PORT of this machine;
                        --command-config names properties of a Java client

Commands, for Milena or Apache Kafka; without -b HOST:PORT they go to
localhost:9092:
{}
Kafka's scripts are commands as well: milena kafka-topics --help. A link to the
program by the name of a script (kafka-topics.sh, kafka-topics) is that script.

Nothing needs to be set. By default
  - it listens on port 9092 of every address, for clients without TLS and
    passwords;
  - it tells clients to come back to the address they came to
    (advertised.listeners=auto);
  - it keeps its data in {} (log.dirs),
    in the files that Kafka itself would write;
  - topics are made when a client first asks for them, with one partition;
  - records are kept for seven days (log.retention.hours).

Settings come from, the later the stronger: FILE; with --env, KAFKA_* and
CLUSTER_ID of the environment; --override.

Examples
  milena
  milena --override listeners=PLAINTEXT://:19092 --override log.dirs=/srv/milena
  milena /etc/milena/server.properties --override num.partitions=3
  KAFKA_LISTENERS=PLAINTEXT://:19092 milena config --env

Then, with the programs you have:
  echo hello | milena produce greetings
  milena cat greetings
  kcat -b localhost:9092 -C -t greetings -e

docs/configuration.md lists every setting and says which of them have an effect.
Stop it with Ctrl-C or SIGTERM; another one, two seconds later, ends it at once.
)";

using Command = CommandLine::Command;

struct KnownCommand {
  ByteView word;
  Command command;
};
constexpr KnownCommand kCommands[] = {
    {"config", Command::kConfig}, {"health", Command::kHealth},   {"help", Command::kHelp},
    {"version", Command::kVersion},
};

const KnownCommand* find_command(ByteView word) {
  for (const KnownCommand& command : kCommands) {
    if (command.word == word) return &command;
  }
  return nullptr;
}

bool is_help(ByteView word) {
  return word == "--help" || word == "-h";
}

std::string no_such_command(const std::string& word) {
  std::string meant;
  size_t nearest = std::max<size_t>(2, word.size() / 4) + 1;
  auto compare = [&](ByteView command) {
    size_t distance = config::edit_distance(word, command);
    if (distance >= nearest) return;
    nearest = distance;
    meant = fmt::format(" Did you mean {}?", command);
  };
  for (const KnownCommand& command : kCommands) compare(command.word);
  for (const ToolCommand& command : tool_commands()) compare(command.name);
  return fmt::format("{}: unknown command, and not a file of settings.{}", word, meant);
}

// A file of settings has a dot or a slash in its name, or exists. Anything else is an unknown command.
bool may_be_a_file(const std::string& word) {
  return word.find_first_of("./") != std::string::npos || posix_file_system().exists(word);
}

bool is_port(ByteView word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A word that is not an option.
void take_word(const std::string& word, bool first, CommandLine& line) {
  const KnownCommand* command = first ? find_command(word) : nullptr;
  bool is_health = line.command == Command::kHealth && line.address.empty();
  if (command != nullptr) {
    line.command = command->command;
  } else if (find_tool_command(word) != nullptr) {
    line.mistake = word + ": expected as the first word";
  } else if (is_health && is_port(word)) {
    line.address = "localhost:" + word;
  } else if (is_health && word.find(':') != std::string::npos) {
    line.address = word;
  } else if (!may_be_a_file(word)) {
    line.mistake = is_health ? word + ": expected HOST:PORT, PORT or a file of settings" : no_such_command(word);
  } else if (!line.settings.file.empty()) {
    line.mistake = word + ": expected one file of settings, found also " + line.settings.file;
  } else {
    line.settings.file = word;
  }
}

// Names of links that run a command.
bool is_link_name(const std::string& path) {
  ByteView name = ByteView(path).substr(path.rfind('/') + 1);
  return name.starts_with("kafka-") || name == "rpk" || name == "redpanda";
}

}  // namespace

CommandLine parse_command_line(int count, const char* const* words) {
  CommandLine line;
  // `milena kafka-topics ...`, or a link of that name.
  std::string name = count > 0 ? words[0] : "";
  line.tool = is_link_name(name) ? find_tool_command(name) : nullptr;
  int first = line.tool != nullptr ? 1 : 2;
  if (line.tool == nullptr && count > 1) line.tool = find_tool_command(words[1]);
  if (line.tool != nullptr) {
    line.command = Command::kTool;
    line.words = {words + first, static_cast<size_t>(count - first)};
    return line;
  }
  bool named = false;  // the command, or the file
  for (int i = 1; i < count; i++) {
    std::string word = words[i];
    if (is_help(word)) {
      line.command = Command::kHelp;
      return line;
    } else if (word == "--config-reference") {
      line.command = Command::kConfigReference;
    } else if (word == "--metric-reference") {
      line.command = Command::kMetricReference;
    } else if (word == "--api-reference") {
      line.command = Command::kApiReference;
    } else if (word == "--permission-reference") {
      line.command = Command::kPermissionReference;
    } else if (word == "--version") {
      line.command = Command::kVersion;
    } else if (word == "--dev-security") {
      line.dev_security = true;
    } else if (word == "--env") {
      line.environment = true;
    } else if (word == "--command-config" && line.command == Command::kHealth) {
      if (++i == count) line.mistake = "--command-config: expected a file";
      else line.client_config = words[i];
    } else if (word == "--all" && line.command == Command::kConfig) {
      line.all = true;
    } else if (word == "--say-when-ready" && i + 1 < count) {
      line.say_when_ready.push_back(words[++i]);
    } else if (word == "--override") {
      if (++i == count) line.mistake = "--override: expected KEY=VALUE";
      else line.settings.overrides.push_back(words[i]);
    } else if (word.starts_with("--override=")) {
      line.settings.overrides.push_back(word.substr(sizeof "--override=" - 1));
    } else if (word.starts_with("-")) {
      line.mistake = word + ": unknown option";
    } else {
      take_word(word, !named, line);
      named = true;
    }
    if (!line.mistake.empty()) break;
  }
  return line;
}

std::string help_text() {
  std::string commands;
  for (const ToolCommand& command : tool_commands()) {
    if (command.summary != nullptr) commands += fmt::format("  {:<21} {}\n", command.name, command.summary);
  }
  return fmt::format(kHelp, commands, config::default_data_directory());
}

}  // namespace milena::tools
