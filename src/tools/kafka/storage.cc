// kafka-storage.sh for a node that runs alone. A directory needs no formatting before it is used; formatting decides
// the cluster's id.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/file.h"
#include "base/uuid.h"
#include "config/config_values.h"
#include "config/settings.h"
#include "log/format/meta_properties.h"
#include "tools/commands.h"
#include "tools/kafka/feature_levels.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

struct FormatOptions {
  Options options{Options::Style::kKafka, "kafka-storage.sh format", "Formats the directories of a node.",
                  "-t <cluster id> -c <file> [options]"};
  std::string cluster_id, file;
  bool ignore_formatted = false, standalone = false, no_controllers = false;
  std::vector<std::string> scram, features;
  std::string release, controllers;

  FormatOptions() {
    options.text("-t,--cluster-id", cluster_id, "id", "The cluster's id; random-uuid makes one.");
    options.text("-c,--config", file, "file", "The server.properties.");
    options.flag("-g,--ignore-formatted", ignore_formatted, "Leaves directories that are formatted as they are.");
    options.flag("-s,--standalone", standalone, "Has no effect: the node is its own quorum.");
    options.flag("-N,--no-initial-controllers", no_controllers, "Has no effect: the node is its own quorum.");
    options.text("-I,--initial-controllers", controllers, "voters", "Has no effect: the node is its own quorum.");
    options.text("-r,--release-version", release, "version",
                 "It is checked, and has no effect: metadata begins at the newest version.");
    options.texts("-f,--feature", features, "name=level", "Has no effect: features begin at their newest level.");
    options.texts("-S,--add-scram", scram, "credential", "A first user: SCRAM-SHA-256=[name=alice,password=...].");
  }
};

// The directories and the node's id, as a file of settings has them.
struct Place {
  std::vector<std::string> log_dirs;  // sorted, with that of the metadata
  std::string metadata_dir;
  int32_t node_id = 0;
};

Result<Place> read_place(const std::string& file) {
  config::SettingsInput input;
  input.file = file;
  Result<config::Settings> settings = config::Settings::load(input);
  RETURN_IF_ERROR(settings);
  Place place;
  for (const Bytes& directory : settings->get_list("log.dirs")) place.log_dirs.emplace_back(directory);
  place.metadata_dir = settings->is_null("metadata.log.dir") ? "" : settings->get_string("metadata.log.dir");
  if (place.metadata_dir.empty() && !place.log_dirs.empty()) place.metadata_dir = place.log_dirs.front();
  place.log_dirs.push_back(place.metadata_dir);
  std::sort(place.log_dirs.begin(), place.log_dirs.end());
  place.log_dirs.erase(std::unique(place.log_dirs.begin(), place.log_dirs.end()), place.log_dirs.end());
  place.node_id = settings->get_int("node.id");
  return place;
}

// Nothing is written unless all of it can be.
int format(const FormatOptions& wanted) {
  if (wanted.cluster_id.empty()) return wanted.options.mistake("storage format: expected -t CLUSTER_ID");
  if (wanted.file.empty()) return wanted.options.mistake("storage format: expected -c FILE");
  if (!log::is_possible_cluster_id(wanted.cluster_id)) {
    return complain(
        fmt::format("storage format -t {}: expected at most 255 letters, digits and signs", wanted.cluster_id));
  }
  if (wanted.standalone + wanted.no_controllers + !wanted.controllers.empty() > 1) {
    return wanted.options.mistake(
        "storage format: expected one of --standalone, --no-initial-controllers and --initial-controllers");
  }
  if (!wanted.release.empty() && find_metadata_release(wanted.release) == nullptr) {
    return complain(fmt::format("storage format -r {}: expected a release such as 4.3 or 3.9-IV0", wanted.release));
  }
  if (!wanted.scram.empty()) {
    if (write_scram_users == nullptr) return complain("storage format --add-scram: expected a program with a broker");
    if (Status checked = write_scram_users(wanted.scram, ""); !checked.ok()) return complain(checked.error().message);
  }
  Result<Place> place = read_place(wanted.file);
  if (!place.ok()) return complain(place.error().message);
  FileSystem& files = posix_file_system();
  std::vector<std::string> empty;
  for (const std::string& directory : place->log_dirs) {
    if (!files.exists(directory + "/meta.properties")) {
      empty.push_back(directory);
    } else if (!wanted.ignore_formatted) {
      return complain(
          fmt::format("Log directory {} is already formatted. Use --ignore-formatted to ignore this "
                      "directory and format the others.",
                      directory));
    }
  }
  if (empty.empty()) fmt::print("All of the log directories are already formatted.\n");
  const char* kind = wanted.standalone || !wanted.controllers.empty() ? "dynamic metadata voter" : "metadata";
  for (const std::string& directory : empty) {
    log::MetaProperties properties;
    properties.cluster_id = wanted.cluster_id;
    properties.node_id = place->node_id;
    properties.directory_id = Uuid::random(system_random());
    fmt::print("Formatting {} directory {} with metadata.version {}.\n",
               directory == place->metadata_dir ? kind : "data", directory, newest_metadata_release().name);
    Status written = files.make_directories(directory);
    // The file that says that all is done comes last.
    if (written.ok() && !wanted.scram.empty()) written = write_scram_users(wanted.scram, directory);
    if (written.ok()) {
      written = files.write_file_atomically(directory + "/meta.properties", log::encode_meta_properties(properties));
    }
    if (!written.ok()) return complain(written.error().message);
  }
  return 0;
}

void print_list(const char* noun, const char* nouns, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  fmt::print("Found {}:\n", lines.size() == 1 ? noun : nouns);
  for (const std::string& line : lines) fmt::print("  {}\n", line);
  fmt::print("\n");
}

