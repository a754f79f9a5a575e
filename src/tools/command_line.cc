#include "tools/command_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "config/config_def.h"

namespace milena {
namespace {

constexpr char kHelp[] =
    R"(Milena: a broker for Apache Kafka's clients and tools, in one program.

Usage: milena [--env] [FILE] [--override KEY=VALUE]...
       milena config [--all] [--env] [FILE] [--override KEY=VALUE]...
       milena health [HOST:PORT | PORT]
       milena cluster [--brokers N] [--dir DIRECTORY] [--port PORT] [--override KEY=VALUE]...
       milena topics | api-versions | storage ...
       milena help | version

  FILE                  settings: a server.properties as Kafka reads it, or the same
                        keys in a .yaml file
  --override KEY=VALUE  one setting; may be given several times
  --env                 the environment counts, too, as in Kafka's own image:
                        KAFKA_NUM_PARTITIONS=3 is num.partitions=3
  config                prints the settings that hold and where each came from; --all
                        with the defaults
  health                ends with 0 if the broker answers at its own first listener, or
                        at HOST:PORT, or at PORT of this machine
  cluster               starts several nodes on this machine as one cluster, shows what runs
                        where, and stops them with Ctrl-C (milena cluster --help)
  topics, api-versions, storage
                        for machines without Kafka's scripts: the everyday part of
                        kafka-topics.sh, kafka-broker-api-versions.sh, kafka-storage.sh,
                        with their options (milena topics --help); without
                        --bootstrap-server they go to localhost:9092

Nothing needs to be set. By default
  - it listens on port 9092 of every address, for clients without TLS or passwords;
  - it tells clients to come back to the address they came to (advertised.listeners=auto);
  - it keeps its data in {} (log.dirs),
    in the files that Kafka itself would write;
  - topics are made when a client first asks for them, with one partition;
  - records are kept for seven days (log.retention.hours).

Settings come from, the later the stronger: FILE; with --env, KAFKA_* and CLUSTER_ID of the
environment; --override.

Examples
  milena
  milena --override listeners=PLAINTEXT://:19092 --override log.dirs=/srv/milena
  milena /etc/milena/server.properties --override num.partitions=3
  KAFKA_LISTENERS=PLAINTEXT://:19092 milena config --env

Then, with the programs you have:
  echo hello | kcat -b localhost:9092 -P -t greetings
  kcat -b localhost:9092 -C -t greetings -e
  kafka-topics.sh --bootstrap-server localhost:9092 --list

docs/configuration.md lists every setting and says which of them have an effect.
Stop it with Ctrl-C or SIGTERM; another one, two seconds later, ends it at once.
)";

constexpr char kTopicsHelp[] =
    R"(Usage: milena topics [--bootstrap-server HOST:PORT] --list
       milena topics ... --describe [--topic NAME]
       milena topics ... --create --topic NAME [--partitions N]
                     [--replication-factor N] [--config KEY=VALUE]... [--if-not-exists]
       milena topics ... --delete --topic NAME [--if-exists]

The everyday part of kafka-topics.sh. Without --bootstrap-server it goes to localhost:9092.
)";

constexpr char kApiVersionsHelp[] =
    R"(Usage: milena api-versions [--bootstrap-server HOST:PORT]

What kafka-broker-api-versions.sh prints. Without --bootstrap-server it goes to localhost:9092.
)";

constexpr char kStorageHelp[] =
    R"(Usage: milena storage random-uuid
       milena storage format -t CLUSTER_ID [-c FILE] [--ignore-formatted] [--standalone]

What kafka-storage.sh does for a node that runs alone. A directory needs no formatting before
it is used; formatting decides the cluster's id.
)";

constexpr char kClusterHelp[] =
    R"(Usage: milena cluster [--brokers N] [--dir DIRECTORY] [--port PORT] [--override KEY=VALUE]...

Starts N nodes (3) on this machine, each in a process of its own, as one cluster. The first is
the controller, too. They listen on PORT (9092) and the ports behind it, keep their data below
DIRECTORY, and write what they log beside it. Topics have three replicas, or one on each node.
Ctrl-C stops them all.
)";

using Command = CommandLine::Command;

