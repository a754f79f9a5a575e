#include "config/settings_protection.h"

namespace milena {
namespace {

struct Protection {
  const char* name;
  const char* harmless;  // the value, besides none, that asks for nothing
  const char* why;
};

// In Kafka each of these keeps somebody out or refuses to start. Settings of ssl.* and sasl.* are not among them: they
// count for listeners of SSL and SASL, which are refused themselves.
constexpr Protection kProtections[] = {
    {"authorizer.class.name", "",
     "Milena enforces no ACLs yet, so every client could do everything. Start this node with Kafka, or, if all clients "
     "may do everything, remove authorizer.class.name and super.users"},
    {"create.topic.policy.class.name", "",
     "Milena runs no Java classes, so no topic would be refused. Start this node with Kafka, or remove the setting"},
    {"alter.config.policy.class.name", "",
     "Milena runs no Java classes, so no change of a config would be refused. Start this node with Kafka, or remove "
     "the setting"},
};

}  // namespace

Status check_protection(const Settings& settings) {
  for (const Protection& protection : kProtections) {
    const std::optional<Bytes>& text = settings.text(protection.name);
    if (!settings.is_set(protection.name) || !text || text->empty() || *text == protection.harmless) continue;
    return make_error(ErrorKind::kInvalid, "{}={} ({}): {}", protection.name, *text, settings.origin(protection.name),
                      protection.why);
  }
  return ok_status();
}

std::string unprotected_warning(ByteView key) {
  if (key == "super.users" || key == "allow.everyone.if.no.acl.found") {
    return "without authorizer.class.name it has no effect, as in Kafka: every client may do everything";
  }
  if (key.starts_with("ssl.")) {
    return "Milena has no listeners with TLS yet, and on PLAINTEXT listeners it has no effect, as in Kafka: every "
           "client that reaches them is served";
  }
  return {};
}

}  // namespace milena
