// `rpk redpanda start`, `redpanda start`: converts the arguments of Redpanda's containers to settings of Milena.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/file.h"
#include "tools/commands.h"
#include "tools/kafka/script.h"

namespace milena::tools {
namespace {

struct RedpandaOptions {
  Options options{Options::Style::kOwn, "redpanda start",
                  "Starts the broker with the options of Redpanda's containers.", "[options]"};
  std::string kafka_address, advertised, file = "/etc/redpanda/redpanda.yaml", directory, node_id;
  std::vector<std::string> sets;

  RedpandaOptions() {
    options.text("--kafka-addr", kafka_address, "name://host:port,...", "Listeners.");
    options.text("--advertise-kafka-addr", advertised, "name://host:port,...", "Addresses for clients.");
    options.text("--config,--redpanda-cfg", file, "file", "Redpanda's file of settings.");
    options.text("--data-directory", directory, "directory", "Data directory.");
    options.text("--node-id", node_id, "n", "The node's id.");
    options.texts("--set", sets, "key=value", "redpanda.auto_create_topics_enabled and a few more have an effect.");
    for (const char* name : {"--mode", "--smp", "-c", "--memory,-m", "--reserve-memory", "--rpc-addr",
                             "--advertise-rpc-addr", "--pandaproxy-addr", "--advertise-pandaproxy-addr",
                             "--schema-registry-addr", "--seeds", "--default-log-level", "--logger-log-level"}) {
      options.ignored(name, "value", "Has no effect.");
    }
    for (const char* name :
         {"--check", "--overprovisioned", "--unsafe-bypass-fsync", "--lock-memory", "--install-dir"}) {
      options.maybe_text(name, ignored_value, "value", "Has no effect.");
    }
  }
  std::optional<std::string> ignored_value;
};

struct Listener {
  std::string name;
  std::string host;
  std::string port;
};

// Redpanda's names may be in lower case, or missing.
std::string listener_name(std::string name) {
  if (name.empty()) name = "PLAINTEXT";
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; });
  return name;
}

std::vector<Listener> parse_listeners(const std::string& text) {
  std::vector<Listener> found;
  if (text.empty()) return found;
  for (const std::string& one : split(text, ',')) {
    size_t scheme = one.find("://");
    std::string address = scheme == std::string::npos ? one : one.substr(scheme + 3);
    size_t colon = address.rfind(':');
    bool has_port = colon != std::string::npos && address.find(']', colon) == std::string::npos;
    found.push_back({listener_name(scheme == std::string::npos ? "" : one.substr(0, scheme)),
                     has_port ? address.substr(0, colon) : address, has_port ? address.substr(colon + 1) : "9092"});
  }
  return found;
}

std::vector<Listener> read_listeners(const YAML::Node& node) {
  std::vector<Listener> found;
  auto add = [&](const YAML::Node& one) {
    if (!one.IsMap() || !one["address"]) return;
    found.push_back({listener_name(one["name"] ? one["name"].as<std::string>() : ""), one["address"].as<std::string>(),
                     one["port"] ? one["port"].as<std::string>() : "9092"});
  };
  if (node && node.IsSequence()) {
    for (const YAML::Node& one : node) add(one);
  } else if (node) {
    add(node);
  }
  return found;
}

std::string joined(const std::vector<Listener>& listeners) {
  std::string text;
  for (const Listener& one : listeners) {
    text += fmt::format("{}{}://{}:{}", text.empty() ? "" : ",", one.name, one.host, one.port);
  }
  return text;
}

// Reads settings that the options do not set from the file.
Status read_file(const std::string& path, std::vector<Listener>& listeners, std::vector<Listener>& advertised,
                 std::string& directory) {
  if (!posix_file_system().exists(path)) return ok_status();
  Result<Bytes> text = posix_file_system().read_file(path);
  RETURN_IF_ERROR(text);
  try {
    YAML::Node root = YAML::Load(std::string(*text));
    YAML::Node settings = root.IsMap() ? root["redpanda"] : YAML::Node();
    if (!settings || !settings.IsMap()) return ok_status();
    if (listeners.empty()) listeners = read_listeners(settings["kafka_api"]);
    if (advertised.empty()) advertised = read_listeners(settings["advertised_kafka_api"]);
    if (directory.empty() && settings["data_directory"]) directory = settings["data_directory"].as<std::string>();
  } catch (const YAML::Exception& error) {
    return make_error(ErrorKind::kInvalid, "{}: {}", path, error.what());
  }
  return ok_status();
}

