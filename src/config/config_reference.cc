#include "config/config_reference.h"

#include <vector>

#include "config/client_metrics_config.h"
#include "config/config_def.h"
#include "config/group_config.h"
#include "config/topic_config.h"

namespace milena::config {
namespace {

constexpr char kIntroduction[] = R"(# Settings

<!-- Written by `milena --config-reference`; change the rows in src/config/config_rows_*.cc and src/config/*_config*.cc. -->

Milena needs no settings. It reads settings from these sources; a later one overrides an earlier one:

1. a file: `milena server.properties` in the form that Kafka reads, or `milena settings.yaml` with the same keys, where
   nested maps are joined with dots and lists with commas:

   ```yaml
   log.dirs: /srv/milena
   num.partitions: 3
   log.retention:
     hours: 24
   ```

2. with `--env`, the environment, with the names that Kafka's own image uses: `KAFKA_NUM_PARTITIONS=3`. One underscore stands for a
   dot, two for an underscore, three for a dash. Variables for the JVM (`KAFKA_HEAP_OPTS`, `KAFKA_JMX_PORT` and others)
   are ignored. `CLUSTER_ID` is `milena.cluster.id`. Bitnami's names (`KAFKA_CFG_NUM_PARTITIONS`) work, too; if both
   forms are set, `KAFKA_*` counts. With `KAFKA_ADVERTISED_LISTENERS` and without `listeners` the broker listens
   on the advertised ports, at every address, as in Kafka's image.

   The environment only counts with `--env`. The images start with it. Without it a variable that is meant for an
   application does not change the broker, and a warning names the ignored variables.

3. the command line: `--override num.partitions=3`, as often as needed.

`milena config` prints the effective settings and their sources; `milena config --all` prints the defaults, too.

A `server.properties` of a Kafka installation can be used as it is if it describes a single node or a broker:
`process.roles=broker`, with the controllers in `controller.quorum.voters` or `controller.quorum.bootstrap.servers`. A
Milena controller is the only one of its quorum; a setting with several is refused, and the error says what to do.

An invalid value is refused at start; the error has the key, the value and the expected values. An unknown key is
ignored; a warning names it and the most similar key. A setting that Milena does not implement yet is also ignored with
a warning, if it is not set to its default.

Settings that protect a Kafka broker and are not enforced are refused at start: an `authorizer.class.name`
other than Kafka's StandardAuthorizer ([security.md](security.md)), `create.topic.policy.class.name`,
`alter.config.policy.class.name` and other Java classes of that kind. Settings that protect nothing in Kafka either
(`super.users` without an authorizer, `ssl.client.auth` with PLAINTEXT listeners) cause a warning.

## Altering while the broker runs

`kafka-configs.sh` and every admin client alter settings for this broker (`--entity-name 1`), for all brokers
(`--entity-default`), topics, groups and subscriptions of client metrics; they take effect at once and are kept in the
cluster's metadata. The order of precedence: altered for this broker, altered for all, given at start, the default. Topics
without configs of their own follow the broker's settings, also the altered ones.

Log levels (`--entity-type broker-loggers`) last until the next start. The loggers are `root` and one for each folder of
the source: `milena.broker`, `milena.log` and so on, which follow `root` until their own level is set. Common names of
Kafka's loggers (`kafka`, `kafka.server.ReplicaManager`) are known, too, and stand for the folder that logs the same.

## Differences from Kafka

- `listeners` without a host serves every address, IPv4 and IPv6. Listeners named in `controller.listener.names` are not
  opened: the controller is part of the process.
- Without `advertised.listeners`, clients get the hosts in `listeners`. For a listener on all addresses,
  and with `auto` for every listener, each client gets the address that its own connection came to.
- `log.dirs` is `$XDG_DATA_HOME/milena` or `~/.local/share/milena` for a user and `/var/lib/milena` for root, never in
  `/tmp`.
- `socket.send.buffer.bytes` and `socket.receive.buffer.bytes` only have an effect if they are set; otherwise the
  system adapts the buffers to the connection.
- Some defaults differ so that they work on one node; the tables show both.

## How to read the tables

*Scope* says how Kafka lets a setting be altered while the broker runs: not at all (read-only), for one broker, or for all
of them (cluster-wide). *In Milena*: **yes**, it works; *no effect*, it concerns the JVM or a part that Milena does not
have; *not yet*, Milena does not implement it so far.
)";

struct Section {
  const char* title;
  std::span<const ConfigDef> rows;
};

Bytes code(ByteView text) {
  if (text.empty()) return "(empty)";
  return text[0] == '(' ? Bytes(text) : fmt::format("`{}`", text);
}

const char* state(const ConfigDef& def) {
  if (def.marks & kConfigHonoured) return "**yes**";
  return def.marks & kConfigNoEffect ? "no effect" : "not yet";
}

void add_row(const ConfigDef& def, Bytes& page) {
  Bytes value = def.default_value ? code(def.default_value) : "";
  if (def.kafka_default) value += fmt::format(", Kafka: {}", code(def.kafka_default));
  page += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", def.name, config_type_name(def.type), value,
                      def.valid[0] ? code(def.valid) : "", config_scope_name(def.scope), state(def),
                      def.documentation);
}

void add_topic_row(const TopicConfigDef& config, Bytes& page) {
  Bytes follows;
  for (const ConfigSynonym& synonym : config.synonyms) {
    follows += fmt::format("{}`{}`", follows.empty() ? "" : ", ", synonym.name);
  }
  const ConfigDef& def = config.def;
  page += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", def.name, config_type_name(def.type),
                      def.default_value ? code(def.default_value) : "", def.valid[0] ? code(def.valid) : "", follows,
                      state(def), def.documentation);
}

void add_group_row(const GroupConfigDef& config, Bytes& page) {
  auto name = [](const char* text) { return text != nullptr ? fmt::format("`{}`", text) : Bytes(); };
  Bytes limits = name(config.least);
  if (config.most != nullptr) limits += (limits.empty() ? "" : ", ") + name(config.most);
  const ConfigDef& def = config.def;
  page += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", def.name, config_type_name(def.type),
                      code(default_text(def)), def.valid[0] ? code(def.valid) : "", name(config.follows), limits,
                      def.documentation);
}

void add_resources(Bytes& page) {
  page +=
      "\n## Topics\n\nA topic without a config of its own follows the first broker setting of the fifth column that "
      "is set.\n\n| Config | Type | Default | Valid | Follows | In Milena | Description "
      "|\n|---|---|---|---|---|---|---|\n";
  for (const TopicConfigDef* config : topic_configs_by_name()) add_topic_row(*config, page);
  page +=
      "\n## Single groups\n\nA group without a config of its own follows the broker's setting. Its own value must be "
      "within the broker's limits.\n\n| Config | Type | Default | Valid | Follows | Limits | Description |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const GroupConfigDef& config : group_config_defs()) add_group_row(config, page);
  page += "\n## Subscriptions of client metrics\n\n| Config | Type | Default | Description |\n|---|---|---|---|\n";
  for (const ConfigDef& def : client_metrics_config_defs()) {
    page += fmt::format("| `{}` | {} | {} | {} |\n", def.name, config_type_name(def.type), code(default_text(def)),
                        def.documentation);
  }
}

}  // namespace

Bytes config_reference() {
  const Section kSections[] = {
      {"The node, topics, the controller, transactions", config_rows_node()},
      {"Listeners, connections, requests, replication", config_rows_network()},
      {"Data directories, logs, retention, the cleaner, tiered storage", config_rows_log()},
      {"Groups", config_rows_groups()},
      {"Security", config_rows_security()},
      {"Quotas and metrics", config_rows_operations()},
  };
  Bytes page = kIntroduction;
  for (const Section& section : kSections) {
    page += fmt::format("\n## {}\n\n| Setting | Type | Default | Valid | Scope | In Milena | Description |\n"
                        "|---|---|---|---|---|---|---|\n", section.title);
    for (const ConfigDef& def : section.rows) add_row(def, page);
  }
  add_resources(page);
  return page;
}

}  // namespace milena::config
