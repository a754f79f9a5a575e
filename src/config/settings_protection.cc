#include "config/settings_protection.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/authorizer_settings.h"
#include "config/config_listeners.h"
#include "config/config_values.h"
#include "config/listener_settings.h"

namespace milena::config {
namespace {

struct Protection {
  const char* name;
  const char* harmless;  // the value, besides none, that protects nothing
  const char* why;
};

// In Kafka each of these keeps clients out or prevents the start.
constexpr Protection kProtections[] = {
    {"create.topic.policy.class.name", "",
     "Milena runs no Java classes, so this policy would refuse no topic. Start this node with Kafka, or remove the "
     "setting"},
    {"alter.config.policy.class.name", "",
     "Milena runs no Java classes, so this policy would refuse no change of a config. Start this node with Kafka, or "
     "remove the setting"},
    {"ssl.engine.factory.class", "",
     "Milena runs no Java classes; expected a key store in ssl.keystore.*. Start this node with Kafka, or remove the "
     "setting"},
    {"principal.builder.class", "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
     "Milena runs no Java classes, so clients would get other principals. Start this node with Kafka, or remove the "
     "setting"},
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
    "it has no effect on listeners without it, as in Kafka: they serve every client";

std::string served_to_all(ByteView what) { return fmt::format("{}: {}", what, kServedToAll); }

}  // namespace

ProtectionWarnings::ProtectionWarnings(const Settings& settings) : settings_(settings) {
  const auto add = [this](const std::string& name, ByteView protocol) {
    listeners_.push_back({name, protocol.ends_with("SSL"), protocol.starts_with("SASL_")});
  };
  for (const auto& some : {broker_listeners(settings), controller_listeners(settings), http_listeners(settings)}) {
    if (!some.ok()) continue;
    for (const ListenerEndpoint& each : *some) add(each.listener_name, each.protocol);
  }
  // For controllers on other nodes they configure this node's connections to them.
  if (settings.has_role("controller")) return;
  for (const Bytes& name : settings.get_list("controller.listener.names")) {
    if (auto protocol = protocol_of_listener(settings, name, true); protocol.ok()) add(name, *protocol);
  }
}

bool ProtectionWarnings::any(bool Listener::*speaks) const {
  return std::any_of(listeners_.begin(), listeners_.end(), [speaks](const Listener& each) { return each.*speaks; });
}

// The one setting of SASL that the HTTP listener has.
bool ProtectionWarnings::is_of_http_users(ByteView key) const {
  return settings_.get_string("milena.http.authentication") == "basic" &&
         key == listener_prefix(kHttpListener) + "plain.sasl.jaas.config";
}

// "listener.name.<name>.<setting>"
std::string ProtectionWarnings::of_listener_key(ByteView key) const {
  if (is_of_http_users(key)) return {};
  key.remove_prefix(ByteView("listener.name.").size());
  const size_t dot = key.find('.');
  const ByteView name = key.substr(0, dot), setting = dot == ByteView::npos ? ByteView() : key.substr(dot + 1);
  for (const Listener& listener : listeners_) {
    if (!equals_ignoring_case(listener.name, name)) continue;
    if (setting.starts_with("ssl.") && !listener.tls) return served_to_all("TLS");
    const bool of_sasl = setting.find("sasl.") != ByteView::npos || setting.ends_with("connections.max.reauth.ms");
    return of_sasl && !listener.sasl ? served_to_all("SASL") : std::string();
  }
  return "there is no listener of this name";
}

std::string ProtectionWarnings::of(ByteView key) const {
  if (key == kSuperUsers || key == kAllowEveryone) {
    const std::optional<Bytes>& authorizer = settings_.text("authorizer.class.name");
    if (authorizer && !authorizer->empty()) return {};
    return "it has no effect without authorizer.class.name, as in Kafka: every client may do everything";
  }
  if (key.starts_with("listener.name.")) return of_listener_key(key);
  if (key.starts_with("ssl.")) return any(&Listener::tls) ? std::string() : served_to_all("TLS");
  const bool of_sasl =
      key.starts_with("sasl.") || key.starts_with("delegation.token.") || key == "connections.max.reauth.ms";
  return of_sasl && !any(&Listener::sasl) ? served_to_all("SASL") : std::string();
}

std::vector<std::string> http_warnings(const Settings& settings) {
  constexpr ByteView kSetting = "milena.http.listeners", kAuthentication = "milena.http.authentication";
  std::vector<std::string> warnings;
  const Result<std::vector<ListenerEndpoint>> endpoints = http_listeners(settings);
  if (!endpoints.ok()) return warnings;
  const bool with_password = settings.get_string(kAuthentication) == "basic";
  const auto client_auth = ListenerSettings(settings, kHttpListener).find({}, "ssl.client.auth");
  const bool with_certificate = client_auth && client_auth->text == "required";
  const bool wanted = settings.is_set(kAuthentication);  // none was chosen
  for (const ListenerEndpoint& each : *endpoints) {
    const bool tls = each.protocol == "SSL";
    if (is_loopback(each.host)) continue;
    const std::string address = fmt::format("{} has {}:{}", kSetting, is_wildcard(each.host) ? "*" : each.host,
                                            each.port);
    if (with_password && !tls) {
      warnings.push_back(fmt::format("{}: passwords can be read on the network; expected https://", address));
    } else if (!with_password && !wanted && !(tls && with_certificate)) {
      warnings.push_back(fmt::format("{}: every client that reaches it can read the metrics, and names of topics, "
                                     "groups and clients; set {}=basic, or =none if the port is protected otherwise",
                                     address, kAuthentication));
    }
  }
  return warnings;
}

}  // namespace milena::config