void add_listeners(const std::vector<Listener>& listeners, const std::vector<Listener>& advertised,
                   std::vector<std::string>& words) {
  auto override_with = [&](const std::string& setting) {
    words.push_back("--override");
    words.push_back(setting);
  };
  std::vector<Listener> told;  // of existing listeners
  for (const Listener& one : advertised) {
    bool there = std::any_of(listeners.begin(), listeners.end(), [&](auto& other) { return other.name == one.name; });
    if (there || listeners.empty()) told.push_back(one);
  }
  std::string map;
  for (const Listener& one : listeners) map += fmt::format("{}{}:PLAINTEXT", map.empty() ? "" : ",", one.name);
  if (!listeners.empty()) override_with("listeners=" + joined(listeners));
  if (!map.empty()) override_with("listener.security.protocol.map=" + map);
  if (!told.empty() && told.size() >= listeners.size()) override_with("advertised.listeners=" + joined(told));
  bool only_plain = listeners.empty() || (listeners.size() == 1 && listeners.front().name == "PLAINTEXT");
  if (!only_plain) override_with("inter.broker.listener.name=" + listeners.front().name);
}

void add_set(const std::string& set, std::vector<std::string>& words) {
  constexpr std::pair<const char*, const char*> kKnown[] = {
      {"auto_create_topics_enabled", "auto.create.topics.enable"},
      {"default_topic_partitions", "num.partitions"},
      {"kafka_batch_max_bytes", "message.max.bytes"},
      {"group_initial_rebalance_delay", "group.initial.rebalance.delay.ms"},
      {"delete_retention_ms", "log.retention.ms"},
      {"log_retention_ms", "log.retention.ms"}};
  size_t equals = set.find('=');
  std::string key = set.substr(0, equals);
  key.erase(0, key.rfind('.') + 1);
  for (const auto& [theirs, ours] : kKnown) {
    if (key != theirs || equals == std::string::npos) continue;
    words.push_back("--override");
    words.push_back(fmt::format("{}={}", ours, set.substr(equals + 1)));
    return;
  }
  fmt::print(stderr, "milena: --set {}: has no effect\n", set);
}

}  // namespace

std::optional<std::vector<std::string>> redpanda_words(ToolWords given, int& code) {
  RedpandaOptions wanted;
  code = 0;
  if (!given.empty() && std::string_view(given.front()) == "redpanda") given = given.subspan(1);
  if (given.empty() || std::string_view(given.front()) != "start") {
    code = wanted.options.mistake("expected start");
    return std::nullopt;
  }
  if (auto ended = wanted.options.parse(given.subspan(1))) {
    code = *ended;
    return std::nullopt;
  }
  std::vector<Listener> listeners = parse_listeners(wanted.kafka_address);
  std::vector<Listener> advertised = parse_listeners(wanted.advertised);
  Status read = read_file(wanted.file, listeners, advertised, wanted.directory);
  if (!read.ok()) {
    code = complain(read.error().message);
    return std::nullopt;
  }
  std::vector<std::string> words = {"milena"};
  add_listeners(listeners, advertised, words);
  for (const std::string& set : wanted.sets) add_set(set, words);
  std::string directory = wanted.directory.empty() ? "/var/lib/redpanda/data" : wanted.directory;
  words.insert(words.end(), {"--override", "log.dirs=" + directory});
  if (!wanted.node_id.empty() && wanted.node_id != "0") {
    words.insert(words.end(), {"--override", "node.id=" + wanted.node_id});
  }
  // Testcontainers' modules wait for these lines.
  for (const char* line : {"Started Kafka API server", "Successfully started Redpanda!"}) {
    words.insert(words.end(), {"--say-when-ready", line});
  }
  return words;
}

}  // namespace milena::tools