int info(const std::string& file) {
  Result<Place> place = read_place(file);
  if (!place.ok()) return complain(place.error().message);
  FileSystem& files = posix_file_system();
  std::vector<std::string> found, problems;
  std::optional<log::MetaProperties> first;
  for (const std::string& directory : place->log_dirs) {
    if (!files.exists(directory)) {
      problems.push_back(directory + " does not exist");
      continue;
    }
    if (auto listed = files.list(directory); !listed.ok()) {
      problems.push_back(directory + " is not a directory");
      continue;
    }
    found.push_back(directory);
    const std::string path = directory + "/meta.properties";
    if (!files.exists(path)) {
      problems.push_back(directory + " is not formatted.");
      continue;
    }
    Result<Bytes> text = files.read_file(path);
    Result<log::MetaProperties> properties = text.ok() ? log::decode_meta_properties(*text) : text.error();
    if (!properties.ok()) {
      problems.push_back(fmt::format("Error loading {}: {}", path, properties.error().message));
    } else if (!first) {
      first = *properties;
    } else if (first->cluster_id != properties->cluster_id) {
      problems.emplace_back("Mismatched cluster IDs between storage directories.");
    } else if (first->node_id != properties->node_id) {
      problems.emplace_back("Mismatched node IDs between storage directories.");
    }
  }
  print_list("log directory", "log directories", found);
  if (first) {
    const std::string id =
        first->directory_id ? fmt::format("directory.id={}, ", first->directory_id->to_string()) : "";
    fmt::print("Found metadata: {{cluster.id={}, {}node.id={}, version=1}}\n\n", first->cluster_id, id, first->node_id);
  }
  print_list("problem", "problems", problems);
  return problems.empty() ? 0 : 1;
}

int map_version(const std::string& release) {
  const MetadataRelease* found = release.empty() ? &newest_metadata_release() : find_metadata_release(release);
  if (found == nullptr) {
    return complain(fmt::format("storage version-mapping -r {}: expected a release such as 4.3 or 3.9-IV0", release));
  }
  fmt::print("metadata.version={} ({})\n", found->level, release.empty() ? found->name : release);
  for (const KafkaFeature& feature : kafka_features()) {
    fmt::print("{}={}\n", feature.name, feature.level_with(found->level));
  }
  return 0;
}

int print_dependencies(const std::string& name, int16_t level) {
  if (name == "metadata.version") {
    const MetadataRelease* release = find_metadata_release(level);
    if (release == nullptr) return complain(fmt::format("Unknown metadata.version {}", level));
    fmt::print("{}={} ({}) has no dependencies.\n", name, level, release->name);
    return 0;
  }
  for (const KafkaFeature& feature : kafka_features()) {
    if (name != feature.name) continue;
    for (const FeatureLevel& one : feature.levels) {
      if (one.level != level) continue;
      fmt::print("{}={} {}\n", name, level, one.requires_ == 0 ? "has no dependencies." : "requires:");
      if (one.requires_ != 0) {
        fmt::print("    metadata.version={} ({})\n", one.requires_, find_metadata_release(one.requires_)->name);
      }
      return 0;
    }
    return complain(fmt::format("Feature level {} is not supported for feature {}", level, name));
  }
  return complain("Unknown feature: " + name);
}

int depend(const std::vector<std::string>& features) {
  for (const std::string& text : features) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return complain(
          fmt::format("Invalid feature format: {}. Expected format: 'feature=version' (e.g. "
                      "'group.version=1')",
                      text));
    }
    const std::string name = text.substr(0, equals);
    const auto level = config::parse_integer(text.substr(equals + 1));
    if (!level || *level < INT16_MIN || *level > INT16_MAX) {
      return complain(fmt::format("Invalid version format: {} for feature {}", text.substr(equals + 1), name));
    }
    if (int code = print_dependencies(name, static_cast<int16_t>(*level)); code != 0) return code;
  }
  return 0;
}

}  // namespace

int run_kafka_storage(ToolWords words) {
  Options options(Options::Style::kKafka, "kafka-storage.sh", "Formats the directories of a node that runs alone.",
                  "random-uuid\nformat -t <cluster id> -c <file> [--ignore-formatted]\ninfo -c <file>\n"
                  "version-mapping [-r <release>]\nfeature-dependencies -f <name=level>...");
  std::string what = words.empty() ? "" : words.front();
  if (what == "format") {
    FormatOptions wanted;
    if (auto code = wanted.options.parse(words.subspan(1))) return *code;
    return format(wanted);
  }
  std::string verb, file, release;
  std::vector<std::string> features;
  options.word("command", verb, "random-uuid, format, info, version-mapping or feature-dependencies.");
  options.text("-c,--config", file, "file", "The server.properties.");
  options.text("-r,--release-version", release, "release", "Of version-mapping: 4.3, 3.9-IV0; the newest without it.");
  options.texts("-f,--feature", features, "name=level", "Of feature-dependencies.");
  options.example("milena storage random-uuid");
  options.example("milena storage format -t MkU3OEVBNTcwNTJENDM2Qg -c server.properties");
  options.example("milena storage version-mapping -r 3.9");
  if (auto code = options.parse(words)) return *code;
  if (verb == "info" && file.empty()) return options.mistake("storage info: expected -c FILE");
  if (verb == "info") return info(file);
  if (verb == "version-mapping") return map_version(release);
  if (verb == "feature-dependencies" && features.empty()) {
    return options.mistake("storage feature-dependencies: expected -f NAME=LEVEL");
  }
  if (verb == "feature-dependencies") return depend(features);
  if (verb != "random-uuid") return options.mistake("storage: expected random-uuid, format, info or another command");
  fmt::print("{}\n", Uuid::random(system_random()).to_string());
  return 0;
}

}  // namespace milena::tools
