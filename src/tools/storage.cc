// kafka-storage.sh for a node that runs alone. A directory needs no formatting before it is used; formatting decides
// the cluster's id.
#include <fmt/format.h>

#include <cstdio>

#include "base/file.h"
#include "base/uuid.h"
#include "config/settings.h"
#include "log/format/meta_properties.h"
#include "tools/commands.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

constexpr char kMetadataVersion[] = "4.3-IV0";

struct FormatOptions {
  Options options{Options::Style::kKafka, "kafka-storage.sh format", "Formats the directories of a node.",
                  "-t <cluster id> -c <file> [options]"};
  std::string cluster_id, file;
  bool ignore_formatted = false, standalone = false, no_controllers = false;
  std::vector<std::string> scram, features;
  std::string release;

  FormatOptions() {
    options.text("-t,--cluster-id", cluster_id, "id", "The cluster's id; random-uuid makes one.");
    options.text("-c,--config", file, "file", "The server.properties.");
    options.flag("-g,--ignore-formatted", ignore_formatted, "Does not change formatted directories.");
    options.ignored_flag("-s,--standalone", "Has no effect: the node is its own quorum.");
    options.ignored_flag("-N,--no-initial-controllers", "Has no effect: the node is its own quorum.");
    options.ignored("-I,--initial-controllers", "voters", "Has no effect: the node is its own quorum.");
    options.ignored("-r,--release-version", "version", "Has no effect: metadata has the newest version.");
    options.texts("-f,--feature", features, "name=level", "Has no effect: features have their newest level.");
    options.texts("-S,--add-scram", scram, "credential", "A first user: SCRAM-SHA-256=[name=alice,password=...].");
  }
};

// The directories and the node's id, as a file of settings has them.
struct Place {
  std::vector<std::string> log_dirs;
  int32_t node_id = 0;
};

Result<Place> read_place(const std::string& file) {
  config::SettingsInput input;
  input.file = file;
  Result<config::Settings> settings = config::Settings::load(input);
  if (!settings.ok()) return settings.error();
  Place place;
  for (const Bytes& directory : settings->get_list("log.dirs")) place.log_dirs.emplace_back(directory);
  place.node_id = settings->get_int("node.id");
  return place;
}

int format(const FormatOptions& wanted) {
  if (wanted.cluster_id.empty()) return wanted.options.mistake("storage format: expected -t CLUSTER_ID");
  if (!log::is_possible_cluster_id(wanted.cluster_id)) {
    return complain(
        fmt::format("storage format -t {}: expected at most 255 letters, digits and signs", wanted.cluster_id));
  }
  if (!wanted.scram.empty()) {
    if (write_scram_users == nullptr) return complain("storage format --add-scram: expected the milena program with a "
                                                      "broker");
    if (Status checked = write_scram_users(wanted.scram, ""); !checked.ok()) return complain(checked.error().message);
  }
  Result<Place> place = read_place(wanted.file);
  if (!place.ok()) return complain(place.error().message);
  FileSystem& files = posix_file_system();
  for (const std::string& directory : place->log_dirs) {
    std::string path = directory + "/meta.properties";
    if (files.exists(path)) {
      if (wanted.ignore_formatted) continue;
      return complain(
          fmt::format("Log directory {} is already formatted. Use --ignore-formatted to ignore this "
                      "directory and format the others.",
                      directory));
    }
    log::MetaProperties properties;
    properties.cluster_id = wanted.cluster_id;
    properties.node_id = place->node_id;
    properties.directory_id = Uuid::random(system_random());
    Status written = files.make_directories(directory);
    // The file that says that all is done comes last.
    if (written.ok() && !wanted.scram.empty()) written = write_scram_users(wanted.scram, directory);
    if (written.ok()) written = files.write_file_atomically(path, log::encode_meta_properties(properties));
    if (!written.ok()) return complain(written.error().message);
    fmt::print("Formatting metadata directory {} with metadata.version {}.\n", directory, kMetadataVersion);
  }
  return 0;
}

int info(const std::string& file) {
  Result<Place> place = read_place(file);
  if (!place.ok()) return complain(place.error().message);
  FileSystem& files = posix_file_system();
  std::string with, without, properties_text;
  for (const std::string& directory : place->log_dirs) {
    Result<Bytes> text = files.read_file(directory + "/meta.properties");
    (text.ok() ? with : without) += "  " + directory + "\n";
    if (!text.ok()) continue;
    Result<log::MetaProperties> properties = log::decode_meta_properties(*text);
    if (!properties.ok()) return complain(directory + ": " + properties.error().message);
    properties_text =
        fmt::format("{{version=1, cluster.id={}, node.id={}}}", properties->cluster_id, properties->node_id);
  }
  if (!with.empty())
    fmt::print("Found log director{}:\n{}\nFound metadata: {}\n\n", place->log_dirs.size() == 1 ? "y" : "ies", with,
               properties_text);
  if (!without.empty()) fmt::print("Found problem:\n{}  is not formatted.\n\n", without.substr(0, without.size() - 1));
  return without.empty() ? 0 : 1;
}

}  // namespace

int run_kafka_storage(ToolWords words) {
  Options options(Options::Style::kKafka, "kafka-storage.sh", "Formats the directories of a node that runs alone.",
                  "random-uuid\nformat -t <cluster id> -c <file> [--ignore-formatted]\ninfo -c <file>");
  std::string what = words.empty() ? "" : words.front();
  if (what == "format") {
    FormatOptions wanted;
    if (auto code = wanted.options.parse(words.subspan(1))) return *code;
    return format(wanted);
  }
  std::string verb, file;
  options.word("command", verb, "random-uuid, format or info.");
  options.text("-c,--config", file, "file", "The server.properties.");
  if (auto code = options.parse(words)) return *code;
  if (verb == "info") return info(file);
  if (verb != "random-uuid") return options.mistake("storage: expected random-uuid, format or info");
  fmt::print("{}\n", Uuid::random(system_random()).to_string());
  return 0;
}

}  // namespace milena::tools
