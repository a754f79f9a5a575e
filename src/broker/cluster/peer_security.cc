#include "broker/cluster/peer_security.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/log.h"
#include "config/config_listeners.h"
#include "config/listener_settings.h"
#include "security/tls_rehearsal.h"

namespace milena::broker {
namespace {

constexpr ByteView kJaas = "sasl.jaas.config";

// Source: Kafka's ChannelBuilders.clientChannelBuilder with the context of a server: username and password in the
// listener's own JAAS line are the broker's own login.
Result<security::SaslCredentials> login_of(const config::Settings& settings, const config::ListenerSettings& own,
                                           ByteView mechanism_key) {
  const Bytes mechanism = settings.get_string(mechanism_key);
  const std::optional<config::ListenerSettings::Found> line = own.find_own(mechanism, kJaas);
  if (!line) {
    return make_error(ErrorKind::kInvalid, "{} is not set; this node needs it to authenticate to other nodes with "
                                           "{}={}",
                      own.key_of(mechanism, kJaas), mechanism_key, mechanism);
  }
  Result<security::JaasEntry> entry = security::parse_jaas(line->text);
  if (!entry.ok()) return config::ListenerSettings::mistake(*line, true, entry.error().message);
  Result<security::SaslCredentials> credentials = security::sasl_credentials(mechanism, *entry);
  if (credentials.ok()) return credentials;
  if (credentials.error().kind == ErrorKind::kUnsupported) {
    return make_error(ErrorKind::kInvalid, "{}={}: {}", mechanism_key, mechanism, credentials.error().message);
  }
  return config::ListenerSettings::mistake(*line, true, credentials.error().message);
}

Result<PeerSecurity> security_of(const config::Settings& settings, const std::string& listener, bool of_controllers,
                                 ByteView mechanism_key) {
  PeerSecurity security;
  security.listener = listener;
  Result<std::string> protocol = config::protocol_of_listener(settings, listener, of_controllers);
  RETURN_IF_ERROR(protocol);
  security.protocol = security::parse_security_protocol(*protocol).value();
  const config::ListenerSettings own(settings, listener);
  if (security::uses_tls(security.protocol)) security.tls = security::TlsSettings::of_listener(own, security.protocol);
  if (security::uses_sasl(security.protocol)) {
    Result<security::SaslCredentials> login = login_of(settings, own, mechanism_key);
    RETURN_IF_ERROR(login);
    security.login = login.take();
  }
  return security;
}

}  // namespace

std::string inter_broker_listener(const config::Settings& settings) {
  return ascii_upper(settings.is_null("inter.broker.listener.name")
                         ? settings.get_string("security.inter.broker.protocol")
                         : settings.get_string("inter.broker.listener.name"));
}

Result<PeerSecurity> broker_peer_security(const config::Settings& settings) {
  constexpr ByteView kMechanism = "sasl.mechanism.inter.broker.protocol";
  if (!settings.is_null("inter.broker.listener.name") && settings.is_set("security.inter.broker.protocol")) {
    return make_error(ErrorKind::kInvalid, "inter.broker.listener.name={} and security.inter.broker.protocol={}: "
                      "expected one of them", settings.get_string("inter.broker.listener.name"),
                      settings.get_string("security.inter.broker.protocol"));
  }
  std::string listener = inter_broker_listener(settings);
  if (settings.is_null("inter.broker.listener.name") && !settings.is_set("security.inter.broker.protocol")) {
    // Kafka starts no broker whose listeners have other names. Here the first listener is used.
    const auto own = config::broker_listeners(settings);
    RETURN_IF_ERROR(own);
    const bool there = std::any_of(own->begin(), own->end(), [&](const auto& each) {
      return each.listener_name == listener;
    });
    if (!there && !own->empty()) listener = own->front().listener_name;
  }
  Result<PeerSecurity> security = security_of(settings, listener, false, kMechanism);
  if (!security.ok() || !security->login) return security;
  const auto enabled = config::ListenerSettings(settings, listener).list({}, "sasl.enabled.mechanisms");
  RETURN_IF_ERROR(enabled);
  const Bytes& mechanism = security->login->mechanism;
  if (std::find(enabled->begin(), enabled->end(), mechanism) == enabled->end()) {
    return make_error(ErrorKind::kInvalid, "{}={}: expected one of sasl.enabled.mechanisms",
                      kMechanism, mechanism);
  }
  return security;
}

Result<PeerSecurity> controller_peer_security(const config::Settings& settings) {
  const auto names = settings.get_list("controller.listener.names");
  return security_of(settings, names.empty() ? "PLAINTEXT" : std::string(names.front()), true,
                     "sasl.mechanism.controller.protocol");
}

Status try_stores_of_brokers(const config::Settings& settings, int64_t now_ms) {
  const Result<PeerSecurity> security = broker_peer_security(settings);
  if (!settings.has_role("broker") || !security.ok() || !security->tls) return ok_status();
  const auto refusal = security::refusal_between_nodes(*security->tls, now_ms);
  if (!refusal) return ok_status();
  const Error error = make_error(ErrorKind::kInvalid,
                                 "brokers would not accept each other on listener {}, with its key store, its trust "
                                 "store and ssl.client.auth: {}; expected a trust store that has the issuer of the "
                                 "certificate",
                                 security->listener, *refusal);
  if (!settings.has_role("controller")) return error;
  log_warn("If other brokers join: {}", error.message);
  return ok_status();
}

}  // namespace milena::broker
