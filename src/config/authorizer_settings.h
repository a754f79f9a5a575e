// The settings of authorization: authorizer.class.name, and Kafka's StandardAuthorizer's own super.users and
// allow.everyone.if.no.acl.found.
#pragma once

#include <set>

#include "config/settings.h"

namespace milena::config {

inline constexpr ByteView kStandardAuthorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
inline constexpr const char* kSuperUsers = "super.users";
inline constexpr const char* kAllowEveryone = "allow.everyone.if.no.acl.found";

struct AuthorizerSettings {
  // False: everything is allowed to everyone.
  bool enforced = false;
  std::set<Bytes, std::less<>> super_users;  // "User:admin"
  bool allow_if_no_acl = false;
};

// An error names the setting, its source and what was expected. Any class but StandardAuthorizer is an error.
Result<AuthorizerSettings> authorizer_settings(const Settings& settings);

}  // namespace milena::config
