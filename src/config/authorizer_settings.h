// The settings of authorization: authorizer.class.name, Kafka's StandardAuthorizer's own super.users and
// allow.everyone.if.no.acl.found, and the principals of PLAINTEXT listeners.
#pragma once

#include <map>
#include <set>

#include "config/config_listeners.h"
#include "config/settings.h"

namespace milena::config {

inline constexpr ByteView kStandardAuthorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
inline constexpr const char* kSuperUsers = "super.users";
inline constexpr const char* kPlaintextPrincipal = "milena.plaintext.principal";
inline constexpr const char* kAllowEveryone = "allow.everyone.if.no.acl.found";

struct AuthorizerSettings {
  // False: everything is allowed to everyone.
  bool enforced = false;
  std::set<Bytes, std::less<>> super_users;  // "User:admin"
  bool allow_if_no_acl = false;
};

// milena.plaintext.principal of those listeners that are PLAINTEXT, by the listener's name: "User:alice". A listener
// without it is not there: its clients are ANONYMOUS.
using PlaintextPrincipals = std::map<Bytes, Bytes, std::less<>>;
Result<PlaintextPrincipals> plaintext_principals(const Settings& settings,
                                                 const std::vector<ListenerEndpoint>& listeners);

// An error names the setting, its source and what was expected. Any class but StandardAuthorizer is an error.
Result<AuthorizerSettings> authorizer_settings(const Settings& settings);

}  // namespace milena::config