struct KnownCommand {
  ByteView word;
  Command command;
  const char* help;  // null: in the program's own
};
constexpr KnownCommand kCommands[] = {
    {"config", Command::kConfig, nullptr},       {"health", Command::kHealth, nullptr},
    {"topics", Command::kTopics, kTopicsHelp},   {"api-versions", Command::kApiVersions, kApiVersionsHelp},
    {"cluster", Command::kCluster, kClusterHelp},
    {"storage", Command::kFormat, kStorageHelp}, {"help", Command::kHelp, nullptr},
    {"version", Command::kVersion, nullptr},
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
  for (const KnownCommand& command : kCommands) {
    size_t distance = edit_distance(word, command.word);
    if (distance >= nearest) continue;
    nearest = distance;
    meant = fmt::format(" Did you mean {}?", command.word);
  }
  return fmt::format("{}: no such command, and no file of settings.{}", word, meant);
}

// A file of settings has a dot or a slash in its name, or is there. Anything else is a command that somebody expected.
bool may_be_a_file(const std::string& word) {
  return word.find_first_of("./") != std::string::npos || posix_file_system().exists(word);
}

bool is_port(ByteView word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// kafka-storage.sh takes more than this; what concerns clusters of several nodes has no meaning here.
void parse_storage(int count, const char* const* words, CommandLine& line) {
  std::string what = count > 0 ? words[0] : "";
  if (what == "random-uuid") {
    line.command = Command::kRandomUuid;
    return;
  }
  if (what != "format") {
    line.mistake = "storage: expected random-uuid or format";
    return;
  }
  line.command = Command::kFormat;
  for (int i = 1; i < count; i++) {
    std::string word = words[i];
    bool more = i + 1 < count;
    if ((word == "-t" || word == "--cluster-id") && more) {
      line.cluster_id = words[++i];
    } else if ((word == "-c" || word == "--config") && more) {
      line.settings.file = words[++i];
    } else if (word == "-g" || word == "--ignore-formatted") {
      line.ignore_formatted = true;
    } else if (word == "-s" || word == "--standalone" || word == "-N" || word == "--no-initial-controllers") {
      continue;
    } else {
      line.mistake = "storage format " + word + ": expected -t CLUSTER_ID, -c FILE, --ignore-formatted or --standalone";
    }
  }
}

// A word that is no option.
void take_word(const std::string& word, bool first, CommandLine& line) {
  const KnownCommand* command = first ? find_command(word) : nullptr;
  bool is_health = line.command == Command::kHealth && line.address.empty();
  if (command != nullptr && command->help == nullptr) {
    line.command = command->command;
  } else if (command != nullptr) {
    line.mistake = word + ": expected as the first word";
  } else if (is_health && is_port(word)) {
    line.address = "localhost:" + word;
  } else if (is_health && word.find(':') != std::string::npos) {
    line.address = word;
  } else if (!may_be_a_file(word)) {
    line.mistake = is_health ? word + ": expected HOST:PORT, PORT or a file of settings" : no_such_command(word);
  } else if (!line.settings.file.empty()) {
    line.mistake = word + ": expected one file, and have " + line.settings.file + " already";
  } else {
    line.settings.file = word;
  }
}

}  // namespace

CommandLine parse_command_line(int count, const char* const* words) {
  CommandLine line;
  std::string first = count > 1 ? words[1] : "";
  const KnownCommand* own = find_command(first);
  if (own != nullptr && own->help != nullptr && std::any_of(words + 2, words + count, is_help)) {
    line.command = Command::kHelp;
    line.help = own->help;
    return line;
  }
  if (first == "topics" || first == "api-versions" || first == "cluster") {
    line.command = own->command;
    line.words = {words + 2, static_cast<size_t>(count - 2)};
    return line;
  }
  if (first == "storage") {
    parse_storage(count - 2, words + 2, line);
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
    } else if (word == "--api-reference") {
      line.command = Command::kApiReference;
    } else if (word == "--version") {
      line.command = Command::kVersion;
    } else if (word == "--env") {
      line.environment = true;
    } else if (word == "--all" && line.command == Command::kConfig) {
      line.all = true;
    } else if (word == "--override") {
      if (++i == count) line.mistake = "--override: expected KEY=VALUE behind it";
      else line.settings.overrides.push_back(words[i]);
    } else if (word.starts_with("--override=")) {
      line.settings.overrides.push_back(word.substr(sizeof "--override=" - 1));
    } else if (word.starts_with("-")) {
      line.mistake = word + ": no such option";
    } else {
      take_word(word, !named, line);
      named = true;
    }
    if (!line.mistake.empty()) break;
  }
  return line;
}

std::string help_text() { return fmt::format(kHelp, default_data_directory()); }

}  // namespace milena
