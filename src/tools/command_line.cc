#include "tools/command_line.h"

#include <fmt/format.h>

namespace milena {
namespace {

constexpr char kHelp[] =
    R"(Milena: a broker for Apache Kafka's clients and tools, in one program.

Usage: milena [FILE] [--override KEY=VALUE]...
       milena config [--all] [FILE] [--override KEY=VALUE]...
       milena health [HOST:PORT]
       milena topics | api-versions | storage ...

  FILE                  settings: a server.properties as Kafka reads it, or the same
                        keys in a .yaml file
  --override KEY=VALUE  one setting; may be given several times
  config                prints the settings that hold and where each came from; --all
                        with the defaults
  health                ends with 0 if the broker answers at its own first listener, or
                        at HOST:PORT
  topics, api-versions, storage
                        for machines without Kafka's scripts: the everyday part of
                        kafka-topics.sh, kafka-broker-api-versions.sh, kafka-storage.sh,
                        with their options
  --help, --version

Nothing needs to be set. By default
  - it listens on port 9092 of every address, for clients without TLS or passwords;
  - it tells clients to come back to the address they came to (advertised.listeners=auto);
  - it keeps its data in {} (log.dirs),
    in the files that Kafka itself would write;
  - topics are made when a client first asks for them, with one partition;
  - records are kept for seven days (log.retention.hours).

Settings come from, the later the stronger: FILE; the environment, as in Kafka's own image
(KAFKA_NUM_PARTITIONS=3 is num.partitions=3; CLUSTER_ID); --override.

Examples
  milena
  milena --override listeners=PLAINTEXT://:19092 --override log.dirs=/srv/milena
  milena /etc/milena/server.properties --override num.partitions=3
  KAFKA_LISTENERS=PLAINTEXT://:19092 milena config

Then, with the programs you have:
  echo hello | kcat -b localhost:9092 -P -t greetings
  kcat -b localhost:9092 -C -t greetings -e
  kafka-topics.sh --bootstrap-server localhost:9092 --list

docs/configuration.md lists every setting and says which of them have an effect.
Stop it with Ctrl-C or SIGTERM; a second signal ends it at once.
)";

using Command = CommandLine::Command;

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
  if (first && word == "config") {
    line.command = Command::kConfig;
  } else if (first && word == "health") {
    line.command = Command::kHealth;
  } else if (line.command == Command::kHealth && word.find(':') != std::string::npos && line.address.empty()) {
    line.address = word;
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
  if (first == "topics" || first == "api-versions") {
    line.command = first == "topics" ? Command::kTopics : Command::kApiVersions;
    line.words = {words + 2, static_cast<size_t>(count - 2)};
    return line;
  }
  if (first == "storage") {
    parse_storage(count - 2, words + 2, line);
    return line;
  }
  for (int i = 1; i < count; i++) {
    std::string word = words[i];
    if (word == "--help" || word == "-h") {
      line.command = Command::kHelp;
    } else if (word == "--config-reference") {
      line.command = Command::kConfigReference;
    } else if (word == "--api-reference") {
      line.command = Command::kApiReference;
    } else if (word == "--version") {
      line.command = Command::kVersion;
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
      take_word(word, i == 1, line);
    }
  }
  return line;
}

std::string help_text() { return fmt::format(kHelp, default_data_directory()); }

}  // namespace milena
