#include "config/settings_protection.h"

#include "config/authorizer_settings.h"

namespace milena {
namespace {

struct Protection {
  const char* name;
  const char* harmless;  // the value, besides none, that asks for nothing
  const char* why;
};

// In Kafka each of these keeps somebody out or refuses to start. Settings of sasl.* are not among them: they count for
// listeners of SASL, which are refused themselves.
constexpr Protection kProtections[] = {
    {"create.topic.policy.class.name", "",
     "Milena runs no Java classes, so no topic would be refused. Start this node with Kafka, or remove the setting"},
    {"alter.config.policy.class.name", "",
     "Milena runs no Java classes, so no change of a config would be refused. Start this node with Kafka, or remove "
     "the setting"},
    {"ssl.engine.factory.class", "",
     "Milena runs no Java classes; expected a key store in ssl.keystore.*. Start this node with Kafka, or remove the "
     "setting"},
    {"principal.builder.class", "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
     "Milena runs no Java classes, so clients would be known under other names. Start this node with Kafka, or remove "
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
  if (auto authorizer = authorizer_settings(settings); !authorizer.ok()) return authorizer.error();
  return ok_status();
}

std::string unprotected_warning(const Settings& settings, ByteView key, bool tls) {
  if (key == kSuperUsers || key == kAllowEveryone) {
    const std::optional<Bytes>& authorizer = settings.text("authorizer.class.name");
    if (authorizer && !authorizer->empty()) return {};
    return "without authorizer.class.name it has no effect, as in Kafka: every client may do everything";
  }
  const bool of_listener = key.starts_with("listener.name.");
  if (!tls && (key.starts_with("ssl.") || (of_listener && key.find(".ssl.") != ByteView::npos))) {
    return "no listener speaks TLS, and on PLAINTEXT listeners it has no effect, as in Kafka: every client that "
           "reaches them is served";
  }
  if (key.starts_with("sasl.") || key.starts_with("delegation.token.") ||
      (of_listener && key.find(".sasl.") != ByteView::npos) ||
      key == "connections.max.reauth.ms") {
    return "Milena has no listeners with SASL yet, and on PLAINTEXT listeners it has no effect, as in Kafka: "
           "every client that reaches them is served";
  }
  return {};
}

}  // namespace milena
