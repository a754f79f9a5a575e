// A seed file: the resources of a new cluster, in YAML: topics with configs and records, users, ACLs, quotas
// (milena.seed.file, docs/seed.md). It is parsed without a broker, so that all mistakes are reported at once, with the
// file, the line and the column.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "security/scram.h"
#include "tools/acl_admin.h"
#include "tools/admin.h"
#include "tools/kafka/config_entities.h"
#include "tools/records/record.h"

namespace milena::tools {

struct Seed {
  struct Topic {
    NewTopic topic;
    std::vector<TextRecord> records;
  };
  struct User {
    std::string name;
    std::string password;
    std::vector<security::ScramMechanism> mechanisms;
  };
  struct Quota {
    std::vector<ConfigEntity> entities;
    std::map<std::string, std::string> values;
  };

  std::vector<Topic> topics;
  std::vector<User> users;
  bool users_are_replaced = false;  // users that exist get these passwords
  Acls acls;
  std::vector<Quota> quotas;
  // Of the file and of all files that it names, to recognize it.
  std::string digest;
};

Result<Seed> read_seed(const std::string& path);

}  // namespace milena::tools
