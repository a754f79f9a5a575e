#include "config/settings_protection.h"

#include <algorithm>

#include "config/authorizer_settings.h"
#include "config/config_listeners.h"
#include "config/config_values.h"

namespace milena {
namespace {

struct Protection {
  const char* name;
  const char* harmless;  // the value, besides none, that asks for nothing
  const char* why;
};

// In Kafka each of these keeps somebody out or refuses to start.
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

namespace {

constexpr ByteView kServedToAll =
    "it has no effect on listeners without it, as in Kafka: every client that reaches them is served";

std::vector<ListenerEndpoint> all_listeners(const Settings& settings) {
  std::vector<ListenerEndpoint> all;
  for (auto some : {broker_listeners(settings), controller_listeners(settings)}) {
    if (some.ok()) all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

bool speaks_tls(const ListenerEndpoint& listener) { return listener.protocol.ends_with("SSL"); }
bool speaks_sasl(const ListenerEndpoint& listener) { return listener.protocol.starts_with("SASL_"); }

bool any_listener(const Settings& settings, bool (*speaks)(const ListenerEndpoint&)) {
  const std::vector<ListenerEndpoint> all = all_listeners(settings);
  return std::any_of(all.begin(), all.end(), speaks);
}

// "listener.name.<name>.<setting>"
std::string listener_warning(const Settings& settings, ByteView key) {
  key.remove_prefix(ByteView("listener.name.").size());
  const size_t dot = key.find('.');
  const ByteView name = key.substr(0, dot), setting = dot == ByteView::npos ? ByteView() : key.substr(dot + 1);
  for (const ListenerEndpoint& listener : all_listeners(settings)) {
    if (!equals_ignoring_case(listener.listener_name, name)) continue;
    if (setting.starts_with("ssl.") && !speaks_tls(listener)) return "TLS: " + std::string(kServedToAll);
    const bool of_sasl = setting.find("sasl.") != ByteView::npos || setting.ends_with("connections.max.reauth.ms");
    if (of_sasl && !speaks_sasl(listener)) return "SASL: " + std::string(kServedToAll);
    return {};
  }
  return "there is no listener of this name";
}

}  // namespace

std::string unprotected_warning(const Settings& settings, ByteView key) {
  if (key == kSuperUsers || key == kAllowEveryone) {
    const std::optional<Bytes>& authorizer = settings.text("authorizer.class.name");
    if (authorizer && !authorizer->empty()) return {};
    return "without authorizer.class.name it has no effect, as in Kafka: every client may do everything";
  }
  if (key.starts_with("listener.name.")) return listener_warning(settings, key);
  if (key.starts_with("ssl.")) return any_listener(settings, speaks_tls) ? "" : "TLS: " + std::string(kServedToAll);
  const bool of_sasl =
      key.starts_with("sasl.") || key.starts_with("delegation.token.") || key == "connections.max.reauth.ms";
  // Those of the broker's own connections are in every file that Kafka's documents show.
  if (!of_sasl || any_listener(settings, speaks_sasl)) return {};
  return "SASL: " + std::string(kServedToAll);
}

}  // namespace milena
