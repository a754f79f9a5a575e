// The entities of kafka-configs.sh: `--entity-type topics --entity-name t`, or `--topic t`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/admin.h"
#include "tools/options.h"

namespace milena::tools {

struct ConfigEntity {
  std::string type;                 // in the plural, as in --entity-type
  std::optional<std::string> name;  // empty: the default of all

  // nullopt for entities with quotas.
  std::optional<ConfigKind> resource() const;
};

struct EntityOptions {
  std::vector<std::string> types, names;
  bool entity_default = false;
  std::map<std::string, std::optional<std::string>> named;  // by type: --topic, --broker, ...
  std::map<std::string, bool> defaults;                     // by type: --user-defaults, ...

  void add_to(Options& options);
  Result<std::vector<ConfigEntity>> entities() const;
};

// Whether it is about passwords of users, which are no quotas.
bool names_scram(const std::map<std::string, std::string>& set, const std::vector<std::string>& remove);
Status alter_passwords(Cluster& cluster, const std::vector<ConfigEntity>& entities,
                       const std::map<std::string, std::string>& set, const std::vector<std::string>& remove);
// Users, clients and addresses.
bool is_quota_entity(const std::string& type);
Status describe_quotas(Cluster& cluster, const std::vector<ConfigEntity>& entities);
Status alter_quotas(Cluster& cluster, const std::vector<ConfigEntity>& entities,
                    const std::map<std::string, std::string>& set, const std::vector<std::string>& remove);

}  // namespace milena::tools
