#include "config/config_reference.h"

#include <vector>

#include "config/client_metrics_config.h"
#include "config/config_def.h"
#include "config/group_config.h"
#include "config/topic_config.h"

namespace milena::config {
namespace {

constexpr char kIntroduction[] = R"(# Settings

<!-- Written by `milena --config-reference`; change the rows in src/base/config_rows_*.cc and src/metadata/*_config*.cc. -->

Milena needs no settings. Those that are given come, the later the stronger, from

1. a file: `milena server.properties` in the form that Kafka reads, or `milena settings.yaml` with the same keys, where
   nested maps are joined with dots and lists with commas:

   ```yaml
   log.dirs: /srv/milena
   num.partitions: 3
   log.retention:
     hours: 24
   ```

2. with `--env`, the environment, with the names that Kafka's own image uses: `KAFKA_NUM_PARTITIONS=3`. One underscore stands for a
   dot, two for an underscore, three for a dash. What is meant for the JVM (`KAFKA_HEAP_OPTS`, `KAFKA_JMX_PORT` and the
   like) is ignored in silence. `CLUSTER_ID` is `milena.cluster.id`. Bitnami's names (`KAFKA_CFG_NUM_PARTITIONS`) do the
   same; where both are there, `KAFKA_*` counts. With `KAFKA_ADVERTISED_LISTENERS` and without `listeners` the broker listens
   on the ports that are advertised, at every address, as in Kafka's image.

   The environment counts with `--env` only. The images start with it; elsewhere a variable that is meant for an
   application must not alter the broker, and a warning names what was not taken.

3. the command line: `--override num.partitions=3`, as often as needed.

`milena config` prints the settings that hold, and where each of them came from; `milena config --all` the defaults, too.

A `server.properties` of a Kafka installation can be used as it is if it describes a node that stands alone or a broker:
`process.roles=broker`, with the controllers in `controller.quorum.voters` or `controller.quorum.bootstrap.servers`. A
controller of Milena is the only one of its quorum; more are refused, with what to do.

A value that cannot be is refused at start, with the key, the value and what was expected. A key that does not exist is
named in a warning together with the one that was probably meant, and ignored. So is a key whose work Milena does not
do yet, if it is set to something else than its default.

What would keep somebody out and is not enforced is refused at start rather than ignored: an `authorizer.class.name`
other than Kafka's StandardAuthorizer ([security.md](security.md)), `create.topic.policy.class.name`,
`alter.config.policy.class.name` and other Java classes of that kind. What protects nothing in Kafka either (`super.users`
without an authorizer, `ssl.client.auth` with PLAINTEXT listeners) is named in a warning.

## Altering while the broker runs

`kafka-configs.sh` and every admin client alter settings for this broker (`--entity-name 1`), for all brokers
(`--entity-default`), topics, groups and subscriptions of client metrics; they take effect at once and are kept in the
cluster's metadata. What is strongest counts: altered for this broker, altered for all, given at start, the default. Topics
that set nothing of their own follow the broker's settings, also the altered ones.

Log levels (`--entity-type broker-loggers`) last until the next start. The loggers are `root` and one for each folder of
the source: `milena.broker`, `milena.log` and so on, which follow `root` until they are given a level. Names of Kafka's
that people use (`kafka`, `kafka.server.ReplicaManager`) are known, too, and stand for the folder that logs the same.

## What is different from Kafka

- `listeners` without a host serves every address, IPv4 and IPv6. Listeners named in `controller.listener.names` are not
  opened: the controller is part of the process.
- `advertised.listeners` that is not set tells clients the hosts that `listeners` names. For a listener on all addresses,
  and with `auto` for every one, each client is told the address that its own connection came to.
- `log.dirs` is `$XDG_DATA_HOME/milena` or `~/.local/share/milena` for a user and `/var/lib/milena` for root, never in
  `/tmp`.
- `socket.send.buffer.bytes` and `socket.receive.buffer.bytes` have an effect only when they are set; otherwise the
  system adapts the buffers to the connection.
- Defaults that work on one node differ as the tables say.

## How to read the tables

*Scope* says how Kafka lets a setting be altered while the broker runs: not at all (read-only), for one broker, or for all
of them (cluster-wide). *In Milena*: **yes**, it does what it says; *no effect*, there is nothing to do, as it concerns
the JVM or a part that Milena does without; *not yet*, Milena does not do this so far.
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
      "\n## Topics\n\nA topic that does not set one follows the broker's settings of the fifth column, the first that "
      "is set.\n\n| Config | Type | Default | Valid | Follows | In Milena | What it does "
      "|\n|---|---|---|---|---|---|---|\n";
  for (const TopicConfigDef* config : topic_configs_by_name()) add_topic_row(*config, page);
  page +=
      "\n## Single groups\n\nA group that does not set one follows the broker's setting. What it sets must lie within "
      "the broker's limits.\n\n| Config | Type | Default | Valid | Follows | Limits | What it does |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const GroupConfigDef& config : group_config_defs()) add_group_row(config, page);
  page += "\n## Subscriptions of client metrics\n\n| Config | Type | Default | What it does |\n|---|---|---|---|\n";
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
    page += fmt::format("\n## {}\n\n| Setting | Type | Default | Valid | Scope | In Milena | What it does |\n"
                        "|---|---|---|---|---|---|---|\n", section.title);
    for (const ConfigDef& def : section.rows) add_row(def, page);
  }
  add_resources(page);
  return page;
}

}  // namespace milena::config
